//! One unit that is being recorded.

use std::collections::BTreeSet;

use recorder_common::NAMED_BY_KERNEL;

use crate::{
    kernel::{self, HostMisses, Recorder, Snapshot, Unit},
    observe::{note, observe},
    recording::{Clock, Gap, Recording, Span, SpanId, Timestamp},
    units::Request,
};

/// A unit with what is known of it so far.
pub(super) struct Entry {
    /// Under which the kernel side counts it.
    pub(super) number: Unit,
    /// What its cgroup is called where a new one is made: a folder's name, or a path.
    pub(super) cgroup: String,
    /// Who wants it.
    pub(super) requests: BTreeSet<Request>,
    /// All of it, earlier spans too.
    pub(super) recording: Recording,
    /// Whether there is something that no disk has.
    pub(super) unsaved: bool,
    span: SpanId,
    /// 1 if it ran before its recording began: a start that was not seen.
    running_before: u64,
    /// The host's misses and skips when it began.
    before: HostFigures,
}

/// What the kernel side says of the whole host. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HostFigures {
    pub(super) misses: HostMisses,
    pub(super) skipped: u64,
}

impl HostFigures {
    /// As they are now.
    pub(super) fn read(recorder: &mut Recorder) -> Result<Self, kernel::Error> {
        Ok(Self { misses: recorder.host_misses()?, skipped: recorder.skipped()? })
    }
}

/// What one reading brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grown {
    /// Calls, numbers or starts that were not there before: to be saved at once.
    pub(super) news: bool,
    /// Counts.
    pub(super) counts: bool,
}

/// What a recording that begins comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nobody wanted it recorded.
    Unwanted,
    /// It was wanted, and the daemon was away.
    Unattached,
}

impl Entry {
    /// A new span of `recording`, begun at `began` nanoseconds since boot.
    pub(super) fn begin(
        number: Unit,
        cgroup: String,
        mut recording: Recording,
        boot: &str,
        clock: Clock,
        began: u64,
        before: HostFigures,
    ) -> Self {
        let span = SpanId { boot: boot.to_owned(), began };
        recording.spans.insert(span.clone(), Span::begin(clock.at(began)));
        let requests = BTreeSet::new();
        Self { number, cgroup, requests, recording, unsaved: true, span, running_before: 0, before }
    }

    /// What may be missing from the beginning on. `running`: it ran when its recording began.
    pub(super) fn comes_after(&mut self, before: Before, running: bool) {
        self.running_before = running.into();
        let (span, _) = self.span();
        span.starts = span.starts.max(running.into());
        match before {
            Before::Unwanted => self.note(Gap::RunningBefore, running.into()),
            // It may have run in between, whether it runs now or not.
            Before::Unattached => self.note(Gap::Unattached, 1),
        }
    }

    /// A gap of the present span.
    pub(super) fn note(&mut self, gap: Gap, count: u64) {
        let (span, unsaved) = self.span();
        *unsaved |= count > span.gaps.get(&gap).copied().unwrap_or_default();
        note(span, gap, count);
    }

    /// Takes in one reading.
    pub(super) fn observe(
        &mut self,
        snapshot: &Snapshot,
        figures: HostFigures,
        clock: Clock,
        now: u64,
    ) -> Grown {
        let running_before = self.running_before;
        let (misses, skipped) = (figures.misses.calls, figures.skipped);
        let (missed, skipped) = (misses - self.before.misses.calls, skipped - self.before.skipped);
        let without_row = if self.number.0 & NAMED_BY_KERNEL == 0 { 0 } else { missed };
        let (span, unsaved) = self.span();
        let sum = |span: &Span| span.calls.values().map(|tally| tally.calls).sum::<u64>();
        let before = (sum(span), span.calls.len(), span.starts, span.gaps.clone());
        observe(span, snapshot, clock, now);
        span.starts = span.starts.max(running_before + snapshot.misses.starts);
        note(span, Gap::CallsNotCounted, snapshot.misses.calls + without_row);
        note(span, Gap::Skipped, skipped);
        let after = (sum(span), span.calls.len(), span.starts, span.gaps.clone());
        let grown = Grown {
            news: (after.1, after.2, &after.3) != (before.1, before.2, &before.3),
            counts: after.0 != before.0,
        };
        *unsaved |= grown.news || grown.counts;
        grown
    }

