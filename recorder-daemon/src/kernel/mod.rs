//! The door to the kernel, and the only user of aya: load, attach, want, arm, snapshot, forget.
//!
//! Invariant: a snapshot reads and never deletes. Reading twice does no harm.

mod arm;
mod btf;
mod error;
mod news;
mod plain;
mod recorder;
mod snapshot;
mod target;

pub use error::Error;
pub use recorder::{Limits, Manager, Recorder, Unit};
pub use recorder_common::HostMisses;
pub use snapshot::{Sighting, Snapshot};
