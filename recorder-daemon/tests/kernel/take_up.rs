//! A daemon that takes up what an earlier one has left, and to which the kernel says no on the way: strace has one call
//! of bpf(2) fail, the last one before the daemon is ready, one before that, and so on until it cannot begin at all.

use std::{collections::BTreeMap, fs};

use rustix::process::Signal;

use crate::support::{
    Bench, Daemon, Mounted, NATIVE, Slice, Tampered, alive, eventually, finish_in, kill, tracer,
};

const EACH: u64 = 10;

/// What an earlier daemon has left of three units.
struct Left<'a> {
    slice: &'a Slice,
    program: &'a str,
    number: usize,
}

impl Left<'_> {
    fn name(&self, what: &str) -> String {
        format!("{what}{}", self.number)
    }

    fn unit(&self, what: &str) -> String {
        self.slice.service(&self.name(what))
    }

    fn run(&self, what: &str) {
        let folder = self.slice.path().join(self.unit(what));
        finish_in(&folder, &[self.program, "processes", "1", &EACH.to_string(), "0"]);
    }

    /// One that is asked for, one that is configured and will not be any more, and one that has ended while the disk
    /// took nothing. What comes after that no daemon sees.
    fn leave(&self, bench: &Bench, daemon: &mut Daemon, disk: &Mounted) {
        let [asked, dropped, ended] = ["asked", "dropped", "ended"].map(|what| self.unit(what));
        daemon.configure(&format!("units = [\"{dropped}\"]\n"));
        daemon.start_again(bench);
        for what in ["asked", "dropped", "ended"] {
            self.slice.make(&self.name(what));
        }
        daemon.done(&["start", &asked, &ended]);
        for what in ["asked", "dropped", "ended"] {
            self.run(what);
        }
        disk.remount("ro");
        daemon.refused(&["stop", &ended], 70);
        daemon.kill();
        disk.remount("rw");
        for what in ["asked", "dropped", "ended"] {
            self.run(what);
        }
        daemon.configure("");
    }

    #[track_caller]
    fn assert_taken_up(&self, daemon: &Daemon) {
        self.run("asked");
        daemon.done(&["stop", &self.unit("asked")]);
        for (what, runs) in [("asked", 3), ("dropped", 2), ("ended", 1)] {
            let allowlist = daemon.allowlist(&self.unit(what));
            assert_eq!(allowlist.calls(NATIVE, "getppid"), runs * EACH, "{what}");
            allowlist.assert_whole();
            self.slice.remove(&self.name(what));
        }
    }
}

/// What `status` says is not as it should be; nothing where it does not answer, for the fault may be its own.
fn degraded(daemon: &Daemon) -> Option<serde_json::Value> {
    let output = daemon.ask(&["status", "--json"]);
    let status =
        output.status.success().then(|| serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap());
    Some(status?["degraded"].clone())
}

#[test]
fn a_take_up_that_fails_midway_is_made_again_as_a_whole() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("takeup");
    let mut daemon = Daemon::pinned(&bench, "");
    daemon.end();
    let disk = Mounted::tmpfs(daemon.state(), "size=16m");
    let log = bench.path("bpf");
    let traced = |daemon: &mut Daemon, more: &[&str]| {
        // As a grandchild, strace leaves the daemon its place.
        let strace = [
            "strace",
            "-D",
            "-I",
            "1",
            "-qq",
            "-o",
            log.to_str().unwrap(),
            "-s",
            "999",
            "-e",
            "trace=bpf,write",
        ];
        daemon.launch_by(&bench, &[&strace, more].concat());
        eventually("an answer of the daemon, or its end", || {
            let answers = daemon.ask(&["status"]).status.success();
            (answers || !alive(daemon.id())).then_some(answers)
        })
    };
    let left = |number| Left { slice: &slice, program: &program, number };

    left(0).leave(&bench, &mut daemon, &disk);
    assert!(traced(&mut daemon, &[]));
    left(0).assert_taken_up(&daemon);
    daemon.kill();
    let trace = fs::read_to_string(&log).unwrap();
    let (until_ready, _) = trace.split_once("attached and listening").unwrap();
    let calls = until_ready.lines().filter(|line| line.starts_with("bpf(")).count();

    let (mut broken, mut refused) = (0, 0);
    for number in (1..=calls).rev().step_by(5) {
        let left = left(number);
        left.leave(&bench, &mut daemon, &disk);
        let inject = format!("inject=bpf:error=ENOMEM:when={number}");
        if traced(&mut daemon, &["-e", &inject]) {
            // It had its fault, or will not come to it any more.
            if let Some(strace) = tracer(daemon.id()) {
                kill(strace, Signal::KILL);
            }
            eventually("a daemon that is well again", || degraded(&daemon)?.is_null().then_some(()));
        } else {
            refused += 1;
            daemon.kill();
            daemon.start_again(&bench);
        }
        left.assert_taken_up(&daemon);
        let log = daemon.end();
        broken += usize::from(log.contains("what was recorded before cannot all be taken up"));
        if refused == 3 {
            break;
        }
    }
    println!("{calls} calls of bpf(2); {broken} broke the take-up off midway");
    assert!(broken > 1, "{broken} of {calls}");
}

