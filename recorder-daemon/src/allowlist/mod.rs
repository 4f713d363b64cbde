//! The reviewed decision: names per ABI, with the evidence for each. No clock, no I/O but a file's text.

mod file;

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::{Abi, Call};

use crate::{
    recording::{Gap, Host, Recording, Span, Tally, Timestamp},
    syscalls,
};

pub use file::{Error, FORMAT};

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
    /// What may be missing; none is zero.
    pub gaps: BTreeMap<Gap, u64>,
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
    /// The order in files: by ABI and name, numbers without a name first.
    fn sort(evidence: &mut [Self]) {
        evidence.sort_by(|a, b| (a.call.abi, &a.name, a.call).cmp(&(b.call.abi, &b.name, b.call)));
    }
}

impl Observed {
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
                tallies.entry(call).and_modify(|sum| sum.add(tally)).or_insert_with(|| tally.clone());
            }
            for (&gap, &count) in &span.gaps {
                let sum = gaps.entry(gap).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        let mut allow: BTreeMap<Abi, BTreeSet<String>> = BTreeMap::new();
        let mut unnamed: BTreeMap<Abi, BTreeSet<u32>> = BTreeMap::new();
        let mut evidence = Vec::with_capacity(tallies.len());
        for (call, tally) in tallies {
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
        // Figures come from files, too: whatever they say, adding them must not fail.
        let sum = |figure: fn(&Span) -> u64| spans().map(figure).fold(0, u64::saturating_add);
        let observed = Observed {
            host: recording.host.clone(),
            first: spans().map(|span| span.first).min().unwrap_or(Timestamp::from_unix(0)),
            last: spans().map(|span| span.last).max().unwrap_or(Timestamp::from_unix(0)),
            seconds: sum(|span| span.seconds),
            starts: sum(|span| span.starts),
            gaps,
        };
        Self { unit: recording.unit.clone(), allow, unnamed, observed, evidence }
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
}

#[cfg(test)]
pub(crate) mod tests;
