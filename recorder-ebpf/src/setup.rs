//! The manager's own code inside a unit's cgroup: what it does there before it executes the unit's command.
//!
//! A task does set-up work from the fork that PID 1 makes it by until it executes something, and so does what it
//! forks meanwhile (`(sd-pam)` never executes anything). That is a fact of the kernel's about where the task
//! comes from: no name, cgroup or parent that a process can give itself comes into it. A task that a unit's own
//! process has forked can never get here, whatever it executes and whoever adopts it.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use recorder_common::{Settings, Setup};

use crate::{
    maps::{HOST_MISSES, SETTINGS, SETUP_FILES, SETUPS},
    target::target,
    task::{Kernel, file_of},
};

/// What systemd 255 and later start units by: its file's name, with the NUL that ends it.
const EXECUTOR: &[u8; 17] = b"systemd-executor\0";

/// What user space has set.
#[inline(always)]
pub(crate) fn settings() -> Settings {
    // SAFETY: user space replaces it whole; each field stands for itself.
    SETTINGS.get_ptr(0).map_or_else(Settings::default, |settings| unsafe { *settings })
}

/// Whether a task that executes `file` may do set-up work: a few comparisons, for each call of a recorded task.
#[inline(always)]
pub(crate) fn may_be(file: u64) -> bool {
    SETUP_FILES.get(0).is_some_and(|files| files.known.contains(&file))
}

/// The task's set-up work, if it does any: it still executes what it did when that began.
#[inline(always)]
pub(crate) fn doing<const PROBED: bool>(task: Kernel<PROBED>, file: u64) -> Option<*mut Setup> {
    // SAFETY: the entry is the running task's own.
    of(task).filter(|setup| unsafe { (**setup).file } == file)
}

/// The task's set-up work, if it does any, or has just ended it by executing something.
#[inline(always)]
pub(crate) fn of<const PROBED: bool>(task: Kernel<PROBED>) -> Option<*mut Setup> {
    let setup = SETUPS.get_ptr_mut(task.load::<u32>(target!(task_pid)))?;
    // SAFETY: the entry is this task's own, or that of one that is gone; then it is not read any further.
    let started = unsafe { (*setup).started };
    (started == task.load::<u64>(target!(task_start_boottime))).then_some(setup)
}

/// The new task does set-up work.
#[inline(always)]
pub(crate) fn begin(task: Kernel, executor: u32) {
    let file = file_of(task);
    // The file goes first: whoever finds the task does so by way of the filter.
    mark(file);
    let setup = Setup {
        started: task.load(target!(task_start_boottime)),
        // Until its first call is seen: what ends it is an execve.
        abi: target!(native_abi),
        number: target!(native_execve),
        file,
        executor,
        padding: 0,
    };
    // An entry that is there is a leftover of another task, and is replaced.
    if SETUPS.insert(task.load::<u32>(target!(task_pid)), setup, 0).is_err()
        && let Some(misses) = HOST_MISSES.get_ptr_mut(0)
    {
        // SAFETY: this processor's own.
        unsafe { (*misses).setups += 1 };
    }
}

/// What tasks that do set-up work execute passes the filter from now on.
#[inline(always)]
pub(crate) fn mark(file: u64) {
    let Some(files) = SETUP_FILES.get_ptr_mut(0) else { return };
    // SAFETY: each is written whole, and the others stay as they are: who is at work finds his own. Two processors may
    // write the same one; what was lost is written again at the next fork or execve.
    unsafe {
        if !(*files).known.contains(&file) {
            let place = (&raw mut (*files).known).cast::<u64>().add((*files).next as usize % 4);
            *place = file;
            (*files).next += 1;
        }
    }
}

/// The task does no more set-up work, or is gone.
#[inline(always)]
pub(crate) fn end(task: Kernel) {
    // It can only fail by not being there.
    let _ = SETUPS.remove(task.load::<u32>(target!(task_pid)));
}

/// Whether what a task has just executed is the manager's own program for set-up work.
#[inline(always)]
pub(crate) fn is_executor(binprm: Kernel) -> bool {
    let file = binprm.follow(target!(linux_binprm_file));
    let name = file.follow(target!(file_f_path_dentry)).load::<*const u8>(target!(dentry_d_name_name));
    let mut read = [0_u8; 20];
    // SAFETY: writes at most 20 bytes to the buffer, and fails where the source cannot be read.
    unsafe { bpf_probe_read_kernel_str(read.as_mut_ptr().cast(), 20, name.cast()) };
    read[..EXECUTOR.len()] == *EXECUTOR
}
