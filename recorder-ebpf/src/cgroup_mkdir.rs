//! Arms a new cgroup that is wanted, or below an armed one, before any task can enter it: the hook runs inside
//! the mkdir.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use aya_log_ebpf::warn;
use recorder_common::{Armed, Kind};

use crate::{
    cache::armed,
    maps::CGROUPS,
    news, rows,
    target::{active, target},
    task::Kernel,
    wanted,
};

#[btf_tracepoint(function = "cgroup_mkdir")]
pub(crate) fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    let cgroup = Kernel::new(ctx.arg(0));
    if !active() || !cgroup.is_v2() {
        return 0;
    }
    // What is wanted by itself is its own unit, even below another one.
    let armed = if let Some(unit) = wanted::unit_of(cgroup, ctx.arg(1)) {
        Armed { unit, top: 1 }
    } else {
        let parent = cgroup.follow(target!(cgroup_self_parent)).follow(target!(css_cgroup)).cgroup_id();
        let Some(above) = armed(parent) else { return 0 };
        Armed { top: 0, ..above }
    };
    let id = cgroup.cgroup_id();
    let row = rows::native(armed.unit);
    // No task has ever been in it, so nobody can have looked it up before.
    if let Err(error) = CGROUPS.insert(id, armed, 0) {
        let Some(row) = row else {
            wanted::missed();
            return 0;
        };
        // SAFETY: as in sys_enter's `count`.
        unsafe {
            if (*row).misses.cgroups == 0 {
                // Once a processor: whoever makes cgroups by the thousand must not flood the log.
                warn!(&ctx, "cgroup {} of unit {} is not recorded: error {}", id, armed.unit, error);
            }
            (*row).misses.cgroups += 1;
        }
        return 0;
    }
    if armed.top != 0 {
        if let Some(row) = row {
            // SAFETY: as in sys_enter's `count`.
            unsafe { (*row).misses.starts += 1 };
        }
        news::tell(&news::cgroup(armed.unit, Kind::Made));
    }
    0
}
