//! Which new cgroups are wanted: by the name of a unit of the system's own manager, by path, or every service.

use aya_ebpf::{
    bindings::BPF_NOEXIST,
    helpers::{
        bpf_ktime_get_boot_ns,
        generated::{bpf_probe_read_kernel, bpf_probe_read_kernel_str},
    },
};
use recorder_common::{NAMED, NAMED_BY_KERNEL, WANTED_LEN, Want, Wanted};

use crate::{
    maps::{ABOVE, EMPTY, HOST_MISSES, NAMES, NEW, NUMBERS, WANTED},
    rows,
    setup::settings,
    target::target,
    task::Kernel,
};

#[expect(clippy::cast_possible_truncation, reason = "512 fits")]
const WANTED_BYTES: u32 = WANTED_LEN as u32;

/// How deep slices can lie in slices. systemd nests one for each dash in a slice's name.
const DEPTH: u32 = 32;

/// The unit that a new cgroup is recorded as, if it is wanted. `path` is its path from the hierarchy's root.
#[inline(always)]
pub(crate) fn unit_of(cgroup: Kernel, path: *const u8) -> Option<u32> {
    let key = NAMES.get_ptr_mut(NEW)?;
    // A path that is too long for a key is none that is wanted; the name may be.
    if read(key, path).is_some()
        && let Some(unit) = lookup(key)
    {
        return Some(unit);
    }
    let name = name_of(cgroup);
    let length = read(key, name)?;
    if let Some(unit) = lookup(key) {
        return in_slices(cgroup).then_some(unit);
    }
    if settings().all_services != 0 && ends_in(name, length, *b".service") && in_slices(cgroup) {
        return named(key);
    }
    None
}

#[inline(always)]
#[expect(clippy::needless_borrows_for_generic_args, reason = "a copy would not fit the stack of 512 bytes")]
fn lookup(key: *const Wanted) -> Option<u32> {
    // SAFETY: the key is a map's value, alive as long as the program runs; the unit's number is read whole.
    unsafe { WANTED.get(&*key) }.map(|want| want.unit)
}

/// A new unit of this name, with a row of its own. A row that cannot be made now is tried again at its calls.
#[inline(always)]
#[expect(clippy::needless_borrows_for_generic_args, reason = "a copy would not fit the stack of 512 bytes")]
fn named(key: *const Wanted) -> Option<u32> {
    let named = NUMBERS.get_ptr_mut(NAMED)?;
    // SAFETY: written only here, and the kernel holds cgroup_mutex around every mkdir.
    let unit = unsafe {
        *named += 1;
        *named | NAMED_BY_KERNEL
    };
    // SAFETY: takes nothing, gives the clock.
    let want = Want { unit, running: 0, began: unsafe { bpf_ktime_get_boot_ns() }, ended: 0 };
    // SAFETY: as in `lookup`.
    if WANTED.insert(unsafe { &*key }, want, u64::from(BPF_NOEXIST)).is_err() {
        missed();
        return None;
    }
    rows::make(unit);
    Some(unit)
}

/// Counts a cgroup that is wanted and is of no unit that could count it.
#[inline(always)]
pub(crate) fn missed() {
    if let Some(misses) = HOST_MISSES.get_ptr_mut(0) {
        // SAFETY: this processor's own.
        unsafe { (*misses).cgroups += 1 };
    }
}

/// Whether all cgroups above are slices: only the system's manager lays its units out so. A unit of a user's own
/// manager, or of one in a container, has that manager's unit above it, and cannot pose as the system's.
#[inline(always)]
fn in_slices(cgroup: Kernel) -> bool {
    let mut above = parent_of(cgroup);
    for _ in 0..DEPTH {
        let next = parent_of(above);
        if next.pointer().is_null() {
            return true;
        }
        let Some(scratch) = NAMES.get_ptr_mut(ABOVE) else { return false };
        let name = name_of(above);
        let Some(length) = read(scratch, name) else { return false };
        if !ends_in(name, length, *b".slice") {
            return false;
        }
        above = next;
    }
    false
}

#[inline(always)]
fn parent_of(cgroup: Kernel) -> Kernel {
    cgroup.follow(target!(cgroup_self_parent)).follow(target!(css_cgroup))
}

#[inline(always)]
fn name_of(cgroup: Kernel) -> *const u8 {
    cgroup.follow(target!(cgroup_kn)).load(target!(kernfs_node_name))
}

/// Reads a string into the key, padded with zeros. Gives its length, the NUL included. None for one that does not
/// fit, or cannot be read.
#[inline(always)]
fn read(key: *mut Wanted, text: *const u8) -> Option<i64> {
    let empty = NAMES.get_ptr(EMPTY)?;
    // SAFETY: each writes at most the key's own length, and fails where the source cannot be read.
    let length = unsafe {
        bpf_probe_read_kernel(key.cast(), WANTED_BYTES, empty.cast());
        bpf_probe_read_kernel_str(key.cast(), WANTED_BYTES, text.cast())
    };
    (0 < length && length < i64::from(WANTED_BYTES)).then_some(length)
}

/// Whether a string of that length, its NUL included, ends in `suffix`.
#[inline(always)]
fn ends_in<const N: usize>(text: *const u8, length: i64, suffix: [u8; N]) -> bool {
    let mut tail = [0_u8; N];
    #[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "a handful of bytes")]
    let (signed, bytes) = (N as i64, N as u32);
    let begin = length - 1 - signed;
    if begin < 0 {
        return false;
    }
    // SAFETY: reads within the string, and fails where it cannot be read.
    unsafe {
        let from = text.offset(isize::try_from(begin).unwrap_or_default());
        bpf_probe_read_kernel(tail.as_mut_ptr().cast(), bytes, from.cast());
    }
    tail == suffix
}