    /// When its present recording began.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.recording.spans.get(&self.span).map(|span| span.first)
    }

    fn span(&mut self) -> (&mut Span, &mut bool) {
        let place = self.recording.spans.entry(self.span.clone());
        // `begin` has put it there, and nothing takes it out.
        (place.or_insert_with(|| Span::begin(Timestamp::from_unix(0))), &mut self.unsaved)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use recorder_common::{Abi, Call, Misses};

    use super::*;
    use crate::recording::Host;

    const READ: Call = Call { abi: Abi::X86_64, number: 0 };

    fn entry(number: u32) -> (Entry, Clock) {
        let clock = Clock::new(UNIX_EPOCH, 0);
        let recording = Recording::new("a.service", Host::default());
        let figures = HostFigures { skipped: 5, misses: HostMisses { calls: 7, ..HostMisses::default() } };
        let entry = Entry::begin(Unit(number), "a.service".into(), recording, "boot", clock, 10, figures);
        (entry, clock)
    }

    fn snapshot(calls: u64, starts: u64) -> Snapshot {
        let misses = Misses { starts, ..Misses::default() };
        Snapshot { calls: [(READ, calls)].into(), misses, ..Snapshot::default() }
    }

    fn span(entry: &Entry) -> &Span {
        &entry.recording.spans[&entry.span]
    }

    #[test]
    fn what_is_new_is_told_from_what_has_grown() {
        let (mut entry, clock) = entry(1);
        let figures = entry.before;
        let mut read = |calls, starts| entry.observe(&snapshot(calls, starts), figures, clock, 20);
        assert_eq!(read(1, 0), Grown { news: true, counts: true });
        assert_eq!(read(2, 0), Grown { news: false, counts: true });
        assert_eq!(read(2, 1), Grown { news: true, counts: false });
        assert_eq!(read(2, 1), Grown::default());
    }

    #[test]
    fn a_start_that_was_not_seen_is_counted_and_is_a_gap() {
        let (mut entry, clock) = entry(1);
        entry.comes_after(Before::Unwanted, true);
        assert_eq!(span(&entry).starts, 1);
        let figures = entry.before;
        entry.observe(&snapshot(1, 2), figures, clock, 20);
        assert_eq!(span(&entry).starts, 3);
        assert_eq!(span(&entry).gaps, [(Gap::RunningBefore, 1)].into());
    }

    #[test]
    fn what_happened_while_the_daemon_was_away_is_a_gap() {
        for running in [false, true] {
            let (mut entry, _) = entry(1);
            entry.comes_after(Before::Unattached, running);
            assert_eq!(span(&entry).starts, u64::from(running));
            assert_eq!(span(&entry).gaps, [(Gap::Unattached, 1)].into());
        }
        let (mut entry, _) = entry(1);
        entry.comes_after(Before::Unwanted, false);
        assert!(span(&entry).gaps.is_empty());
    }

    #[test]
    fn the_hosts_figures_count_from_the_beginning_on() {
        for (number, missed) in [(1, None), (1 | NAMED_BY_KERNEL, Some(&2))] {
            let (mut entry, clock) = entry(number);
            let mut figures = entry.before;
            entry.observe(&snapshot(1, 0), figures, clock, 20);
            assert!(span(&entry).gaps.is_empty());
            figures.skipped += 3;
            figures.misses.calls += 2;
            entry.observe(&snapshot(1, 0), figures, clock, 20);
            assert_eq!(span(&entry).gaps.get(&Gap::Skipped), Some(&3));
            assert_eq!(span(&entry).gaps.get(&Gap::CallsNotCounted), missed);
        }
    }
}
