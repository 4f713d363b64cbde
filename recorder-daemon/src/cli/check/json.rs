//! What was found, for programs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Report;
use crate::allowlist::check::{List, Mode, Place, Why};

#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    files: Vec<String>,
    target: String,
    findings: bool,
    filter: Entries,
    log: Entries,
    architectures: &'a BTreeSet<&'static str>,
    error_number: String,
    problems: Vec<Problem>,
    /// Null where nothing was recorded to hold it against.
    against: Option<Against<'a>>,
}

/// A list as systemd holds it.
#[derive(Serialize)]
struct Entries {
    /// `allow`, `deny`, or null where no list is in force.
    mode: Option<&'static str>,
    /// Each as `systemctl show` prints it.
    entries: BTreeSet<String>,
}

#[derive(Serialize)]
struct Problem {
    kind: &'static str,
    fault: bool,
    #[serde(flatten)]
    at: Option<At>,
    message: String,
}

#[derive(Serialize)]
struct At {
    file: String,
    line: usize,
}

#[derive(Serialize)]
struct Against<'a> {
    unit: &'a str,
    complete: bool,
    recorded: usize,
    denied: Vec<Denied<'a>>,
    unseen: Vec<Unseen<'a>>,
}

#[derive(Serialize)]
struct Denied<'a> {
    abi: &'static str,
    name: Option<&'a str>,
    number: Option<u32>,
    calls: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    programs: Vec<&'a str>,
    /// `not-listed`, `listed`, `removed`, `unresolved` or `unnamed`.
    why: &'static str,
    #[serde(flatten)]
    at: Option<At>,
}

#[derive(Serialize)]
struct Unseen<'a> {
    #[serde(flatten)]
    at: At,
    set: Option<&'a str>,
    seen: usize,
    names: &'a [String],
}

pub(super) fn json(report: &Report<'_>) -> String {
    let outcome = &report.outcome;
    let at = |place: Place| At { file: report.files[place.file].display().to_string(), line: place.line };
    let problems = outcome.problems.iter().map(|(place, problem)| Problem {
        kind: problem.kind(),
        fault: problem.is_fault(),
        at: place.map(at),
        message: problem.to_string(),
    });
    let json = Json {
        name: &report.name,
        files: report.files.iter().map(|path| path.display().to_string()).collect(),
        target: report.target.to_string(),
        findings: outcome.has_findings(),
        filter: entries(&outcome.filter),
        log: entries(&outcome.log),
        architectures: &outcome.architectures,
        error_number: outcome.error_number.to_string(),
        problems: problems.collect(),
        against: against(report, &at),
    };
    serde_json::to_string_pretty(&json).expect("strings and numbers always have a JSON form") + "\n"
}

fn entries(list: &List) -> Entries {
    let mode = list.mode.map(|mode| match mode {
        Mode::Allow => "allow",
        Mode::Deny => "deny",
    });
    Entries { mode, entries: list.shown() }
}

fn against<'a>(report: &'a Report<'_>, at: &dyn Fn(Place) -> At) -> Option<Against<'a>> {
    let (comparison, allowlist) = (report.outcome.comparison.as_ref()?, report.against?);
    let denied = comparison.denied.iter().map(|one| {
        let (why, place) = match &one.why {
            Why::NotListed => ("not-listed", None),
            Why::Listed { at, .. } => ("listed", Some(*at)),
            Why::Removed { at } => ("removed", Some(*at)),
            Why::Unresolved => ("unresolved", None),
            Why::Unnamed => ("unnamed", None),
        };
        Denied {
            abi: one.abi.name(),
            name: one.name,
            number: one.number,
            calls: one.tally.map_or(0, |tally| tally.calls),
            first_seen: one.tally.map(|tally| tally.first_seen.to_string()),
            last_seen: one.tally.map(|tally| tally.last_seen.to_string()),
            programs: one.tally.into_iter().flat_map(|tally| &tally.programs).map(String::as_str).collect(),
            why,
            at: place.map(at),
        }
    });
    let unseen = comparison.unseen.iter().map(|one| Unseen {
        at: at(one.at),
        set: one.set.as_deref(),
        seen: one.seen,
        names: &one.names,
    });
    Some(Against {
        unit: &allowlist.unit,
        complete: allowlist.observed.complete(),
        recorded: comparison.recorded,
        denied: denied.collect(),
        unseen: unseen.collect(),
    })
}
