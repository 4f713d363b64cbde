use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
};
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
    let incidence = || (0_u64..9, 0_u64..1000).prop_map(|(over, before)| Incidence { over, before });
    let occasions = (incidence(), incidence()).prop_map(|(start, hour)| By { start, hour });
    // Ranges that overlap, so that at times two have more programs than are kept.
    let programs = prop_oneof![15 => (0_usize..3, 0_usize..3), 1 => (0..Tally::PROGRAMS, 0..Tally::PROGRAMS)]
        .prop_map(|(from, count)| (from..from + count).map(|name| name.to_string()).collect());
    let seen = (0_u64..1000, timestamp(), timestamp(), programs);
    (seen, occasions, any::<bool>()).prop_map(
        |((calls, first_seen, last_seen, programs), occasions, later)| Tally {
            calls,
            first_seen,
            last_seen,
            programs,
            occasions,
            later,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let gaps = btree_map((0..Gap::ALL.len()).prop_map(|i| Gap::ALL[i]), 1_u64..9, 0..3);
    let figures = (0_u64..99, 0_u64..9, 0_u64..9, 0_u64..9, any::<bool>());
    let of = || (0_u64..9, 0_u64..9).prop_map(|(over, after)| Occasions { over, after });
    let occasions = (of(), of()).prop_map(|(start, hour)| By { start, hour });
    let calls = btree_map(call(), tally(), 0..6);
    (timestamp(), timestamp(), figures, occasions, marks(0..6), calls, gaps).prop_map(
        |(first, last, figures, occasions, marks, calls, gaps)| {
            let (seconds, starts, stops, reloads, reloadable) = figures;
            Span { first, last, seconds, starts, stops, reloads, reloadable, occasions, marks, calls, gaps }
        },
    )
}

fn marks(count: std::ops::Range<usize>) -> impl Strategy<Value = Marks> {
    let mark = (0_u64..100_000, 0..Event::ALL.len())
        .prop_map(|(at, event)| Mark { at: Timestamp::from_unix(at), event: Event::ALL[event] });
    vec(mark, count).prop_map(Marks::from_iter)
}

pub(crate) fn recording() -> impl Strategy<Value = Recording> {
    let id = ("[ab]", 0_u64..2).prop_map(|(boot, began)| SpanId { boot, began });
    let names = || btree_set("[abc]", 0..3);
    (btree_map(id, span(), 0..4), (names(), names(), names(), names(), names(), names())).prop_map(
        |(spans, (names, kernels, systemd, tools, libcs, packages))| {
            let host = Host { names, kernels, systemd, tools, libcs, packages };
            Recording { unit: "a.service".into(), host, spans }
        },
    )
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
    fn the_marks_that_are_kept_are_those_of_all(sets in vec(vec((0_u64..100_000, 0_usize..3), 0..900), 3)) {
        let sets: Vec<Vec<Mark>> = sets
            .into_iter()
            .map(|set| set.into_iter().map(|(at, event)| Mark { at: Timestamp::from_unix(at), event: Event::ALL[event] }).collect())
            .collect();
        let of = |sets: &[&Vec<Mark>]| sets.iter().copied().flatten().copied().collect::<Marks>();
        let merged = |a: &Marks, b: &Marks| { let mut a = a.clone(); a.merge(b); a };
        let [a, b, c] = [&sets[0], &sets[1], &sets[2]];
        let all = of(&[a, b, c]);
        prop_assert_eq!(merged(&merged(&of(&[a]), &of(&[b])), &of(&[c])), all.clone());
        prop_assert_eq!(merged(&of(&[c]), &merged(&of(&[a]), &of(&[b]))), all.clone());
        prop_assert_eq!(merged(&all, &of(&[b])), all.clone());
        prop_assert!(all.iter().count() <= 400);
        let everything: BTreeSet<&Mark> = sets.iter().flatten().collect();
        prop_assert_eq!(all.iter().next(), everything.first().copied());
        prop_assert_eq!(all.iter().last(), everything.last().copied());
    }

    #[test]
    fn readings_of_one_span_merge_to_the_latest(readings in vec((vec(0_u64..3, 4), any::<bool>()), 1..12), from in 0_usize..12) {
        let mut span = Span::begin(Timestamp::from_unix(0));
        let mut states = Vec::new();
        for (grown, ends) in readings {
            for (number, grown) in (0..).zip(grown).filter(|(_, grown)| *grown > 0) {
                let tally = Tally { calls: 0, first_seen: span.first, last_seen: span.first, programs: BTreeSet::new(), occasions: By::default(), later: false };
                span.calls.entry(Call { abi: Abi::X86_64, number }).or_insert(tally).calls += grown;
            }
            if ends { span.end_occasion(Per::Start, span.occasions.start.after + 1); }
            for tally in span.calls.values() {
                prop_assert!((1..=span.occasions(Per::Start)).contains(&tally.occasions(Per::Start)));
            }
            states.push(span.clone());
        }
        let mut merged = states[from.min(states.len() - 1)].clone();
        for state in states.iter().rev() { merged.merge(state); }
        prop_assert_eq!(&merged, states.last().unwrap());
    }

    #[test]
    fn merge_loses_no_call(a in recording(), b in recording()) {
        let both = merged(&a, &b);
        for (id, span) in a.spans.iter().chain(&b.spans) {
            for (call, tally) in &span.calls {
                let kept = &both.spans[id].calls[call];
                prop_assert!(kept.calls >= tally.calls);
                prop_assert!(kept.first_seen <= tally.first_seen && kept.last_seen >= tally.last_seen);
                prop_assert!(
                    kept.programs.is_superset(&tally.programs) || kept.programs.len() == Tally::PROGRAMS
                );
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
fn a_machine_without_a_clock_of_its_own_counts_on_from_1970() {
    let clock = Clock::new(std::time::UNIX_EPOCH + std::time::Duration::from_secs(2), 5_000_000_000);
    assert_eq!(clock.at(0).unix(), 0);
    assert_eq!(clock.at(5_000_000_000).unix(), 2);
    assert_eq!(clock.at(65_000_000_000).unix(), 62);
}

/// The wall clock was set since, or was read at a slightly other moment.
#[test]
fn a_clock_goes_through_the_time_at_which_something_began() {
    let wall = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_000_900);
    let clock = Clock::new(wall, 400_000_000_000);
    let began = 400_050_000_000;
    assert_eq!(clock.through(Timestamp::from_unix(1_000), began).at(400_100_000_000).unix(), 1_001);
    for first in [0, 999, 1_001, 5_000_000] {
        let through = clock.through(Timestamp::from_unix(first), began);
        assert_eq!(through.at(began).unix(), first);
        assert_eq!(through.at(began + 7_000_000_000).unix(), first + 7);
    }
}

#[test]
fn every_gap_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Gap::ALL.iter().map(|gap| gap.name()).collect();
    assert_eq!(names.len(), Gap::ALL.len());
    for gap in Gap::ALL {
        assert_eq!(Gap::from_name(gap.name()), Some(gap));
    }
}
