//! Numbers that the kernel once gave to a call, and keeps from being given again.
//!
//! The package lists only what its kernel implements. An older kernel may still implement one of these, a
//! program may try one on any kernel, and libseccomp and systemd's `@obsolete` know them by these names: left
//! out, such a call would be recorded without a name.

/// Number and name of what the ABI has retired.
pub(super) fn names(abi: &str) -> &'static [(u32, &'static str)] {
    match abi {
        "x86_64" => &[
            (134, "uselib"),
            (156, "_sysctl"),
            (174, "create_module"),
            (177, "get_kernel_syms"),
            (178, "query_module"),
            (180, "nfsservctl"),
            (181, "getpmsg"),
            (182, "putpmsg"),
            (183, "afs_syscall"),
            (184, "tuxcall"),
            (185, "security"),
            (236, "vserver"),
        ],
        "i386" => &[
            (17, "break"),
            (31, "stty"),
            (32, "gtty"),
            (35, "ftime"),
            (44, "prof"),
            (53, "lock"),
            (56, "mpx"),
            (58, "ulimit"),
            (86, "uselib"),
            (98, "profil"),
            (112, "idle"),
            (127, "create_module"),
            (130, "get_kernel_syms"),
            (134, "bdflush"),
            (137, "afs_syscall"),
            (149, "_sysctl"),
            (167, "query_module"),
            (169, "nfsservctl"),
            (188, "getpmsg"),
            (189, "putpmsg"),
            (273, "vserver"),
        ],
        "x32" => {
            &[(181, "getpmsg"), (182, "putpmsg"), (183, "afs_syscall"), (184, "tuxcall"), (185, "security")]
        }
        "aarch64" | "riscv64" => &[(42, "nfsservctl")],
        "arm" => &[(86, "uselib"), (134, "bdflush"), (149, "_sysctl"), (169, "nfsservctl"), (313, "vserver")],
        "s390x" => &[
            (86, "uselib"),
            (112, "idle"),
            (127, "create_module"),
            (130, "get_kernel_syms"),
            (134, "bdflush"),
            (137, "afs_syscall"),
            (149, "_sysctl"),
            (167, "query_module"),
            (169, "nfsservctl"),
            (188, "getpmsg"),
            (189, "putpmsg"),
        ],
        "ppc64le" => &[
            (17, "break"),
            (31, "stty"),
            (32, "gtty"),
            (35, "ftime"),
            (44, "prof"),
            (53, "lock"),
            (56, "mpx"),
            (58, "ulimit"),
            (86, "uselib"),
            (98, "profil"),
            (112, "idle"),
            (127, "create_module"),
            (130, "get_kernel_syms"),
            (134, "bdflush"),
            (137, "afs_syscall"),
            (149, "_sysctl"),
            (166, "query_module"),
            (168, "nfsservctl"),
            (187, "getpmsg"),
            (188, "putpmsg"),
            (225, "tuxcall"),
        ],
        _ => &[],
    }
}
