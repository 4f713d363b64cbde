//! Where a unit is in its life: what begins and ends the occasions of the coverage estimate.

use crate::{
    kernel::Happened,
    recording::{Clock, Event, Mark, Per, Span},
};

/// How long a unit is said to start up, in nanoseconds.
const START_UP: u64 = 60_000_000_000;

/// By how much the reading at the end of that may be late.
const LATE: u64 = 1_000_000_000;

/// What this daemon has seen of a unit's present life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    /// When it was started, in nanoseconds of `CLOCK_BOOTTIME`; None where nobody has seen it.
    started: Option<u64>,
    /// When it has started up, until it is read after that.
    settles: Option<u64>,
}

impl Life {
    /// When the unit is to be read, so that what it calls later can be told from what it calls at its start.
    pub(super) const fn settles(self) -> Option<u64> {
        self.settles
    }

    /// Whether it has started up since last asked.
    pub(super) fn settle(&mut self, now: u64) -> bool {
        self.settles.take_if(|at| *at <= now).is_some()
    }

    /// Takes in what has happened by a reading at `now`, in which `made` cgroups are new. Whether all that was called
    /// since the reading before was called in the first minute after a start: only where that is certain. `span` is
    /// as it was left by the reading before.
    pub(super) fn starts_up(&mut self, span: &Span, made: u64, happened: Happened, now: u64) -> bool {
        if made > 0 || happened.made.is_some() {
            self.started = happened.made;
            self.settles = happened.made.map(|at| at.saturating_add(START_UP));
        }
        self.settle(now);
        // Where another life was not over and read to its end, some of it may be from there.
        let all_is_new =
            || made == 1 && span.occasions.start.after == span.starts && !span.is_open(Per::Start);
        let early = |at: u64| now <= at.saturating_add(START_UP + LATE);
        self.started.is_some_and(early) && (made == 0 || all_is_new())
    }
}

