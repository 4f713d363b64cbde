//! What counts on a kernel before 5.11 sees what the other program sees: here both are attached at once.

use std::collections::BTreeMap;

use recorder_common::{Call, Misses};
use recorder_daemon::{
    kernel::{Manager, Recorder, Unit},
    syscalls,
};

use crate::{
    lookups::folder,
    setup_calls::{Folder, LIMITS, Stage},
    support::{Bench, NATIVE, in_cgroup},
};

const UNIT: Unit = Unit(1);

/// What a recorder says of the unit. Only of the times nobody can know that they are the same.
#[derive(Debug, PartialEq)]
struct Seen {
    calls: BTreeMap<Call, u64>,
    sightings: Vec<(Call, Option<String>)>,
    misses: Misses,
}

impl Seen {
    fn by(recorder: &mut Recorder) -> Self {
        let snapshot = recorder.snapshot(UNIT).unwrap();
        let made = |sighting: recorder_daemon::kernel::Sighting| (sighting.call, sighting.program);
        let mut sightings: Vec<_> = snapshot.sightings.into_iter().map(made).collect();
        sightings.sort();
        Self { calls: snapshot.calls, sightings, misses: snapshot.misses }
    }

    fn count(&self, abi: &str, name: &str) -> u64 {
        let is = |call: &Call| call.abi.name() == abi && syscalls::name(call.abi, call.number) == Some(name);
        self.calls.iter().filter(|(call, _)| is(call)).map(|(_, count)| count).sum()
    }
}

/// What both see of a command.
fn seen(place: &Folder, words: &[&str]) -> Seen {
    let mut recorders =
        [Recorder::start, Recorder::start_probing].map(|start| start(LIMITS, Manager::default()).unwrap());
    for recorder in &mut recorders {
        recorder.arm(UNIT, place.id(), true).unwrap();
    }
    in_cgroup(&place.0, words).status().unwrap();
    let [direct, probing] = recorders.each_mut().map(Seen::by);
    assert_eq!(direct, probing, "{words:?}");
    assert_eq!(probing.misses.calls, 0);
    probing
}

#[test]
fn calls_by_each_convention_and_who_made_them() {
    let Some(bench) = Bench::new(&[]) else { return };
    let place = folder("probing");
    let seen = |words: &[&str]| seen(&place, words);
    let shell = seen(&["/bin/sh", "-c", "/bin/true; /bin/echo; :"]);
    let executed = |program: &str| shell.sightings.iter().any(|(_, by)| by.as_deref() == Some(program));
    assert!(["/bin/sh", "/bin/true", "/bin/echo"].into_iter().all(executed), "{shell:?}");
    if cfg!(target_arch = "x86_64") {
        let abis = bench.compile("abis", &[]);
        assert_eq!(seen(&[&abis, "int80", "7", "20", "500"]).count("i386", "getpid"), 7);
        assert_eq!(seen(&[&abis, "x32", "4", "110", "700"]).count("x32", "getppid"), 4);
        assert_eq!(seen(&[&abis, "plain", "9", "600", "100000", "110"]).count("x86_64", "getppid"), 9);
    }
}

#[test]
fn filters() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (place, filter) = (folder("filtered"), bench.compile("filter", &["-pthread"]));
    for action in ["errno", "kill"] {
        let seen = seen(&place, &[&filter, action, "self"]);
        assert_eq!((seen.misses.under_filter, seen.count(NATIVE, "getppid")), (1, 0), "{action}");
    }
    assert_eq!(seen(&place, &["/bin/true"]).misses.under_filter, 0);
}

#[test]
fn set_up_calls() {
    let Some(bench) = Bench::new(&[]) else { return };
    for how in ["fork", "pam", "namespace", "executor", "born"] {
        let mut stage = Stage::new(&bench, ["executor", "born"].contains(&how));
        let mut probing = Recorder::start_probing(LIMITS, stage.manager()).unwrap();
        probing.arm(UNIT, stage.folder.id(), true).unwrap();
        stage.start(how, "plain");
        stage.start(how, "renamed");
        let [direct, probing] = [&mut stage.recorder, &mut probing].map(Seen::by);
        assert_eq!(direct, probing, "{how}");
        assert_eq!(probing.count(NATIVE, "getpgid"), 3 + 3 + 3 + 3 + 4, "{how}");
        assert_eq!(probing.count(NATIVE, "getsid"), 0, "{how}");
    }
}
