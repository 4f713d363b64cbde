//! Learns the path of each program that is executed in a recorded cgroup.

use aya_ebpf::{
    bindings::BPF_NOEXIST, helpers::generated::bpf_probe_read_kernel_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use recorder_common::{PATH_LEN, Program};

use crate::{
    evidence,
    maps::PROGRAMS,
    sys_enter::armed,
    target::target,
    task::{Kernel, cgroup_of, current, program_of},
};

/// What the kernel says where the path is known already.
const EEXIST: i32 = 17;

#[expect(clippy::cast_possible_truncation, reason = "256 fits")]
const PATH_BYTES: u32 = PATH_LEN as u32;

#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let task = current();
    let Some(armed) = armed(cgroup_of(task)) else { return 0 };
    // The task runs the new program already; the third argument is the linux_binprm that it came from. Of a
    // script, the program is its interpreter: that is the file that the task executes.
    let interpreter: *const u8 = Kernel::new(ctx.arg(2)).load(target!(linux_binprm_interp));
    let mut program = Program { path: [0; PATH_LEN] };
    // SAFETY: writes at most PATH_LEN bytes to the buffer, and fails where the source cannot be read.
    let read = unsafe {
        bpf_probe_read_kernel_str(program.path.as_mut_ptr().cast(), PATH_BYTES, interpreter.cast())
    };
    if read > 0 {
        #[expect(
            clippy::needless_borrows_for_generic_args,
            reason = "a copy would not fit the stack of 512 bytes"
        )]
        // The first name stays: a multi-call binary has one file and many names.
        let inserted = PROGRAMS.insert(program_of(task), &program, u64::from(BPF_NOEXIST));
        if inserted.is_err_and(|error| error != -EEXIST) {
            evidence::miss(armed.unit);
        }
    }
    0
}
