//! What is known of a unit over all its spans, in brief, and what of it has been told.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Call;

use super::Entry;
use crate::{
    daemon::telling::What,
    recording::{Gap, Recording, Span, SpanId, Timestamp},
    syscalls,
};

/// What was told of a recording, and the sums of the spans before the present one, so that neither costs a walk over
/// all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// When each call was seen first.
    first: BTreeMap<Call, Timestamp>,
    names: BTreeSet<&'static str>,
    unnamed: u64,
    /// As last told, of the present span.
    gaps: BTreeMap<Gap, u64>,
    pub(super) starts: u64,
    earlier: Sums,
}

/// Of the spans before the present one.
#[derive(Clone, Debug, Default)]
struct Sums {
    began: Option<Timestamp>,
    seconds: u64,
    starts: u64,
    calls: u64,
    gaps: BTreeMap<Gap, u64>,
}

/// A unit in figures, over all its spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) struct Figures {
    pub(in crate::daemon) seconds: u64,
    pub(in crate::daemon) starts: u64,
    pub(in crate::daemon) calls: u64,
    /// Distinct calls: numbers by ABI.
    pub(in crate::daemon) distinct: u64,
    /// Distinct names.
    pub(in crate::daemon) names: u64,
    pub(in crate::daemon) last_new: Option<Timestamp>,
    pub(in crate::daemon) gaps: BTreeMap<Gap, u64>,
}

