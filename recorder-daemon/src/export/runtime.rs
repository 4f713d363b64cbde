//! A profile without what only the container's runtime did.

use std::collections::BTreeSet;

use super::options::Refusal;
use crate::{allowlist::Allowlist, recording::Gap};

/// What a runtime calls after it has set the filter and before it executes the container's command, so that a container
/// cannot start without it: seen with strace of runc 1.1 and crun 1.8, with `noNewPrivileges` and without it (then they
/// change user and capabilities under the filter), and what Go's own scheduler may do on any thread at any moment. `execveat`: the
/// command itself may be executed so.
/// `tests/kernel/containers.rs` holds both runtimes to it.
const UNDER_FILTER: [&str; 39] = [
    "capget",
    "capset",
    "chdir",
    "clone",
    "close",
    "close_range",
    "epoll_ctl",
    "epoll_pwait",
    "execveat",
    "faccessat2",
    "fchown",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getpid",
    "getppid",
    "gettid",
    "madvise",
    "mmap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "prctl",
    "read",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "setgid",
    "setgroups",
    "setresgid",
    "setresuid",
    "setuid",
    "tgkill",
    "write",
];

/// What only a runtime has called: what it needs under the filter, and all else.
pub(super) struct Runtimes<'a> {
    pub(super) needed: BTreeSet<&'static str>,
    pub(super) rest: BTreeSet<&'a str>,
}

pub(super) fn runtimes(allowlist: &Allowlist) -> Result<Runtimes<'_>, Refusal> {
    if allowlist.observed.gaps.contains_key(&Gap::RunningBefore) {
        return Err(Refusal::RuntimeNotTold);
    }
    let mut rest = allowlist.runtimes();
    let needed = UNDER_FILTER.into_iter().filter(|name| rest.remove(name)).collect();
    Ok(Runtimes { needed, rest })
}
