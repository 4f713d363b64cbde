//! Families of calls that stand in for one another: which of them a program makes is up to its C library, the
//! kernel and the machine, not to what it does.
//!
//! Written by hand. What gives a program a power that it had no use for is in no family with what it used:
//! `execveat` is not beside `execve` (it executes what no path leads to), nor `recvmsg` beside `recvfrom` (it receives
//! descriptors), and `io_uring_enter` is beside nothing. One exception cannot be had otherwise: `clone` is beside
//! `fork`, although it can make namespaces, for that is how C libraries fork.

/// Calls that stand in for one another.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// What they have in common, as a reason for allowing all where one was seen.
    pub reason: &'static str,
    /// The calls, in alphabetical order.
    pub names: &'static [&'static str],
}

const FAMILIES: &[Family] = &[
    Family {
        reason: "accept a connection: programs use accept4 where the C library has it",
        names: &["accept", "accept4"],
    },
    Family {
        reason: "ask whether a file may be used: glibc 2.33 and later tries faccessat2 first",
        names: &["access", "faccessat", "faccessat2"],
    },
    Family {
        reason: "set an alarm: some C libraries make alarm of setitimer",
        names: &["alarm", "setitimer"],
    },
    Family {
        reason: "change a file's mode: newer machines have the *at calls only, fchmodat2 is of Linux 6.6",
        names: &["chmod", "fchmodat", "fchmodat2"],
    },
    Family {
        reason: "change a file's owner: newer machines have fchownat only",
        names: &["chown", "chown32", "fchownat"],
    },
    Family { reason: "change an open file's owner, with ids of 32 bits", names: &["fchown", "fchown32"] },
    Family {
        reason: "change a link's owner: newer machines have fchownat only",
        names: &["fchownat", "lchown", "lchown32"],
    },
    Family {
        reason: "read a clock: 32-bit programs take the 64-bit one from glibc 2.34 on, and time and gettimeofday are \
                 answered without the kernel where its clock allows",
        names: &["clock_gettime", "clock_gettime64", "gettimeofday", "time"],
    },
    Family { reason: "ask for a clock's resolution", names: &["clock_getres", "clock_getres_time64"] },
    Family {
        reason: "sleep: glibc 2.34 and later makes nanosleep of clock_nanosleep",
        names: &["clock_nanosleep", "clock_nanosleep_time64", "nanosleep"],
    },
    Family {
        reason: "begin a process or thread: glibc 2.34 and later tries clone3 first, and newer machines have no fork",
        names: &["clone", "clone3", "fork", "vfork"],
    },
    Family {
        reason: "create a file: it is open with other words",
        names: &["creat", "open", "openat", "openat2"],
    },
    Family {
        reason: "make a second descriptor of one: newer machines have no dup2",
        names: &["dup", "dup2", "dup3", "fcntl", "fcntl64"],
    },
    Family {
        reason: "make an epoll descriptor: newer machines have epoll_create1 only",
        names: &["epoll_create", "epoll_create1"],
    },
    Family {
        reason: "wait for epoll events: newer machines have no epoll_wait, epoll_pwait2 is of Linux 5.11",
        names: &["epoll_pwait", "epoll_pwait2", "epoll_wait"],
    },
    Family { reason: "make an event descriptor", names: &["eventfd", "eventfd2"] },
    Family { reason: "give advice on reading", names: &["arm_fadvise64_64", "fadvise64", "fadvise64_64"] },
    Family { reason: "lock and change open files, with offsets of 64 bits", names: &["fcntl", "fcntl64"] },
    Family {
        reason: "look at a file: glibc's stat was stat, then newfstatat, then statx",
        names: &[
            "fstat",
            "fstat64",
            "fstatat64",
            "lstat",
            "lstat64",
            "newfstatat",
            "oldfstat",
            "oldlstat",
            "oldstat",
            "stat",
            "stat64",
            "statx",
        ],
    },
    Family {
        reason: "look at a file system, with sizes of 64 bits",
        names: &["fstatfs", "fstatfs64", "statfs", "statfs64"],
    },
    Family { reason: "shorten a file, with sizes of 64 bits", names: &["ftruncate", "ftruncate64"] },
    Family {
        reason: "shorten a file by its path, with sizes of 64 bits",
        names: &["truncate", "truncate64"],
    },
    Family {
        reason: "wait on memory: futex_waitv and its kin are of Linux 5.16 and 6.7",
        names: &["futex", "futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake"],
    },
    Family {
        reason: "change a file's times: newer machines have utimensat only",
        names: &["futimesat", "utime", "utimensat", "utimensat_time64", "utimes"],
    },
    Family { reason: "list a folder", names: &["getdents", "getdents64"] },
    Family { reason: "ask who one is, with ids of 32 bits", names: &["getegid", "getegid32"] },
    Family { reason: "ask who one is, with ids of 32 bits", names: &["geteuid", "geteuid32"] },
    Family { reason: "ask who one is, with ids of 32 bits", names: &["getgid", "getgid32"] },
    Family { reason: "ask who one is, with ids of 32 bits", names: &["getgroups", "getgroups32"] },
    Family { reason: "ask who one is, with ids of 32 bits", names: &["getuid", "getuid32"] },
    Family {
        reason: "ask for a process group: newer machines have getpgid only",
        names: &["getpgid", "getpgrp"],
    },
    Family {
        reason: "ask for limits: glibc makes getrlimit of prlimit64",
        names: &["getrlimit", "prlimit64", "ugetrlimit"],
    },
    Family { reason: "set limits: glibc makes setrlimit of prlimit64", names: &["prlimit64", "setrlimit"] },
    Family { reason: "watch files", names: &["inotify_init", "inotify_init1"] },
    Family { reason: "link a file: newer machines have linkat only", names: &["link", "linkat"] },
    Family { reason: "move a file's place, with offsets of 64 bits", names: &["_llseek", "lseek"] },
    Family { reason: "make a folder: newer machines have mkdirat only", names: &["mkdir", "mkdirat"] },
    Family { reason: "make a node: newer machines have mknodat only", names: &["mknod", "mknodat"] },
    Family { reason: "map memory: 32-bit machines have mmap2", names: &["mmap", "mmap2"] },
    Family {
        reason: "open a file: newer machines have no open, openat2 is of Linux 5.6",
        names: &["open", "openat", "openat2"],
    },
    Family {
        reason: "wait for a signal: newer machines make pause of ppoll or sigsuspend",
        names: &["pause", "ppoll", "rt_sigsuspend"],
    },
    Family { reason: "make a pipe: newer machines have pipe2 only", names: &["pipe", "pipe2"] },
    Family {
        reason: "wait for descriptors: newer machines have ppoll and pselect6 only",
        names: &["_newselect", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select"],
    },
    Family { reason: "read at a place: preadv2 is preadv with flags", names: &["preadv", "preadv2"] },
    Family { reason: "write at a place: pwritev2 is pwritev with flags", names: &["pwritev", "pwritev2"] },
    Family { reason: "read a link: newer machines have readlinkat only", names: &["readlink", "readlinkat"] },
    Family { reason: "receive: most machines have recvfrom only", names: &["recv", "recvfrom"] },
    Family {
        reason: "receive messages: recvmmsg is recvmsg for many",
        names: &["recvmmsg", "recvmmsg_time64", "recvmsg"],
    },
    Family {
        reason: "rename a file: newer machines have renameat2 only",
        names: &["rename", "renameat", "renameat2"],
    },
    Family {
        reason: "remove a file or folder: newer machines have unlinkat only",
        names: &["rmdir", "unlink", "unlinkat"],
    },
    Family {
        reason: "wait for a signal, with times of 64 bits",
        names: &["rt_sigtimedwait", "rt_sigtimedwait_time64"],
    },
    Family { reason: "send: most machines have sendto only", names: &["send", "sendto"] },
    Family { reason: "send messages: sendmmsg is sendmsg for many", names: &["sendmmsg", "sendmsg"] },
    Family { reason: "send a file, with offsets of 64 bits", names: &["sendfile", "sendfile64"] },
    Family { reason: "set a group, with ids of 32 bits", names: &["setgid", "setgid32"] },
    Family { reason: "set groups, with ids of 32 bits", names: &["setgroups", "setgroups32"] },
    Family { reason: "set a group, with ids of 32 bits", names: &["setregid", "setregid32"] },
    Family { reason: "set a group, with ids of 32 bits", names: &["setresgid", "setresgid32"] },
    Family { reason: "set a user, with ids of 32 bits", names: &["setresuid", "setresuid32"] },
    Family { reason: "set a user, with ids of 32 bits", names: &["setreuid", "setreuid32"] },
    Family { reason: "set a user, with ids of 32 bits", names: &["setuid", "setuid32"] },
    Family { reason: "make a descriptor of signals", names: &["signalfd", "signalfd4"] },
    Family {
        reason: "make a symbolic link: newer machines have symlinkat only",
        names: &["symlink", "symlinkat"],
    },
    Family {
        reason: "write a file out: ARM and POWER have names of their own",
        names: &["arm_sync_file_range", "sync_file_range", "sync_file_range2"],
    },
    Family {
        reason: "wait for a child: newer machines make waitpid of wait4",
        names: &["wait4", "waitid", "waitpid"],
    },
];

/// The families that a name is in.
pub fn families(name: &str) -> impl Iterator<Item = &'static Family> {
    FAMILIES.iter().filter(move |family| family.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls;

    #[test]
    fn every_member_is_a_call_and_families_are_in_order() {
        for family in FAMILIES {
            assert!(family.names.len() > 1, "{family:?}");
            assert!(family.names.is_sorted_by(|a, b| a < b), "{family:?}");
            for name in family.names {
                assert!(syscalls::is_known(name), "{name}");
            }
        }
    }

    #[test]
    fn a_profile_survives_what_a_new_c_library_does() {
        let beside = |seen: &str| -> Vec<_> { families(seen).flat_map(|family| family.names).collect() };
        for (old, new) in [
            ("clone", "clone3"),
            ("stat", "newfstatat"),
            ("newfstatat", "statx"),
            ("epoll_wait", "epoll_pwait2"),
            ("poll", "ppoll"),
            ("select", "pselect6"),
            ("futex", "futex_waitv"),
            ("faccessat", "faccessat2"),
            ("open", "openat"),
            ("openat", "openat2"),
            ("pipe", "pipe2"),
            ("dup2", "dup3"),
            ("vfork", "clone"),
            ("rename", "renameat2"),
            ("getdents", "getdents64"),
            ("getrlimit", "prlimit64"),
            ("accept", "accept4"),
            ("nanosleep", "clock_nanosleep"),
        ] {
            assert!(beside(old).contains(&&new), "{old}");
        }
        for risky in ["execveat", "ptrace", "setns", "unshare", "io_uring_enter", "mount"] {
            assert_eq!(families(risky).count(), 0, "{risky}");
        }
    }
}
