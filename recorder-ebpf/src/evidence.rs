//! Who made a call, and when first: what a reviewer wants to know, and nothing that counting needs.

use aya_ebpf::{bindings::BPF_NOEXIST, helpers::bpf_ktime_get_boot_ns};
use recorder_common::{Kind, News, Sighting};

use crate::{maps::SIGHTINGS, news, rows};

/// Keeps the sighting if it is the first of its kind, and tells user space.
///
/// Reached when another program than the last one makes a call on this processor, so a lookup goes first:
/// it takes no lock, and nearly always finds the sighting there.
#[inline(never)]
pub(crate) fn keep(sighting: &Sighting) {
    if SIGHTINGS.get_ptr(sighting).is_some() {
        return;
    }
    // SAFETY: takes nothing, gives the clock.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    if SIGHTINGS.insert(sighting, now, u64::from(BPF_NOEXIST)).is_ok() {
        let kind = Kind::Sighting as u32;
        news::tell(&News { unit: sighting.unit, kind, sighting: *sighting, at: now });
    } else if SIGHTINGS.get_ptr(sighting).is_none() {
        miss(sighting.unit);
    }
}

/// Counts evidence of a unit that found no place.
#[inline(never)]
pub(crate) fn miss(unit: u32) {
    if let Some(row) = rows::native(unit) {
        // SAFETY: as in sys_enter's `count`.
        unsafe { (*row).misses.sightings += 1 };
    }
}
