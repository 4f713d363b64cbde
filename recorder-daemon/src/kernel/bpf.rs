//! bpf(2) itself, for what is done so often that aya's way of doing it is dear.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr::from_ref,
};

use aya::Pod;

/// Fills `values` with what a map has under a key. Says whether it has it.
///
/// # Safety
/// The key must be of the map's type. So must each of the values be, of which a map for each processor has as many as
/// there can be processors, and any other map one.
pub(super) unsafe fn look_up<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    key: &K,
    values: &mut [V],
) -> io::Result<bool> {
    let value = values.as_mut_ptr() as u64;
    let attributes = Element { map: map.as_raw_fd(), padding: 0, key: from_ref(key) as u64, value, flags: 0 };
    // SAFETY: it reads a key and writes the values, for which the caller answers.
    match unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &attributes) } {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        done => done.map(|_| true),
    }
}

/// Puts values into a map.
///
/// # Safety
/// As [`look_up`].
pub(super) unsafe fn update<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    key: &K,
    values: &[V],
    flags: u64,
) -> io::Result<()> {
    let value = values.as_ptr() as u64;
    let attributes = Element { map: map.as_raw_fd(), padding: 0, key: from_ref(key) as u64, value, flags };
    // SAFETY: it reads a key and the values, for which the caller answers.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &attributes) }.map(drop)
}

/// Puts one value under each of the keys.
///
/// # Safety
/// Keys and values must be of the map's types, and the map not one for each processor.
pub(super) unsafe fn update_all<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    keys: &[K],
    values: &[V],
) -> io::Result<()> {
    let count = u32::try_from(keys.len().min(values.len())).map_err(io::Error::other)?;
    let (keys, values) = (keys.as_ptr() as u64, values.as_ptr() as u64);
    let attributes =
        Batch { from: 0, to: 0, keys, values, count, map: map.as_raw_fd(), each_flags: 0, flags: 0 };
    // SAFETY: it reads the keys and the values, for whose types the caller answers, and as many as there are.
    unsafe { bpf(BPF_MAP_UPDATE_BATCH, &attributes) }.map(drop)
}

/// What waits until every program that runs now has ended.
///
/// An array of maps with one element. Whoever replaces that element gets an answer when no program can be using the old
/// one any more (`maybe_wait_bpf_programs` in kernel/bpf/syscall.c, since Linux 5.0): it is the kernel's own grace period,
/// also on one processor, and also where processors are kept free of ticks.
pub(super) struct Grace {
    outer: OwnedFd,
    inner: OwnedFd,
}

impl Grace {
    pub(super) fn new() -> io::Result<Self> {
        let array = |kind, inner_map| Create {
            kind,
            key_size: 4,
            value_size: 4,
            max_entries: 1,
            flags: 0,
            inner_map,
        };
        let inner = create(&array(BPF_MAP_TYPE_ARRAY, 0))?;
        let outer = create(&array(BPF_MAP_TYPE_ARRAY_OF_MAPS, inner.as_raw_fd()))?;
        Ok(Self { outer, inner })
    }

    pub(super) fn wait(&self) -> io::Result<()> {
        // SAFETY: the key is a place, and the value a descriptor of a map.
        unsafe { update(self.outer.as_fd(), &0_u32, &[self.inner.as_raw_fd()], 0) }
    }
}

fn create(attributes: &Create) -> io::Result<OwnedFd> {
    // SAFETY: it reads the attributes alone, and gives a descriptor that is nobody else's.
    unsafe { bpf(BPF_MAP_CREATE, attributes).map(|descriptor| OwnedFd::from_raw_fd(descriptor)) }
}

/// What linux/bpf.h has for the making of a map, as far as it is needed.
#[repr(C)]
struct Create {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner_map: i32,
}

/// What linux/bpf.h has for commands on one element of a map.
#[repr(C)]
struct Element {
    map: i32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// What linux/bpf.h has for commands on many.
#[repr(C)]
struct Batch {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: i32,
    each_flags: u64,
    flags: u64,
}

/// # Safety
/// The attributes must be those of the command, and what they point to what it reads and writes there.
unsafe fn bpf<A>(command: libc::c_int, attributes: &A) -> io::Result<i32> {
    // SAFETY: they are of this size; for the rest the caller answers.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, from_ref(attributes), size_of::<A>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(result).map_err(io::Error::other) }
}

/// From linux/bpf.h.
const BPF_MAP_TYPE_ARRAY: u32 = 2;
/// From linux/bpf.h.
const BPF_MAP_TYPE_ARRAY_OF_MAPS: u32 = 12;
/// From linux/bpf.h.
const BPF_MAP_CREATE: libc::c_int = 0;
/// From linux/bpf.h.
const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
/// From linux/bpf.h.
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
/// From linux/bpf.h, since Linux 5.6.
const BPF_MAP_UPDATE_BATCH: libc::c_int = 26;
