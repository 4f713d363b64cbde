//! Forgets the set-up work of a task that is gone, and sees a filter that has ended it.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    cache::armed,
    rows, setup,
    target::{active, target},
    task::{Kernel, cgroup_of},
};

#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    if !active() {
        return 0;
    }
    let task = Kernel::new(ctx.arg(0));
    if setup::of(task).is_some() {
        setup::end(task);
    }
    // The first call after a filter is set may be one that it ends the task for, and is then not seen.
    if task.load::<u32>(target!(task_seccomp_mode)) != 0
        && let Some(armed) = armed(cgroup_of(task))
        && let Some(row) = rows::native(armed.unit)
    {
        // SAFETY: as in sys_enter's `count`.
        unsafe { (*row).misses.under_filter = 1 };
    }
    0
}
