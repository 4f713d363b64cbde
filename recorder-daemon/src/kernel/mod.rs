//! The door to the kernel, and the only user of aya: load, attach, arm, snapshot.
//!
//! Invariant: a snapshot reads and never deletes. Reading twice does no harm.

mod btf;
mod error;
mod plain;
mod recorder;
mod snapshot;
mod target;

pub use error::Error;
pub use recorder::{Limits, Recorder, Unit};
pub use snapshot::{Sighting, Snapshot};
