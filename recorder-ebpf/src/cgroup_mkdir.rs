//! Arms a new cgroup below an armed one, before any task can enter it: the hook runs inside the mkdir.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use aya_log_ebpf::warn;
use recorder_common::{RowKey, filter_index};

use crate::{
    maps::{CGROUPS, FILTER, ROWS},
    sys_enter::armed,
    target::target,
    task::Kernel,
};

#[btf_tracepoint(function = "cgroup_mkdir")]
pub(crate) fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    let cgroup = Kernel::new(ctx.arg(0));
    let parent = cgroup.follow(target!(cgroup_self_parent)).follow(target!(css_cgroup)).cgroup_id();
    let Some(armed) = armed(parent) else { return 0 };
    let id = cgroup.cgroup_id();
    // The prefilter goes last: whoever gets past it must find the entry.
    if let Err(error) = CGROUPS.insert(id, armed, 0) {
        if let Some(row) = ROWS.get_ptr_mut(RowKey { unit: armed.unit, abi: target!(native_abi) }) {
            // SAFETY: as in sys_enter's `count`.
            unsafe {
                if (*row).misses.cgroups == 0 {
                    // Once a processor: whoever makes cgroups by the thousand must not flood the log.
                    warn!(&ctx, "cgroup {} below {} is not recorded: error {}", id, parent, error);
                }
                (*row).misses.cgroups += 1;
            }
        }
        return 0;
    }
    if let Some(set) = FILTER.get_ptr_mut(filter_index(id)) {
        // SAFETY: one byte, only ever set to 1.
        unsafe { *set = 1 };
    }
    0
}
