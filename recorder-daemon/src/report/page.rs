//! What the template shows, made from the allowlist. Text from outside comes in by [`printable`] alone.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use recorder_common::Abi;

use super::{
    curve::Curve,
    enough::Enough,
    words::{advice, roughly},
};
use crate::{
    allowlist::{self, Allowlist, Doubt, Review},
    export::{self, Options},
    printable::printable,
    recording::{Gap, Per, Timestamp},
    syscalls::{self, Level},
    text::{count, thousands},
};

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
pub(super) struct Page {
    version: &'static str,
    systemd_version: &'static str,
    style: &'static str,
    style_hash: &'static str,
    script: &'static str,
    script_hash: &'static str,
    unit: String,
    names: String,
    calls: String,
    seconds: String,
    starts: String,
    one_host: Option<String>,
    gaps: Vec<GapLine>,
    differences: Vec<Differing>,
    enough: Enough,
    curves: Vec<Curve>,
    /// Whether it is known in how many starts calls were made.
    by_starts: Option<u64>,
    several_abis: bool,
    several_hosts: bool,
    sets: BTreeSet<&'static str>,
    rows: Vec<Row>,
    drop_in: Option<String>,
    /// Whether `export` would first ask whether a recording with gaps will do.
    refused: bool,
    provenance: Vec<(&'static str, Vec<String>)>,
}

struct GapLine {
    meaning: &'static str,
    count: String,
    advice: String,
}

/// The calls in which list and evidence differ in one way.
struct Differing {
    meaning: String,
    calls: Vec<Link>,
}

/// A row of the table, by its number and its text.
struct Link {
    row: usize,
    name: String,
}

struct Row {
    name: String,
    abi: &'static str,
    set: &'static str,
    /// `high`, `elevated` or nothing.
    risk: &'static str,
    /// The order by which to look twice; nothing where there is no reason to.
    rank: &'static str,
    doubts: Vec<String>,
    calls: u64,
    calls_shown: String,
    starts: Option<u64>,
    seen: Option<Seen>,
    programs: Vec<String>,
    hosts: Vec<String>,
}

struct Seen {
    first: Timestamp,
    first_shown: (String, String),
    last: Timestamp,
    last_shown: (String, String),
}

impl Page {
    pub(super) fn of(allowlist: &Allowlist) -> Self {
        let observed = &allowlist.observed;
        let review = Review::of(allowlist);
        let abis: BTreeSet<Abi> = review.rows.iter().map(|row| row.abi).collect();
        let rows: Vec<_> = review.rows.iter().map(Row::of).collect();
        let hosts = shown(&observed.host.names);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            systemd_version: syscalls::SYSTEMD_VERSION,
            style: include_str!("../../templates/report.css").trim_ascii(),
            style_hash: env!("REPORT_CSS_SHA256"),
            script: include_str!("../../templates/report.js").trim_ascii(),
            script_hash: env!("REPORT_JS_SHA256"),
            unit: printable(&allowlist.unit),
            names: count(allowlist.names().len() as u64, "name"),
            calls: count(allowlist.calls(), "call"),
            seconds: roughly(observed.seconds),
            starts: count(observed.starts, "start"),
            one_host: match hosts.as_slice() {
                [host] => Some(host.clone()),
                _ => None,
            },
            gaps: observed.open_gaps().iter().map(GapLine::of).collect(),
            differences: differences(&review, &rows),
            enough: Enough::of(allowlist),
            curves: [Curve::over_time(allowlist), Curve::over_starts(allowlist)]
                .into_iter()
                .flatten()
                .collect(),
            by_starts: Some(observed.course.occasions.start).filter(|starts| *starts > 0),
            several_abis: abis.len() > 1,
            several_hosts: observed.host.names.len() > 1,
            sets: rows.iter().map(|row| row.set).collect(),
            rows,
            drop_in: drop_in(allowlist),
            refused: !observed.open_gaps().is_empty(),
            provenance: provenance(allowlist),
        }
    }
}

impl GapLine {
    fn of((&gap, &number): (&Gap, &u64)) -> Self {
        Self { meaning: gap.meaning(), count: thousands(number), advice: advice(gap) }
    }
}

