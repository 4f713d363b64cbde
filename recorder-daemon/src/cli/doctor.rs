//! `doctor`: what this host can and cannot do, and the mend.

mod facts;
mod line;
mod lines;
mod service;
mod state;

use std::{path::PathBuf, process::ExitCode};

use super::{error::Error, files, host::Host};
use facts::Facts;
use line::Level;
use lines::lines;

/// The exit status where recording cannot work.
const CANNOT: u8 = 69;

/// Say in one line each what this host can and cannot do, and the mend.
///
/// As root it also loads and attaches the kernel programs, for a moment, and records nothing by them.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sudo syscall-recorder doctor
  Only what is not as it should be:
    sudo syscall-recorder doctor --json | jq '.checks[] | select(.level != \"ok\")'

Exit status: 0 recording can work, 69 it cannot.")]
pub(super) struct Args {
    /// For machines
    #[arg(long)]
    json: bool,
    /// The daemon's configuration [default: /etc/syscall-recorder/config.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn doctor(args: &Args, host: &Host) -> Result<ExitCode, Error> {
    let lines = lines(&Facts::gather(args.config.as_deref(), host));
    let text = if args.json { line::json(&lines) } else { line::text(&lines) };
    files::write(None, false, &text)?;
    let works = lines.iter().all(|line| line.level != Level::Fault);
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(CANNOT) })
}
