//! `export`: the allowlist as a profile.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{complain, error::Error, files, host::Host};
use crate::{export, syscalls};

/// Turn an allowlist into a profile that something enforces.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  A drop-in for systemd, in its place:
    mkdir -p /etc/systemd/system/nginx.service.d
    syscall-recorder export nginx -o /etc/systemd/system/nginx.service.d/syscalls.conf
    systemctl daemon-reload && systemctl restart nginx
  The bare names:
    syscall-recorder export nginx.toml --format names")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there
    #[arg(value_name = "UNIT|FILE")]
    subject: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Systemd)]
    format: Format,
    /// A denied call fails with this error; without it, it ends the process [systemd only]
    #[arg(long, value_name = "ERROR", value_enum)]
    error_number: Option<ErrorName>,
    /// Write to this file, in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A drop-in with SystemCallFilter=
    Systemd,
    /// One name a line
    Names,
}

#[derive(Clone, Copy, ValueEnum)]
enum ErrorName {
    /// "Operation not permitted", which most programs can live with
    #[value(name = "EPERM")]
    Eperm,
}

pub(super) fn export(args: &Args, host: &Host) -> Result<(), Error> {
    let allowlist = files::read(&args.subject, host)?;
    let error_number = args.error_number.map(|ErrorName::Eperm| "EPERM");
    let text = match args.format {
        Format::Systemd => export::systemd(&allowlist, error_number)
            .map_err(|export::NothingAllowed| Error::NothingAllowed { path: args.subject.clone() })?,
        Format::Names => export::names(&allowlist),
    };
    files::write(args.output.as_deref(), args.force, &text)?;
    for (&gap, count) in &allowlist.observed.gaps {
        complain(&format!("{}: incomplete: {}: {count}", args.subject.display(), gap.meaning()));
    }
    for name in allowlist.names().into_iter().filter(|name| !syscalls::is_known(name)) {
        complain(&format!(
            "{}: {name} is no system call of Linux {}",
            args.subject.display(),
            syscalls::KERNEL_VERSION
        ));
    }
    Ok(())
}
