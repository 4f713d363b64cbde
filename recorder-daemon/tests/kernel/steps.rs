//! A daemon that is killed between any two steps leaves what the next one can go on with: strace kills it at its first
//! call of bpf(2) after a request, at its second, and so on until it gets through.

use std::{collections::BTreeMap, fs, process::Command};

use crate::support::{Bench, Daemon, NATIVE, Slice, Started, alive, eventually, finish_in};

/// strace, attached to the daemon: it kills it at its call of bpf(2) with this number, counted from 1.
fn kill_at(bench: &Bench, daemon: &Daemon, number: u32) -> Started {
    let id = daemon.id();
    let mut strace = bench.command("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=bpf", "-p", &id.to_string()]);
    strace.args(["-e", &format!("inject=bpf:signal=KILL:when={number}")]);
    let started = Started::new(&mut strace);
    eventually("strace at the daemon", || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        // A flush may have made the call that kills before anybody has looked, and a zombie has no tracer.
        (!status.contains("TracerPid:\t0\n") || !alive(id)).then_some(())
    });
    started
}

/// Asks the daemon while strace is there to kill it. Says whether it has come through.
fn survives(bench: &Bench, daemon: &mut Daemon, number: u32, words: &[&str]) -> bool {
    let strace = kill_at(bench, daemon, number);
    let done = daemon.ask(words).status.success();
    // Not asked to end: it would wait for threads of a daemon that it has just killed.
    strace.signal(rustix::process::Signal::KILL);
    strace.finish();
    // Asked only now: until strace is gone, a flush after the answer may make the call that kills.
    if done && daemon.ask(&["status"]).status.success() {
        return true;
    }
    daemon.kill();
    daemon.start_again(bench);
    false
}

fn run(folder: &std::path::Path, program: &str) {
    finish_in(folder, &[program, "processes", "1", "10", "0"]);
}

#[test]
fn a_daemon_that_is_killed_at_any_step_of_a_stop_loses_nothing_and_mixes_nothing() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("stop");
    let mut daemon = Daemon::pinned(&bench, "");
    let mut expected: Option<BTreeMap<String, u64>> = None;
    for number in 1_u32.. {
        let (name, unit) = (format!("a{number}"), slice.service(&format!("a{number}")));
        let folder = slice.make(&name);
        daemon.done(&["start", &unit]);
        run(&folder, &program);
        let through = survives(&bench, &mut daemon, number, &["stop", &unit]);
        if daemon.ask(&["status", &unit]).status.success() {
            // It had not come to the end of the request: that is still there.
            daemon.done(&["stop", &unit]);
        }
        // What runs now is not recorded any more.
        run(&folder, &program);
        let allowlist = daemon.allowlist(&unit);
        allowlist.assert_whole();
        let counts = allowlist.counts(NATIVE);
        assert_eq!(counts["getppid"], 10, "killed at bpf call {number}");
        assert_eq!(&counts, expected.get_or_insert_with(|| counts.clone()), "killed at bpf call {number}");
        slice.remove(&name);
        if through {
            println!("a stop makes {} calls of bpf(2)", number - 1);
            assert!(number > 20, "it was killed at {number} only");
            return;
        }
    }
}

#[test]
fn a_daemon_that_is_killed_at_any_step_of_a_start_records_from_then_on() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("start");
    let mut daemon = Daemon::pinned(&bench, "");
    for number in 1_u32.. {
        let (name, unit) = (format!("a{number}"), slice.service(&format!("a{number}")));
        let folder = slice.make(&name);
        let mut running = Started::new(&mut crate::support::in_cgroup(&folder, &["/bin/sleep", "1000"]));
        eventually("the command", || {
            (!fs::read_to_string(folder.join("cgroup.procs")).unwrap().is_empty()).then_some(())
        });
        let through = survives(&bench, &mut daemon, number, &["start", &unit]);
        // Whether the request is there or must be made again, and whoever armed what: from here on it is recorded.
        daemon.done(&["start", &unit]);
        run(&folder, &program);
        daemon.done(&["stop", &unit]);
        let allowlist = daemon.allowlist(&unit);
        assert_eq!(allowlist.calls(NATIVE, "getppid"), 10, "killed at bpf call {number}");
        let gaps = allowlist.gaps();
        assert!(gaps.contains_key("running_before") || gaps.contains_key("unattached"), "{number}: {gaps:?}");
        running.signal(rustix::process::Signal::KILL);
        assert_eq!(running.ended(), None);
        slice.remove(&name);
        if through {
            println!("a start makes {} calls of bpf(2)", number - 1);
            assert!(number > 3, "it was killed at {number} only");
            return;
        }
    }
}

#[test]
fn what_the_configuration_no_longer_wants_is_written_before_it_is_let_go_of() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("config");
    let unit = slice.service("a");
    let wanted = format!("units = [\"{unit}\"]\n");
    let mut daemon = Daemon::pinned(&bench, &wanted);
    let folder = slice.make("a");
    run(&folder, &program);
    daemon.kill();
    run(&folder, &program);
    daemon.configure("");
    daemon.start_again(&bench);
    let allowlist = daemon.allowlist(&unit);
    allowlist.assert_whole();
    assert_eq!((allowlist.calls(NATIVE, "getppid"), allowlist.starts()), (20, 1));
    daemon.refused(&["status", &unit], 66);

    // Wanted again, in the same boot, after a time without: it may have run meanwhile.
    daemon.configure(&wanted);
    daemon.end();
    daemon.start_again(&bench);
    run(&folder, &program);
    daemon.end();
    run(&folder, &program);
    daemon.start_again(&bench);
    run(&folder, &program);
    daemon.end();
    let allowlist = daemon.allowlist(&unit);
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 40);
    assert_eq!(allowlist.gaps(), [("unattached".to_owned(), 1)].into());
}

#[test]
fn what_ended_on_a_full_disk_outlives_a_kill() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("fullkill");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    daemon.end();
    let mount =
        |words: &[&str]| assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success());
    let state = daemon.state();
    let state = state.to_str().unwrap();
    mount(&["mount", "-t", "tmpfs", "-o", "size=256k", "none", state]);
    daemon.start_again(&bench);
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    fs::write(daemon.state().join("filler"), vec![0; 1 << 20]).unwrap_err();
    run(&folder, &program);
    daemon.refused(&["stop", &unit], 70);
    daemon.kill();
    run(&folder, &program);
    // The next one cannot write it either, and neither loses it nor lets another unit have it.
    daemon.start_again(&bench);
    daemon.kill();
    fs::remove_file(daemon.state().join("filler")).unwrap();
    daemon.start_again(&bench);
    let allowlist = daemon.allowlist(&unit);
    allowlist.assert_whole();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 10);
    daemon.end();
    mount(&["umount", state]);
}

#[test]
fn another_layouts_recording_is_ended_and_the_next_one_says_so() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("layout");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    run(&folder, &program);
    daemon.done(&["snapshot", &unit]);
    daemon.kill();
    let pins = daemon.pins();
    let layouts = || {
        let names =
            fs::read_dir(&pins).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.contains('-')).collect::<Vec<_>>()
    };
    let [ours] = &layouts()[..] else { panic!("{:?}", layouts()) };
    fs::rename(pins.join(ours), pins.join("layout-0")).unwrap();
    fs::create_dir(pins.join("ended-1")).unwrap();
    daemon.start_again(&bench);
    assert_eq!(layouts(), std::slice::from_ref(ours), "what others have left is gone");
    run(&folder, &program);
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 20);
    assert_eq!(allowlist.gaps(), [("unattached".to_owned(), 1)].into());
}