impl Known {
    /// What `recording` holds: none of it is news.
    pub(super) fn of(recording: &Recording, present: &SpanId) -> Self {
        let mut known = Self::default();
        for (id, span) in &recording.spans {
            known.take_in(span);
            if id == present {
                known.gaps.clone_from(&span.gaps);
                known.starts = span.starts;
                continue;
            }
            let sums = &mut known.earlier;
            sums.began = sums.began.map_or(Some(span.first), |began| Some(began.min(span.first)));
            sums.seconds = sums.seconds.saturating_add(span.seconds);
            sums.starts = sums.starts.saturating_add(span.starts);
            sums.calls = sums.calls.saturating_add(calls(span));
            for (&gap, &count) in &span.gaps {
                let sum = sums.gaps.entry(gap).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        known
    }

    /// Notes the calls of a span. Gives those that were not known.
    fn take_in(&mut self, span: &Span) -> Vec<Call> {
        let mut new = Vec::new();
        for (&call, tally) in &span.calls {
            let first = self.first.entry(call).or_insert_with(|| {
                new.push(call);
                tally.first_seen
            });
            *first = tally.first_seen.min(*first);
        }
        for call in &new {
            match syscalls::name(call.abi, call.number) {
                Some(name) => _ = self.names.insert(name),
                None => self.unnamed += 1,
            }
        }
        new
    }

    /// What has come to the present span since it was last told.
    fn news(&mut self, span: &Span) -> Vec<What> {
        let mut news = Vec::new();
        if span.starts > self.starts {
            self.starts = span.starts;
            news.push(What::Start { starts: self.earlier.starts.saturating_add(span.starts) });
        }
        let mut new: Vec<_> = self.take_in(span).into_iter().map(|call| (call, &span.calls[&call])).collect();
        new.sort_by_key(|(_, tally)| tally.first_seen);
        news.extend(new.into_iter().map(|(call, tally)| What::Call {
            call,
            at: tally.first_seen,
            later: tally.later,
            programs: tally.programs.iter().cloned().collect(),
        }));
        for (&gap, &count) in &span.gaps {
            // Some grow with every reading: told are the first, and each doubling.
            let told = self.gaps.entry(gap).or_default();
            if count >= told.saturating_mul(2).max(1) {
                *told = count;
                let before = self.earlier.gaps.get(&gap).copied().unwrap_or_default();
                news.push(What::Gap { gap, count: before.saturating_add(count) });
            }
        }
        news
    }
}

impl Entry {
    /// Takes in what another span of the unit has brought. None of it is news.
    pub(in crate::daemon) fn merge(&mut self, other: &Recording) {
        self.recording.merge(other);
        self.known = Known::of(&self.recording, &self.span);
    }

    /// What was not told yet.
    pub(in crate::daemon) fn news(&mut self) -> Vec<What> {
        let span = self.recording.spans.get(&self.span);
        span.map(|span| self.known.news(span)).unwrap_or_default()
    }

    /// As last read.
    pub(in crate::daemon) fn figures(&self) -> Figures {
        let (known, span) = (&self.known, self.recording.spans.get(&self.span));
        let sums = &known.earlier;
        let of = |figure: fn(&Span) -> u64| span.map(figure).unwrap_or_default();
        let mut gaps = sums.gaps.clone();
        for (&gap, &count) in span.iter().flat_map(|span| &span.gaps) {
            let sum = gaps.entry(gap).or_default();
            *sum = sum.saturating_add(count);
        }
        if known.unnamed > 0 {
            gaps.insert(Gap::UnnamedNumbers, known.unnamed);
        }
        Figures {
            seconds: sums.seconds.saturating_add(of(|span| span.seconds)),
            starts: sums.starts.saturating_add(of(|span| span.starts)),
            calls: sums.calls.saturating_add(of(calls)),
            distinct: known.first.len() as u64,
            names: known.names.len() as u64,
            last_new: known.first.values().max().copied(),
            gaps,
        }
    }

    /// How many calls were new, in `parts` equal parts of the time from the first recording until `now`.
    pub(in crate::daemon) fn discoveries(&self, now: Timestamp, parts: u64) -> Vec<u64> {
        let began = self.known.earlier.began.or(self.since()).unwrap_or(now).unix();
        let length = (now.unix().saturating_sub(began) + 1).max(parts);
        let mut counts = vec![0; usize::try_from(parts).unwrap_or_default()];
        for first in self.known.first.values() {
            let part =
                u128::from(first.unix().saturating_sub(began)) * u128::from(parts) / u128::from(length);
            let last = counts.len().saturating_sub(1);
            let part = usize::try_from(part).unwrap_or(last).min(last);
            if let Some(count) = counts.get_mut(part) {
                *count += 1;
            }
        }
        counts
    }
}

fn calls(span: &Span) -> u64 {
    span.calls.values().fold(0, |sum, tally| sum.saturating_add(tally.calls))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recorder_common::Abi;

    use super::*;
    use crate::{
        allowlist::Allowlist,
        recording::{By, Host, Tally},
    };

    fn tally(at: u64) -> Tally {
        let at = Timestamp::from_unix(at);
        let programs = ["/bin/a".to_owned()].into();
        Tally { calls: 1, first_seen: at, last_seen: at, programs, occasions: By::default(), later: false }
    }

    fn span(calls: &[(u32, u64)], gaps: &[(Gap, u64)], starts: u64) -> Span {
        let call = |&(number, at): &(u32, u64)| (Call { abi: Abi::X86_64, number }, tally(at));
        let mut span = Span::begin(Timestamp::from_unix(10));
        span.calls = calls.iter().map(call).collect();
        span.gaps = gaps.iter().copied().collect();
        span.starts = starts;
        span
    }

    fn id(began: u64) -> SpanId {
        SpanId { boot: "boot".into(), began }
    }

    #[test]
    fn news_is_what_no_span_had_in_the_order_in_which_it_came() {
        let mut recording = Recording::new("a.service", Host::default());
        recording.spans.insert(id(1), span(&[(0, 11)], &[(Gap::Skipped, 5)], 2));
        let mut known = Known::of(&recording, &id(2));
        let now = span(&[(0, 20), (1, 30), (2, 25)], &[(Gap::Skipped, 1)], 1);
        let call = |number, at| What::Call {
            call: Call { abi: Abi::X86_64, number },
            at: Timestamp::from_unix(at),
            later: false,
            programs: vec!["/bin/a".to_owned()],
        };
        let gap = What::Gap { gap: Gap::Skipped, count: 6 };
        assert_eq!(known.news(&now), [What::Start { starts: 3 }, call(2, 25), call(1, 30), gap]);
        assert_eq!(known.news(&now), [], "it is told once");
    }

    #[test]
    fn a_gap_that_grows_and_grows_is_told_at_each_doubling() {
        let mut known = Known::default();
        let told =
            (1..=1000).filter(|&count| !known.news(&span(&[], &[(Gap::Skipped, count)], 0)).is_empty());
        assert_eq!(told.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }

    proptest! {
        /// In brief it says what the allowlist says.
        #[test]
        fn the_figures_are_the_allowlists(
            spans in prop::collection::vec(
                (prop::collection::vec((0_u32..600, 0_u64..100), 0..9), 0_u64..3, 0_u64..3), 1..4
            )
        ) {
            let mut recording = Recording::new("a.service", Host::default());
            for (began, (calls, gap, starts)) in (0..).zip(&spans) {
                let gaps: &[_] = if *gap > 0 { &[(Gap::Skipped, *gap)] } else { &[] };
                recording.spans.insert(id(began), span(calls, gaps, *starts));
            }
            let entry = Entry::of_test(recording.clone(), &id(0));
            let (figures, allowlist) = (entry.figures(), Allowlist::of(&recording));
            prop_assert_eq!(figures.calls, allowlist.calls());
            prop_assert_eq!(figures.names, allowlist.names().len() as u64);
            prop_assert_eq!(figures.distinct, allowlist.evidence.len() as u64);
            prop_assert_eq!(figures.starts, allowlist.observed.starts);
            prop_assert_eq!(figures.seconds, allowlist.observed.seconds);
            prop_assert_eq!(&figures.gaps, &allowlist.observed.gaps);
            let newest = allowlist.evidence.iter().map(|evidence| evidence.tally.first_seen).max();
            prop_assert_eq!(figures.last_new, newest);
            let discoveries = entry.discoveries(Timestamp::from_unix(100), 7);
            prop_assert_eq!(discoveries.len(), 7);
            prop_assert_eq!(discoveries.iter().sum::<u64>(), figures.distinct);
        }
    }
}
