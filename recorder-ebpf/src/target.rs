//! The running kernel's offsets and ABIs, as constants.

use recorder_common::Target;

/// Filled in by user space before the load. It stands in read-only data, which is frozen before the
/// verifier runs: the verifier then knows each field's value, and takes a pointer plus a field as a
/// pointer at a constant offset, which is the only kind that it lets a program load from.
#[unsafe(no_mangle)]
static TARGET: Target = Target {
    task_cgroups: 0,
    css_set_dfl_cgrp: 0,
    cgroup_kn: 0,
    kernfs_node_id: 0,
    cgroup_self_parent: 0,
    css_cgroup: 0,
    task_mm: 0,
    mm_exe_file: 0,
    file_f_inode: 0,
    inode_i_ino: 0,
    inode_i_generation: 0,
    inode_i_sb: 0,
    super_block_s_dev: 0,
    linux_binprm_interp: 0,
    linux_binprm_file: 0,
    file_f_path_dentry: 0,
    dentry_d_name_name: 0,
    task_pid: 0,
    task_tgid: 0,
    task_seccomp_mode: 0,
    task_start_boottime: 0,
    kernfs_node_name: 0,
    cgroup_root: 0,
    cgroup_root_hierarchy_id: 0,
    task_compat_word: 0,
    compat_bit: 0,
    x32_bit: 0,
    native_abi: 0,
    compat_abi: 0,
    native_execve: 0,
    generation: 0,
    near_mask: 0,
};

/// Reads one field of [`TARGET`]. Volatile, or the compiler would fold the zeros above in.
macro_rules! target {
    ($field:ident) => {{
        // SAFETY: a field of a static, read as what it is.
        unsafe { core::ptr::read_volatile($crate::target::field(|target| &raw const (*target).$field)) }
    }};
}
pub(crate) use target;

/// A pointer to one field of [`TARGET`].
#[inline(always)]
pub(crate) fn field(pick: impl FnOnce(*const Target) -> *const u32) -> *const u32 {
    pick(&raw const TARGET)
}

/// Whether these programs are the ones that count. While one version takes over from another, both are attached.
#[inline(always)]
pub(crate) fn active() -> bool {
    crate::setup::settings().active == target!(generation)
}
