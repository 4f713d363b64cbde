//! The reviewed decision: names per ABI, with the evidence for each. No clock, no I/O but a file's text.

pub mod check;
mod diff;
mod file;
mod lack;
mod merge;
mod parts;
mod review;
mod runtime;

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::{Abi, Call};

use crate::{
    recording::{By, Coverage, Gap, Host, Marks, Per, Recording, Span, Tally, Timestamp},
    syscalls,
};

pub use diff::{Change, Diff, Side};
pub use file::{Error, FORMAT};
pub use lack::Lack;
pub use merge::{KeptOut, MergeError, Merged, Merger};
pub use parts::{Part, Seen};
pub use review::{Doubt, Review, Row};

/// What one unit may call, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowlist {
    /// The unit's name.
    pub unit: String,
    /// Names by ABI.
    pub allow: BTreeMap<Abi, BTreeSet<String>>,
    /// Numbers that no table names, by ABI. Never dropped, never exported in silence.
    pub unnamed: BTreeMap<Abi, BTreeSet<u32>>,
    /// Where, when and how long.
    pub observed: Observed,
    /// One a call, in the order of ABI and name.
    pub evidence: Vec<Evidence>,
    /// What each recording has brought, by the recording's name. The figures above are the sums of these.
    pub parts: BTreeMap<String, Part>,
}

/// Where, when and how long the unit was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Hosts, kernels, versions of systemd.
    pub host: Host,
    /// The beginning of the first span.
    pub first: Timestamp,
    /// The end of the last.
    pub last: Timestamp,
    /// Time under observation, all spans added.
    pub seconds: u64,
    /// Lives of the unit.
    pub starts: u64,
    /// What the coverage estimate rests on, and what happened to the unit.
    pub course: Course,
    /// What may be missing; none is zero.
    pub gaps: BTreeMap<Gap, u64>,
}

/// The occasions on which calls were looked for, and what happened to the unit meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Occasions in which at least one call was made, over all spans.
    pub occasions: By<u64>,
    /// Ends of the unit's lives that were seen.
    pub stops: u64,
    /// Runs of `ExecReload=`, at the least.
    pub reloads: u64,
    /// Whether systemd was seen to know of an `ExecReload=`.
    pub reloadable: bool,
    /// Boots in which the unit was seen to start.
    pub boots: u64,
    /// When it started, stopped and was reloaded: the first times and the latest.
    pub marks: Marks,
}

/// What is known of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The call.
    pub call: Call,
    /// Its name; None for a number that no table names.
    pub name: Option<String>,
    /// Who and when.
    pub tally: Tally,
}

impl Evidence {
    /// In how many occasions it was seen; None where that is not known.
    #[must_use]
    pub fn occasions(&self, per: Per) -> Option<u64> {
        Some(self.tally.occasions(per)).filter(|seen| *seen > 0)
    }

    /// The order in files: by ABI and name, numbers without a name first.
    fn sort(evidence: &mut [Self]) {
        evidence.sort_by(|a, b| (a.call.abi, &a.name, a.call).cmp(&(b.call.abi, &b.name, b.call)));
    }
}

impl Course {
    fn of(recording: &Recording) -> Self {
        let mut course = Self::default();
        let mut boots = BTreeSet::new();
        for (id, span) in &recording.spans {
            let of = &mut course.occasions;
            of.start = parts::add(of.start, span.occasions(Per::Start));
            of.hour = parts::add(of.hour, span.occasions(Per::Hour));
            course.stops = parts::add(course.stops, span.stops);
            course.reloads = parts::add(course.reloads, span.reloads);
            course.reloadable |= span.reloadable;
            course.marks.merge(&span.marks);
            let unseen = span.gaps.get(&Gap::RunningBefore).copied().unwrap_or_default();
            if span.starts > unseen {
                boots.insert(&id.boot);
            }
        }
        course.boots = boots.len() as u64;
        course
    }
}

impl Observed {
    /// The gaps that nothing has closed. A start that was not seen is closed by one that was: what the unit does
    /// at its start is in the recording then.
    #[must_use]
    pub fn open_gaps(&self) -> BTreeMap<Gap, u64> {
        let mut gaps = self.gaps.clone();
        gaps.retain(|gap, count| *gap != Gap::RunningBefore || self.starts <= *count);
        gaps
    }

