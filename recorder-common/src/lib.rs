//! What the kernel programs and user space must agree on: names, numbers, layouts and limits.
//!
//! Every shared struct is `repr(C)`, holds integers only, spells its padding out and has its size asserted
//! here, so that a disagreement is a compile error on both sides and never a misread map.
#![no_std]

mod abi;
mod layout;
pub mod names;

pub use abi::{Abi, Call};
pub use layout::{
    Armed, CACHE_LEN, GIVEN, HostMisses, Kind, LAST_EPOCH, LAYOUT, Misses, NAMED, NAMED_BY_KERNEL, News,
    Outlier, PATH_LEN, Program, ROW_LEN, Row, RowKey, Settings, Setup, SetupFiles, Sighting, TOUCHED_LEN,
    Target, Touched, WANTED_LEN, Want, Wanted, cache_index, holder, place,
};
