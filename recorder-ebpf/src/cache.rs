//! Which unit a cgroup is recorded as, or that it is not: one load for nearly every call on the host.
//!
//! A hash lookup is two calls and two returns, and costs more than all else that a program does here. So what a lookup
//! gave is kept, one word a cgroup, and is believed as long as its epoch is the present one. User space counts the epoch
//! on after each change to `CGROUPS` that concerns a cgroup which exists. What the kernel side itself changes there
//! concerns cgroups that no task is in: new ones, whose ids nobody has ever had, and removed ones.

use recorder_common::{Armed, cache_index};

use crate::{
    maps::{CACHE, CGROUPS},
    task::{Kernel, cgroup_of},
};

/// The bits of a word, from below: a unit's number and one, or 0 for none; whether the kernel side has named it; the
/// epoch; the cgroup's id.
const NUMBER_BITS: u32 = 19;
const UNIT_BITS: u32 = NUMBER_BITS + 1;
const EPOCH_BITS: u32 = 8;
const ID_BITS: u32 = 64 - UNIT_BITS - EPOCH_BITS;

/// The unit that the task's calls belong to, if it is recorded.
#[inline(always)]
pub(crate) fn unit_of<const PROBED: bool>(task: Kernel<PROBED>, epoch: u32) -> Option<u32> {
    let cgroup = cgroup_of(task);
    let place = CACHE.get_ptr_mut(cache_index(cgroup))?;
    // SAFETY: one word, written whole.
    let word = unsafe { *place };
    let kept = (word ^ key(cgroup, epoch)) >> UNIT_BITS == 0 && usable(cgroup, epoch);
    let found = if kept { unpack(word) } else { look_up(task, cgroup, epoch) };
    (found != 0).then_some(unit(found))
}

/// What the cgroup belongs to, if it is recorded.
#[inline(always)]
pub(crate) fn armed(cgroup: u64) -> Option<Armed> {
    // SAFETY: without preallocation the kernel keeps a removed entry whole until nobody can be reading it.
    unsafe { CGROUPS.get(cgroup) }.copied()
}

/// Looks up what the task's cgroup belongs to, and keeps the answer: a unit's number and one, or 0.
///
/// The epoch was read before. So an answer that user space has changed meanwhile is kept under an epoch that is over.
/// That a processor does not look up first is seen to by the key, which depends on the epoch: by bits that are zero.
#[inline(never)]
fn look_up<const PROBED: bool>(task: Kernel<PROBED>, cgroup: u64, epoch: u32) -> u64 {
    if let Some(armed) = armed(cgroup | u64::from(epoch >> EPOCH_BITS)) {
        return keep(cgroup, epoch, u64::from(armed.unit) + 1);
    }
    // Moved since to another cgroup, and the one before removed? Then the task belongs where it is now.
    let now = cgroup_of(task);
    if now == cgroup {
        keep(cgroup, epoch, 0)
    } else {
        armed(now).map_or(0, |armed| u64::from(armed.unit) + 1)
    }
}

#[inline(always)]
fn keep(cgroup: u64, epoch: u32, found: u64) -> u64 {
    let word = (found & ((1 << NUMBER_BITS) - 1)) | (found >> 31 << NUMBER_BITS);
    if usable(cgroup, epoch)
        && unpack(word) == found
        && let Some(place) = CACHE.get_ptr_mut(cache_index(cgroup))
    {
        // SAFETY: one word, written whole. Whoever else has this place writes what is true of another cgroup.
        unsafe { *place = key(cgroup, epoch) | word };
    }
    found
}

#[inline(always)]
fn unpack(word: u64) -> u64 {
    (word & ((1 << NUMBER_BITS) - 1)) | ((word >> NUMBER_BITS & 1) << 31)
}

/// Whether an id and an epoch have place in a word. A word that nobody has written has no epoch.
#[inline(always)]
fn usable(cgroup: u64, epoch: u32) -> bool {
    cgroup >> ID_BITS == 0 && epoch != 0
}

#[inline(always)]
fn key(cgroup: u64, epoch: u32) -> u64 {
    (cgroup << (UNIT_BITS + EPOCH_BITS)) | (u64::from(epoch) << UNIT_BITS)
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the number and one; it is not 0")]
fn unit(found: u64) -> u32 {
    (found - 1) as u32
}
