//! What was observed of one unit: the model and its merge. No I/O.
//!
//! Invariant: a recording only grows, and [`Recording::merge`] is a union: associative, commutative and
//! idempotent. To say the same thing twice, in any order, changes nothing.

mod coverage;
mod gap;
mod mark;
mod occasions;
mod store;
mod time;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use recorder_common::Call;

pub use coverage::{Coverage, Estimate, FEWEST};
pub use gap::Gap;
pub use mark::{Event, Mark, Marks};
pub use occasions::{By, Incidence, Occasions, Per};
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
    /// Versions of syscall-recorder.
    pub tools: BTreeSet<String>,
    /// The host's C library, as its banner says it. A program may have another.
    pub libcs: BTreeSet<String>,
    /// Packages that the recorded programs are from, with their versions, where they can be known.
    pub packages: BTreeSet<String>,
}

impl Host {
    /// Takes in what another one says.
    pub fn merge(&mut self, other: &Self) {
        // Spelled out, so that a new field cannot be forgotten.
        let Self { names, kernels, systemd, tools, libcs, packages } = other;
        self.names.extend(names.iter().cloned());
        self.kernels.extend(kernels.iter().cloned());
        self.systemd.extend(systemd.iter().cloned());
        self.tools.extend(tools.iter().cloned());
        self.libcs.extend(libcs.iter().cloned());
        self.packages.extend(packages.iter().cloned());
    }
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
    /// Ends of such lives that were seen.
    pub stops: u64,
    /// Runs of `ExecReload=` that systemd told of. It knows the latest, so there may have been more.
    pub reloads: u64,
    /// Whether systemd was seen to know of an `ExecReload=`.
    pub reloadable: bool,
    /// What the coverage estimate counts by.
    pub occasions: By<Occasions>,
    /// When it started, stopped and was reloaded.
    pub marks: Marks,
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
    /// among them: what set the first process up, and what was moved in. [`Tally::PROGRAMS`] at the most.
    pub programs: BTreeSet<String>,
    /// In how many occasions.
    pub occasions: By<Incidence>,
    /// Whether it may have been made later than in the first minute after a start.
    pub later: bool,
}

impl Recording {
    /// An empty one.
    #[must_use]
    pub fn new(unit: impl Into<String>, host: Host) -> Self {
        Self { unit: unit.into(), host, spans: BTreeMap::new() }
    }

    /// Every program that made a call.
    #[must_use]
    pub fn programs(&self) -> BTreeSet<&str> {
        let tallies = self.spans.values().flat_map(|span| span.calls.values());
        tallies.flat_map(|tally| &tally.programs).map(String::as_str).collect()
    }

    /// Takes in all that `other`, a recording of the same unit, holds.
    pub fn merge(&mut self, other: &Self) {
        self.host.merge(&other.host);
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
        Self {
            first: at,
            last: at,
            seconds: 0,
            starts: 0,
            stops: 0,
            reloads: 0,
            reloadable: false,
            occasions: By::default(),
            marks: Marks::default(),
            calls: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// Takes in another reading of the same span.
    pub fn merge(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.seconds = self.seconds.max(other.seconds);
        self.starts = self.starts.max(other.starts);
        self.stops = self.stops.max(other.stops);
        self.reloads = self.reloads.max(other.reloads);
        self.reloadable |= other.reloadable;
        self.occasions.merge_reading(&other.occasions);
        self.marks.merge(&other.marks);
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
    /// So many programs are kept of a call, the first by name: a unit that executes new ones for ever must not take
    /// all space. Which they are does not depend on the order in which they were seen.
    pub const PROGRAMS: usize = 64;

    /// Adds programs that made it.
    pub fn made_by(&mut self, programs: impl IntoIterator<Item = String>) {
        self.programs.extend(programs);
        while self.programs.len() > Self::PROGRAMS {
            self.programs.pop_last();
        }
    }

    /// Takes in another reading of the same count: the larger one is the later.
    fn merge_reading(&mut self, other: &Self) {
        self.calls = self.calls.max(other.calls);
        self.occasions.merge_reading(&other.occasions);
        self.merge_witness(other);
    }

    /// Adds the count of another span.
    pub fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.occasions.add(&other.occasions);
        self.merge_witness(other);
    }

    fn merge_witness(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.later |= other.later;
        self.made_by(other.programs.iter().cloned());
    }
}

#[cfg(test)]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
