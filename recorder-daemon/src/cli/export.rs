//! `export`: the allowlist as a profile.

mod words;

use std::path::PathBuf;

use super::{check, complain, error::Error, files, host::Host, target::TargetArgs};
use crate::{allowlist::Allowlist, export, export::Options, printable::printable, syscalls, units::UnitName};
use words::{ErrorName, Format, Share, Stage};

/// Turn an allowlist into a profile that something enforces
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Args {
    /// A unit, or an allowlist file: what has a slash in it, ends in .toml or is there
    #[arg(value_name = "UNIT|FILE")]
    subject: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Systemd)]
    format: Format,
    /// The unit's own file, to be written anew with the filter in its place [unit only; default: as this host has it]
    #[arg(long, value_name = "FILE")]
    unit_file: Option<PathBuf>,
    /// What becomes of a call that is not listed: the steps of a roll-out [default: kill]
    #[arg(long, value_enum)]
    stage: Option<Stage>,
    /// The error of stage errno [default: EPERM]
    #[arg(long, value_name = "ERROR", value_enum)]
    error_number: Option<ErrorName>,
    /// Let in what stands in for a recorded call: statx for stat, clone3 for clone, so that the profile outlives a new
    /// C library or kernel
    #[arg(long)]
    with_siblings: bool,
    /// Leave out what only a container's runtime did to set the container up, and what else only programs did that were
    /// executed outside of the cgroup
    #[arg(long)]
    without_runtime: bool,
    /// Write sets of systemd's, such as @io-event, where all of their calls were seen [systemd and unit only]
    #[arg(long)]
    sets: bool,
    /// The share of a set's calls that is enough for --sets, such as 0.9 [default: 1]
    #[arg(long, value_name = "SHARE", requires = "sets")]
    share: Option<Share>,
    #[command(flatten)]
    target: TargetArgs,
    /// Export a recording with gaps; the profile says so
    #[arg(long)]
    allow_incomplete: bool,
    /// Export although the target does not know some names, and will deny those calls; the profile says so
    #[arg(long)]
    allow_inexpressible: bool,
    /// Write to this file, in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Every format is for a program to read, so there is no --json here; `show --json` gives what the profile rests on.

Examples:
  A drop-in for systemd, in its place:
    mkdir -p /etc/systemd/system/nginx.service.d
    syscall-recorder export nginx -o /etc/systemd/system/nginx.service.d/syscalls.conf
    systemctl daemon-reload && systemctl restart nginx
  The roll-out in steps: first log what is not listed, then deny it with an error, then end the process:
    syscall-recorder export nginx --stage log
    syscall-recorder export nginx --stage errno
    syscall-recorder export nginx
  The whole unit file, with the filter in place of the one that it has:
    syscall-recorder export nginx --format unit -o /etc/systemd/system/nginx.service
  For another machine than this one:
    syscall-recorder export nginx.toml --target systemd=252,libseccomp=2.5.4
  A profile for Docker, Podman or containerd:
    syscall-recorder export nginx --format oci -o nginx.json
    podman run --security-opt seccomp=nginx.json nginx
  The same of a recorded container, without what its runtime did:
    syscall-recorder export libpod-2f5ac1.scope --format oci --without-runtime -o nginx.json
  The bare names:
    syscall-recorder export nginx.toml --format names";

pub(super) fn export(args: &Args, host: &Host) -> Result<(), Error> {
    words::fit(args)?;
    let allowlist = files::read(&args.subject, host)?;
    // A list of names is for nobody in particular, unless it is said for whom.
    let lists = matches!(args.format, Format::Names | Format::Allowlist);
    let options = Options {
        stage: words::stage(args.stage, args.error_number),
        siblings: args.with_siblings,
        without_runtime: args.without_runtime,
        sets: args.sets.then(|| args.share.map_or(export::WHOLE, |share| share.0)),
        target: if lists && !args.target.is_given() { None } else { Some(args.target.target()?) },
        incomplete: args.allow_incomplete,
        inexpressible: args.allow_inexpressible,
    };
    let profile = profile(args, &allowlist, &options)?;
    files::write(args.output.as_deref(), args.force, &profile)?;
    notes(args, &allowlist);
    Ok(())
}

fn profile(args: &Args, allowlist: &Allowlist, options: &Options) -> Result<Vec<u8>, Error> {
    let text = match args.format {
        Format::Systemd => export::systemd(allowlist, options),
        Format::Oci => export::oci(allowlist, options),
        Format::Kubernetes => export::kubernetes(allowlist, options),
        Format::Names => export::names(allowlist, options),
        // It says of itself what is missing.
        Format::Allowlist => Ok(allowlist.to_toml()),
        Format::Unit => return unit(args, allowlist, options),
    };
    let text = text.map_err(|source| Error::Export { path: args.subject.clone(), source })?;
    Ok(text.into_bytes())
}

fn unit(args: &Args, allowlist: &Allowlist, options: &Options) -> Result<Vec<u8>, Error> {
    let path = &match &args.unit_file {
        Some(path) => path.clone(),
        None => own_file(allowlist)?,
    };
    let file = files::read_file(path)?;
    export::unit(allowlist, options, &file).map_err(|source| {
        // What is wrong with the unit file is no fault of the allowlist's.
        let path = if matches!(source, export::Refusal::UnitFile(_)) { path } else { &args.subject };
        Error::Export { path: path.clone(), source }
    })
}

/// The file of the recorded unit on this host.
fn own_file(allowlist: &Allowlist) -> Result<PathBuf, Error> {
    let unit: UnitName = allowlist.unit.parse().map_err(|_| {
        let unit = printable(&allowlist.unit);
        Error::Usage(format!("{unit} is no unit's name; --format unit wants its file, with --unit-file FILE"))
    })?;
    let mut files = check::of_host(&unit)?;
    let own = files.remove(0);
    for drop_in in files {
        complain(&format!(
            "{}: counts after the unit file; look whether it sets a filter, too",
            drop_in.display()
        ));
    }
    Ok(own)
}

/// What is worth a word although it did not stand in the way.
fn notes(args: &Args, allowlist: &Allowlist) {
    let subject = &args.subject;
    let runtimes = allowlist.runtimes();
    if matches!(args.format, Format::Oci | Format::Kubernetes)
        && !args.without_runtime
        && !runtimes.is_empty()
    {
        complain(&format!(
            "{}: only what was executed outside made these, as a container's runtime does to set it up: {}; \
             --without-runtime leaves out what the container does not need",
            subject.display(),
            runtimes.into_iter().collect::<Vec<_>>().join(" ")
        ));
    }
    for (gap, count) in allowlist.observed.open_gaps() {
        complain(&format!("{}: incomplete: {}: {count}", subject.display(), gap.meaning()));
    }
    for name in allowlist.names().into_iter().filter(|name| !syscalls::is_known(name)) {
        complain(&format!(
            "{}: {name} is no system call of Linux {}",
            subject.display(),
            syscalls::KERNEL_VERSION
        ));
    }
}
