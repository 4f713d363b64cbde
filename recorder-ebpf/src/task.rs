//! The task that runs, and the kernel's structs, read by direct loads.
//!
//! A helper call costs more than all the loads here together on processors that mitigate returns. The
//! verifier knows the types behind `bpf_get_current_task_btf` and lets a program follow their pointers; a
//! load that faults gives 0 and goes on, so a null pointer on the way (a kernel thread has no mm) needs no
//! check.
//!
//! Before Linux 5.11 there is no such helper: the other one gives a plain number, and each load is a helper call. One
//! that faults gives 0 there, too.

use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_get_current_task_btf, bpf_probe_read_kernel};

use crate::target::target;

/// A pointer into a struct of the kernel's: one that the verifier knows the type of or, with `PROBED`, a number that is
/// no more to it than that. The compiler makes a function of each that is given both.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<const PROBED: bool = false>(*const u8);

impl Kernel {
    pub(crate) fn new(pointer: *const u8) -> Self {
        Self(pointer)
    }
}

impl<const PROBED: bool> Kernel<PROBED> {
    /// Follows the pointer that stands `offset` bytes into the struct.
    #[inline(always)]
    pub(crate) fn follow(self, offset: u32) -> Self {
        Self(self.load(offset))
    }

    /// Loads what stands `offset` bytes into the struct.
    #[inline(always)]
    pub(crate) fn load<T: Copy>(self, offset: u32) -> T {
        let from = self.0.wrapping_add(offset as usize);
        if !PROBED {
            // SAFETY: the verifier checks type and bounds at the load, the kernel catches a fault at run time.
            return unsafe { from.cast::<T>().read() };
        }
        let mut loaded = MaybeUninit::<T>::uninit();
        #[expect(clippy::cast_possible_truncation, reason = "a word at the most")]
        let bytes = size_of::<T>() as u32;
        // SAFETY: it writes all of it: zeros, where the source cannot be read. They are integers, or a pointer.
        unsafe {
            bpf_probe_read_kernel(loaded.as_mut_ptr().cast(), bytes, from.cast());
            loaded.assume_init()
        }
    }

    /// Where it points, for a helper that reads there.
    #[inline(always)]
    pub(crate) fn pointer(self) -> *const u8 {
        self.0
    }

    /// Whether a `struct cgroup` is of version 2. Where version 1 is mounted too, the hooks on cgroups are called
    /// for its hierarchies as well, and their ids mean something else. The hierarchy of version 2 is the first
    /// that the kernel makes, so its number is 0 (cgroup_init in kernel/cgroup/cgroup.c).
    #[inline(always)]
    pub(crate) fn is_v2(self) -> bool {
        self.follow(target!(cgroup_root)).load::<u32>(target!(cgroup_root_hierarchy_id)) == 0
    }

    /// The id of a `struct cgroup`; the inode number of its directory.
    #[inline(always)]
    pub(crate) fn cgroup_id(self) -> u64 {
        self.follow(target!(cgroup_kn)).load(target!(kernfs_node_id))
    }
}

/// The task that runs.
#[inline(always)]
pub(crate) fn current() -> Kernel {
    // SAFETY: takes nothing, and always gives the current task.
    Kernel(unsafe { bpf_get_current_task_btf() }.cast_const().cast())
}

/// The same, where the kernel gives no pointer that can be followed.
#[inline(always)]
pub(crate) fn current_probed() -> Kernel<true> {
    // SAFETY: takes nothing, and always gives the current task.
    let task = unsafe { bpf_get_current_task() };
    #[expect(clippy::cast_possible_truncation, reason = "an address has 64 bits there")]
    Kernel(core::ptr::without_provenance(task as usize))
}

/// The id of the v2 cgroup that `task` is in.
#[inline(always)]
pub(crate) fn cgroup_of<const PROBED: bool>(task: Kernel<PROBED>) -> u64 {
    task.follow(target!(task_cgroups)).follow(target!(css_set_dfl_cgrp)).cgroup_id()
}

/// What tells the file that `task` executes from those that others execute at the same time: where its inode lies in
/// memory. Another file can come to lie there when this one is gone. The verifier takes it for a pointer, which can
/// be compared and kept, and not be reckoned with.
#[inline(always)]
pub(crate) fn file_of<const PROBED: bool>(task: Kernel<PROBED>) -> u64 {
    task.follow(target!(task_mm)).follow(target!(mm_exe_file)).load(target!(file_f_inode))
}

/// What tells the program that `task` executes from others for all time: a hash of its file's inode number, the
/// generation of that number (it is given again when a file is removed) and the device. A process cannot
/// change it but by execve (or, with CAP_SYS_RESOURCE, prctl `PR_SET_MM_EXE_FILE`).
#[inline(always)]
pub(crate) fn program_of<const PROBED: bool>(task: Kernel<PROBED>) -> u64 {
    // 2^64 divided by the golden ratio: a multiplication by it spreads neighbours over all bits.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let inode = task.follow(target!(task_mm)).follow(target!(mm_exe_file)).follow(target!(file_f_inode));
    let number: u64 = inode.load(target!(inode_i_ino));
    let generation: u32 = inode.load(target!(inode_i_generation));
    let device: u32 = inode.follow(target!(inode_i_sb)).load(target!(super_block_s_dev));
    (number.wrapping_mul(SPREAD) ^ u64::from(device)).wrapping_mul(SPREAD) ^ u64::from(generation)
}
