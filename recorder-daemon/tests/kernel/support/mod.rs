//! What every test of this layer stands on.

mod allowlist;
mod bench;
mod cgroup1;
mod daemon;
mod need;
mod started;
mod strace;

pub(crate) use allowlist::{Allowlist, NATIVE};
pub(crate) use bench::{BINARY, Bench, finish, isolated, said};
pub(crate) use cgroup1::{Folder, Hierarchy, reach};
pub(crate) use daemon::{Daemon, Slice};
pub(crate) use started::{
    Started, Stray, alive, cgroup_mount, eventually, finish_in, kill, lines_of, own_cgroup, put_an_end_to,
};
pub(crate) use strace::{renamed, strace};
