//! Sees where set-up begins, before the new task runs.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    setup,
    target::{active, target},
    task::{Kernel, file_of},
};

#[btf_tracepoint(function = "sched_process_fork")]
pub(crate) fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let manager = setup::settings().manager;
    if manager == 0 || !active() {
        return 0;
    }
    let (parent, child) = (Kernel::new(ctx.arg(0)), Kernel::new(ctx.arg(1)));
    let executor = if parent.load::<u32>(target!(task_tgid)) == manager {
        if child.load::<u32>(target!(task_tgid)) == manager {
            // A thread of the manager itself.
            return 0;
        }
        0
    } else {
        let Some(setup) = setup::doing(parent, file_of(parent)) else { return 0 };
        // SAFETY: the parent is the task that runs, and the entry its own.
        unsafe { (*setup).executor }
    };
    setup::begin(child, executor);
    0
}
