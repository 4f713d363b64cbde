//! The running kernel's offsets and ABIs.
//!
//! Rust programs have no CO-RE relocations, so the offsets are looked up in the kernel's own BTF at each
//! start and handed to the kernel program as constants. None is compiled in.

use std::{fs, io, path::Path};

use recorder_common::{Abi, Target};

use super::{Error, btf::Btf};

/// Where the kernel publishes the types of vmlinux.
pub(super) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// What this processor's kernel can be entered by, beside its native ABI.
struct Machine {
    native: Abi,
    compat: Abi,
    /// The field of `task_struct.thread_info` that tells a compat call, and the bit in it.
    compat_word: &'static str,
    compat_bit: u32,
    x32_bit: u32,
    /// The number of execve in the native ABI.
    execve: u32,
    /// All of them.
    abis: &'static [Abi],
}

/// `TS_COMPAT` in arch/x86/include/asm/thread_info.h; `__X32_SYSCALL_BIT` in its uapi/asm/unistd.h.
#[cfg(target_arch = "x86_64")]
const MACHINE: Machine = Machine {
    native: Abi::X86_64,
    compat: Abi::I386,
    compat_word: "status",
    compat_bit: 2,
    x32_bit: 0x4000_0000,
    execve: 59,
    abis: &[Abi::X86_64, Abi::I386, Abi::X32],
};

/// `TIF_32BIT` in arch/arm64/include/asm/thread_info.h.
#[cfg(target_arch = "aarch64")]
const MACHINE: Machine = Machine {
    native: Abi::Aarch64,
    compat: Abi::Arm,
    compat_word: "flags",
    compat_bit: 1 << 22,
    x32_bit: 0,
    execve: 221,
    abis: &[Abi::Aarch64, Abi::Arm],
};

/// The ABI of this machine's 64-bit programs.
pub(super) const NATIVE: Abi = MACHINE.native;

/// The ABIs by which this machine's kernel can be entered.
pub(super) const ABIS: &[Abi] = MACHINE.abis;

/// Reads the offsets from the BTF file at `path`, for programs of this generation, with so many places for rows.
pub(super) fn read(path: &Path, generation: u32, places: u32) -> Result<Target, Error> {
    let no_btf = |reason: String| Error::NoBtf { path: path.to_owned(), reason };
    let file = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_btf(error.to_string()),
        _ => Error::Read { path: path.to_owned(), source: error },
    })?;
    let fields = of(&Btf::parse(&file).map_err(|error| no_btf(error.to_string()))?)?;
    Ok(Target { generation, near_mask: places - 1, ..fields })
}

