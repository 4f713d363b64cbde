//! `report`: the page for review.

use std::path::PathBuf;

use super::{error::Error, files, host::Host};
use crate::report;

/// Write what is known of a unit as one HTML page, for whoever reviews the list.
///
/// The page asks for nothing from anywhere: it can be sent, kept and printed.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  What the daemon has recorded of a service:
    syscall-recorder report nginx -o nginx.html
  What is in a file, for a pull request:
    syscall-recorder report nginx.service.toml -o nginx.html")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there
    #[arg(value_name = "UNIT|FILE")]
    subject: PathBuf,
    /// Write to this file, in place of standard output
    #[arg(short, long, value_name = "FILE.html")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn report(args: &Args, host: &Host) -> Result<(), Error> {
    let allowlist = files::read(&args.subject, host)?;
    files::write(args.output.as_deref(), args.force, &report::html(&allowlist))
}
