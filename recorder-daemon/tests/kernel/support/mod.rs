//! What every test of this layer stands on.

mod allowlist;
mod bench;
mod cgroup1;
mod need;
mod started;
mod strace;

pub(crate) use allowlist::{Allowlist, NATIVE};
pub(crate) use bench::{BINARY, Bench, finish, isolated, said};
pub(crate) use cgroup1::{Folder, Hierarchy, reach};
pub(crate) use started::{Started, Stray, alive, eventually, kill, lines_of, own_cgroup, put_an_end_to};
pub(crate) use strace::{renamed, strace};
