//! Where a unit's counts lie: found without a hash for the first units of a host, and for the others by one.
//!
//! User space is told in which units something was counted: it reads what has been touched.

use aya_ebpf::bindings::BPF_NOEXIST;
use recorder_common::{Row, RowKey, TOUCHED_LEN, holder, place};

use crate::{
    maps::{EMPTY_ROW, HOLDERS, NEAR, ROWS, TOUCHED},
    setup::settings,
    target::target,
};

/// This processor's row for the ABI. The native one was made before the unit was armed, or when the kernel side named
/// it; another ABI's is made at its first call.
#[inline(always)]
pub(crate) fn row(unit: u32, abi: u32) -> Option<*mut Row> {
    if abi == target!(native_abi)
        && let Some(row) = near(unit)
    {
        return Some(row);
    }
    far(RowKey { unit, abi })
}

/// This processor's row for the native ABI, if there is one, for something rare to be counted in it.
#[inline(always)]
pub(crate) fn native(unit: u32) -> Option<*mut Row> {
    touch(unit);
    near(unit).or_else(|| ROWS.get_ptr_mut(RowKey { unit, abi: target!(native_abi) }))
}

/// Makes a row of the native ABI for a unit that has none.
#[inline(always)]
pub(crate) fn make(unit: u32) {
    if near(unit).is_none() {
        insert(RowKey { unit, abi: target!(native_abi) });
    }
}

/// The row in the place that the unit's number leads to, if it is this unit's.
#[inline(always)]
fn near(unit: u32) -> Option<*mut Row> {
    let place = place(unit, target!(near_mask));
    let found = HOLDERS.get_ptr(place)?;
    // SAFETY: one word. User space writes it to give the place after it has emptied the row, and to take it back when
    // nobody counts for that unit any more.
    if unsafe { *found } != holder(unit) {
        return None;
    }
    NEAR.get_ptr_mut(place)
}

#[inline(never)]
fn far(key: RowKey) -> Option<*mut Row> {
    ROWS.get_ptr_mut(key).or_else(|| {
        insert(key);
        ROWS.get_ptr_mut(key)
    })
}

/// Two processors may get here at once: the later insert finds the earlier one's row, which serves as well, so its
/// error does not matter.
#[inline(always)]
fn insert(key: RowKey) {
    if let Some(empty) = EMPTY_ROW.get(0) {
        let _ = ROWS.insert(key, empty, u64::from(BPF_NOEXIST));
    }
}

/// Says in which round the unit was counted last; after that, so that whoever is preempted in between is late with both.
/// Written once a round: else the processors would have this line from each other at every call.
#[inline(always)]
pub(crate) fn touch(unit: u32) {
    let Some(touched) = TOUCHED.get_ptr_mut(0) else { return };
    let round = settings().round;
    // SAFETY: in bounds, and a word that is written whole. Two units that share one are both read.
    unsafe {
        let place = (&raw mut (*touched).rounds).cast::<u32>().add(unit as usize % TOUCHED_LEN);
        if *place != round {
            *place = round;
        }
    }
}
