//! The kernel layer: the real binary, as root, on the real kernel. `strace` is ground truth for which calls
//! are made, programs that make exactly N calls are ground truth for how often.
//!
//! A test that lacks a privilege or a tool returns early and says so, in a file if
//! `SYSCALL_RECORDER_SKIPPED` names one; with `CI` or `SYSCALL_RECORDER_REQUIRE` set it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(target_arch = "x86_64")]
mod abis;
mod cgroup1;
mod cgroups;
mod containers;
mod cost;
mod counts;
mod crowd;
mod daemon;
mod disk;
mod doctor;
mod failures;
mod gaps;
mod grace;
mod hardships;
mod hostile;
mod killed;
mod lookups;
mod metrics;
mod occasions;
mod oci;
mod output;
mod pinned;
mod probing;
mod rows;
mod sets;
mod setup_calls;
mod signals;
mod steps;
mod support;
mod take_up;
mod terminal;
mod traces;
mod wanted;
mod watch;
