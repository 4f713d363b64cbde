//! What a disk, or the daemon's end at the worst moment, does to a recording: nothing of it is lost, and what is on
//! disk is whole.

use std::{fs, path::PathBuf, time::Instant};

use rustix::process::Signal;

use crate::support::{Bench, Daemon, Mounted, NATIVE, Slice, Tampered, alive, eventually, finish_in, tracer};

/// One unit, of which each run makes a number of calls that is known, and nothing that is new after the first.
struct Recorded {
    bench: Bench,
    /// Holds the cgroup.
    _slice: Slice,
    unit: String,
    folder: PathBuf,
    program: String,
    made: u64,
}

impl Recorded {
    fn new(tag: &str, tools: &[&'static str]) -> Option<Self> {
        let bench = Bench::new(tools)?;
        let program = bench.compile("count", &[]);
        let slice = Slice::new(tag);
        let (unit, folder) = (slice.service("a"), slice.make("a"));
        Some(Self { bench, _slice: slice, unit, folder, program, made: 0 })
    }

    fn run(&mut self, count: u64) {
        finish_in(&self.folder, &[&self.program, "processes", "1", &count.to_string(), "0"]);
        self.made += count;
    }

    fn file(&self, daemon: &Daemon) -> PathBuf {
        daemon.state().join("recordings").join(format!("{}.json", self.unit))
    }

    /// How many of those calls the recording on disk has, by the file's format.
    fn recorded(&self, daemon: &Daemon) -> u64 {
        let file: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(self.file(daemon)).unwrap()).unwrap();
        let calls =
            file["spans"].as_array().unwrap().iter().flat_map(|span| span["calls"].as_array().unwrap());
        let getppid = calls.filter(|call| call["abi"] == NATIVE && call["number"] == libc::SYS_getppid);
        getppid.map(|call| call["calls"].as_u64().unwrap()).sum()
    }

    fn allowed(&self, daemon: &Daemon) -> u64 {
        daemon.allowlist(&self.unit).calls(NATIVE, "getppid")
    }

    /// All is on disk, and nothing of what was to become a file.
    #[track_caller]
    fn assert_written(&self, daemon: &Daemon) {
        daemon.done(&["snapshot", &self.unit]);
        assert_eq!((self.recorded(daemon), self.allowed(daemon)), (self.made, self.made));
        assert_eq!(hidden(daemon), Vec::<String>::new());
    }

    /// A disk that does not take it: said with the place and the reason, and recording goes on meanwhile.
    #[track_caller]
    fn assert_degraded(&mut self, daemon: &Daemon, why: &str) {
        self.run(7);
        let line = daemon.refused(&["snapshot", &self.unit], 70);
        assert!(line.contains(why) && line.contains(&self.unit), "{line}");
        let status = daemon.done(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let degraded = status["degraded"].as_str().unwrap();
        assert!(degraded.contains(why) && degraded.contains(&self.unit), "{degraded}");
        let before = daemon.status(&self.unit)["calls"].as_u64().unwrap();
        self.run(100);
        assert!(daemon.status(&self.unit)["calls"].as_u64().unwrap() >= before + 100);
    }

    /// It recovers by itself: what waited is written although nobody asks for it.
    #[track_caller]
    fn assert_recovered(&self, daemon: &Daemon, waited: u64) {
        eventually("a disk that is well again", || {
            let status = daemon.done(&["status", "--json"]);
            let status: serde_json::Value = serde_json::from_str(&status).unwrap();
            status["degraded"].is_null().then_some(())
        });
        assert!(self.recorded(daemon) >= waited, "{} of {waited}", self.recorded(daemon));
        self.assert_written(daemon);
    }
}

/// The names of temporary files.
fn hidden(daemon: &Daemon) -> Vec<String> {
    let folders = [daemon.state(), daemon.state().join("recordings")];
    let names = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn a_writer_that_is_killed_at_any_step_leaves_the_old_file_or_the_new_one() {
    let Some(mut unit) = Recorded::new("steps", &["mount", "strace"]) else { return };
    let mut daemon = Daemon::pinned(&unit.bench, "");
    daemon.done(&["start", &unit.unit]);
    unit.run(1);
    // What changes something on disk, or makes it last. Two files are written: the recording and the allowlist.
    let steps = [
        ("openat", 4),
        ("write", 2),
        ("fchmod", 2),
        ("fsync", 4),
        ("linkat", 2),
        ("fdatasync", 2),
        ("renameat", 2),
    ];
    for (call, at_least) in steps {
        let mut kills = 0;
        while kill_at(&mut unit, &mut daemon, call, kills + 1) {
            kills += 1;
        }
        println!("killed before each of {kills} {call}");
        assert!(kills >= at_least, "{kills} {call}");
    }
    daemon.done(&["stop", &unit.unit]);
    let allowlist = daemon.allowlist(&unit.unit);
    allowlist.assert_whole();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), unit.made);
}

