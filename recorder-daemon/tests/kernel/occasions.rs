//! In how many starts of a unit each call was made.

use std::{path::Path, thread, time::Duration};

use rustix::process::Signal;

use crate::support::{Allowlist, Bench, Daemon, NATIVE, Slice, eventually, finish_in, kill};

/// The allowlist from a reading made now.
fn read(daemon: &Daemon, unit: &str) -> Allowlist {
    daemon.done(&["snapshot", unit]);
    daemon.allowlist(unit)
}

/// Waits until the recording has the unit's `count`th stop.
fn stopped(daemon: &Daemon, unit: &str, count: u64) {
    eventually("a stop in the recording", || (read(daemon, unit).course("stops") == count).then_some(()));
}

#[test]
fn a_call_made_in_so_many_of_the_starts_is_said_to_be() {
    const STARTS: u64 = 20;
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("occasions");
    let unit = slice.service("a");
    let daemon = Daemon::start(&bench, "");
    slice.make("a");
    daemon.done(&["start", &unit]);
    slice.remove("a");
    stopped(&daemon, &unit, 1);
    for start in 1..=STARTS {
        // In every start, every second, every fifth, the last.
        let first = if start % 2 == 0 { "3" } else { "0" };
        let second = if start % 5 == 0 { "1" } else { "0" };
        let folder = slice.make("a");
        finish_in(&folder, &[&program, "threads", "1", first, second]);
        if start == STARTS {
            finish_in(&folder, &["sync"]);
        }
        slice.remove("a");
        stopped(&daemon, &unit, 1 + start);
    }
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    assert_eq!((allowlist.starts(), allowlist.course("start_occasions")), (STARTS, STARTS));
    let occasions = allowlist.occasions(NATIVE);
    let of = ["execve", "getppid", "getpgid", "sync"].map(|name| occasions[name]);
    assert_eq!(of, [STARTS, STARTS / 2, STARTS / 5, 1]);
}

#[test]
fn starts_between_two_readings_are_one_occasion() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("between");
    let unit = slice.service("a");
    let daemon = Daemon::start(&bench, "");
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    finish_in(&folder, &["/bin/true"]);
    slice.remove("a");
    stopped(&daemon, &unit, 1);
    kill(daemon.id(), Signal::STOP);
    for _ in 0..50 {
        finish_in(&slice.make("a"), &["/bin/true"]);
        slice.remove("a");
    }
    kill(daemon.id(), Signal::CONT);
    stopped(&daemon, &unit, 51);
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    assert_eq!((allowlist.starts(), allowlist.course("start_occasions")), (50, 2));
    assert_eq!((allowlist.calls(NATIVE, "execve"), allowlist.occasions(NATIVE)["execve"]), (51, 2));
}

#[test]
fn a_daemon_that_is_killed_in_mid_occasion_goes_on_with_it() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("midway");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    slice.make("a");
    daemon.done(&["start", &unit]);
    slice.remove("a");
    stopped(&daemon, &unit, 1);
    let count = |folder: &Path, second: &str| finish_in(folder, &[&program, "threads", "1", "1", second]);
    for start in 1..=6 {
        let folder = slice.make("a");
        count(&folder, "0");
        if start % 2 == 0 {
            // What it has read of that may be on disk or not.
            daemon.kill();
            count(&folder, "1");
            daemon.start_again(&bench);
        }
        slice.remove("a");
        stopped(&daemon, &unit, 1 + start);
    }
    let allowlist = daemon.allowlist(&unit);
    let occasions = allowlist.occasions(NATIVE);
    assert_eq!((allowlist.starts(), allowlist.course("start_occasions")), (6, 6));
    assert_eq!(["getppid", "getpgid"].map(|name| occasions[name]), [6, 3]);

    // Killed right after an end, of which it may have saved all, some or nothing: none counts twice.
    let mut moment = 1_u64;
    for _ in 0..20 {
        count(&slice.make("a"), "0");
        slice.remove("a");
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis((moment >> 33) % 20));
        daemon.kill();
        daemon.start_again(&bench);
    }
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    let (starts, occasions) = (allowlist.starts(), allowlist.course("start_occasions"));
    assert_eq!(starts, 26);
    assert!((7..=starts).contains(&occasions), "{occasions}");
    assert_eq!(allowlist.occasions(NATIVE)["getppid"], occasions, "each start made it");
}
