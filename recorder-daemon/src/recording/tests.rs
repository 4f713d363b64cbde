use proptest::{collection::btree_map, collection::btree_set, prelude::*};
use recorder_common::Abi;

use super::*;

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (0_u64..400_000_000_000).prop_map(Timestamp::from_unix)
}

/// Few distinct keys, so that merges meet.
fn call() -> impl Strategy<Value = Call> {
    (0_usize..3, 0_u32..4).prop_map(|(abi, number)| Call { abi: Abi::ALL[abi], number })
}

fn tally() -> impl Strategy<Value = Tally> {
    (0_u64..1000, timestamp(), timestamp(), btree_set("[ab]", 0..3))
        .prop_map(|(calls, first_seen, last_seen, programs)| Tally { calls, first_seen, last_seen, programs })
}

fn span() -> impl Strategy<Value = Span> {
    let gaps = btree_map((0..Gap::ALL.len()).prop_map(|i| Gap::ALL[i]), 1_u64..9, 0..3);
    (timestamp(), timestamp(), 0_u64..99, 0_u64..9, btree_map(call(), tally(), 0..6), gaps).prop_map(
        |(first, last, seconds, starts, calls, gaps)| Span { first, last, seconds, starts, calls, gaps },
    )
}

pub(crate) fn recording() -> impl Strategy<Value = Recording> {
    let id = ("[ab]", 0_u64..2).prop_map(|(boot, began)| SpanId { boot, began });
    let names = || btree_set("[abc]", 0..3);
    (btree_map(id, span(), 0..4), names(), names(), names()).prop_map(|(spans, names, kernels, systemd)| {
        Recording { unit: "a.service".into(), host: Host { names, kernels, systemd }, spans }
    })
}

fn merged(a: &Recording, b: &Recording) -> Recording {
    let mut a = a.clone();
    a.merge(b);
    a
}

proptest! {
    #[test]
    fn merge_is_associative(a in recording(), b in recording(), c in recording()) {
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn merge_is_commutative(a in recording(), b in recording()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
    }

    #[test]
    fn merge_is_idempotent(a in recording(), b in recording()) {
        let once = merged(&a, &b);
        prop_assert_eq!(merged(&once, &b), once);
    }

    #[test]
    fn merge_loses_no_call(a in recording(), b in recording()) {
        let both = merged(&a, &b);
        for (id, span) in a.spans.iter().chain(&b.spans) {
            for (call, tally) in &span.calls {
                let kept = &both.spans[id].calls[call];
                prop_assert!(kept.calls >= tally.calls);
                prop_assert!(kept.first_seen <= tally.first_seen && kept.last_seen >= tally.last_seen);
                prop_assert!(kept.programs.is_superset(&tally.programs));
            }
        }
    }

    #[test]
    fn a_timestamp_is_read_as_it_is_written(at in timestamp()) {
        prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }
}

#[test]
fn the_clock_counts_on_from_one_reading() {
    let wall = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000);
    let clock = Clock::new(wall, 400_000_000_000);
    assert_eq!(clock.at(400_000_000_000).unix(), 1_000);
    assert_eq!(clock.at(401_500_000_000).unix(), 1_001);
    assert_eq!(clock.at(0).unix(), 600);
}

#[test]
fn every_gap_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Gap::ALL.iter().map(|gap| gap.name()).collect();
    assert_eq!(names.len(), Gap::ALL.len());
    for gap in Gap::ALL {
        assert_eq!(Gap::from_name(gap.name()), Some(gap));
    }
}
