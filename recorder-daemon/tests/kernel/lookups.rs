//! What the kernel side keeps of its lookups is never believed too long.

use std::{fs, path::Path};

use recorder_common::{LAST_EPOCH, cache_index};
use recorder_daemon::kernel::{Manager, Recorder, Unit, Want};

use crate::{
    setup_calls::{Folder, LIMITS, counts},
    support::{self, Bench, Started, cgroup_mount, eventually, reach},
};

/// A process that makes so many calls when it is told to.
pub(crate) struct Caller(Started);

impl Caller {
    pub(crate) fn new(bench: &Bench) -> Self {
        Self(Started::talking(&mut bench.command(bench.compile("obey", &[]))))
    }

    pub(crate) fn enter(&self, folder: &Path) {
        fs::write(folder.join("cgroup.procs"), self.0.id().to_string()).unwrap();
    }

    /// Leaves the cgroup that it is in, so that this can be removed.
    pub(crate) fn leave(&self) {
        self.enter(&cgroup_mount());
    }

    pub(crate) fn call(&mut self, calls: u64) {
        self.begin(calls);
        assert_eq!(self.await_end(), calls.to_string());
    }

    pub(crate) fn begin(&mut self, calls: u64) {
        self.0.tell(format!("{calls}\n").as_bytes());
    }

    pub(crate) fn await_end(&mut self) -> String {
        self.0.line()
    }

    /// Waits until it makes no more calls: the one by which it waits to be told more comes after what it has said.
    pub(crate) fn await_rest(&self) {
        let stat = format!("/proc/{}/stat", self.0.id());
        let rests = || fs::read_to_string(&stat).unwrap().contains(") S ").then_some(());
        eventually("a caller that waits", rests);
    }
}

pub(crate) fn folder(name: &str) -> Folder {
    Folder::new(cgroup_mount().join(format!("srtest{}{name}", std::process::id())))
}

fn getppid(recorder: &mut Recorder, unit: Unit) -> u64 {
    counts(recorder, unit).get("getppid").copied().unwrap_or_default()
}

/// More often than there are epochs, twice over: each of them is met with both answers of an earlier one.
#[test]
fn a_cgroup_that_begins_and_ends_to_be_recorded_again_and_again() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (place, mut recorder) = (folder("epochs"), Recorder::start(LIMITS, Manager::default()).unwrap());
    let mut caller = Caller::new(&bench);
    caller.enter(&place.0);
    for round in 1..=300_u64 {
        caller.call(round % 3);
        let unit = recorder.number().unwrap();
        recorder.arm(unit, place.id(), true).unwrap();
        caller.call(round);
        let want = Want { name: "/none".into(), unit, running: true, began: 0, ended: None };
        recorder.end(std::slice::from_ref(&want), 1).unwrap();
        let ended = counts(&mut recorder, unit);
        assert_eq!(ended["getppid"], round);
        caller.call(round % 5);
        assert_eq!(counts(&mut recorder, unit), ended);
        recorder.forget(&want).unwrap();
    }
}

#[test]
fn a_cgroup_that_becomes_another_units() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (place, mut recorder) = (folder("another"), Recorder::start(LIMITS, Manager::default()).unwrap());
    let mut caller = Caller::new(&bench);
    caller.enter(&place.0);
    // Where a number has no place in what is kept, and on either side of that.
    let last = (1 << 19) - 2;
    let user = [0, 1, last, last + 1, last + 2, 1 << 20, (1 << 31) - 1];
    let units =
        user.into_iter().flat_map(|number| [number, number | 1 << 31]).filter(|number| *number != u32::MAX);
    for (round, unit) in (1_u64..).zip(units.map(Unit)) {
        recorder.arm(unit, place.id(), true).unwrap();
        caller.call(round);
        caller.call(2 * round);
        assert_eq!(getppid(&mut recorder, unit), 3 * round, "{unit:?}");
    }
}

/// An answer is as old as it can be when its epoch comes again.
#[test]
fn what_was_kept_before_all_epochs_have_passed() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut recorder = Recorder::start(LIMITS, Manager::default()).unwrap();
    let (place, other) = (folder("old"), folder("new"));
    let mut caller = Caller::new(&bench);
    caller.enter(&place.0);
    caller.call(1);
    recorder.arm(Unit(1), place.id(), true).unwrap();
    for _ in 1..LAST_EPOCH {
        recorder.arm(Unit(2), other.id(), true).unwrap();
    }
    caller.call(5);
    assert_eq!(getppid(&mut recorder, Unit(1)), 5);
}

#[test]
fn cgroups_that_have_one_place() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut recorder = Recorder::start(LIMITS, Manager::default()).unwrap();
    let top = folder("place");
    let first = support::Folder::new(&top.0);
    let shares = |id| cache_index(id) == cache_index(first.id);
    let more = || reach(&top.0, u64::MAX, shares).unwrap();
    let (second, third) = (more(), more());
    recorder.arm(Unit(1), first.id, true).unwrap();
    recorder.arm(Unit(2), second.id, true).unwrap();
    let mut caller = Caller::new(&bench);
    for round in 1..=20 {
        for (calls, place) in [(1, &first), (3, &second), (5, &third)] {
            caller.enter(&place.path);
            caller.call(calls);
            caller.call(calls);
        }
        assert_eq!(
            (getppid(&mut recorder, Unit(1)), getppid(&mut recorder, Unit(2))),
            (2 * round, 6 * round)
        );
    }
    caller.enter(&top.0);
}
