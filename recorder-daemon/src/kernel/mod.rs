//! The door to the kernel, and the only user of aya: load, attach, want, arm, snapshot, forget.
//!
//! Invariant: a snapshot reads and never deletes. Reading twice does no harm.

mod arm;
mod bpf;
mod btf;
mod end;
mod epoch;
mod error;
mod hooks;
mod memlock;
mod news;
mod pins;
mod plain;
mod probe;
mod recorder;
mod rows;
mod snapshot;
mod target;
mod touched;
mod usage;

pub use arm::Want;
pub use error::Error;
pub use news::{Fresh, Happened};
pub use probe::{LAST_EXACT, OLDEST, is_bpffs, layout, trial, version};
pub use recorder::{Limits, Manager, Recorder, TakenOver, Unit};
pub use recorder_common::HostMisses;
pub use snapshot::{Sighting, Snapshot};
pub use touched::Touched;
pub use usage::Usage;
