//! What every test here stands on.

mod daemon;
mod need;
mod peers;
mod values;

pub(crate) use daemon::Daemon;
pub(crate) use need::root;
pub(crate) use peers::{NOBODY, Peer, as_user, call};
pub(crate) use values::{answer, status};
