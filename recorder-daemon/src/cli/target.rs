//! `--target` and `--systemd-sets`: the host that a filter is for.

use std::path::PathBuf;

use super::{error::Error, files};
use crate::{syscalls, units::Tables};

#[derive(clap::Args)]
pub(super) struct TargetArgs {
    /// Whose names and sets hold: host, or versions as in systemd=252,libseccomp=2.5.4 [default: host]
    #[arg(long, value_name = "TARGET", value_parser = parse)]
    target: Option<Wanted>,
    /// Take the sets from this file, which `systemd-analyze syscall-filter` of the target has printed
    #[arg(long, value_name = "FILE")]
    systemd_sets: Option<PathBuf>,
}

#[derive(Clone)]
enum Wanted {
    Host,
    Versions(Box<syscalls::Target>),
}

fn parse(text: &str) -> Result<Wanted, syscalls::TargetError> {
    match text {
        "host" => Ok(Wanted::Host),
        versions => versions.parse().map(|target| Wanted::Versions(Box::new(target))),
    }
}

impl TargetArgs {
    /// Whether it was asked for.
    pub(super) fn is_given(&self) -> bool {
        self.target.is_some() || self.systemd_sets.is_some()
    }

    /// The target. This host's is as its own systemd says; where there is none, the newest that is known.
    pub(super) fn target(&self) -> Result<syscalls::Target, Error> {
        let target = match &self.target {
            Some(Wanted::Versions(target)) => (**target).clone(),
            Some(Wanted::Host) | None => host(),
        };
        let Some(path) = &self.systemd_sets else { return Ok(target) };
        let listing = files::read_file(path)?;
        let with_sets = target.with_sets(&String::from_utf8_lossy(&listing));
        with_sets.map_err(|source| Error::BadSets { path: path.clone(), source })
    }
}

/// This host.
pub(super) fn host() -> syscalls::Target {
    let Some(tables) = Tables::find() else { return syscalls::Target::newest() };
    let target = syscalls::Target::of(&tables.systemd, tables.libseccomp.as_deref());
    // One whose own list cannot be read is as its version is.
    target.clone().with_sets(&tables.sets).unwrap_or(target)
}
