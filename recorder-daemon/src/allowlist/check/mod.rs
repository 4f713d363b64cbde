//! What systemd makes of a unit's filter, and whether that fits what was recorded. No I/O.
//!
//! What systemd would say in its journal, and what it says nowhere, comes out as [`Problem`]s with file and
//! line.

mod compare;
mod errno;
mod filter;
#[cfg(test)]
mod fuzz;
mod implied;
mod near;
mod problem;
mod read;
mod words;

use std::collections::BTreeSet;

use crate::{allowlist::Allowlist, syscalls::Target, unit_file::UnitFile};

pub use compare::{Comparison, Denied, Unseen, Why};
pub use errno::Denial;
pub use filter::{Entry, List, Mode};
pub use problem::{Problem, Setting};

/// A line of one of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which file: its place in the order that they were given in.
    pub file: usize,
    /// Counted from 1.
    pub line: usize,
}

/// What comes of a unit's files.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// `SystemCallFilter=`.
    pub filter: List,
    /// `SystemCallLog=`.
    pub log: List,
    /// `SystemCallArchitectures=`.
    pub architectures: BTreeSet<&'static str>,
    /// `SystemCallErrorNumber=`.
    pub error_number: Denial,
    /// In the order of the files.
    pub problems: Vec<(Option<Place>, Problem)>,
    /// What was recorded beside it.
    pub comparison: Option<Comparison<'a>>,
}

impl Outcome<'_> {
    /// Whether there is something to mend.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        let differs =
            |comparison: &Comparison<'_>| !comparison.denied.is_empty() || !comparison.unseen.is_empty();
        self.problems.iter().any(|(_, problem)| problem.is_fault())
            || self.comparison.as_ref().is_some_and(differs)
    }
}

/// Whether bytes are a unit file or a drop-in at all: one has a section.
#[must_use]
pub fn is_unit_file(file: &UnitFile<'_>) -> bool {
    !file.sections.is_empty()
}

/// The section in which systemd looks for the filter of a unit of this name; of one that has none, the section
/// that stands in its files, else that of a service.
#[must_use]
pub fn section(name: &str, files: &[UnitFile<'_>]) -> &'static str {
    const SECTIONS: [&str; 4] = ["Service", "Socket", "Mount", "Swap"];
    let by_name = SECTIONS.into_iter().find(|section| {
        name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == section.to_ascii_lowercase())
    });
    let there =
        |section: &&str| files.iter().flat_map(|file| &file.sections).any(|there| there.name == *section);
    by_name.or_else(|| SECTIONS.into_iter().find(there)).unwrap_or(SECTIONS[0])
}

/// Reads a unit's own file and then its drop-ins, in this order, as the target's systemd does, and holds them
/// against what was recorded.
#[must_use]
pub fn check<'a>(
    files: &[UnitFile<'_>],
    section: &'static str,
    target: &Target,
    against: Option<&'a Allowlist>,
) -> Outcome<'a> {
    let mut settings = read::read(files, section, target, false);
    settings.judge(target);
    let comparison = against.map(|allowlist| settings.compare(allowlist, target));
    if let (Some(allowlist), true) = (against, settings.has_commas()) {
        let kindly = read::read(files, section, target, true);
        let names = allowlist.names();
        let denied = names.iter().filter(|name| kindly.filter.denies(name)).count();
        settings.problems.add_always(None, Problem::ReadKindly { denied, recorded: names.len() });
    }
    let read::Settings { filter, log, architectures, error_number, problems, .. } = settings;
    Outcome {
        filter,
        log,
        architectures: architectures.into_keys().collect(),
        error_number,
        problems: problems.sorted(),
        comparison,
    }
}

#[cfg(test)]
mod tests;
