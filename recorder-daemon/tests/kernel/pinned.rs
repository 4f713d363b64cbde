//! The kernel side counts on while no daemon is there, and the next one takes it over.

use std::{collections::BTreeMap, fs, thread, time::Duration};

use recorder_common::LAYOUT;

use crate::support::{Bench, Daemon, NATIVE, Slice, Started, finish_in, in_cgroup};

#[test]
fn a_hundred_kills_lose_nothing_and_count_nothing_twice() {
    const FIRST: u32 = 600;
    const COUNT: u32 = 3000;
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("news", &["-static"]);
    let slice = Slice::new("kills");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    let load = [program.as_str(), &FIRST.to_string(), &COUNT.to_string()].map(str::to_owned);
    let mut load =
        Started::new(&mut in_cgroup(&folder, &load.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut moment = 1_u64;
    for _ in 0..100 {
        // Any order of moments will do; this one is the same in every run.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis((moment >> 33) % 60));
        daemon.kill();
        daemon.launch(&bench);
    }
    daemon.answers();
    assert_eq!(load.ended(), Some(0));
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    let expected: BTreeMap<u32, u64> = (FIRST..FIRST + COUNT).map(|number| (number, 3)).collect();
    let counts = allowlist.counts(NATIVE);
    let seen: BTreeMap<u32, u64> = counts
        .iter()
        .filter_map(|(name, count)| Some((name.strip_prefix("number ")?.parse().ok()?, *count)))
        .collect();
    assert_eq!(seen, expected);
    assert_eq!((counts["getppid"], counts["execve"]), (7 * u64::from(COUNT), 1));
    assert_eq!(allowlist.gaps().keys().collect::<Vec<_>>(), ["unnamed_numbers"], "no span was unattached");
}

#[test]
fn what_happens_while_no_daemon_is_there_is_recorded() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let slice = Slice::new("away");
    let (one, glob) = (slice.service("one"), slice.service("m*"));
    let mut daemon = Daemon::pinned(&bench, "");
    slice.make("one");
    daemon.done(&["start", &one]);
    daemon.done(&["start", &glob]);
    daemon.kill();
    slice.remove("one");
    for _ in 0..5 {
        finish_in(&slice.make("one"), &["/bin/true"]);
        slice.remove("one");
    }
    for name in ["m1", "m2", "other"] {
        finish_in(&slice.make(name), &["/bin/true"]);
    }
    daemon.start_again(&bench);
    let m1 = slice.service("m1");
    assert_eq!(daemon.status(&m1)["starts"], 1);
    daemon.done(&["stop", &one]);
    daemon.done(&["stop", &glob]);
    for (unit, starts) in [(one, 5), (m1, 1), (slice.service("m2"), 1)] {
        let allowlist = daemon.allowlist(&unit);
        allowlist.assert_whole();
        assert_eq!((allowlist.calls(NATIVE, "execve"), allowlist.starts()), (starts, starts), "{unit}");
    }
    assert!(!daemon.state().join(format!("{}.toml", slice.service("other"))).exists());
}

#[test]
fn a_daemon_that_ends_leaves_nothing_in_the_kernel_unless_told_to() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let slice = Slice::new("leave");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    // The kernel itself puts its iterators into every bpffs.
    let pins = daemon.pins();
    let left = || {
        let entries = fs::read_dir(&pins).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with("layout-")).count()
    };
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    assert_ne!(left(), 0);
    daemon.end();
    assert_eq!(left(), 0);

    daemon.configure("keep_recording = true\n");
    daemon.start_again(&bench);
    daemon.done(&["stop", &unit]);
    daemon.done(&["start", &unit]);
    daemon.end();
    finish_in(&folder, &["/bin/true"]);
    daemon.start_again(&bench);
    daemon.done(&["stop", &unit]);
    assert_eq!(daemon.allowlist(&unit).calls(NATIVE, "execve"), 1);
}

/// As after an upgrade: the programs that stand there came from another object.
#[test]
fn another_versions_programs_are_taken_over_from_without_a_gap() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("news", &["-static"]);
    let slice = Slice::new("upgrade");
    let unit = slice.service("a");
    let mut daemon = Daemon::pinned(&bench, "");
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    let mut load = Started::new(&mut in_cgroup(&folder, &[&program, "600", "1500"]));
    for _ in 0..10 {
        daemon.kill();
        let layout = daemon.pins().join(format!("layout-{LAYOUT}"));
        for entry in fs::read_dir(&layout).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if let Some((generation, _)) =
                name.strip_prefix("programs-").and_then(|rest| rest.split_once('-'))
            {
                fs::rename(entry.path(), layout.join(format!("programs-{generation}-another"))).unwrap();
            }
        }
        daemon.start_again(&bench);
        let standing = fs::read_dir(&layout).unwrap().flatten();
        let programs = standing.filter(|entry| entry.file_name().to_str().unwrap().starts_with("programs-"));
        assert_eq!(programs.count(), 1, "the old ones are gone");
    }
    assert_eq!(load.ended(), Some(0));
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    assert_eq!(allowlist.unnamed(NATIVE), (600..2100).collect());
    let counted = allowlist.calls(NATIVE, "getppid");
    // A call made at the very moment of the change may be counted twice, once a processor.
    assert!((7 * 1500..7 * 1500 + 10 * 64).contains(&counted), "{counted}");
}

#[test]
fn a_folder_that_is_no_bpffs_ends_the_recording_with_the_daemon_and_says_so() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut daemon = Daemon::start(&bench, "");
    let log = daemon.end();
    assert!(log.contains("the recording will not outlive this daemon"), "{log}");
}
