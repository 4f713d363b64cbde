//! What each recording has brought into an allowlist.
//!
//! A part is named by the recording that it is of, and a recording only grows: of two parts of one name the larger
//! figures are the later, over the parts they add up. So merging counts nothing twice, whatever is merged with what,
//! how often, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Call;

use super::{Allowlist, Course, Evidence, Observed};
use crate::recording::{By, Gap, Host, Per, Recording, Timestamp};

/// The largest figure that a file can hold: TOML's integers have a sign.
const MOST: u64 = i64::MAX.cast_unsigned();

/// One recording's part of an allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The hosts that it is of: one, unless the host was renamed.
    pub hosts: BTreeSet<String>,
    /// When it began.
    pub first: Timestamp,
    /// When it was read last.
    pub last: Timestamp,
    /// Time under observation.
    pub seconds: u64,
    /// Lives of the unit.
    pub starts: u64,
    /// Ends of such lives that were seen.
    pub stops: u64,
    /// Occasions in which at least one call was made.
    pub occasions: By<u64>,
    /// Runs of `ExecReload=`, at the least.
    pub reloads: u64,
    /// Boots in which the unit was seen to start.
    pub boots: u64,
    /// What may be missing; none is zero. Numbers without a name are counted over all parts, not here.
    pub gaps: BTreeMap<Gap, u64>,
    /// What it saw, in the order of the calls.
    pub seen: Vec<Seen>,
}

/// How often one recording saw a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The call.
    pub call: Call,
    /// How often it was made.
    pub calls: u64,
    /// In how many occasions by start; 0 where that is not known. What is beyond four thousand million is taken
    /// for that: a merge of ten thousand hosts holds millions of these.
    pub starts: u32,
    /// In how many occasions by hour.
    pub hours: u32,
}

impl Part {
    /// The only part of an allowlist that is of one recording.
    pub(super) fn of(observed: &Observed, evidence: &[Evidence]) -> Self {
        let Observed { ref host, first, last, seconds, starts, ref gaps, ref course } = *observed;
        let Course { occasions, stops, reloads, boots, reloadable: _, marks: _ } = *course;
        let seen = |evidence: &Evidence| {
            let per = |per| evidence.occasions(per).unwrap_or_default();
            Seen::new(evidence.call, evidence.tally.calls, per(Per::Start), per(Per::Hour))
        };
        let mut gaps = gaps.clone();
        gaps.remove(&Gap::UnnamedNumbers);
        let mut seen: Vec<_> = evidence.iter().map(seen).collect();
        seen.sort_by_key(|seen| seen.call);
        Self {
            hosts: host.names.clone(),
            first,
            last,
            seconds,
            starts,
            stops,
            occasions,
            reloads,
            boots,
            gaps,
            seen,
        }
    }

    /// Takes in another reading of the same recording.
    pub(super) fn merge(&mut self, other: &Self) {
        self.hosts.extend(other.hosts.iter().cloned());
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.seconds = self.seconds.max(other.seconds);
        self.starts = self.starts.max(other.starts);
        self.stops = self.stops.max(other.stops);
        self.occasions.start = self.occasions.start.max(other.occasions.start);
        self.occasions.hour = self.occasions.hour.max(other.occasions.hour);
        self.reloads = self.reloads.max(other.reloads);
        self.boots = self.boots.max(other.boots);
        for (&gap, &count) in &other.gaps {
            let mine = self.gaps.entry(gap).or_default();
            *mine = count.max(*mine);
        }
        let mut seen: BTreeMap<Call, Seen> = self.seen.iter().map(|seen| (seen.call, *seen)).collect();
        for theirs in &other.seen {
            seen.entry(theirs.call).and_modify(|mine| mine.merge(theirs)).or_insert(*theirs);
        }
        self.seen = seen.into_values().collect();
    }

    /// What it says of a call.
    pub(super) fn seen(&self, call: Call) -> Option<&Seen> {
        let at = self.seen.binary_search_by_key(&call, |seen| seen.call).ok()?;
        Some(&self.seen[at])
    }
}

impl Seen {
    pub(super) fn new(call: Call, calls: u64, starts: u64, hours: u64) -> Self {
        let small = |figure: u64| u32::try_from(figure).unwrap_or(u32::MAX);
        Self { call, calls, starts: small(starts), hours: small(hours) }
    }

