//! The discovery curve: how many distinct calls were known, when, and after how many starts.

use std::collections::BTreeMap;

use super::{
    axis::{exactly, label, numbers, ticks},
    chart::{Chart, Mark},
};
use crate::{
    allowlist::{Allowlist, Evidence},
    recording::{self, Event},
};

/// The drawing's size on a desktop and on a phone: one that shrinks takes its labels along.
const WIDE: (u32, u32) = (1080, 300);
const NARROW: (u32, u32) = (380, 260);

/// A curve, drawn, and the same as a table.
pub(super) struct Curve {
    pub(super) title: &'static str,
    /// What it shows, for those who do not see it.
    pub(super) alternative: String,
    pub(super) wide: String,
    pub(super) narrow: String,
    /// Whether starts and reloads are marked.
    pub(super) marked: bool,
    /// The head of the table's first column.
    pub(super) head: &'static str,
    pub(super) steps: Vec<Step>,
}

/// A point at which something was new, or happened.
#[derive(Default)]
pub(super) struct Step {
    pub(super) at: String,
    pub(super) known: u64,
    pub(super) new: String,
    pub(super) events: Vec<&'static str>,
}

impl Curve {
    /// None where nothing was seen.
    pub(super) fn over_time(allowlist: &Allowlist) -> Option<Self> {
        let observed = &allowlist.observed;
        // A file may say that something was before the recording began.
        let after = |at: recording::Timestamp| at.unix().saturating_sub(observed.first.unix());
        let found = grouped(allowlist, |evidence| after(evidence.tally.first_seen));
        let end = after(observed.last).max(*found.last_key_value()?.0).max(1);
        let levels = levels(&found);
        let happened: Vec<_> =
            observed.course.marks.iter().map(|mark| (after(mark.at).min(end), mark.event)).collect();
        let marks: Vec<_> = happened.iter().filter_map(|&(at, event)| Some((at, mark(event)?))).collect();
        let mut rows: BTreeMap<u64, Step> = BTreeMap::new();
        for (&at, names) in &found {
            rows.entry(at).or_default().new = names.join(", ");
        }
        for (at, event) in happened {
            rows.entry(at).or_default().events.push(event.name());
        }
        for (at, row) in &mut rows {
            row.at = exactly(*at);
            row.known = levels.iter().rev().find(|(level, _)| level <= at).map_or(0, |&(_, known)| known);
        }
        let draw = |size, most| {
            let (ticks, step) = ticks(end, most);
            Chart { steps: &levels, marks: &marks, from: 0, end, ticks, label: &|at| label(*at, step) }
                .svg(size)
        };
        Some(Self {
            title: "Distinct calls known, over time",
            alternative: alternative(&levels, end, "time"),
            wide: draw(WIDE, 9),
            narrow: draw(NARROW, 4),
            marked: !marks.is_empty(),
            head: "After",
            steps: rows.into_values().collect(),
        })
    }

    /// None where nothing can be told: there are no two starts of which the time is known.
    pub(super) fn over_starts(allowlist: &Allowlist) -> Option<Self> {
        let observed = &allowlist.observed;
        let marks = observed.course.marks.iter().filter(|mark| mark.event == Event::Start);
        let begun: Vec<_> = marks.map(|mark| mark.at).collect();
        // Of very many only the first and the latest are kept, and no curve can be drawn through what is between.
        if begun.len() < 2 || (begun.len() as u64) < observed.starts {
            return None;
        }
        let end = begun.len() as u64;
        // What came before the first start that was seen counts as found by it.
        let start = |evidence: &Evidence| {
            (begun.iter().take_while(|at| **at <= evidence.tally.first_seen).count() as u64).max(1)
        };
        let found = grouped(allowlist, start);
        let levels = levels(&found);
        let steps = levels.iter().zip(found.values()).map(|(&(at, known), names)| Step {
            at: at.to_string(),
            known,
            new: names.join(", "),
            events: Vec::new(),
        });
        let draw = |size, most| {
            let ticks = numbers(end, most);
            // One more, so that the latest start has a width, too.
            Chart { steps: &levels, marks: &[], from: 1, end: end + 1, ticks, label: &u64::to_string }
                .svg(size)
        };
        Some(Self {
            title: "Distinct calls known, over starts",
            alternative: alternative(&levels, end, "starts"),
            wide: draw(WIDE, 12),
            narrow: draw(NARROW, 5),
            marked: false,
            head: "Start",
            steps: steps.collect(),
        })
    }
}

/// The names by where they were found.
fn grouped(allowlist: &Allowlist, place: impl Fn(&Evidence) -> u64) -> BTreeMap<u64, Vec<String>> {
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for evidence in &allowlist.evidence {
        found.entry(place(evidence)).or_default().push(name(evidence));
    }
    found
}

/// What a call is called here.
pub(super) fn name(evidence: &Evidence) -> String {
    evidence.name.clone().unwrap_or_else(|| format!("number {}", evidence.call.number))
}

/// How many were known from where on.
fn levels(found: &BTreeMap<u64, Vec<String>>) -> Vec<(u64, u64)> {
    let mut known = 0;
    let count = |(&at, names): (&u64, &Vec<String>)| {
        known += names.len() as u64;
        (at, known)
    };
    found.iter().map(count).collect()
}

fn mark(event: Event) -> Option<Mark> {
    match event {
        Event::Start => Some(Mark::Start),
        Event::Reload => Some(Mark::Reload),
        // After it comes a start, or nothing.
        Event::Stop => None,
    }
}

fn alternative(levels: &[(u64, u64)], end: u64, of: &str) -> String {
    let known =
        |until| levels.iter().take_while(|(at, _)| *at <= until).last().map_or(0, |&(_, known)| known);
    format!(
        "A curve that rises to {}. After the first tenth of the {of} {} were known. The table below it says the same.",
        known(end),
        known(end.div_ceil(10)),
    )
}
