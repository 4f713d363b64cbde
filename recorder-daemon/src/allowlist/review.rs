//! An allowlist as a reviewer wants to see it: what was seen and what is allowed in one list, and why to look twice.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Abi;

use super::{Allowlist, Evidence, runtime::by_descriptor};
use crate::{
    recording::Per,
    syscalls::{self, Risk},
};

/// An allowlist under review.
#[derive(Debug)]
pub struct Review<'a> {
    /// In the order of ABI and name.
    pub rows: Vec<Row<'a>>,
    /// The program that made the most of the calls. What only others made is a helper's.
    pub main_program: Option<&'a str>,
}

/// A call that was seen, or is allowed, or both.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The ABI.
    pub abi: Abi,
    /// The name; None for a number that no table names.
    pub name: Option<&'a str>,
    /// The number; None for a name that no table has.
    pub number: Option<u32>,
    /// Whether the list has it.
    pub allowed: bool,
    /// What is known of it; None if it was never seen.
    pub evidence: Option<&'a Evidence>,
    /// The hosts that it was seen on.
    pub hosts: BTreeSet<&'a str>,
    /// Why one should look twice, the worst first.
    pub doubts: Vec<Doubt<'a>>,
}

/// Why one should look twice at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt<'a> {
    /// What it can do.
    Risk(Risk),
    /// No table has the name: it may be misspelt.
    UnknownName,
    /// It has no name, so that no profile can allow it.
    NoName,
    /// It was seen; a reviewer has taken it out.
    NotAllowed,
    /// A reviewer has put it in; it was never seen.
    NeverSeen,
    /// Only a container's runtime made it, or what else was executed outside of the cgroup.
    Runtime,
    /// Only another program than the main one made it.
    OnlyBy(Vec<&'a str>),
    /// It was only made in the first minute after a start.
    OnlyAtStart,
    /// It was seen in few starts.
    FewStarts {
        /// In how many.
        seen: u64,
        /// Of how many.
        of: u64,
    },
    /// It was seen on few hosts.
    FewHosts {
        /// On how many.
        seen: usize,
        /// Of how many.
        of: usize,
    },
    /// It was made once.
    Once,
}

impl Doubt<'_> {
    /// The word in files.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Risk(_) => "risk",
            Self::UnknownName => "unknown_name",
            Self::NoName => "no_name",
            Self::NotAllowed => "not_allowed",
            Self::NeverSeen => "never_seen",
            Self::Runtime => "runtime",
            Self::OnlyBy(_) => "helper",
            Self::OnlyAtStart => "only_at_start",
            Self::FewStarts { .. } => "few_starts",
            Self::FewHosts { .. } => "few_hosts",
            Self::Once => "once",
        }
    }
}

impl std::fmt::Display for Doubt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Risk(risk) => write!(f, "{}: {}", risk.level.name(), risk.why),
            Self::UnknownName => f.write_str("no system call of this name is known"),
            Self::NoName => f.write_str("has no name, cannot be allowed"),
            Self::NotAllowed => f.write_str("seen, but not allowed"),
            Self::NeverSeen => f.write_str("allowed, but never seen"),
            Self::Runtime => f.write_str("only by what was executed outside, as a container's runtime"),
            Self::OnlyBy(programs) => write!(f, "only by {}", programs.join(", ")),
            Self::OnlyAtStart => f.write_str("only at start-up"),
            Self::FewStarts { seen, of } => write!(f, "in {seen} of {of} starts"),
            Self::FewHosts { seen, of } => write!(f, "on {seen} of {of} hosts"),
            Self::Once => f.write_str("seen once"),
        }
    }
}

impl<'a> Review<'a> {
    /// Of an allowlist.
    #[must_use]
    pub fn of(allowlist: &'a Allowlist) -> Self {
        let main_program = main_program(allowlist);
        let mut rows: Vec<_> =
            allowlist.evidence.iter().map(|evidence| seen(allowlist, evidence, main_program)).collect();
        let witnessed: BTreeSet<_> = rows.iter().filter_map(|row| Some((row.abi, row.name?))).collect();
        for (&abi, names) in &allowlist.allow {
            let added = names.iter().map(String::as_str).filter(|name| !witnessed.contains(&(abi, *name)));
            rows.extend(added.map(|name| Row {
                abi,
                name: Some(name),
                number: syscalls::number(abi, name),
                allowed: true,
                evidence: None,
                hosts: BTreeSet::new(),
                doubts: of_name(name).chain([Doubt::NeverSeen]).collect(),
            }));
        }
        rows.sort_by_key(|row| (row.abi, row.name, row.number));
        Self { rows, main_program }
    }
}

impl Row<'_> {
    /// What it can do, if that is a risk.
    #[must_use]
    pub fn risk(&self) -> Option<Risk> {
        self.doubts.iter().find_map(|doubt| if let Doubt::Risk(risk) = doubt { Some(*risk) } else { None })
    }
}

fn seen<'a>(allowlist: &'a Allowlist, evidence: &'a Evidence, main: Option<&'a str>) -> Row<'a> {
    let (abi, name) = (evidence.call.abi, evidence.name.as_deref());
    let list = allowlist.allow.get(&abi);
    let allowed = name.is_some_and(|name| list.is_some_and(|names| names.contains(name)));
    let hosts = allowlist.hosts_of(evidence.call);
    let mut doubts: Vec<_> = name.map_or_else(|| vec![Doubt::NoName], |name| of_name(name).collect());
    if name.is_some() && !allowed {
        doubts.push(Doubt::NotAllowed);
    }
    let programs: Vec<_> = evidence.tally.programs.iter().map(String::as_str).collect();
    if allowlist.is_runtimes(evidence) {
        doubts.push(Doubt::Runtime);
    } else if !programs.is_empty() && main.is_some_and(|main| !programs.contains(&main)) {
        doubts.push(Doubt::OnlyBy(programs));
    }
    if !evidence.tally.later {
        doubts.push(Doubt::OnlyAtStart);
    }
    let of = allowlist.observed.course.occasions.start;
    if let Some(seen) = evidence.occasions(Per::Start).filter(|seen| few(*seen, of)) {
        doubts.push(Doubt::FewStarts { seen, of });
    }
    let of = allowlist.observed.host.names.len();
    if few(hosts.len() as u64, of as u64) {
        doubts.push(Doubt::FewHosts { seen: hosts.len(), of });
    }
    if evidence.tally.calls == 1 {
        doubts.push(Doubt::Once);
    }
    Row { abi, name, number: Some(evidence.call.number), allowed, evidence: Some(evidence), hosts, doubts }
}

fn of_name(name: &str) -> impl Iterator<Item = Doubt<'static>> {
    let unknown = (!syscalls::is_known(name)).then_some(Doubt::UnknownName);
    syscalls::risk(name).map(Doubt::Risk).into_iter().chain(unknown)
}

/// A tenth or less, and at least one of three.
const fn few(seen: u64, of: u64) -> bool {
    of >= 3 && (seen <= 1 || seen <= of / 10)
}

/// The program that is known to have made the most different calls. Which one systemd calls the main one is not
/// known here.
fn main_program(allowlist: &Allowlist) -> Option<&str> {
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    let programs = allowlist.evidence.iter().flat_map(|evidence| &evidence.tally.programs);
    for program in programs.filter(|program| !by_descriptor(program)) {
        *calls.entry(program).or_default() += 1;
    }
    // Of two with as many, the first by name.
    calls.into_iter().rev().max_by_key(|(_, count)| *count).map(|(program, _)| program)
}
