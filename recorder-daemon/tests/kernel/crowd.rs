//! Many at once, and loud ones: nothing is taken for somebody else's, nothing is left behind, nobody is drowned out.

use std::{collections::BTreeMap, fs, time::Instant};

use aya::maps::{HashMap, Map, MapData, PerCpuHashMap};
use recorder_common::{Program, Row, Sighting, names};

use crate::support::{Bench, Daemon, NATIVE, Slice, Started, eventually, finish_in, in_cgroup};

/// How many entries the maps have that grow with what is recorded.
fn entries(daemon: &Daemon) -> BTreeMap<&'static str, usize> {
    let layouts = fs::read_dir(daemon.pins()).unwrap().flatten().map(|entry| entry.path());
    let mut layouts =
        layouts.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("layout-"));
    let layout = layouts.next().unwrap();
    let open = |name| MapData::from_pin(layout.join(name)).unwrap();
    let cgroups: HashMap<_, u64, u64> = Map::HashMap(open(names::CGROUPS)).try_into().unwrap();
    let sightings: HashMap<_, [u8; size_of::<Sighting>()], u64> =
        Map::HashMap(open(names::SIGHTINGS)).try_into().unwrap();
    let programs: HashMap<_, u64, [u8; size_of::<Program>()]> =
        Map::HashMap(open(names::PROGRAMS)).try_into().unwrap();
    let rows: PerCpuHashMap<_, u64, [u8; size_of::<Row>()]> =
        Map::PerCpuHashMap(open(names::ROWS)).try_into().unwrap();
    [
        (names::CGROUPS, cgroups.keys().count()),
        (names::SIGHTINGS, sightings.keys().count()),
        (names::PROGRAMS, programs.keys().count()),
        (names::ROWS, rows.keys().count()),
    ]
    .into()
}

/// The memory that the daemon has, in KiB.
fn memory(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_cgroups_that_come_and_go_are_told_apart_and_leave_nothing() {
    const THREADS: u64 = 64;
    const EACH: u64 = 79;
    const RECORDED: u64 = 16;
    const STARTS: u64 = EACH.div_ceil(3);
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("crowd", &[]);
    let slice = Slice::new("crowd");
    let daemon = Daemon::pinned(&bench, "");
    let units: Vec<_> = (0..RECORDED).map(|thread| slice.service(&format!("r{thread}"))).collect();
    // A unit must exist to be wanted by its name.
    for (thread, unit) in units.iter().enumerate() {
        let name = format!("r{thread}");
        slice.make(&name);
        daemon.done(&["start", unit]);
        slice.remove(&name);
    }
    let tag = slice.service("").trim_end_matches("-.service").to_owned();
    let before = entries(&daemon);
    let mut after = Vec::new();
    for round in 1..=2 {
        let begun = Instant::now();
        let folder = slice.path().to_str().unwrap();
        let words = [THREADS, EACH, RECORDED].map(|number| number.to_string());
        let mut crowd = bench.command(&program);
        let output = Started::new(crowd.args([folder, &tag]).args(words)).finish();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        println!("{} cgroups in {:?}", THREADS * EACH, begun.elapsed());
        for (thread, unit) in units.iter().enumerate() {
            daemon.done(&["snapshot", unit]);
            let allowlist = daemon.allowlist(unit);
            allowlist.assert_whole();
            let starts = round * STARTS;
            let expected = [("exit_group", starts), ("getppid", starts * (thread as u64 + 1))]
                .map(|(name, calls)| (name.to_owned(), calls));
            assert_eq!(allowlist.counts(NATIVE), expected.into(), "{unit}");
            assert_eq!(allowlist.starts(), starts, "{unit}");
        }
        after.push((entries(&daemon), memory(&daemon)));
    }
    let [(first, resident), (second, later)] = after.try_into().unwrap();
    println!("{before:?}, then {first:?} and {resident} KiB, then {second:?} and {later} KiB");
    assert_eq!(first[names::CGROUPS], before[names::CGROUPS]);
    assert_eq!(second, first, "the second round leaves nothing that the first has not");
    // What it holds for 20,000 cgroups would be more, by far, than what its allocator may keep.
    assert!(later <= resident + 8 * 1024, "{resident} KiB, then {later} KiB");
}

/// Beside it: a thread on each processor that does nothing but call, as many that make numbers up, and new programs
/// without end, each in a unit that is recorded.
#[test]
fn a_quiet_unit_loses_nothing_beside_loud_ones() {
    const ROUNDS: u64 = 3;
    let Some(bench) = Bench::new(&["mount", "cp", "rm", "nice"]) else { return };
    let (count, flood) = (bench.compile("count", &[]), bench.compile("flood", &[]));
    let slice = Slice::new("loud");
    let daemon = Daemon::pinned(&bench, "");
    let start = |name: &str| {
        let folder = slice.make(name);
        daemon.done(&["start", &slice.service(name)]);
        folder
    };
    let run = |folder| {
        finish_in(folder, &[&count, "threads", "2", "1000", "100"]);
        finish_in(folder, &["/usr/bin/env", "cat", "/proc/self/status"]);
    };
    let calm = start("calm");
    (0..ROUNDS).for_each(|_| run(&calm));
    let (quiet, calls, numbers, programs) =
        (start("quiet"), start("calls"), start("numbers"), start("programs"));
    let begun = Instant::now();
    let forever = "while :; do cp /bin/true p; ./p; rm p; done";
    // They shall drown out the unit beside them, not the tests that run at the same time.
    let loud = |folder, words: &[&str]| {
        let words = [&["nice", "-n", "19"], words].concat();
        Started::new(in_cgroup(folder, &words).current_dir(bench.work()))
    };
    let _loud = [
        loud(&calls, &[&flood, "calls"]),
        loud(&numbers, &[&flood, "numbers"]),
        loud(&programs, &["sh", "-c", forever]),
    ];
    let made = || daemon.status(&slice.service("calls"))["calls"].as_u64().unwrap();
    eventually("a loud unit", || (made() > 1_000_000).then_some(()));
    for _ in 0..ROUNDS {
        run(&quiet);
        daemon.done(&["status"]);
    }
    daemon.done(&["snapshot", &slice.service("quiet")]);
    println!("{} calls of the loudest in {:?}", made(), begun.elapsed());
    daemon.done(&["stop", &slice.service("calm")]);
    let (calm, quiet) = (daemon.allowlist(&slice.service("calm")), daemon.allowlist(&slice.service("quiet")));
    quiet.assert_whole();
    assert_eq!(quiet.names(NATIVE), calm.names(NATIVE));
    let of = |name| (quiet.calls(NATIVE, name), calm.calls(NATIVE, name));
    assert_eq!(of("getppid"), (2000 * ROUNDS, 2000 * ROUNDS));
    assert_eq!(of("getpgid"), (200 * ROUNDS, 200 * ROUNDS));
    assert_eq!(of("execve").0, of("execve").1);
    // What found no place is counted.
    let numbers = daemon.status(&slice.service("numbers"));
    assert!(numbers["gaps"]["calls_not_counted"].as_u64() > Some(0), "{numbers}");
}