/// Ends the occasions that are over by a reading at `now`, which `span` has been given.
pub(super) fn end_occasions(span: &mut Span, made: u64, happened: Happened, clock: Clock, now: u64) {
    let at = clock.at(now);
    if made > 0 {
        let at = happened.made.map_or(at, |made| clock.at(made));
        span.marks.insert(Mark { at, event: Event::Start });
    }
    if happened.removed > 0 {
        span.stops = span.stops.saturating_add(happened.removed);
        span.marks.insert(Mark { at, event: Event::Stop });
    }
    // The open one holds one start. With a second in it there was an end in between that nobody was told of.
    if happened.removed > 0 || span.starts.saturating_sub(span.occasions.start.after) > 1 {
        span.end_occasion(Per::Start, span.starts);
    }
    span.end_hour();
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use recorder_common::{Abi, Call, Misses};

    use super::*;
    use crate::{kernel::Snapshot, observe::observe, recording::Timestamp};

    const READ: Call = Call { abi: Abi::X86_64, number: 0 };
    const FORK: Call = Call { abi: Abi::X86_64, number: 57 };
    const SECOND: u64 = 1_000_000_000;

    /// A unit whose readings are told one by one.
    struct Told {
        life: Life,
        span: Span,
    }

    impl Told {
        fn new() -> Self {
            Self { life: Life::default(), span: Span::begin(Timestamp::from_unix(0)) }
        }

        /// A reading at a second: what the kernel has counted by then, and what it told of.
        fn read(&mut self, second: u64, calls: &[(Call, u64)], starts: u64, happened: Happened) {
            let (clock, now) = (Clock::new(UNIX_EPOCH, 0), second * SECOND);
            let calls = calls.iter().copied().collect();
            let snapshot =
                Snapshot { calls, misses: Misses { starts, ..Misses::default() }, ..Snapshot::default() };
            let made = starts - self.span.starts;
            let early = self.life.starts_up(&self.span, made, happened, now);
            observe(&mut self.span, &snapshot, clock, now, early);
            self.span.starts = starts;
            end_occasions(&mut self.span, made, happened, clock, now);
        }

        fn of(&self, call: Call) -> u64 {
            self.span.calls[&call].occasions(Per::Start)
        }
    }

    fn made(second: u64) -> Happened {
        Happened { made: Some(second * SECOND), removed: 0 }
    }

    fn removed() -> Happened {
        Happened { made: None, removed: 1 }
    }

    #[test]
    fn each_life_is_an_occasion_and_the_open_one_counts_once_it_has_called() {
        let mut told = Told::new();
        told.read(1, &[], 1, made(1));
        assert_eq!(told.span.occasions(Per::Start), 0);
        told.read(2, &[(READ, 1)], 1, Happened::default());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (1, 1));
        told.read(3, &[(READ, 5)], 1, removed());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (1, 1));
        told.read(4, &[(READ, 5)], 2, made(4));
        told.read(5, &[(READ, 5), (FORK, 1)], 2, removed());
        told.read(6, &[(READ, 6), (FORK, 1)], 3, made(6));
        assert_eq!((told.span.occasions(Per::Start), told.of(READ), told.of(FORK)), (3, 2, 1));
        assert_eq!(told.span.stops, 2);
        assert_eq!(told.span.marks.iter().count(), 5);
    }

    #[test]
    fn starts_between_two_readings_are_one_occasion() {
        let mut told = Told::new();
        told.read(9, &[(READ, 10)], 10, Happened { made: Some(8 * SECOND), removed: 9 });
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (1, 1));
        // All that was told is that there are more.
        told.read(20, &[(READ, 14)], 14, Happened::default());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (2, 2));
        told.read(21, &[(READ, 14)], 14, removed());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (2, 2), "nothing was called since");
    }

    #[test]
    fn what_was_not_saved_is_told_again_and_counts_once() {
        let mut told = Told::new();
        told.read(1, &[(READ, 1)], 1, made(1));
        let saved = told.span.clone();
        told.read(2, &[(READ, 2), (FORK, 1)], 1, removed());
        told.read(3, &[(READ, 3), (FORK, 1)], 2, made(3));
        assert_eq!((told.span.occasions(Per::Start), told.of(READ)), (2, 2));
        // Killed, with none of it on disk, and the news read from the ring by the one that was killed.
        told = Told { life: Life::default(), span: saved };
        told.read(4, &[(READ, 3), (FORK, 1)], 2, Happened::default());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ), told.of(FORK)), (1, 1, 1));
        told.read(5, &[(READ, 4), (FORK, 1)], 2, removed());
        assert_eq!((told.span.occasions(Per::Start), told.of(READ), told.of(FORK)), (2, 2, 1));
    }

    #[test]
    fn an_hour_is_an_occasion_if_there_was_a_call_in_it() {
        let mut told = Told::new();
        let per_hour =
            |told: &Told| (told.span.occasions(Per::Hour), told.span.calls[&READ].occasions(Per::Hour));
        told.read(60, &[(READ, 1)], 1, made(1));
        told.read(3599, &[(READ, 2)], 1, Happened::default());
        assert_eq!(per_hour(&told), (1, 1));
        told.read(3601, &[(READ, 3)], 1, Happened::default());
        assert_eq!(per_hour(&told), (1, 1), "the reading after the hour ends it");
        told.read(3661, &[(READ, 4)], 1, Happened::default());
        assert_eq!(per_hour(&told), (2, 2));
        for hour in 2..10 {
            told.read(hour * 3600 + 1, &[(READ, 4)], 1, Happened::default());
        }
        assert_eq!(per_hour(&told), (2, 2), "idle hours are none");
        told.read(10 * 3600 + 1, &[(READ, 4), (FORK, 1)], 1, Happened::default());
        assert_eq!(per_hour(&told), (3, 2));
    }

    #[test]
    fn what_is_called_only_at_the_start_is_told_from_the_rest() {
        let mut told = Told::new();
        let later = |told: &Told| [READ, FORK].map(|call| told.span.calls.get(&call).map(|of| of.later));
        told.read(10, &[(READ, 1)], 1, made(10));
        assert_eq!(told.life.settles(), Some(70 * SECOND));
        told.read(70, &[(READ, 2), (FORK, 1)], 1, Happened::default());
        assert_eq!(told.life.settles(), None);
        assert_eq!(later(&told), [Some(false), Some(false)]);
        told.read(100, &[(READ, 2), (FORK, 1)], 1, removed());
        told.read(101, &[(READ, 3), (FORK, 1)], 2, made(100));
        assert_eq!(later(&told), [Some(false), Some(false)], "the first life was read to its end");
        told.read(200, &[(READ, 3), (FORK, 2)], 2, Happened::default());
        assert_eq!(later(&told), [Some(false), Some(true)]);
    }

    #[test]
    fn what_may_be_from_the_life_before_is_not_said_to_be_from_the_start() {
        let both = Happened { made: Some(99 * SECOND), removed: 1 };
        let lost = Happened::default();
        for (starts, happened) in [(2, both), (2, lost), (3, both)] {
            let mut told = Told::new();
            told.read(10, &[(READ, 1)], 1, made(10));
            told.read(100, &[(READ, 1), (FORK, 1)], starts, happened);
            assert!(!told.span.calls[&READ].later && told.span.calls[&FORK].later);
        }
        let mut told = Told::new();
        told.read(10, &[(READ, 1)], 1, lost);
        assert!(told.span.calls[&READ].later, "nobody saw when it started");
    }
}
