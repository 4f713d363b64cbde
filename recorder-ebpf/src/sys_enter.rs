//! Counts each call of a recorded task.
//!
//! What the compiled code is, group by group, in the order of execution: the helper that gives the task; the settings'
//! two words, one against a constant; four loads, each by what the one before gave, each guarded against faults (the
//! cgroup's id); a multiplication and a shift (where the cgroup's word lies), the word, one comparison. All else is run
//! for recorded tasks only: the status word (the ABI), three loads (the file), four comparisons (set-up work), seccomp's
//! mode, the row's holder (or one call: the row), one addition, one comparison, the round and the unit's word of it. What
//! each costs stands in docs/performance.md.

use aya_ebpf::{bindings::BPF_NOEXIST, macros::btf_tracepoint, programs::BtfTracePointContext};
use recorder_common::{Outlier, ROW_LEN, Sighting};

use crate::{
    cache, evidence,
    maps::{HOST_MISSES, OUTLIERS},
    rows, setup,
    target::target,
    task::{Kernel, current, current_probed, file_of, program_of},
};

#[btf_tracepoint(function = "sys_enter")]
pub(crate) fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    see(&ctx, current())
}

/// The same for a kernel that has no helper which gives the task as what it is. User space loads one of the two.
#[btf_tracepoint(function = "sys_enter")]
pub(crate) fn sys_enter_probing(ctx: BtfTracePointContext) -> i32 {
    see(&ctx, current_probed())
}

/// Counts the call that the task makes, if it is recorded.
#[inline(always)]
fn see<const PROBED: bool>(ctx: &BtfTracePointContext, task: Kernel<PROBED>) -> i32 {
    let settings = setup::settings();
    if settings.active != target!(generation) {
        return 0;
    }
    let Some(unit) = cache::unit_of(task, settings.epoch) else { return 0 };
    // The second argument is the number, sign-extended from 32 bits.
    let (abi, number) = call(task, ctx.arg(1));
    let file = file_of(task);
    if setup::may_be(file)
        && let Some(setup) = setup::doing(task, file)
    {
        // SAFETY: the entry is the running task's own.
        unsafe {
            (*setup).abi = abi;
            (*setup).number = number;
        }
        return 0;
    }
    let filtered = task.load::<u32>(target!(task_seccomp_mode)) != 0;
    count(task, unit, abi, number, file, filtered);
    0
}

/// The ABI and number of the call that the task makes.
#[inline(always)]
fn call<const PROBED: bool>(task: Kernel<PROBED>, raw: u32) -> (u32, u32) {
    // int 0x80 in a 64-bit process counts as compat too: the bit says how this call came in, not what the
    // program is.
    if task.load::<u32>(target!(task_compat_word)) & target!(compat_bit) != 0 {
        (target!(compat_abi), raw)
    } else if raw & target!(x32_bit) != 0 && raw >> 31 == 0 {
        (recorder_common::Abi::X32 as u32, raw & !target!(x32_bit))
    } else {
        (target!(native_abi), raw)
    }
}

/// Counts one call of a unit. `file`: what the task executes. `filtered`: it was made under a seccomp filter.
#[inline(always)]
pub(crate) fn count<const PROBED: bool>(
    task: Kernel<PROBED>,
    unit: u32,
    abi: u32,
    number: u32,
    file: u64,
    filtered: bool,
) {
    let index = number as usize;
    // Where there is no memory for a row at the moment, it is tried again at the next call.
    let row = if index < ROW_LEN { rows::row(unit, abi) } else { None };
    let Some(row) = row else {
        if count_outlier(Outlier { unit, abi, number, padding: 0 }) {
            evidence::keep(&Sighting { unit, abi, program: program_of(task), number, padding: 0 });
        }
        if filtered {
            under_filter(unit);
        }
        rows::touch(unit);
        return;
    };
    // SAFETY: index is in bounds, and a row is this processor's own. No other task adds to it in between: up
    // to Linux 6.18 the kernel disables preemption around a program on a syscall tracepoint; where a later one
    // does not, it does not run the program a second time on a processor that is in it (see
    // `Recorder::skipped`).
    unsafe {
        let calls = (&raw mut (*row).calls).cast::<u64>().add(index);
        *calls += 1;
        if filtered {
            (*row).misses.under_filter = 1;
        }
        let latest = (&raw mut (*row).files).cast::<u64>().add(index);
        if *latest != file {
            *latest = file;
            evidence::keep(&Sighting { unit, abi, program: program_of(task), number, padding: 0 });
        }
    }
    rows::touch(unit);
}

/// Says of a unit what its row cannot: what a filter denies is not seen.
#[inline(never)]
fn under_filter(unit: u32) {
    if let Some(row) = rows::native(unit) {
        // SAFETY: as in `count`.
        unsafe { (*row).misses.under_filter = 1 };
    } else {
        miss_call(unit);
    }
}

#[inline(never)]
fn miss_call(unit: u32) {
    if let Some(row) = rows::native(unit) {
        // SAFETY: as in `count`.
        unsafe { (*row).misses.calls += 1 };
    } else if let Some(misses) = HOST_MISSES.get_ptr_mut(0) {
        // SAFETY: this processor's own.
        unsafe { (*misses).calls += 1 };
    }
}

/// Counts what no row has a place for. Says whether it could.
#[inline(always)]
fn count_outlier(outlier: Outlier) -> bool {
    let calls = OUTLIERS.get_ptr_mut(outlier).or_else(|| {
        // As in `rows::insert`, the error does not matter if the entry is there after all.
        let _ = OUTLIERS.insert(outlier, 0, u64::from(BPF_NOEXIST));
        OUTLIERS.get_ptr_mut(outlier)
    });
    let Some(calls) = calls else {
        miss_call(outlier.unit);
        return false;
    };
    // SAFETY: as in `count`.
    unsafe { *calls += 1 };
    true
}
