use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::text::json;
use crate::{
    allowlist::{Allowlist, Doubt, Review, Row},
    recording::Per,
    syscalls::{self, Risk},
};

#[derive(Serialize)]
struct Report<'a> {
    unit: &'a str,
    hosts: &'a BTreeSet<String>,
    kernels: &'a BTreeSet<String>,
    systemd: &'a BTreeSet<String>,
    tools: &'a BTreeSet<String>,
    libcs: &'a BTreeSet<String>,
    packages: &'a BTreeSet<String>,
    recordings: usize,
    first: String,
    last: String,
    complete: bool,
    gaps: BTreeMap<&'static str, u64>,
    seconds: u64,
    starts: u64,
    main_program: Option<&'a str>,
    calls: Vec<Line<'a>>,
}

/// A call that was seen, or is allowed, or both.
#[derive(Serialize)]
struct Line<'a> {
    abi: &'static str,
    name: Option<&'a str>,
    number: Option<u32>,
    allowed: bool,
    set: Option<&'static str>,
    sets: Vec<&'static str>,
    calls: u64,
    starts: Option<u64>,
    hours: Option<u64>,
    only_at_start: bool,
    first_seen: Option<String>,
    last_seen: Option<String>,
    programs: Vec<&'a str>,
    hosts: &'a BTreeSet<&'a str>,
    risk: Option<RiskLine>,
    look_twice: Vec<DoubtLine>,
}

#[derive(Serialize)]
pub(in crate::cli) struct RiskLine {
    level: &'static str,
    why: &'static str,
}

#[derive(Serialize)]
struct DoubtLine {
    reason: &'static str,
    text: String,
}

impl From<Risk> for RiskLine {
    fn from(risk: Risk) -> Self {
        Self { level: risk.level.name(), why: risk.why }
    }
}

impl From<&Doubt<'_>> for DoubtLine {
    fn from(doubt: &Doubt<'_>) -> Self {
        Self { reason: doubt.kind(), text: doubt.to_string() }
    }
}

impl<'a> From<&'a Row<'a>> for Line<'a> {
    fn from(row: &'a Row<'a>) -> Self {
        let tally = row.evidence.map(|evidence| &evidence.tally);
        Self {
            abi: row.abi.name(),
            name: row.name,
            number: row.number,
            allowed: row.allowed,
            set: row.name.and_then(syscalls::main_set),
            sets: row.name.map(syscalls::sets_of).into_iter().flatten().collect(),
            calls: tally.map_or(0, |tally| tally.calls),
            starts: row.evidence.and_then(|evidence| evidence.occasions(Per::Start)),
            hours: row.evidence.and_then(|evidence| evidence.occasions(Per::Hour)),
            only_at_start: tally.is_some_and(|tally| !tally.later),
            first_seen: tally.map(|tally| tally.first_seen.to_string()),
            last_seen: tally.map(|tally| tally.last_seen.to_string()),
            programs: tally.into_iter().flat_map(|tally| &tally.programs).map(String::as_str).collect(),
            hosts: &row.hosts,
            risk: row.risk().map(Into::into),
            look_twice: row.doubts.iter().map(Into::into).collect(),
        }
    }
}

pub(super) fn text(allowlist: &Allowlist, review: &Review) -> String {
    let (observed, host) = (&allowlist.observed, &allowlist.observed.host);
    let report = Report {
        unit: &allowlist.unit,
        hosts: &host.names,
        kernels: &host.kernels,
        systemd: &host.systemd,
        tools: &host.tools,
        libcs: &host.libcs,
        packages: &host.packages,
        recordings: allowlist.parts.len(),
        first: observed.first.to_string(),
        last: observed.last.to_string(),
        complete: observed.complete(),
        gaps: observed.gaps.iter().map(|(gap, count)| (gap.name(), *count)).collect(),
        seconds: observed.seconds,
        starts: observed.starts,
        main_program: review.main_program,
        calls: review.rows.iter().map(Into::into).collect(),
    };
    json(&report)
}
