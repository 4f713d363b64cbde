//! The unit is a cgroup with all that is below it, and nothing else.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::support::{Allowlist, BINARY, Bench, NATIVE, Started};

/// What the children of `programs/nest.c` make together, and nobody else.
#[track_caller]
fn assert_children(allowlist: &Allowlist, children: u64) {
    let of = |name| allowlist.calls(NATIVE, name);
    assert_eq!((of("getppid"), of("getpgid")), (3 * children, 2 * children));
    allowlist.assert_whole();
}

#[test]
fn a_busy_process_outside_adds_nothing() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let outside = scope.spawn(|| {
            let mut calls = 0_u64;
            while !done.load(Ordering::Relaxed) {
                // SAFETY: they take nothing, or only a number, and change nothing.
                unsafe {
                    libc::getppid();
                    libc::getsid(0);
                }
                calls += 1;
            }
            calls
        });
        let allowlist = bench.record(&[&program, "threads", "2", "100000", "1"]);
        done.store(true, Ordering::Relaxed);
        assert!(outside.join().unwrap() > 100, "it was busy");
        assert_eq!(allowlist.calls(NATIVE, "getppid"), 200_000);
        assert_eq!(allowlist.calls(NATIVE, "getsid"), 0);
        allowlist.assert_whole();
    });
}

#[test]
fn a_process_that_moves_itself_out_is_counted_until_then() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("move", &[]);
    let allowlist = bench.record(&[&program]);
    let counts = allowlist.counts(NATIVE);
    assert_eq!(counts["getppid"], 5);
    for name in ["getpgid", "getsid", "wait4", "exit_group"] {
        assert_eq!(counts.get(name), None, "{name} was called outside");
    }
    allowlist.assert_whole();
}

#[test]
fn a_process_that_is_moved_in_is_counted_from_then_on() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("obey", &[]);
    let mut outside = Started::talking(&mut bench.command(&program));
    let mut recorder = Started::talking(&mut bench.run(&[&program]));
    outside.tell(b"1000\n");
    assert_eq!(outside.line(), "1000");
    recorder.tell(b"3\n");
    assert_eq!(recorder.line(), "3");

    fs::write(recorder.cgroup().join("cgroup.procs"), outside.id().to_string()).unwrap();
    outside.tell(b"500\n");
    assert_eq!(outside.line(), "500");
    // The command ends first: what was moved in is followed to its own end.
    recorder.tell_end();
    outside.tell(b"20\n");
    assert_eq!(outside.line(), "20");
    assert!(outside.finish().status.success());
    let output = recorder.finish();
    assert!(output.status.success());
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 523);
    allowlist.assert_whole();
}

#[test]
fn a_process_that_is_moved_out_and_in_again() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("obey", &[]);
    let mut recorder = Started::talking(&mut bench.run(&[&program]));
    let cgroup = recorder.cgroup();
    recorder.tell(b"1\n");
    assert_eq!(recorder.line(), "1");
    let id = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap().trim().to_owned();
    let mut expected = 1;
    for (place, counted) in [(cgroup.parent().unwrap(), false), (&cgroup, true)].into_iter().cycle().take(20)
    {
        fs::write(place.join("cgroup.procs"), &id).unwrap();
        recorder.tell(b"17\n");
        assert_eq!(recorder.line(), "17");
        expected += if counted { 17 } else { 0 };
    }
    assert!(recorder.finish().status.success());
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), expected);
    allowlist.assert_whole();
}

#[test]
fn two_hundred_levels_below() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    assert_children(&bench.record(&[&program, "deep", "200"]), 200);
}

#[test]
fn four_hundred_side_by_side() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    assert_children(&bench.record(&[&program, "wide", "400"]), 400);
}

#[test]
fn one_that_is_removed_and_made_again() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    assert_children(&bench.record(&[&program, "again", "600"]), 600);
}

#[test]
fn those_that_are_gone_take_no_room() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    // More than the kernel side has room for at once.
    assert_children(&bench.record(&[&program, "churn", "17000"]), 1);
}

#[test]
fn threads_of_one_process_in_cgroups_of_their_own() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    assert_children(&bench.record(&[&program, "threads", "40"]), 40);
}

#[test]
fn a_recorder_within_a_recorder() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let inner = ["run", "-o", "inner.toml", "--", &program, "threads", "3", "1000", "10"];
    let outer = bench.record(&[&[BINARY][..], &inner].concat());
    let inner = Allowlist::read(&bench.work().join("inner.toml"));
    for allowlist in [&inner, &outer] {
        allowlist.assert_whole();
        assert_eq!(allowlist.calls(NATIVE, "getppid"), 3_000);
        assert_eq!(allowlist.calls(NATIVE, "getpgid"), 30);
    }
    assert!(outer.calls(NATIVE, "bpf") > 0);
    assert_eq!(inner.calls(NATIVE, "bpf"), 0);
}
