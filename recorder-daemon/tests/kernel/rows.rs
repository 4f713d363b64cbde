//! Where a unit's counts lie is nobody's business but the recorder's: what it counts is the same in each place.

use std::collections::BTreeMap;

use recorder_daemon::kernel::{Manager, Recorder, Unit, Want};

use crate::{
    lookups::{Caller, folder},
    setup_calls::{Folder, LIMITS, counts},
    support::Bench,
};

/// More than there are places for.
const MANY: u64 = 150;

fn getppid(recorder: &mut Recorder, unit: Unit) -> u64 {
    counts(recorder, unit).get("getppid").copied().unwrap_or_default()
}

fn end(recorder: &mut Recorder, unit: Unit) -> Want {
    let want = Want { name: format!("/{}", unit.0), unit, running: true, began: 0, ended: None };
    recorder.end(std::slice::from_ref(&want), 1).unwrap();
    want
}

#[test]
fn more_units_than_places_are_counted_each_by_itself() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut recorder = Recorder::start(LIMITS, Manager::default()).unwrap();
    let mut caller = Caller::new(&bench);
    let units: Vec<_> = (0..MANY)
        .map(|number| {
            let (unit, place) = (recorder.number().unwrap(), folder(&format!("place{number}")));
            recorder.arm(unit, place.id(), true).unwrap();
            (number, unit, place)
        })
        .collect();
    for _ in 0..2 {
        for (number, _, place) in &units {
            caller.enter(&place.0);
            caller.call(number + 1);
        }
    }
    for (number, unit, _) in &units {
        assert_eq!(getppid(&mut recorder, *unit), 2 * (number + 1), "{unit:?}");
    }
    caller.leave();
}

/// Each begins where another has counted, or where it must not.
#[test]
fn a_place_is_empty_for_whoever_has_it_next() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut recorder = Recorder::start(LIMITS, Manager::default()).unwrap();
    let mut caller = Caller::new(&bench);
    let (stays, moves) = (folder("stays"), folder("moves"));
    let longest = recorder.number().unwrap();
    recorder.arm(longest, stays.id(), true).unwrap();
    for round in 1..=2 * MANY {
        caller.enter(&stays.0);
        caller.call(1);
        let unit = recorder.number().unwrap();
        assert_ne!(unit.0 % 64, longest.0 % 64, "a place that is taken");
        recorder.arm(unit, moves.id(), true).unwrap();
        caller.enter(&moves.0);
        caller.call(round);
        let want = end(&mut recorder, unit);
        caller.call(3);
        assert_eq!(getppid(&mut recorder, unit), round, "{unit:?}");
        recorder.forget(&want).unwrap();
        assert_eq!(counts(&mut recorder, unit), BTreeMap::new(), "{unit:?}");
        assert_eq!(getppid(&mut recorder, longest), round);
    }
    caller.leave();
}

fn two(bench: &Bench) -> (Recorder, Caller, [(Unit, Folder); 2]) {
    let mut recorder = Recorder::start(LIMITS, Manager::default()).unwrap();
    let units = ["one", "other"].map(|name| {
        let (unit, place) = (recorder.number().unwrap(), folder(name));
        recorder.arm(unit, place.id(), true).unwrap();
        (unit, place)
    });
    (recorder, Caller::new(bench), units)
}

#[test]
fn who_was_counted_is_told_and_who_was_not_is_not() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (mut recorder, mut caller, [(one, place), (other, _)]) = two(&bench);
    let mut told = |caller: &mut Caller, calls| {
        if calls > 0 {
            caller.call(calls);
            caller.await_rest();
        }
        let touched = recorder.touched().unwrap();
        [touched.has(one), touched.has(other)]
    };
    caller.enter(&place.0);
    for _ in 0..3 {
        // At first nobody can know.
        told(&mut caller, 1);
    }
    assert_eq!(told(&mut caller, 1), [true, false]);
    assert_eq!(
        told(&mut caller, 0),
        [true, false],
        "who was at work as the round ended may have counted later"
    );
    for _ in 0..5 {
        assert_eq!(told(&mut caller, 0), [false, false]);
    }
    assert_eq!(told(&mut caller, 1), [true, false]);
    caller.leave();
}

/// Whoever reads only what is told has everything after the next round, whenever it was counted.
#[test]
fn what_is_told_is_enough_while_it_is_being_counted() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (mut recorder, mut caller, [(one, place), _]) = two(&bench);
    caller.enter(&place.0);
    let (mut known, mut calls) = (0, 0);
    for round in 1..=2000 {
        caller.begin(round % 400 + 1);
        calls += round % 400 + 1;
        let mut look = |recorder: &mut Recorder| {
            if recorder.touched().unwrap().has(one) {
                known = getppid(recorder, one);
            }
        };
        for _ in 0..round % 3 {
            look(&mut recorder);
        }
        caller.await_end();
        look(&mut recorder);
        assert_eq!(known, calls, "in round {round}");
    }
    caller.leave();
}