/// A start of many units to which the kernel says no at one of them. What was begun of it ends, for nobody could stop it.
#[test]
fn a_start_that_fails_midway_leaves_nothing_and_can_be_said_again() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("midway");
    let daemon = Daemon::pinned(&bench, "");
    let units: Vec<_> = (0..4).map(|number| slice.service(&format!("u{number}"))).collect();
    let folders: Vec<_> = (0..4).map(|number| slice.make(&format!("u{number}"))).collect();
    let all = slice.service("*");
    let mut broken = 0;
    for number in (2..240).step_by(7) {
        let tampered =
            Tampered::process(&bench, daemon.id(), &format!("bpf:error=EPERM:when={number}"), None);
        let started = daemon.ask(&["start", &all]).status.success();
        tampered.end();
        if started {
            // The fault met something else, or is behind the last call.
            daemon.done(&["stop", &all]);
            continue;
        }
        broken += 1;
        eventually("an end of all", || {
            units.iter().all(|unit| !daemon.ask(&["status", unit]).status.success()).then_some(())
        });
        daemon.refused(&["stop", &all], 66);
    }
    println!("{broken} starts broke off");
    assert!(broken > 3, "{broken}");
    daemon.done(&["start", &all]);
    for folder in &folders {
        finish_in(folder, &[&program, "processes", "1", &EACH.to_string(), "0"]);
    }
    daemon.done(&["stop", &all]);
    for unit in &units {
        let allowlist = daemon.allowlist(unit);
        assert_eq!((allowlist.calls(NATIVE, "getppid"), allowlist.starts()), (EACH, 0), "{unit}");
        assert_eq!(allowlist.gaps(), BTreeMap::new(), "{unit}");
    }
}

/// What the configuration wants anew, and the kernel refuses at that moment, is begun as soon as it can be.
#[test]
fn what_fails_at_a_reload_is_tried_again() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let slice = Slice::new("again");
    let mut daemon = Daemon::pinned(&bench, "");
    let units: Vec<_> = (0..3).map(|number| slice.service(&format!("u{number}"))).collect();
    for number in 0..3 {
        slice.make(&format!("u{number}"));
    }
    for number in [3, 10, 17, 24] {
        daemon.configure(&format!("units = [\"{}\"]\n", slice.service("*")));
        let tampered =
            Tampered::process(&bench, daemon.id(), &format!("bpf:error=EPERM:when={number}"), None);
        kill(daemon.id(), Signal::HUP);
        let recorded = |unit: &String| daemon.ask(&["status", unit]).status.success();
        eventually("all of them", || units.iter().all(recorded).then_some(()));
        tampered.end();
        eventually("a daemon that is well again", || degraded(&daemon)?.is_null().then_some(()));
        daemon.configure("");
        kill(daemon.id(), Signal::HUP);
        eventually("none of them", || (!units.iter().any(recorded)).then_some(()));
    }
    let log = daemon.end();
    let broken = log.matches("cannot be recorded").count();
    assert!(broken > 1, "{broken}: {log}");
}
