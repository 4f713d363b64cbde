//! Learns the path of each program that is executed in a recorded cgroup, and sees where set-up ends.

use aya_ebpf::{
    bindings::BPF_NOEXIST, helpers::generated::bpf_probe_read_kernel_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use recorder_common::{PATH_LEN, Program};

use crate::{
    cache::armed,
    evidence,
    maps::PROGRAMS,
    rows, setup,
    sys_enter::count,
    target::{active, target},
    task::{Kernel, cgroup_of, file_of, program_of},
};

/// What the kernel says where the path is known already.
const EEXIST: i32 = 17;

#[expect(clippy::cast_possible_truncation, reason = "256 fits")]
const PATH_BYTES: u32 = PATH_LEN as u32;

#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    if !active() {
        return 0;
    }
    // The task runs the new program already; the third argument is the linux_binprm that it came from.
    let task = Kernel::new(ctx.arg(0));
    let binprm = Kernel::new(ctx.arg(2));
    let mut started_by = None;
    if let Some(setup) = setup::of(task) {
        // SAFETY: the entry is the running task's own.
        unsafe {
            if (*setup).executor == 0 && setup::settings().executor != 0 && setup::is_executor(binprm) {
                (*setup).executor = 1;
                (*setup).file = file_of(task);
                setup::mark((*setup).file);
                return 0;
            }
            started_by = Some(((*setup).abi, (*setup).number));
        }
        setup::end(task);
    }
    let Some(armed) = armed(cgroup_of(task)) else { return 0 };
    learn(armed.unit, program_of(task), binprm);
    // A filter would be active by then: the execve that starts the command is the unit's own.
    if let Some((abi, number)) = started_by {
        let filtered = task.load::<u32>(target!(task_seccomp_mode)) != 0;
        if filtered && let Some(row) = rows::native(armed.unit) {
            // SAFETY: as in sys_enter's `count`.
            unsafe { (*row).misses.filtered += 1 };
        }
        count(task, armed.unit, abi, number, file_of(task), filtered);
    }
    0
}

/// Keeps a program's path. Of a script, the program is its interpreter: that is the file that the task executes.
#[inline(always)]
fn learn(unit: u32, identity: u64, binprm: Kernel) {
    let interpreter: *const u8 = binprm.load(target!(linux_binprm_interp));
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
        let inserted = PROGRAMS.insert(identity, &program, u64::from(BPF_NOEXIST));
        if inserted.is_err_and(|error| error != -EEXIST) {
            evidence::miss(unit);
        }
    }
}
