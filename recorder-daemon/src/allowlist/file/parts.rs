use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::value::Datetime;

use super::{Error, time_of};
use crate::{
    allowlist::{
        Evidence, Observed, Part, Seen,
        parts::{Sum, Totals, name_without_span},
    },
    recording::{By, Gap},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartTable {
    recording: String,
    hosts: BTreeSet<String>,
    first: Datetime,
    last: Datetime,
    seconds: u64,
    starts: u64,
    stops: u64,
    start_occasions: u64,
    hour_occasions: u64,
    reloads: u64,
    boots: u64,
    #[serde(default)]
    gaps: BTreeMap<String, u64>,
    /// One word for each call in `[[evidence]]`, in that order: `calls/starts/hours` or `-`. As numbers they
    /// would take the parser ten times as long.
    seen: String,
}

/// The parts of a file; one that names none is of one recording. `evidence` is in the order of the file.
pub(super) fn read(
    tables: Vec<PartTable>,
    recording: Option<String>,
    unit: &str,
    observed: &Observed,
    evidence: &[Evidence],
) -> Result<BTreeMap<String, Part>, Error> {
    if tables.is_empty() {
        let recording = recording.unwrap_or_else(|| name_without_span(unit, &observed.host, observed.first));
        return Ok([(recording, Part::of(observed, evidence))].into());
    }
    let mut parts = BTreeMap::new();
    for table in tables {
        let recording = table.recording.clone();
        if parts.contains_key(&recording) {
            return Err(Error::Part { recording, reason: "it is there twice".to_owned() });
        }
        parts.insert(recording, part(table, evidence)?);
    }
    agree(&parts, observed, evidence)?;
    Ok(parts)
}

fn part(table: PartTable, evidence: &[Evidence]) -> Result<Part, Error> {
    let wrong = |reason: String| Error::Part { recording: table.recording.clone(), reason };
    let mut words = table.seen.split_ascii_whitespace();
    let mut seen = Vec::with_capacity(evidence.len());
    for evidence in evidence {
        let word = words.next().ok_or_else(|| wrong("it tells of fewer calls".to_owned()))?;
        if word == "-" {
            continue;
        }
        let mut figures = word.split('/').map(figure);
        let (Some(Some(calls)), Some(Some(starts)), Some(Some(hours)), None) =
            (figures.next(), figures.next(), figures.next(), figures.next())
        else {
            return Err(wrong(format!("{word:?} is not calls/starts/hours")));
        };
        seen.push(Seen::new(evidence.call, calls, starts, hours));
    }
    if words.next().is_some() {
        return Err(wrong("it tells of more calls".to_owned()));
    }
    seen.sort_by_key(|seen| seen.call);
    seen.shrink_to_fit();
    let mut gaps = BTreeMap::new();
    for (name, count) in table.gaps {
        gaps.insert(Gap::from_name(&name).ok_or(Error::Gap { gap: name })?, count);
    }
    gaps.retain(|_, count| *count > 0);
    Ok(Part {
        hosts: table.hosts,
        first: time_of(&table.first)?,
        last: time_of(&table.last)?,
        seconds: table.seconds,
        starts: table.starts,
        stops: table.stops,
        occasions: By { start: table.start_occasions, hour: table.hour_occasions },
        reloads: table.reloads,
        boots: table.boots,
        gaps,
        seen,
    })
}

/// What TOML would take for a number.
fn figure(word: &str) -> Option<u64> {
    word.parse::<i64>().ok()?.try_into().ok()
}

/// The figures that people read and those that are merged must be the same.
fn agree(parts: &BTreeMap<String, Part>, observed: &Observed, evidence: &[Evidence]) -> Result<(), Error> {
    let totals = Totals::of(parts);
    let ours = &observed.course;
    let course = |name, ours, theirs| (format!("[observed.course] says {name} ="), ours, theirs);
    let mut figures = vec![
        ("[observed] says seconds =".to_owned(), observed.seconds, totals.seconds),
        ("[observed] says starts =".to_owned(), observed.starts, totals.starts),
        course("start_occasions", ours.occasions.start, totals.occasions.start),
        course("hour_occasions", ours.occasions.hour, totals.occasions.hour),
        course("stops", ours.stops, totals.stops),
        course("reloads", ours.reloads, totals.reloads),
        course("boots", ours.boots, totals.boots),
    ];
    for gap in Gap::ALL.into_iter().filter(|gap| *gap != Gap::UnnamedNumbers) {
        let of = |gaps: &BTreeMap<Gap, u64>| gaps.get(&gap).copied().unwrap_or_default();
        let what = format!("[observed.gaps] says {} =", gap.name());
        figures.push((what, of(&observed.gaps), of(&totals.gaps)));
    }
    for evidence in evidence {
        let Sum { calls, .. } = totals.calls(evidence.call);
        let what = format!(
            "the evidence of {} number {} says calls =",
            evidence.call.abi.name(),
            evidence.call.number
        );
        figures.push((what, evidence.tally.calls, calls));
    }
    match figures.into_iter().find(|(_, total, parts)| total != parts) {
        Some((what, total, parts)) => Err(Error::Parts { what, total, parts }),
        None => Ok(()),
    }
}
