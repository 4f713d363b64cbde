//! Forgets a cgroup that is gone. Its counts are the unit's and stay.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{maps::CGROUPS, sys_enter::armed, task::Kernel};

#[btf_tracepoint(function = "cgroup_rmdir")]
pub(crate) fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    let id = Kernel::new(ctx.arg(0)).cgroup_id();
    if armed(id).is_some() {
        // It can only fail by not being there.
        let _ = CGROUPS.remove(id);
    }
    0
}
