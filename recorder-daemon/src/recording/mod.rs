//! What was observed of one unit: the model and its merge. No I/O.
//!
//! Invariant: a recording only grows, and [`Recording::merge`] is a union: associative, commutative and
//! idempotent. To say the same thing twice, in any order, changes nothing.

mod gap;
mod store;
mod time;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use recorder_common::Call;

pub use gap::Gap;
pub use store::{Store, StoreError};
pub use time::{Clock, Timestamp};

/// All that was observed of one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The unit's name.
    pub unit: String,
    /// Where it was observed.
    pub host: Host,
    /// By span of observation. Within one span the figures are the kernel's own and only grow, so the
    /// larger is the later; over the spans they add up.
    pub spans: BTreeMap<SpanId, Span>,
}

/// Where a recording was made. Sets, because recordings of several hosts merge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Host names.
    pub names: BTreeSet<String>,
    /// Kernel releases, as uname says them.
    pub kernels: BTreeSet<String>,
    /// Versions of systemd; empty where it had no part in the recording.
    pub systemd: BTreeSet<String>,
}

/// Names one span of a unit's observation for all time: no two spans of two boots or two hosts share it, and
/// no two of one boot began at the same nanosecond. A span outlives the unit's cgroups: there may be several
/// at once, and each start brings a new one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanId {
    /// The boot, as /proc/sys/kernel/random/boot_id says it.
    pub boot: String,
    /// When it began, in nanoseconds since that boot.
    pub began: u64,
}

/// What one span of observation saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub first: Timestamp,
    /// When it was read last.
    pub last: Timestamp,
    /// How long it lasted, in seconds, by a clock that no step of the wall clock changes.
    pub seconds: u64,
    /// Lives of the unit's cgroup.
    pub starts: u64,
    /// The calls.
    pub calls: BTreeMap<Call, Tally>,
    /// What may be missing.
    pub gaps: BTreeMap<Gap, u64>,
}

/// What is known of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How often it was made.
    pub calls: u64,
    /// When first.
    pub first_seen: Timestamp,
    /// When last, to within the time between two readings.
    pub last_seen: Timestamp,
    /// The programs that made it, by the path given to execve. Those that were not executed inside are not
    /// among them: what set the first process up, and what was moved in.
    pub programs: BTreeSet<String>,
}

impl Recording {
    /// An empty one.
    #[must_use]
    pub fn new(unit: impl Into<String>, host: Host) -> Self {
        Self { unit: unit.into(), host, spans: BTreeMap::new() }
    }

    /// Takes in all that `other`, a recording of the same unit, holds.
    pub fn merge(&mut self, other: &Self) {
        self.host.names.extend(other.host.names.iter().cloned());
        self.host.kernels.extend(other.host.kernels.iter().cloned());
        self.host.systemd.extend(other.host.systemd.iter().cloned());
        for (id, span) in &other.spans {
            match self.spans.entry(id.clone()) {
                Entry::Vacant(place) => {
                    place.insert(span.clone());
                }
                Entry::Occupied(mut mine) => mine.get_mut().merge(span),
            }
        }
    }
}

impl Span {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn begin(at: Timestamp) -> Self {
        Self { first: at, last: at, seconds: 0, starts: 0, calls: BTreeMap::new(), gaps: BTreeMap::new() }
    }

    /// Takes in another reading of the same span.
    pub fn merge(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.seconds = self.seconds.max(other.seconds);
        self.starts = self.starts.max(other.starts);
        for (call, tally) in &other.calls {
            self.calls
                .entry(*call)
                .and_modify(|mine| mine.merge_reading(tally))
                .or_insert_with(|| tally.clone());
        }
        for (&gap, &count) in &other.gaps {
            let mine = self.gaps.entry(gap).or_default();
            *mine = count.max(*mine);
        }
    }
}

impl Tally {
    /// Takes in another reading of the same count: the larger one is the later.
    fn merge_reading(&mut self, other: &Self) {
        self.calls = self.calls.max(other.calls);
        self.merge_witness(other);
    }

    /// Adds the count of another span.
    pub fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.merge_witness(other);
    }

    fn merge_witness(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.programs.extend(other.programs.iter().cloned());
    }
}

#[cfg(test)]
mod tests;
