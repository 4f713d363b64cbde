//! `run`: records one command in a cgroup of its own. No daemon and no systemd needed.

mod command;
mod follow;
mod signals;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    complain,
    error::Error,
    files::Output,
    text::{count, duration},
};
use crate::{
    allowlist::Allowlist,
    host::{Packages, boot_clock, boot_id, host},
    kernel::{Limits, Manager, Recorder},
    printable::printable,
    recording::{Recording, SpanId},
    units::{Cgroup, Mount, sweep},
};
use command::Program;
use follow::Followed;
use signals::Signals;

/// Record one command, with all the processes that it starts, until the last of them has ended.
#[derive(clap::Args)]
#[command(after_help = "\
The first interrupt goes to the command; the second ends the recording and leaves alone what still runs.
The exit status is the command's own: 128 and the signal's number where a signal ended it, 127 where it
cannot be found, 126 where it cannot be run.

Examples:
  sudo syscall-recorder run -- curl -s http://localhost/
  sudo syscall-recorder run --unit nginx.service -o nginx.toml -- nginx -g 'daemon off;'")]
pub(super) struct Args {
    /// Write the allowlist to this file [default: COMMAND.toml in the current directory]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    /// The unit that the allowlist is for [default: the command's name]
    #[arg(long, value_name = "NAME")]
    unit: Option<String>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// One unit; sub-cgroups as a container manager makes them; the rest as much as any real program needs.
const LIMITS: Limits =
    Limits { units: 1, cgroups: 16_384, outliers: 4_096, sightings: 262_144, programs: 16_384 };

/// Records the command. Gives its exit status.
pub(super) fn run(args: &Args) -> Result<ExitCode, Error> {
    let program = Program::find(&args.command)?;
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", program.name())));
    let output = Output::open(&path, args.force)?;

    let mut recorder = Recorder::start(LIMITS, Manager::default())?;
    let mount = Mount::find()?;
    for folder in sweep(&mount) {
        complain(&format!("removed {}, which an earlier run left when it was killed", folder.display()));
    }
    // Before there is anything that a signal could leave behind.
    let signals = Signals::catch().map_err(|source| Error::Signals { source })?;
    let mut cgroup = Cgroup::create(&mount)?;
    let id = SpanId { boot: boot_id()?, began: boot_clock() };
    let followed = follow::follow(&program, &mut recorder, &mut cgroup, signals)?;

    let unit = args.unit.clone().unwrap_or_else(|| program.name());
    let mut recording = Recording::new(unit, host());
    recording.spans.insert(id, followed.span.clone());
    recording.host.packages = Packages::default().of(recording.programs());
    let allowlist = Allowlist::of(&recording);
    // What was recorded is safe before anything else can go wrong.
    let written = write(output, &allowlist.to_toml(), &program.name());
    if let Err(error) = cgroup.remove() {
        complain(&error.to_string());
    }
    summarize(&allowlist, &followed, &written?);
    Ok(ExitCode::from(followed.status))
}

/// Writes the allowlist; where that fails after all, beside the other temporary files: a recording of days
/// must not be lost to a full disk.
fn write(output: Output, text: &str, name: &str) -> Result<PathBuf, Error> {
    output.commit(text).map_err(|error| {
        let spare = std::env::temp_dir().join(format!("{name}-{}.toml", std::process::id()));
        match Output::open(&spare, false).and_then(|output| output.commit(text)) {
            Ok(spare) => Error::WrittenElsewhere { error: Box::new(error), spare },
            Err(_) => error,
        }
    })
}

/// What a person wants to know now, on standard error: standard output is the command's.
fn summarize(allowlist: &Allowlist, followed: &Followed, path: &Path) {
    let observed = &allowlist.observed;
    let names = count(allowlist.names().len() as u64, "name");
    let path = printable(&path.display().to_string());
    complain(&format!(
        "{}: {names} in {}, {}; allowlist in {path}",
        allowlist.unit,
        count(allowlist.calls(), "call"),
        duration(observed.seconds),
    ));
    for (&gap, number) in &observed.gaps {
        complain(&format!("incomplete: {}: {number} ({})", gap.meaning(), gap.mend()));
    }
    if followed.unwitnessed > 0 {
        let lost = count(followed.unwitnessed, "time");
        complain(&format!("who made a call could not be kept {lost}; every call itself was counted"));
    }
    complain(&format!("next: syscall-recorder show {path}"));
}