fn of(btf: &Btf<'_>) -> Result<Target, Error> {
    let field = |structure: &'static str, field: &'static str| {
        btf.offset(structure, field).ok_or(Error::MissingField { structure, field })
    };
    Ok(Target {
        task_cgroups: field("task_struct", "cgroups")?,
        css_set_dfl_cgrp: field("css_set", "dfl_cgrp")?,
        cgroup_kn: field("cgroup", "kn")?,
        kernfs_node_id: field("kernfs_node", "id")?,
        cgroup_self_parent: field("cgroup", "self")? + field("cgroup_subsys_state", "parent")?,
        css_cgroup: field("cgroup_subsys_state", "cgroup")?,
        task_mm: field("task_struct", "mm")?,
        mm_exe_file: field("mm_struct", "exe_file")?,
        file_f_inode: field("file", "f_inode")?,
        inode_i_ino: field("inode", "i_ino")?,
        inode_i_generation: field("inode", "i_generation")?,
        inode_i_sb: field("inode", "i_sb")?,
        super_block_s_dev: field("super_block", "s_dev")?,
        linux_binprm_interp: field("linux_binprm", "interp")?,
        linux_binprm_file: field("linux_binprm", "file")?,
        file_f_path_dentry: field("file", "f_path")? + field("path", "dentry")?,
        dentry_d_name_name: field("dentry", "d_name")? + field("qstr", "name")?,
        task_pid: field("task_struct", "pid")?,
        task_tgid: field("task_struct", "tgid")?,
        task_seccomp_mode: field("task_struct", "seccomp")? + field("seccomp", "mode")?,
        task_start_boottime: field("task_struct", "start_boottime")?,
        kernfs_node_name: field("kernfs_node", "name")?,
        cgroup_root: field("cgroup", "root")?,
        cgroup_root_hierarchy_id: field("cgroup_root", "hierarchy_id")?,
        task_compat_word: field("task_struct", "thread_info")? + field("thread_info", MACHINE.compat_word)?,
        compat_bit: MACHINE.compat_bit,
        x32_bit: MACHINE.x32_bit,
        native_abi: MACHINE.native as u32,
        compat_abi: MACHINE.compat as u32,
        native_execve: MACHINE.execve,
        ..Target::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::btf::sample;

    /// Each struct that is read, with the fields that are.
    const STRUCTS: &[(&str, &[&str])] = &[
        ("task_struct", &["thread_info", "pid", "tgid", "mm", "cgroups", "seccomp", "start_boottime"]),
        ("thread_info", &["flags", "status"]),
        ("css_set", &["dfl_cgrp"]),
        ("cgroup", &["self", "kn", "root"]),
        ("cgroup_subsys_state", &["cgroup", "parent"]),
        ("cgroup_root", &["hierarchy_id"]),
        ("kernfs_node", &["name", "id"]),
        ("mm_struct", &["exe_file"]),
        ("file", &["f_inode", "f_path"]),
        ("path", &["dentry"]),
        ("dentry", &["d_name"]),
        ("qstr", &["name"]),
        ("inode", &["i_ino", "i_generation", "i_sb"]),
        ("super_block", &["s_dev"]),
        ("linux_binprm", &["interp", "file"]),
        ("seccomp", &["mode"]),
    ];

    /// What is said of a kernel whose BTF this is.
    fn said(file: &[u8]) -> String {
        of(&Btf::parse(file).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn fields_are_read_from_where_they_have_moved_to() {
        let before = of(&Btf::parse(&sample(STRUCTS)).unwrap()).unwrap();
        let moved = STRUCTS.iter().map(|&(structure, fields)| match structure {
            "kernfs_node" => (structure, ["name", "iattr", "id"].as_slice()),
            _ => (structure, fields),
        });
        let after = of(&Btf::parse(&sample(&moved.collect::<Vec<_>>())).unwrap()).unwrap();
        assert_eq!((before.kernfs_node_id, after.kernfs_node_id), (8, 16));
        assert_eq!(after, Target { kernfs_node_id: 16, ..before });
    }

    /// Renamed, taken out, or moved into a struct of another name.
    #[test]
    fn a_field_that_is_not_there_is_named() {
        let other = if MACHINE.compat_word == "flags" { "status" } else { "flags" };
        for (at, (structure, fields)) in STRUCTS.iter().enumerate() {
            for field in fields.iter().filter(|field| **field != other) {
                let mut structs = STRUCTS.to_vec();
                let left: Vec<_> =
                    fields.iter().map(|name| if name == field { "renamed" } else { name }).collect();
                structs[at].1 = &left;
                let expected = format!("this kernel's {structure} has no field {field}; ");
                assert!(said(&sample(&structs)).starts_with(&expected), "{}", said(&sample(&structs)));
            }
            let mut structs = STRUCTS.to_vec();
            structs[at].0 = "renamed";
            assert!(said(&sample(&structs)).starts_with(&format!("this kernel's {structure} has no field ")));
        }
    }

    #[test]
    fn the_message_says_what_to_do() {
        insta::assert_snapshot!(said(&sample(&STRUCTS[1..])), @"this kernel's task_struct has no field cgroups; this version of syscall-recorder does not know this kernel's layout, please report it with the output of uname -a");
    }

    /// Every kernel that can be recorded on publishes its types to everybody.
    #[test]
    fn the_running_kernel_has_every_field() {
        let target = read(Path::new(VMLINUX), 7, 1).unwrap();
        assert_eq!(target.native_abi, NATIVE as u32);
        assert_eq!(crate::syscalls::name(NATIVE, target.native_execve), Some("execve"));
        assert_ne!(target.task_cgroups, target.task_mm);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nonexistent"), 7, 1).unwrap_err();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
