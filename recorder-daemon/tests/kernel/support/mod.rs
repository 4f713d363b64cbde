//! What every test of this layer stands on.

mod allowlist;
mod bench;
mod cgroup1;
mod container;
mod daemon;
mod faults;
mod need;
mod started;
mod strace;
mod tmux;

pub(crate) use allowlist::{Allowlist, NATIVE};
pub(crate) use bench::{BINARY, Bench, finish, isolated, said};
pub(crate) use cgroup1::{Folder, Hierarchy, reach};
pub(crate) use container::{ATTACK, Container, KILLED, LIFE, SAID};
pub(crate) use daemon::{Daemon, Slice};
pub(crate) use faults::{Mounted, Tampered, tracer};
pub(crate) use started::{
    Started, Stray, alive, cgroup_mount, eventually, finish_in, in_cgroup, kill, lines_of, own_cgroup,
    put_an_end_to,
};
pub(crate) use strace::{renamed, strace};
pub(crate) use tmux::Tmux;
