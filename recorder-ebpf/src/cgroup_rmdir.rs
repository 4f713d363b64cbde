//! Forgets a cgroup that is gone. Its counts are the unit's and stay.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use recorder_common::Kind;

use crate::{cache::armed, maps::CGROUPS, news, target::active, task::Kernel};

#[btf_tracepoint(function = "cgroup_rmdir")]
pub(crate) fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    let cgroup = Kernel::new(ctx.arg(0));
    if !active() || !cgroup.is_v2() {
        return 0;
    }
    let id = cgroup.cgroup_id();
    if let Some(armed) = armed(id) {
        // It can only fail by not being there.
        let _ = CGROUPS.remove(id);
        if armed.top != 0 {
            news::tell(&news::cgroup(armed.unit, Kind::Removed));
        }
    }
    0
}
