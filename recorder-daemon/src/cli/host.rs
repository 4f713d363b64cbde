//! Where the daemon of this host is found, and what it keeps.

use std::path::PathBuf;

use crate::control::{Client, SOCKET};

/// Options that every command has, for tests and for hosts that are laid out otherwise.
#[derive(clap::Args)]
pub(super) struct Host {
    /// The daemon's socket
    #[arg(long, global = true, hide = true, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// The folder of the allowlists that the daemon writes
    #[arg(
        long,
        global = true,
        hide = true,
        value_name = "PATH",
        default_value = "/var/lib/syscall-recorder"
    )]
    pub(super) state: PathBuf,
}

impl Host {
    pub(super) fn daemon(&self) -> Client {
        Client::new(&self.socket)
    }
}