impl Row {
    fn of(row: &allowlist::Row<'_>) -> Self {
        let tally = row.evidence.map(|evidence| &evidence.tally);
        let calls = tally.map_or(0, |tally| tally.calls);
        let unnamed = || format!("number {}", row.number.unwrap_or_default());
        let risk = row.risk().map(|risk| risk.level);
        Self {
            name: row.name.map_or_else(unnamed, str::to_owned),
            abi: row.abi.name(),
            set: row.name.and_then(syscalls::main_set).unwrap_or("in no set"),
            risk: risk.map_or("", Level::name),
            rank: match risk {
                Some(Level::High) => "1",
                Some(Level::Elevated) => "2",
                None if row.doubts.is_empty() => "",
                None => "3",
            },
            doubts: row.doubts.iter().map(|doubt| printable(&doubt.to_string())).collect(),
            calls,
            calls_shown: thousands(calls),
            starts: row.evidence.and_then(|evidence| evidence.occasions(Per::Start)),
            seen: tally.map(|tally| Seen {
                first: tally.first_seen,
                first_shown: short(tally.first_seen),
                last: tally.last_seen,
                last_shown: short(tally.last_seen),
            }),
            programs: tally.map(|tally| shown(&tally.programs)).unwrap_or_default(),
            hosts: row.hosts.iter().map(|host| printable(host)).collect(),
        }
    }
}

/// Where the list and what was seen differ.
fn differences(review: &Review<'_>, rows: &[Row]) -> Vec<Differing> {
    let mut by_kind: BTreeMap<String, Vec<Link>> = BTreeMap::new();
    for (at, (of, row)) in review.rows.iter().zip(rows).enumerate() {
        let differs = |doubt: &&Doubt<'_>| {
            matches!(doubt, Doubt::NoName | Doubt::UnknownName | Doubt::NotAllowed | Doubt::NeverSeen)
        };
        for doubt in of.doubts.iter().filter(differs) {
            let link = Link { row: at + 1, name: row.name.clone() };
            by_kind.entry(doubt.to_string()).or_default().push(link);
        }
    }
    by_kind.into_iter().map(|(meaning, calls)| Differing { meaning, calls }).collect()
}

/// For no target in particular, and whatever is missing: the gaps stand above it, and in it.
fn drop_in(allowlist: &Allowlist) -> Option<String> {
    let options = Options { incomplete: true, inexpressible: true, ..Options::default() };
    export::systemd(allowlist, &options).ok()
}

fn provenance(allowlist: &Allowlist) -> Vec<(&'static str, Vec<String>)> {
    let observed = &allowlist.observed;
    let host = &observed.host;
    vec![
        ("Hosts", shown(&host.names)),
        ("Kernels", shown(&host.kernels)),
        (
            "systemd",
            if host.systemd.is_empty() { vec!["had no part in it".to_owned()] } else { shown(&host.systemd) },
        ),
        ("C libraries", shown(&host.libcs)),
        ("Packages", shown(&host.packages)),
        ("Recorded by syscall-recorder", shown(&host.tools)),
        ("From", known(observed.first)),
        ("To", known(observed.last)),
        ("Under observation", vec![roughly(observed.seconds)]),
        ("Starts", vec![thousands(observed.starts)]),
        ("Names of calls as in", vec![format!("Linux {}", syscalls::KERNEL_VERSION)]),
        ("Sets as in", vec![format!("systemd {}", syscalls::SYSTEMD_VERSION)]),
    ]
}

fn shown(texts: &BTreeSet<String>) -> Vec<String> {
    texts.iter().map(|text| printable(text)).collect()
}

/// An allowlist of nothing begins in 1970.
fn known(at: Timestamp) -> Vec<String> {
    if at.unix() == 0 { Vec::new() } else { vec![at.to_string()] }
}

/// `2026-11-23` and `17:36:21`.
fn short(at: Timestamp) -> (String, String) {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    (date.to_owned(), time.trim_end_matches('Z').to_owned())
}
