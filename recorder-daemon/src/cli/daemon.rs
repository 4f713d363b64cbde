//! `daemon`: the system service.

use std::path::PathBuf;

use super::{error::Error, files};
use crate::daemon::{Config, DEFAULT_PATH, run};

/// Run the system service that records units, as systemd starts it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  systemctl start syscall-recorder
  Look whether a configuration can be used:
    syscall-recorder daemon --check-config
  On a machine without systemd:
    sudo syscall-recorder daemon --config my.toml &
    sudo syscall-recorder start --cgroup /my/cgroup")]
pub(super) struct Args {
    /// The configuration [default: /etc/syscall-recorder/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only look whether the configuration can be used
    #[arg(long)]
    check_config: bool,
}

pub(super) fn daemon(args: &Args) -> Result<(), Error> {
    let load = || Config::load(args.config.as_deref());
    let config = load()?;
    if args.check_config {
        let path = args.config.clone().unwrap_or_else(|| DEFAULT_PATH.into());
        let line = format!("{}: can be used\n", path.display());
        return files::write(None, false, &line);
    }
    run(config, load).map_err(Error::from)
}
