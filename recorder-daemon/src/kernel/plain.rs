//! Lets aya copy the shared structs in and out of maps.

use recorder_common::{
    Armed, HostMisses, Outlier, Program, Row, RowKey, Settings, Sighting, Target, Touched, Want, Wanted,
};

/// A shared struct as a map's key or value.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

/// Every byte of such a struct is a byte of an integer.
macro_rules! plain {
    ($($shared:ty),+) => {
        $(
            // SAFETY: repr(C), integers only, every byte of padding spelled out: recorder-common asserts the sizes.
            unsafe impl aya::Pod for Plain<$shared> {}
        )+
    };
}
plain!(Armed, HostMisses, Outlier, Program, Row, RowKey, Settings, Sighting, Target, Touched, Want, Wanted);