    /// Whether nothing is known to be missing.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.gaps.is_empty()
    }
}

impl Allowlist {
    /// The allowlist of all that was recorded.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let mut tallies: BTreeMap<Call, Tally> = BTreeMap::new();
        let mut gaps: BTreeMap<Gap, u64> = BTreeMap::new();
        for span in recording.spans.values() {
            for (&call, tally) in &span.calls {
                let tally = tally.clone().ended();
                tallies.entry(call).and_modify(|sum| sum.add(&tally)).or_insert(tally);
            }
            for (&gap, &count) in &span.gaps {
                let sum = gaps.entry(gap).or_default();
                *sum = parts::add(*sum, count);
            }
        }
        // A file may say that there were none.
        gaps.retain(|_, count| *count > 0);
        let mut allow: BTreeMap<Abi, BTreeSet<String>> = BTreeMap::new();
        let mut unnamed: BTreeMap<Abi, BTreeSet<u32>> = BTreeMap::new();
        let mut evidence = Vec::with_capacity(tallies.len());
        for (call, mut tally) in tallies {
            tally.calls = parts::add(tally.calls, 0);
            let name = syscalls::name(call.abi, call.number).map(str::to_owned);
            let names = allow.entry(call.abi).or_default();
            let numbers = unnamed.entry(call.abi).or_default();
            match &name {
                Some(name) => _ = names.insert(name.clone()),
                None => _ = numbers.insert(call.number),
            }
            evidence.push(Evidence { call, name, tally });
        }
        Evidence::sort(&mut evidence);
        let numbers: usize = unnamed.values().map(BTreeSet::len).sum();
        if numbers > 0 {
            gaps.insert(Gap::UnnamedNumbers, numbers as u64);
        }
        let spans = || recording.spans.values();
        let sum = |figure: fn(&Span) -> u64| spans().map(figure).fold(0, parts::add);
        let observed = Observed {
            host: recording.host.clone(),
            first: spans().map(|span| span.first).min().unwrap_or(Timestamp::from_unix(0)),
            last: spans().map(|span| span.last).max().unwrap_or(Timestamp::from_unix(0)),
            seconds: sum(|span| span.seconds),
            starts: sum(|span| span.starts),
            course: Course::of(recording),
            gaps,
        };
        let parts = [(parts::name(recording), Part::of(&observed, &evidence))].into();
        Self { unit: recording.unit.clone(), allow, unnamed, observed, evidence, parts }
    }

    /// What is estimated from its starts and from its hours, the more cautious one first. None where they are too few.
    #[must_use]
    pub fn coverage(&self) -> Vec<(Per, Coverage)> {
        let of = |per| {
            let incidences = self.evidence.iter().map(|evidence| evidence.tally.occasions(per));
            Some((per, Coverage::of(*self.observed.course.occasions.get(per), incidences)?))
        };
        let mut estimates: Vec<_> = [Per::Start, Per::Hour].into_iter().filter_map(of).collect();
        estimates.sort_by(|(_, a), (_, b)| a.covered.value.total_cmp(&b.covered.value));
        estimates
    }

    /// How many calls were made in all.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.evidence.iter().fold(0, |sum, evidence| sum.saturating_add(evidence.tally.calls))
    }

    /// All names, whatever the ABI.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.allow.values().flatten().map(String::as_str).collect()
    }

    /// What is allowed and was never seen. A file without evidence says nothing of that.
    #[must_use]
    pub fn allowed_by_hand(&self) -> BTreeSet<&str> {
        if self.evidence.is_empty() { BTreeSet::new() } else { &self.names() - &self.seen() }
    }

    /// What was seen and is not allowed.
    #[must_use]
    pub fn denied_by_hand(&self) -> BTreeSet<&str> {
        &self.seen() - &self.names()
    }

    fn seen(&self) -> BTreeSet<&str> {
        self.evidence.iter().filter_map(|evidence| evidence.name.as_deref()).collect()
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
pub(crate) mod tests;
