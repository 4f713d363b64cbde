//! One unit that is being recorded.

mod known;

use std::collections::{BTreeMap, BTreeSet};

use super::life::{self, Life};
use crate::{
    kernel::{self, HostMisses, Recorder, Snapshot, Want},
    observe::{note, observe},
    recording::{Clock, Event, Gap, Host, Mark, Recording, Span, SpanId, Timestamp},
    units::{Reload, Request},
};

pub(super) use known::Figures;
use known::Known;

/// A unit with what is known of it so far.
pub(super) struct Entry {
    /// As what the kernel side counts it, and since when.
    pub(super) want: Want,
    /// Who wants it.
    pub(super) requests: BTreeSet<Request>,
    /// All of it, earlier spans too.
    pub(super) recording: Recording,
    /// Whether there is something that no disk has.
    pub(super) unsaved: bool,
    /// Whether there is news that the writer does not have yet.
    pub(super) due: bool,
    /// Where it is in its life.
    pub(super) life: Life,
    /// Of when what is known of it is, on the boot clock; 0 where it was not read.
    pub(super) read: u64,
    /// What the kernel side said of the whole host then. None where it was not read, or could not be.
    pub(super) figures: Option<HostFigures>,
    known: Known,
    span: SpanId,
    /// By which the span began, whatever has been done to the wall clock since.
    clock: Clock,
    /// The host's misses and skips when this daemon began with it.
    before: HostFigures,
    /// The gaps that its span had by then.
    noted: BTreeMap<Gap, u64>,
}

/// What the kernel side says of the whole host. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HostFigures {
    pub(super) misses: HostMisses,
    pub(super) skipped: u64,
}

impl HostFigures {
    /// As they are now.
    pub(super) fn read(recorder: &Recorder) -> Result<Self, kernel::Error> {
        Ok(Self { misses: recorder.host_misses()?, skipped: recorder.skipped()? })
    }
}

/// What the kernel side says of one unit.
pub(super) struct Reading {
    pub(super) snapshot: Snapshot,
    pub(super) figures: HostFigures,
    /// When it was made, or when the recording had ended, in nanoseconds of `CLOCK_BOOTTIME`.
    pub(super) at: u64,
}

