//! Forgets the set-up work of a task that is gone.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{setup, task::Kernel};

#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let task = Kernel::new(ctx.arg(0));
    if setup::of(task).is_some() {
        setup::end(task);
    }
    0
}
