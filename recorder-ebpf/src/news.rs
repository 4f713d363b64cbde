//! Tells user space that something is new.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use recorder_common::{Kind, News, Sighting};

use crate::maps::{HOST_MISSES, NEWS};

/// Sends a hint. One that finds no place is counted, and user space then looks at everything.
#[inline(never)]
pub(crate) fn tell(news: &News) {
    if NEWS.output::<News>(news, 0).is_err()
        && let Some(misses) = HOST_MISSES.get_ptr_mut(0)
    {
        // SAFETY: this processor's own; user space compares it with what it saw before, so that a count that
        // is one too low does no harm as long as it grows.
        unsafe { (*misses).news += 1 };
    }
}

/// News about a unit's own cgroup.
#[inline(always)]
pub(crate) fn cgroup(unit: u32, kind: Kind) -> News {
    let sighting = Sighting { unit, abi: 0, program: 0, number: 0, padding: 0 };
    // SAFETY: takes nothing, gives the clock.
    News { unit, kind: kind as u32, sighting, at: unsafe { bpf_ktime_get_boot_ns() } }
}
