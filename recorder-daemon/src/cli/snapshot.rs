//! `snapshot`: has the allowlists written now, and goes on recording.

use super::{error::Error, files, host::Host, stop::wrote};

/// Have the daemon write the allowlists of units now; recording goes on.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sudo syscall-recorder snapshot nginx
  The same, as systemd does it:
    sudo systemctl reload syscall-recorder@nginx")]
pub(super) struct Args {
    /// Names of units that are being recorded
    #[arg(required = true, value_name = "UNIT")]
    units: Vec<String>,
}

pub(super) fn snapshot(args: &Args, host: &Host) -> Result<(), Error> {
    let written = host.daemon().snapshot(args.units.clone())?;
    files::write(None, false, &written.iter().map(wrote).collect::<String>())
}