    fn merge(&mut self, other: &Self) {
        // What one reading could not tell, the larger of the two cannot make good.
        let larger = |a: u32, b: u32| if a == 0 || b == 0 { 0 } else { a.max(b) };
        self.calls = self.calls.max(other.calls);
        self.starts = larger(self.starts, other.starts);
        self.hours = larger(self.hours, other.hours);
    }
}

/// One call over all parts.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) calls: u64,
    /// Occasions; 0 where one of the parts does not know.
    pub(super) starts: u64,
    pub(super) hours: u64,
}

impl Sum {
    fn add(&mut self, seen: &Seen) {
        let known = |a: u64, b: u32| if a == 0 || b == 0 { 0 } else { add(a, b.into()) };
        self.calls = add(self.calls, seen.calls);
        self.starts = known(self.starts, seen.starts);
        self.hours = known(self.hours, seen.hours);
    }
}

impl From<&Seen> for Sum {
    fn from(seen: &Seen) -> Self {
        Self { calls: seen.calls, starts: seen.starts.into(), hours: seen.hours.into() }
    }
}

/// The figures over all parts.
pub(super) struct Totals {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) seconds: u64,
    pub(super) starts: u64,
    pub(super) gaps: BTreeMap<Gap, u64>,
    pub(super) stops: u64,
    pub(super) occasions: By<u64>,
    pub(super) reloads: u64,
    pub(super) boots: u64,
    calls: BTreeMap<Call, Sum>,
}

impl Totals {
    pub(super) fn of(parts: &BTreeMap<String, Part>) -> Self {
        let parts = || parts.values();
        let sum = |figure: fn(&Part) -> u64| parts().map(figure).fold(0, add);
        let never = Timestamp::from_unix(0);
        let mut totals = Self {
            first: parts().map(|part| part.first).min().unwrap_or(never),
            last: parts().map(|part| part.last).max().unwrap_or(never),
            seconds: sum(|part| part.seconds),
            starts: sum(|part| part.starts),
            stops: sum(|part| part.stops),
            occasions: By { start: sum(|part| part.occasions.start), hour: sum(|part| part.occasions.hour) },
            reloads: sum(|part| part.reloads),
            boots: sum(|part| part.boots),
            gaps: BTreeMap::new(),
            calls: BTreeMap::new(),
        };
        for part in parts() {
            for (&gap, &count) in &part.gaps {
                let sum = totals.gaps.entry(gap).or_default();
                *sum = add(*sum, count);
            }
            for seen in &part.seen {
                totals.calls.entry(seen.call).and_modify(|sum| sum.add(seen)).or_insert_with(|| seen.into());
            }
        }
        totals
    }

    /// How often a call was made.
    pub(super) fn calls(&self, call: Call) -> Sum {
        self.calls.get(&call).copied().unwrap_or_default()
    }
}

/// Figures come from files, too: whatever they say, adding them must not fail.
pub(super) fn add(a: u64, b: u64) -> u64 {
    a.saturating_add(b).min(MOST)
}

/// What a recording is called for all time: by its first span. An empty one goes by its host.
pub(super) fn name(recording: &Recording) -> String {
    let first = recording.spans.iter().min_by_key(|(id, span)| (span.first, *id));
    let never = Timestamp::from_unix(0);
    first.map_or_else(
        || name_without_span(&recording.unit, &recording.host, never),
        |(id, _)| format!("{}/{}", id.boot, id.began),
    )
}

/// What the recording in a file is called that does not say so: nothing else in it stays as it is while it grows.
pub(super) fn name_without_span(unit: &str, host: &Host, first: Timestamp) -> String {
    let hosts: Vec<_> = host.names.iter().map(String::as_str).collect();
    format!("{unit}/{}/{first}", hosts.join(","))
}

impl Allowlist {
    /// The hosts on which a call was seen.
    #[must_use]
    pub fn hosts_of(&self, call: Call) -> BTreeSet<&str> {
        let parts = self.parts.values().filter(|part| part.seen(call).is_some());
        parts.flat_map(|part| &part.hosts).map(String::as_str).collect()
    }
}
