//! Which calls a reviewer should not allow without asking what they are for.
//!
//! A judgement, so each has its reason in words. What systemd's sets say is taken from them; what they do not say, or
//! say too mildly, is here by name.

use super::sets::sets_of;

/// Why a call deserves a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// How bad it is.
    pub level: Level,
    /// What a process can do with it, in words.
    pub why: &'static str,
}

/// How much a call gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Needs a privilege that few services keep, or opens parts of the kernel that few services use.
    Elevated,
    /// Gives power over the kernel or other processes, or a way around the filter itself.
    High,
}

impl Level {
    /// The word in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elevated => "elevated",
            Self::High => "high",
        }
    }
}

/// By name.
const NAMES: [(&str, Level, &str); 19] = [
    ("bpf", Level::High, "loads programs into the kernel"),
    // io_uring(7): its operations are no system calls, so seccomp does not see them.
    ("io_uring_enter", Level::High, "does what no filter sees: io_uring's operations are no system calls"),
    ("io_uring_register", Level::High, "does what no filter sees: io_uring's operations are no system calls"),
    ("io_uring_setup", Level::High, "does what no filter sees: io_uring's operations are no system calls"),
    ("kexec_file_load", Level::High, "replaces the running kernel"),
    ("kexec_load", Level::High, "replaces the running kernel"),
    (
        "open_by_handle_at",
        Level::High,
        "opens files past the folders that they are in, also out of a container",
    ),
    ("perf_event_open", Level::High, "watches other processes and the kernel"),
    ("pidfd_getfd", Level::High, "takes open files from other processes"),
    ("process_vm_readv", Level::High, "reads other processes' memory"),
    ("process_vm_writev", Level::High, "writes into other processes' memory"),
    ("ptrace", Level::High, "reads and steers other processes"),
    ("userfaultfd", Level::High, "can halt the kernel in the middle of a call, which exploits are built on"),
    ("fanotify_init", Level::Elevated, "watches, and can hold up, what others do with files"),
    ("kcmp", Level::Elevated, "tells what other processes have open"),
    ("personality", Level::Elevated, "can switch address randomisation off"),
    ("setns", Level::Elevated, "enters other namespaces"),
    ("syslog", Level::Elevated, "reads and clears the kernel's log"),
    ("unshare", Level::Elevated, "makes namespaces, inside which much of the kernel opens up"),
];

/// By systemd's set; the first that holds the name counts.
const SETS: [(&str, Level, &str); 14] = [
    ("@module", Level::High, "loads code into the kernel or takes it out"),
    ("@raw-io", Level::High, "talks to hardware past the kernel"),
    ("@reboot", Level::High, "stops the host"),
    ("@mount", Level::High, "changes which files are seen where"),
    ("@debug", Level::High, "looks into other processes or the kernel"),
    ("@swap", Level::High, "changes where the host's memory is written to"),
    ("@clock", Level::Elevated, "sets the host's clock"),
    ("@cpu-emulation", Level::Elevated, "old kernel code that little else uses"),
    ("@keyring", Level::Elevated, "uses the kernel's keys, which containers share"),
    ("@obsolete", Level::Elevated, "obsolete, and little tested"),
    ("@chown", Level::Elevated, "gives files away: as a rule only at start-up, by root"),
    ("@setuid", Level::Elevated, "changes the user or group: as a rule only at start-up, to drop root"),
    ("@pkey", Level::Elevated, "changes how memory is protected: few programs do"),
    ("@privileged", Level::Elevated, "needs a privilege"),
];

/// Why a call deserves a second look, or `None`.
#[must_use]
pub fn risk(name: &str) -> Option<Risk> {
    let by_name = NAMES.iter().find(|(named, ..)| *named == name);
    let by_set = || SETS.iter().find(|(set, ..)| sets_of(name).any(|holds| holds == *set));
    by_name.or_else(by_set).map(|&(_, level, why)| Risk { level, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::{is_known, sets};

    #[test]
    fn every_name_and_set_is_real() {
        assert!(NAMES.iter().all(|(name, ..)| is_known(name)));
        assert!(SETS.iter().all(|(set, ..)| sets().any(|(known, _)| known == *set)));
    }

    #[test]
    fn what_every_program_does_is_no_risk() {
        for name in
            ["read", "write", "openat", "mmap", "execve", "futex", "clone3", "socket", "getuid", "exit_group"]
        {
            assert_eq!(risk(name), None, "{name}");
        }
    }

    /// Whoever changes a rule sees here what it comes to.
    #[test]
    fn the_whole_list() {
        let names: std::collections::BTreeSet<_> = sets().flat_map(|(_, names)| names).collect();
        let line =
            |name: &&&str| risk(name).map(|risk| format!("{:<9} {name}: {}", risk.level.name(), risk.why));
        insta::assert_snapshot!(names.iter().filter_map(line).collect::<Vec<_>>().join("\n"));
    }
}
