//! `check`: whether a unit's filter is what it seems to be, and fits what was recorded.

mod json;
mod text;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{complain, error::Error, files, host::Host, target::TargetArgs};
use crate::{
    allowlist::{
        Allowlist,
        check::{self, Outcome},
    },
    syscalls::Target,
    unit_file::UnitFile,
    units::{Files, Systemd, UnitName},
};

/// Check the filter that a unit has: its faults, what of the recorded calls it would deny, and what it allows
/// that was never seen.
#[derive(clap::Args)]
#[command(after_help = "\
The filter is read as systemd reads it, line by line: SystemCallFilter=, SystemCallLog=,
SystemCallArchitectures= and SystemCallErrorNumber=, of the unit file first and then of the
drop-ins in their order. What its names and sets are is asked of this host's own systemd; of
another host, with --target or --systemd-sets.

Examples:
  A unit of this host, against what was recorded of it:
    syscall-recorder check nginx
  Files, before they are installed, without root, daemon or systemd:
    syscall-recorder check --unit-file nginx.service --drop-in syscalls.conf --against nginx.toml
  What the filter comes to on a Debian 12 host, name by name:
    syscall-recorder check --unit-file nginx.service --target systemd=252,libseccomp=2.5.4 \\
      --json | jq -r '.filter.entries[]'

Exit status: 0 nothing found, 1 something found, 65 no unit file or no allowlist, 66 no such
unit or file.")]
pub(super) struct Args {
    /// A unit of this host, with its files as systemd has them; nginx means nginx.service
    #[arg(required_unless_present = "unit_file", conflicts_with_all = ["unit_file", "drop_ins"])]
    unit: Option<String>,
    /// A unit file
    #[arg(long, value_name = "FILE")]
    unit_file: Option<PathBuf>,
    /// A drop-in of it; more than one in the order in which systemd reads them
    #[arg(long = "drop-in", value_name = "FILE", requires = "unit_file")]
    drop_ins: Vec<PathBuf>,
    /// What was recorded: a unit, or an allowlist file [default: that of UNIT]
    #[arg(long, value_name = "UNIT|FILE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// For machines
    #[arg(long)]
    json: bool,
}

/// No unit file is as large.
const LARGEST: u64 = 16 << 20;

/// What is shown, in either form.
struct Report<'a> {
    /// The unit's name, or the path of its file.
    name: String,
    files: &'a [PathBuf],
    target: &'a Target,
    against: Option<&'a Allowlist>,
    outcome: Outcome<'a>,
}

pub(super) fn check(args: &Args, host: &Host) -> Result<ExitCode, Error> {
    let unit = args.unit.as_deref().map(str::parse::<UnitName>).transpose()?;
    let paths = match (&unit, &args.unit_file) {
        (Some(unit), _) => of_host(unit)?,
        (None, file) => file.iter().chain(&args.drop_ins).cloned().collect(),
    };
    let bytes = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let parsed: Vec<_> = bytes.iter().map(|bytes| UnitFile::parse(bytes)).collect();
    // What systemd takes for a drop-in is one, whatever is in it.
    let given = if unit.is_some() { 1 } else { paths.len() };
    for (path, file) in paths.iter().zip(&parsed).take(given) {
        must_be_one(path, file)?;
    }
    let target = args.target.target()?;
    let against = against(args, unit.as_ref(), host)?;
    let name = unit.map_or_else(|| paths[0].display().to_string(), |unit| unit.to_string());
    let section = check::section(&name, &parsed);
    let outcome = check::check(&parsed, section, &target, against.as_ref());
    let found = outcome.has_findings();
    let report = Report { name, files: &paths, target: &target, against: against.as_ref(), outcome };
    files::write(None, false, &if args.json { json::json(&report) } else { text::text(&report) })?;
    Ok(if found { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The files of a unit, as systemd has read them; where it cannot be asked, as it would find them.
pub(super) fn of_host(unit: &UnitName) -> Result<Vec<PathBuf>, Error> {
    let asked = Systemd::find().map(|systemd| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .map_err(|error| error.to_string())
            .and_then(|runtime| runtime.block_on(systemd.files(unit)).map_err(|error| error.to_string()))
    });
    let files = match asked {
        Some(Ok(files)) => files.unwrap_or_default(),
        Some(Err(reason)) => {
            complain(&format!("{reason}; its files are looked for in systemd's folders"));
            Files::find(Path::new("/"), unit)
        }
        None => Files::find(Path::new("/"), unit),
    };
    if files.stale {
        complain(&format!(
            "{unit}: its files have changed since systemd read them; systemctl daemon-reload makes it read them again"
        ));
    }
    let fragment = files.fragment.ok_or_else(|| Error::NoFiles { unit: unit.to_string() })?;
    Ok(std::iter::once(fragment).chain(files.drop_ins).collect())
}

/// What was recorded. A unit of which nothing was is checked without.
fn against(args: &Args, unit: Option<&UnitName>, host: &Host) -> Result<Option<Allowlist>, Error> {
    match (&args.against, unit) {
        (Some(path), _) => files::read(path, host).map(Some),
        (None, None) => Ok(None),
        (None, Some(unit)) => match files::read(Path::new(unit.as_str()), host) {
            Err(error @ Error::NothingRecorded { .. }) => {
                complain(&format!("{error}. Without it, the filter is only checked for faults"));
                Ok(None)
            }
            read => read.map(Some),
        },
    }
}

/// Refuses what is no unit file at all.
pub(super) fn must_be_one(path: &Path, file: &UnitFile<'_>) -> Result<(), Error> {
    let reason = match file.fault {
        _ if check::is_unit_file(file) => return Ok(()),
        Some((line, fault)) => format!("line {line} {fault}"),
        None => "it has no [Section]".to_owned(),
    };
    Err(Error::BadUnitFile { path: path.to_owned(), reason })
}

/// The bytes of a unit file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::NoUnitFile { path: path.to_owned() },
        _ => Error::Read { path: path.to_owned(), source },
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    let bad = |reason: &str| Err(Error::BadUnitFile { path: path.to_owned(), reason: reason.to_owned() });
    match bytes.len() as u64 {
        0 => bad("it is empty, by which systemd masks a unit"),
        length if length > LARGEST => bad("it is larger than 16 MiB"),
        _ => Ok(bytes),
    }
}
