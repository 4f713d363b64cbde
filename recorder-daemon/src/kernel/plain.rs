//! Lets aya copy the shared structs in and out of maps.

use recorder_common::{Armed, Outlier, Program, Row, RowKey, Sighting};

/// A shared struct as a map's key or value.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

// SAFETY: repr(C), integers only, every byte of padding spelled out: recorder-common asserts the sizes.
unsafe impl aya::Pod for Plain<Armed> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<Outlier> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<Program> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<Row> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<RowKey> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<Sighting> {}
// SAFETY: as above.
unsafe impl aya::Pod for Plain<recorder_common::Target> {}
