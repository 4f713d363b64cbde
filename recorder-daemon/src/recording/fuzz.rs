use recorder_common::Abi;

use super::*;
use crate::fuzz::target;

/// One thing seen: in which span, which call, how often, when, by whom, with which gap.
pub(crate) type Seen = (bool, u8, u8, u8, bool, u8);

pub(crate) fn recording(seen: &[Seen]) -> Recording {
    let mut recording = Recording::new("a.service", Host::default());
    for &(boot, number, calls, at, program, gap) in seen {
        let id = SpanId { boot: if boot { "a" } else { "b" }.to_owned(), began: u64::from(number % 2) };
        let at = Timestamp::from_unix(at.into());
        let span = recording.spans.entry(id).or_insert_with(|| Span::begin(at));
        span.seconds += u64::from(number);
        span.gaps.insert(Gap::ALL[usize::from(gap) % Gap::ALL.len()], gap.into());
        let call = Call { abi: Abi::ALL[usize::from(number) % 3], number: u32::from(number % 8) };
        let programs = BTreeSet::from([if program { "/bin/a" } else { "/bin/b" }.to_owned()]);
        let tally = Tally {
            calls: calls.into(),
            first_seen: at,
            last_seen: at,
            programs,
            occasions: By::default(),
            later: program,
        };
        span.calls.insert(call, tally);
    }
    recording
}

fn merged(a: &Recording, b: &Recording) -> Recording {
    let mut a = a.clone();
    a.merge(b);
    a
}

/// In any order, however often: the same; and nothing of any of them is lost.
#[test]
fn merge() {
    let check = |seen: &[Vec<Seen>; 3]| {
        let [a, b, c] = seen.each_ref().map(|seen| recording(seen));
        let all = merged(&merged(&a, &b), &c);
        assert_eq!(all, merged(&a, &merged(&b, &c)));
        assert_eq!(all, merged(&merged(&c, &a), &b));
        for one in [&a, &b, &c] {
            assert_eq!(merged(&all, one), all);
            for (id, span) in &one.spans {
                let whole = &all.spans[id];
                assert!(whole.seconds >= span.seconds);
                for (gap, count) in &span.gaps {
                    assert!(whole.gaps[gap] >= *count);
                }
                for (call, tally) in &span.calls {
                    let kept = &whole.calls[call];
                    assert!(kept.calls >= tally.calls && kept.programs.is_superset(&tally.programs));
                    assert!(kept.first_seen <= tally.first_seen && kept.last_seen >= tally.last_seen);
                }
            }
        }
    };
    target!("merge", with_type::<[Vec<Seen>; 3]>, check);
}
