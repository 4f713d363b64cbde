//! From the kernel's snapshot to the recording: the one place that knows both.

use std::collections::BTreeSet;

use crate::{
    kernel::Snapshot,
    recording::{By, Clock, Gap, Span, Tally},
};

/// Takes one reading of the kernel's counts into the span that they belong to.
///
/// `now` is the boot clock in nanoseconds at the reading. A call whose count has grown since the last
/// reading was last seen now; its first time comes from the kernel's own evidence, to the nanosecond. `starts_up`:
/// all that was called since the last reading was called in the first minute after a start.
pub fn observe(span: &mut Span, snapshot: &Snapshot, clock: Clock, now: u64, starts_up: bool) {
    let at = clock.at(now);
    for (&call, &calls) in &snapshot.calls {
        let grew = span.calls.get(&call).is_none_or(|tally| tally.calls < calls);
        if grew {
            let new = Tally {
                calls,
                first_seen: at,
                last_seen: at,
                programs: BTreeSet::new(),
                occasions: By::default(),
                later: false,
            };
            let tally = span.calls.entry(call).or_insert(new);
            tally.calls = calls;
            tally.last_seen = tally.last_seen.max(at);
            tally.later |= !starts_up;
        }
    }
    for sighting in &snapshot.sightings {
        if let Some(tally) = span.calls.get_mut(&sighting.call) {
            tally.first_seen = tally.first_seen.min(clock.at(sighting.first)).max(span.first);
            tally.made_by(sighting.program.clone());
        }
    }
    span.last = span.last.max(at);
    span.seconds = at.unix().saturating_sub(span.first.unix()).max(span.seconds);
    note(span, Gap::CallsNotCounted, snapshot.misses.calls);
    note(span, Gap::CgroupsNotArmed, snapshot.misses.cgroups);
    note(span, Gap::AlreadyFiltered, snapshot.misses.filtered);
    // A filter that was there at the start is one that the programs run under, too.
    if !span.gaps.contains_key(&Gap::AlreadyFiltered) {
        note(span, Gap::UnderFilter, snapshot.misses.under_filter);
    }
}

/// Notes a gap that has grown to `count`. Zero is no gap.
pub fn note(span: &mut Span, gap: Gap, count: u64) {
    if count > 0 {
        let noted = span.gaps.entry(gap).or_default();
        *noted = count.max(*noted);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use recorder_common::{Abi, Call, Misses};

    use super::*;
    use crate::{kernel::Sighting, recording::Timestamp};

    const READ: Call = Call { abi: Abi::X86_64, number: 0 };

    fn snapshot(calls: u64, first: u64, program: Option<&str>) -> Snapshot {
        Snapshot {
            calls: [(READ, calls)].into(),
            sightings: vec![Sighting { call: READ, program: program.map(str::to_owned), first }],
            ..Snapshot::default()
        }
    }

    const fn seconds(count: u64) -> u64 {
        count * 1_000_000_000
    }

    #[test]
    fn a_count_that_grows_was_last_seen_at_the_reading() {
        let clock = Clock::new(UNIX_EPOCH + Duration::from_secs(1000), 0);
        let mut span = Span::begin(clock.at(0));
        observe(&mut span, &snapshot(1, seconds(2), Some("/bin/a")), clock, seconds(5), false);
        observe(&mut span, &snapshot(1, seconds(2), Some("/bin/b")), clock, seconds(6), false);
        let tally = &span.calls[&READ];
        assert_eq!(tally.first_seen, Timestamp::from_unix(1002));
        assert_eq!(tally.last_seen, Timestamp::from_unix(1005), "nothing new at the second reading");
        assert_eq!(tally.programs, ["/bin/a".to_owned(), "/bin/b".to_owned()].into());
        assert_eq!(span.seconds, 6);
        assert!(span.gaps.is_empty());
    }

    #[test]
    fn reading_twice_changes_nothing() {
        let clock = Clock::new(UNIX_EPOCH, 0);
        let mut once = Span::begin(clock.at(0));
        observe(&mut once, &snapshot(7, seconds(1), None), clock, seconds(3), false);
        let mut twice = once.clone();
        observe(&mut twice, &snapshot(7, seconds(1), None), clock, seconds(3), false);
        assert_eq!(once, twice);
    }

    #[test]
    fn what_was_missed_is_a_gap() {
        let clock = Clock::new(UNIX_EPOCH, 0);
        let mut span = Span::begin(clock.at(0));
        let misses = Misses { calls: 3, cgroups: 1, ..Misses::default() };
        observe(&mut span, &Snapshot { misses, ..snapshot(1, 0, None) }, clock, 0, false);
        assert_eq!(span.gaps, [(Gap::CallsNotCounted, 3), (Gap::CgroupsNotArmed, 1)].into());
    }
}
