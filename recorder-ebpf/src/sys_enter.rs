//! Counts each call of a recorded task.

use aya_ebpf::{bindings::BPF_NOEXIST, macros::btf_tracepoint, programs::BtfTracePointContext};
use recorder_common::{Armed, Outlier, ROW_LEN, Row, RowKey, Sighting, filter_index};

use crate::{
    evidence,
    maps::{CGROUPS, EMPTY_ROW, FILTER, HOST_MISSES, OUTLIERS, ROWS},
    setup,
    target::target,
    task::{Kernel, cgroup_of, current, program_of},
};

#[btf_tracepoint(function = "sys_enter")]
pub(crate) fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    let task = current();
    let cgroup = cgroup_of(task);
    let armed = armed(cgroup).or_else(|| {
        // Moved since to another cgroup, and the one before removed? Then the task belongs where it is now.
        let now = cgroup_of(task);
        if now == cgroup { None } else { armed(now) }
    });
    let Some(armed) = armed else { return 0 };
    // The second argument is the number, sign-extended from 32 bits.
    let (abi, number) = call(task, ctx.arg(1));
    let program = program_of(task);
    if setup::may_be(program)
        && let Some(setup) = setup::of(task)
    {
        // SAFETY: the entry is the running task's own.
        unsafe {
            (*setup).abi = abi;
            (*setup).number = number;
        }
        return 0;
    }
    count(armed.unit, abi, number, program);
    0
}

/// What the cgroup belongs to, if it is recorded.
#[inline(always)]
pub(crate) fn armed(cgroup: u64) -> Option<Armed> {
    if FILTER.get(filter_index(cgroup)).is_none_or(|set| *set == 0) {
        return None;
    }
    // SAFETY: an entry is removed only when its cgroup is, and was empty by then; without preallocation the
    // kernel keeps a removed element whole until nobody can be reading it.
    unsafe { CGROUPS.get(cgroup) }.copied()
}

/// The ABI and number of the call that the task makes.
#[inline(always)]
fn call(task: Kernel, raw: u32) -> (u32, u32) {
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

/// Counts one call of a unit.
#[inline(always)]
pub(crate) fn count(unit: u32, abi: u32, number: u32, program: u64) {
    let Some(row) = row(unit, abi) else {
        miss_call(unit);
        return;
    };
    let index = number as usize;
    if index >= ROW_LEN {
        if count_outlier(Outlier { unit, abi, number, padding: 0 }) {
            evidence::keep(&Sighting { unit, abi, program, number, padding: 0 });
        }
        return;
    }
    // SAFETY: index is in bounds, and a row is this processor's own. No other task adds to it in between: up
    // to Linux 6.18 the kernel disables preemption around a program on a syscall tracepoint; where a later one
    // does not, it does not run the program a second time on a processor that is in it (see
    // `Recorder::skipped`).
    unsafe {
        let calls = (&raw mut (*row).calls).cast::<u64>().add(index);
        *calls += 1;
        let latest = (&raw mut (*row).programs).cast::<u32>().add(index);
        let folded = fold(program);
        if *latest != folded {
            *latest = folded;
            evidence::keep(&Sighting { unit, abi, program, number, padding: 0 });
        }
    }
}

/// Two programs fold to the same once in four thousand million; then evidence is missing, never a call.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "folded on purpose")]
fn fold(program: u64) -> u32 {
    (program as u32) ^ ((program >> 32) as u32)
}

/// This processor's row. The native ABI's was made before the unit was armed, or when the kernel side named it; another ABI's is made at its
/// first call.
#[inline(always)]
fn row(unit: u32, abi: u32) -> Option<*mut Row> {
    let key = RowKey { unit, abi };
    ROWS.get_ptr_mut(key).or_else(|| {
        // Two processors may get here at once: the later insert finds the earlier one's row, which serves
        // as well, so its error does not matter.
        let _ = ROWS.insert(key, EMPTY_ROW.get(0)?, u64::from(BPF_NOEXIST));
        ROWS.get_ptr_mut(key)
    })
}

#[inline(never)]
fn miss_call(unit: u32) {
    if let Some(row) = ROWS.get_ptr_mut(RowKey { unit, abi: target!(native_abi) }) {
        // SAFETY: as in `count`.
        unsafe { (*row).misses.calls += 1 };
    } else if let Some(misses) = HOST_MISSES.get_ptr_mut(0) {
        // SAFETY: this processor's own.
        unsafe { (*misses).calls += 1 };
    }
}

/// Counts a number that no row has a place for. Says whether it could.
#[inline(always)]
fn count_outlier(outlier: Outlier) -> bool {
    let calls = OUTLIERS.get_ptr_mut(outlier).or_else(|| {
        // As in `row`, the error does not matter if the entry is there after all.
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