/// Kills the daemon before the call of that name and number in any of its threads: nearly all are the writer's. False:
/// there is none so late.
fn kill_at(unit: &mut Recorded, daemon: &mut Daemon, call: &str, number: u32) -> bool {
    unit.assert_written(daemon);
    let before = unit.made;
    unit.run(u64::from(number));
    let inject = format!("{call}:signal=KILL:when={number}");
    let strace = Tampered::process(&unit.bench, daemon.id(), &inject, None);
    if daemon.ask(&["snapshot", &unit.unit]).status.success() {
        strace.end();
        // It may have come to that call after its answer.
        if alive(daemon.id()) {
            return false;
        }
    } else {
        strace.finish();
    }
    daemon.kill();
    for found in [unit.recorded(daemon), unit.allowed(daemon)] {
        assert!(found == before || found == unit.made, "{call} {number}: {found}");
    }
    daemon.start_again(&unit.bench);
    true
}

#[test]
fn an_io_error_at_any_step_loses_nothing_and_is_told_until_it_is_gone() {
    let Some(mut unit) = Recorded::new("eio", &["strace"]) else { return };
    let daemon = Daemon::start(&unit.bench, "");
    daemon.done(&["start", &unit.unit]);
    unit.run(1);
    unit.assert_written(&daemon);
    let file = unit.file(&daemon);
    let folder = file.parent().unwrap();
    let steps = [
        ("?open,openat", Some(&*file)),
        ("read", Some(&*file)),
        ("openat", Some(folder)),
        ("fsync,fdatasync", None),
        ("fdatasync", None),
        ("linkat", None),
        ("renameat", None),
        // The folder's: what was to be written is there by then, but may not last.
        ("fsync", Some(folder)),
    ];
    for (calls, path) in steps {
        let path = path.map(|path| path.to_str().unwrap());
        let error = format!("{calls}:error=EIO");
        let before = fs::read(&file).unwrap();
        let strace = Tampered::process(&unit.bench, daemon.id(), &error, path);
        unit.assert_degraded(&daemon, "Input/output error");
        let waited = unit.made - 100;
        if path != folder.to_str() || calls != "fsync" {
            assert_eq!(fs::read(&file).unwrap(), before, "{calls}: what was there is there");
        }
        assert!(hidden(&daemon).len() <= 1, "{calls}: {:?}", hidden(&daemon));
        strace.end();
        unit.assert_recovered(&daemon, waited);
    }
}

/// What another daemon has written is there, and this one cannot know it.
#[test]
fn a_recording_that_cannot_be_read_at_the_beginning_is_not_replaced() {
    let Some(mut unit) = Recorded::new("unread", &["strace"]) else { return };
    let mut daemon = Daemon::start(&unit.bench, "");
    daemon.done(&["start", &unit.unit]);
    unit.run(30);
    daemon.end();
    let file = unit.file(&daemon);
    let before = fs::read(&file).unwrap();
    let log = unit.bench.path("unread");
    let (path, log) = (file.to_str().unwrap(), log.to_str().unwrap());
    // As a grandchild, strace leaves the daemon its place.
    let strace =
        ["strace", "-D", "-I", "1", "-f", "-o", log, "-P", path, "-e", "inject=?open,openat:error=EIO"];
    daemon.launch_by(&unit.bench, &strace);
    daemon.answers();
    let strace = tracer(daemon.id()).unwrap();
    unit.assert_degraded(&daemon, "Input/output error");
    let status = daemon.done(&["status"]);
    assert!(status.contains("Input/output error"), "{status}");
    // The end of a recording, and another beginning, change nothing.
    daemon.refused(&["stop", &unit.unit], 70);
    daemon.done(&["start", &unit.unit]);
    unit.run(400);
    assert_eq!(fs::read(&file).unwrap(), before);
    crate::support::kill(strace, Signal::TERM);
    eventually("a daemon that nobody traces", || tracer(daemon.id()).is_none().then_some(()));
    unit.assert_recovered(&daemon, 37);
    let whole = daemon.status(&unit.unit);
    assert_eq!(whole["gaps"]["unattached"], 1, "{whole}");
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing was set aside");
}