/// What one reading brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grown {
    /// Calls, starts, occasions or gaps that were not there before: to be saved at once.
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
    /// Goes on with the span of `recording` in which `want` is recorded, or begins it.
    pub(super) fn begin(
        want: Want,
        mut recording: Recording,
        boot: &str,
        clock: Clock,
        before: HostFigures,
    ) -> Self {
        let span = SpanId { boot: boot.to_owned(), began: want.began };
        let known = Known::of(&recording, &span);
        let begun = recording.spans.entry(span.clone()).or_insert_with(|| Span::begin(clock.at(want.began)));
        let clock = clock.through(begun.first, want.began);
        let noted = begun.gaps.clone();
        Self {
            want,
            requests: BTreeSet::new(),
            recording,
            unsaved: true,
            due: false,
            life: Life::default(),
            read: 0,
            figures: None,
            known,
            span,
            clock,
            before,
            noted,
        }
    }

    /// What may be missing from the beginning on.
    pub(super) fn comes_after(&mut self, before: Before) {
        // A start that was not seen, if it ran already.
        let running = self.want.running.into();
        let (span, _) = self.span();
        span.starts = span.starts.max(running);
        // One that nobody saw is no news.
        self.known.starts = self.known.starts.max(running);
        match before {
            Before::Unwanted => self.note(Gap::RunningBefore, running),
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

    /// What systemd says of its reloads. It knows the latest one, so that several may be told as one.
    pub(super) fn reloaded(&mut self, reload: Reload) {
        let (span, unsaved) = self.span();
        *unsaved |= !span.reloadable;
        span.reloadable = true;
        let known = span.marks.iter().filter(|mark| mark.event == Event::Reload).map(|mark| mark.at).max();
        let last = reload.last.map(Timestamp::from_unix).filter(|at| *at >= span.first && Some(*at) > known);
        if let Some(at) = last {
            span.reloads = span.reloads.saturating_add(1);
            span.marks.insert(Mark { at, event: Event::Reload });
            *unsaved = true;
        }
    }

    /// Whether its present span has such a gap.
    pub(super) fn has(&self, gap: Gap) -> bool {
        self.recording.spans.get(&self.span).is_some_and(|span| span.gaps.contains_key(&gap))
    }

    /// Takes in one reading.
    fn observe(&mut self, snapshot: &Snapshot, figures: HostFigures, now: u64) -> Grown {
        let (running_before, clock) = (u64::from(self.want.running), self.clock);
        (self.read, self.figures) = (now, Some(figures));
        // The programs may be others than at the beginning, and count from zero.
        let since = |gap, now: u64, before: u64| {
            let noted: u64 = self.noted.get(&gap).copied().unwrap_or_default();
            noted.saturating_add(now.saturating_sub(before))
        };
        let (missed, before) = (figures.misses, self.before.misses);
        let skipped = since(Gap::Skipped, figures.skipped, self.before.skipped);
        let setups = since(Gap::SetupNotTold, missed.setups, before.setups);
        // What has no row, or found no place at all, may have been of any unit that the kernel side names.
        let by_kernel = self.want.by_kernel();
        let of_it = |gap, now, before| if by_kernel { since(gap, now, before) } else { 0 };
        let calls = of_it(Gap::CallsNotCounted, missed.calls, before.calls);
        let cgroups = of_it(Gap::CgroupsNotArmed, missed.cgroups, before.cgroups);
        let mut life = self.life;
        let (span, unsaved) = self.span();
        let sum = |span: &Span| span.calls.values().map(|tally| tally.calls).sum::<u64>();
        let news = |span: &Span| {
            (span.calls.len(), span.starts, span.stops, span.occasions.start.over, span.gaps.clone())
        };
        let before = (sum(span), news(span));
        // What the kernel side has named has been started by then, also where there was no row to count that in.
        let starts = span.starts.max(running_before + snapshot.misses.starts).max(by_kernel.into());
        let made = starts - span.starts;
        let starts_up = life.starts_up(span, made, snapshot.happened, now);
        observe(span, snapshot, clock, now, starts_up);
        span.starts = starts;
        life::end_occasions(span, made, snapshot.happened, clock, now);
        note(span, Gap::CallsNotCounted, snapshot.misses.calls + calls);
        note(span, Gap::CgroupsNotArmed, snapshot.misses.cgroups + cgroups);
        note(span, Gap::Skipped, skipped);
        note(span, Gap::SetupNotTold, setups);
        let after = (sum(span), news(span));
        let grown = Grown { news: after.1 != before.1, counts: after.0 != before.0 };
        *unsaved |= grown.news || grown.counts;
        self.due |= grown.news;
        self.life = life;
        grown
    }

    /// Takes in a reading that was made of it, and where.
    pub(super) fn take(&mut self, reading: &Reading, host: &Host) -> Grown {
        self.recording.host.systemd.extend(host.systemd.iter().cloned());
        self.observe(&reading.snapshot, reading.figures, reading.at)
    }

    /// Nothing of it was counted since it was read. Time goes on all the same: an hour may be over.
    pub(super) fn rest(&mut self, figures: HostFigures, now: u64) {
        self.observe(&Snapshot::default(), figures, now);
    }

    /// Takes in what the disk has of it, and could not be read when it began.
    pub(super) fn take_earlier(&mut self, earlier: &Recording) {
        if let Some(span) = earlier.spans.get(&self.span) {
            self.noted.clone_from(&span.gaps);
            self.clock = self.clock.through(span.first, self.span.began);
            if let Some(mine) = self.recording.spans.get_mut(&self.span) {
                mine.first = span.first;
            }
        }
        self.merge(earlier);
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
    use std::time::{Duration, UNIX_EPOCH};

    use recorder_common::{Abi, Call, Misses, NAMED_BY_KERNEL};

    use super::*;
    use crate::kernel::Unit;

    const READ: Call = Call { abi: Abi::X86_64, number: 0 };

    impl Entry {
        /// One that goes on with `span` of a recording.
        pub(super) fn of_test(recording: Recording, span: &SpanId) -> Self {
            let (name, unit, began) = (String::new(), Unit(1), span.began);
            let want = Want { name, unit, running: false, began, ended: None };
            Self::begin(want, recording, &span.boot, Clock::new(UNIX_EPOCH, 0), HostFigures::default())
        }
    }

    fn entry(number: u32, running: bool) -> Entry {
        let clock = Clock::new(UNIX_EPOCH, 0);
        let recording = Recording::new("a.service", Host::default());
        let figures = HostFigures { skipped: 5, misses: HostMisses { calls: 7, ..HostMisses::default() } };
        let want = Want { name: "a.service".into(), unit: Unit(number), running, began: 10, ended: None };
        Entry::begin(want, recording, "boot", clock, figures)
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
        let mut entry = entry(1, false);
        let figures = entry.before;
        let mut read = |calls, starts| entry.observe(&snapshot(calls, starts), figures, 20);
        assert_eq!(read(1, 0), Grown { news: true, counts: true });
        assert_eq!(read(2, 0), Grown { news: false, counts: true });
        assert_eq!(read(2, 1), Grown { news: true, counts: false });
        assert_eq!(read(2, 1), Grown::default());
    }

    #[test]
    fn a_reload_that_systemd_tells_of_counts_once_and_only_if_it_was_recorded() {
        let mut entry = entry(1, false);
        let begun = span(&entry).first.unix();
        for (last, reloads) in
            [(None, 0), (Some(begun + 5), 1), (Some(begun + 5), 1), (None, 1), (Some(begun + 9), 2)]
        {
            entry.reloaded(Reload { last });
            assert_eq!((span(&entry).reloadable, span(&entry).reloads), (true, reloads));
        }
        entry.span().0.first = Timestamp::from_unix(100);
        entry.reloaded(Reload { last: Some(99) });
        assert_eq!(span(&entry).reloads, 2, "it was before the recording");
    }

    #[test]
    fn a_start_that_was_not_seen_is_counted_and_is_a_gap() {
        let mut entry = entry(1, true);
        entry.comes_after(Before::Unwanted);
        assert_eq!(span(&entry).starts, 1);
        let figures = entry.before;
        entry.observe(&snapshot(1, 2), figures, 20);
        assert_eq!(span(&entry).starts, 3);
        assert_eq!(span(&entry).gaps, [(Gap::RunningBefore, 1)].into());
    }

    #[test]
    fn what_happened_while_the_daemon_was_away_is_a_gap() {
        for running in [false, true] {
            let mut entry = entry(1, running);
            entry.comes_after(Before::Unattached);
            assert_eq!(span(&entry).starts, u64::from(running));
            assert_eq!(span(&entry).gaps, [(Gap::Unattached, 1)].into());
        }
        let mut entry = entry(1, false);
        entry.comes_after(Before::Unwanted);
        assert!(span(&entry).gaps.is_empty());
    }

    #[test]
    fn the_hosts_figures_count_from_the_beginning_on() {
        for (number, missed) in [(1, None), (1 | NAMED_BY_KERNEL, Some(&2))] {
            let mut entry = entry(number, false);
            let mut figures = entry.before;
            entry.observe(&snapshot(1, 0), figures, 20);
            assert!(span(&entry).gaps.is_empty());
            figures.skipped += 3;
            figures.misses.calls += 2;
            entry.observe(&snapshot(1, 0), figures, 20);
            assert_eq!(span(&entry).gaps.get(&Gap::Skipped), Some(&3));
            assert_eq!(span(&entry).gaps.get(&Gap::CallsNotCounted), missed);
        }
    }

    const HOUR: u64 = 3600;

    /// A daemon reads at these hours of the boot clock, by a wall clock that shows `wall` hours when that is zero.
    fn daemon(earlier: &Recording, wall: u64, at: &[u64]) -> Recording {
        let clock = Clock::new(UNIX_EPOCH + Duration::from_secs(wall * HOUR), 0);
        let began = 2 * HOUR * 1_000_000_000;
        let want = Want { name: "a.service".into(), unit: Unit(1), running: false, began, ended: None };
        let mut entry = Entry::begin(want, earlier.clone(), "boot", clock, HostFigures::default());
        for hour in at {
            entry.observe(&snapshot(*hour, 1), HostFigures::default(), hour * HOUR * 1_000_000_000);
        }
        entry.recording
    }

    /// Set back, set forth, as it was: what one daemon has begun the next goes on with, by the same clock. The boot
    /// clock counts on through a suspend, here that between hours 4 and 10.
    #[test]
    fn a_wall_clock_that_is_set_between_two_daemons_changes_neither_order_nor_duration() {
        let new = Recording::new("a.service", Host::default());
        let first = daemon(&new, 1000, &[3, 4]);
        for wall in [0, 990, 1000, 1001, 5000] {
            let second = daemon(&first, wall, &[10, 11]);
            let span = second.spans.values().next().unwrap();
            assert_eq!(span.seconds, 9 * HOUR, "{wall}");
            assert_eq!(span.first, Timestamp::from_unix(1002 * HOUR), "{wall}");
            assert_eq!(span.last, Timestamp::from_unix(1011 * HOUR), "{wall}");
            let tally = &span.calls[&READ];
            assert_eq!(tally.first_seen, Timestamp::from_unix(1003 * HOUR), "{wall}");
            assert_eq!(tally.last_seen, Timestamp::from_unix(1011 * HOUR), "{wall}");
            assert_eq!(second.spans.len(), 1);
        }
    }

    #[test]
    fn what_could_not_be_read_at_the_beginning_is_gone_on_with_as_if_it_had_been() {
        let new = Recording::new("a.service", Host::default());
        let mut first = daemon(&new, 1000, &[3, 4]);
        first.spans.values_mut().next().unwrap().gaps.insert(Gap::Skipped, 5);
        for wall in [990, 1000, 5000] {
            let clock = Clock::new(UNIX_EPOCH + Duration::from_secs(wall * HOUR), 0);
            let began = 2 * HOUR * 1_000_000_000;
            let want = Want { name: "a.service".into(), unit: Unit(1), running: false, began, ended: None };
            let mut entry = Entry::begin(want, new.clone(), "boot", clock, HostFigures::default());
            entry.take_earlier(&first);
            let figures = HostFigures { skipped: 2, ..HostFigures::default() };
            entry.observe(&snapshot(9, 1), figures, 10 * HOUR * 1_000_000_000);
            let span = span(&entry);
            assert_eq!((span.seconds, span.calls[&READ].calls), (8 * HOUR, 9), "{wall}");
            assert_eq!(span.first, Timestamp::from_unix(1002 * HOUR), "{wall}");
            assert_eq!(span.gaps, [(Gap::Skipped, 7)].into(), "{wall}");
        }
    }
}
