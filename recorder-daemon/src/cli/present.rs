//! The filter in a unit file, as one side of a comparison.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use recorder_common::Abi;

use super::{check, error::Error, target};
use crate::{
    allowlist::{Side, check as checks, check::List},
    syscalls,
    unit_file::UnitFile,
};

/// What a unit file, or a drop-in by itself, lets through.
pub(super) struct Present {
    pub(super) list: List,
}

impl Present {
    /// Whether a path is that of a unit file: by its end, and because it is there.
    pub(super) fn is_at(path: &Path) -> bool {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("service" | "socket" | "mount" | "swap" | "conf")) && path.is_file()
    }

    /// As this host's systemd reads it.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let bytes = check::read(path)?;
        let files = [UnitFile::parse(&bytes)];
        check::must_be_one(path, &files[0])?;
        let section = checks::section(&path.to_string_lossy(), &files);
        Ok(Self { list: checks::check(&files, section, &target::host(), None).filter })
    }

    /// It beside another side. That has the ABIs, which a filter does not tell apart; and what systemd allows
    /// by itself is no difference, for nobody can take it out.
    pub(super) fn beside(&self, other: &BTreeMap<Abi, BTreeSet<&str>>) -> Side<'static> {
        let of = |abi: &Abi| {
            let there = |name: &&'static str| other.get(abi).is_some_and(|names| names.contains(name));
            let names = self.allowed(*abi).filter(|name| there(name) || !self.list.is_default(name));
            (*abi, names.collect())
        };
        Side { names: other.keys().map(of).collect(), ..Side::default() }
    }

    /// It beside another filter: all that it lets through.
    pub(super) fn whole(&self) -> Side<'static> {
        let abi = if cfg!(target_arch = "aarch64") { Abi::Aarch64 } else { Abi::X86_64 };
        Side { names: [(abi, self.allowed(abi).collect())].into(), ..Side::default() }
    }

    fn allowed(&self, abi: Abi) -> impl Iterator<Item = &'static str> {
        syscalls::table(abi).iter().map(|(_, name)| *name).filter(|name| !self.list.denies(name))
    }
}
