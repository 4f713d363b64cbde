//! What the service manager itself does inside a unit's cgroup is not the unit's, and what a unit's process does
//! is, whatever it calls itself and whoever adopts it.
//!
//! There is no systemd here: `programs/manager.c` plays it, in each of the ways that versions of it have.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use recorder_daemon::{
    kernel::{Limits, Manager, Recorder, Unit},
    syscalls,
};

use crate::support::{Bench, Started, eventually, own_cgroup};

pub(crate) const LIMITS: Limits =
    Limits { units: 512, cgroups: 4096, outliers: 64, sightings: 16_384, programs: 512 };
const UNIT: Unit = Unit(1);

/// A cgroup that is gone when the test is.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn id(&self) -> u64 {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(&self.0).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        for _ in 0..200 {
            if fs::remove_dir(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// How often each call of the native ABI was counted.
pub(crate) fn counts(recorder: &mut Recorder, unit: Unit) -> BTreeMap<&'static str, u64> {
    let snapshot = recorder.snapshot(unit).unwrap();
    assert_eq!((snapshot.misses.calls, snapshot.misses.cgroups), (0, 0));
    let name = |call: recorder_common::Call| syscalls::name(call.abi, call.number).unwrap();
    snapshot.calls.into_iter().map(|(call, count)| (name(call), count)).collect()
}

/// The manager, and what it starts in its cgroup.
pub(crate) struct Stage {
    manager: Started,
    has_executor: bool,
    pub(crate) recorder: Recorder,
    pub(crate) folder: Folder,
    program: String,
}

impl Stage {
    pub(crate) fn new(bench: &Bench, has_executor: bool) -> Self {
        let program = bench.compile("manager", &["-static"]);
        let executor = Path::new(&program).with_file_name("systemd-executor");
        if !executor.exists() {
            fs::copy(&program, &executor).unwrap();
        }
        let name = format!("syscall-recorder-test-{}-{}", std::process::id(), any_number());
        let folder = Folder::new(own_cgroup().join(name));
        let mut manager = bench.command(&program);
        let manager = Started::talking(manager.arg(&folder.0));
        let who = Manager { pid: manager.id(), executor: has_executor };
        let mut recorder = Recorder::start(LIMITS, who).unwrap();
        recorder.arm(UNIT, folder.id(), true).unwrap();
        Self { manager, has_executor, recorder, folder, program }
    }

    /// What a recorder must know of the manager.
    pub(crate) fn manager(&self) -> Manager {
        Manager { pid: self.manager.id(), executor: self.has_executor }
    }

    /// Has the manager start the command in one of its ways. Gives what was counted once all has ended.
    pub(crate) fn start(&mut self, how: &str, what: &str) -> BTreeMap<&'static str, u64> {
        self.manager.tell(format!("{how} {what}\n").as_bytes());
        assert_eq!(self.manager.line(), "done");
        let events = self.folder.0.join("cgroup.events");
        let empty = || fs::read_to_string(&events).unwrap().contains("populated 0").then_some(());
        eventually("an empty cgroup", empty);
        counts(&mut self.recorder, UNIT)
    }
}

fn any_number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// All that the command does by itself, from its execve on.
fn by_itself(bench: &Bench, program: &str, what: &str) -> BTreeMap<String, u64> {
    bench.record(&[program, "command", what]).counts(crate::support::NATIVE)
}

fn times(counts: &BTreeMap<String, u64>, times: u64) -> BTreeMap<&str, u64> {
    counts.iter().map(|(name, count)| (name.as_str(), count * times)).collect()
}

#[test]
fn a_command_is_recorded_from_its_execve_on_however_it_is_started() {
    let Some(bench) = Bench::new(&[]) else { return };
    for (how, has_executor) in [
        ("fork", false),
        ("fork", true),
        ("executor", true),
        ("born", true),
        ("pam", false),
        ("pam", true),
        ("namespace", false),
    ] {
        let mut stage = Stage::new(&bench, has_executor);
        let expected = by_itself(&bench, &stage.program, "plain");
        assert_eq!((expected["execve"], expected["getpgid"]), (1, 3));
        for round in 1..=20 {
            assert_eq!(stage.start(how, "plain"), times(&expected, round), "{how}, round {round}");
        }
    }
}

#[test]
fn a_command_that_cannot_be_executed_leaves_nothing() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut stage = Stage::new(&bench, false);
    assert_eq!(stage.start("fails", "plain"), BTreeMap::new());
}

#[test]
fn no_name_that_a_process_gives_itself_hides_it() {
    let Some(bench) = Bench::new(&[]) else { return };
    for (how, has_executor) in [("fork", false), ("fork", true), ("executor", true), ("born", true)] {
        let mut stage = Stage::new(&bench, has_executor);
        let counts = stage.start(how, "renamed");
        assert_eq!(counts["getpgid"], 3 + 3 + 3 + 4, "{how}");
        assert_eq!(counts["prctl"], 2, "{how}");
        assert_eq!(counts.get("getsid"), None, "{how}");
    }
}

#[test]
fn a_units_own_process_that_executes_a_systemd_executor_is_recorded() {
    let Some(bench) = Bench::new(&[]) else { return };
    for (how, has_executor) in [("fork", false), ("executor", true), ("born", true)] {
        let mut stage = Stage::new(&bench, has_executor);
        let counts = stage.start(how, "executor");
        assert_eq!((counts["getpgid"], counts["execve"]), (3 + 5, 2), "{how}");
    }
}

/// Before systemd 255 there is none, so a command of that name is the unit's.
#[test]
fn where_the_manager_has_no_executor_a_command_of_that_name_is_the_units() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut stage = Stage::new(&bench, false);
    let counts = stage.start("executor", "plain");
    // Executed outside, so that it is no set-up work any more when it enters.
    assert_eq!((counts["getsid"], counts["getpgid"], counts["execve"]), (4, 3, 1));
}

#[test]
fn a_manager_that_is_upgraded_to_one_with_an_executor_is_known_as_such() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut stage = Stage::new(&bench, false);
    let expected = by_itself(&bench, &stage.program, "plain");
    stage.start("fork", "plain");
    stage.recorder.has_executor(true).unwrap();
    assert_eq!(stage.start("executor", "plain"), times(&expected, 2));
}