#[test]
fn a_file_system_that_becomes_read_only_loses_nothing() {
    let Some(mut unit) = Recorded::new("erofs", &["mount"]) else { return };
    let mut daemon = Daemon::start(&unit.bench, "");
    daemon.end();
    let mounted = Mounted::tmpfs(daemon.state(), "size=1m");
    daemon.start_again(&unit.bench);
    daemon.done(&["start", &unit.unit]);
    unit.run(1);
    unit.assert_written(&daemon);
    mounted.remount("ro");
    unit.assert_degraded(&daemon, "Read-only file system");
    let waited = unit.made - 100;
    mounted.remount("rw");
    unit.assert_recovered(&daemon, waited);

    // It begins and ends on one, too.
    mounted.remount("ro");
    let log = daemon.end_with(73);
    assert!(log.contains("not all on disk"), "{log}");
    daemon.start_again(&unit.bench);
    unit.assert_degraded(&daemon, "Read-only file system");
    let waited = unit.made - 100;
    mounted.remount("rw");
    unit.assert_recovered(&daemon, waited);
    daemon.end();
}

#[test]
fn a_daemon_that_ends_on_a_full_disk_leaves_all_in_the_kernel_for_the_next() {
    let Some(mut unit) = Recorded::new("unwritten", &["mount"]) else { return };
    let mut daemon = Daemon::pinned(&unit.bench, "");
    daemon.end();
    let _mounted = Mounted::tmpfs(daemon.state(), "size=256k");
    daemon.start_again(&unit.bench);
    daemon.done(&["start", &unit.unit]);
    unit.run(1);
    unit.assert_written(&daemon);
    let filler = daemon.state().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    unit.run(20);
    finish_in(&unit.folder, &["/usr/bin/env", "true"]);
    let log = daemon.end_with(73);
    assert!(log.contains("not all on disk") && log.contains("No space left"), "{log}");
    unit.run(300);
    fs::remove_file(&filler).unwrap();
    daemon.start_again(&unit.bench);
    unit.assert_written(&daemon);
    daemon.done(&["stop", &unit.unit]);
    daemon.allowlist(&unit.unit).assert_whole();
}

#[test]
fn at_the_bound_for_all_files_recording_goes_on_and_nothing_is_lost() {
    let Some(mut unit) = Recorded::new("bound", &[]) else { return };
    let daemon = Daemon::start(&unit.bench, "max_state_mib = 1\n");
    daemon.done(&["start", &unit.unit]);
    unit.run(1);
    unit.assert_written(&daemon);
    let filler = daemon.state().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    // Something that the file has no place for yet.
    finish_in(&unit.folder, &["/usr/bin/env", "true"]);
    unit.assert_degraded(&daemon, "max_state_mib");
    let waited = unit.made - 100;
    fs::remove_file(&filler).unwrap();
    unit.assert_recovered(&daemon, waited);
}

/// Nothing is pinned here: with the daemon goes all that the kernel has.
#[test]
fn a_call_that_is_on_disk_outlives_daemon_and_kernel_side() {
    const NUMBERS: [&str; 5] = ["700", "701", "702", "703", "704"];
    let Some(unit) = Recorded::new("durable", &[]) else { return };
    let program = unit.bench.compile("news", &["-static"]);
    let mut daemon = Daemon::start(&unit.bench, "");
    daemon.done(&["start", &unit.unit]);
    let mut longest = std::time::Duration::ZERO;
    for number in NUMBERS {
        finish_in(&unit.folder, &[&program, number, "1"]);
        let made = Instant::now();
        let there = format!("\"number\":{number},");
        eventually("a new call on disk", || {
            fs::read_to_string(unit.file(&daemon)).ok()?.contains(&there).then_some(())
        });
        longest = longest.max(made.elapsed());
        daemon.kill();
        daemon.start_again(&unit.bench);
    }
    println!("a new call was on disk {longest:?} after the end of its program, at the latest");
    daemon.done(&["stop", &unit.unit]);
    let unnamed = daemon.allowlist(&unit.unit).unnamed(NATIVE);
    assert_eq!(unnamed, NUMBERS.iter().map(|number| number.parse().unwrap()).collect());
}
