//! What recording takes, by figures that no other load changes: instructions, bytes, wake-ups, never times.

use std::{
    collections::BTreeMap,
    fs,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use aya::{
    maps::{Array, HashMap, Map, MapData, MapInfo},
    programs::ProgramInfo,
};
use recorder_common::{Row, WANTED_LEN, Want, holder, names, place};

use crate::support::{Bench, Daemon, Slice, eventually};

/// By hook, how many instructions it may have after verification. What is there now, and a fifth more: who adds more
/// than that should know it. Only sys_enter runs at every call of the host.
const INSTRUCTIONS: [(&str, u32); 6] = [
    (names::SYS_ENTER, 1_070),
    (names::CGROUP_MKDIR, 1_270),
    (names::CGROUP_RMDIR, 130),
    (names::SCHED_PROCESS_EXEC, 1_150),
    (names::SCHED_PROCESS_FORK, 215),
    (names::SCHED_PROCESS_EXIT, 205),
];

/// Something pinned, in `folder` or below.
fn pinned(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files.into_iter().find(|path| path.file_name().is_some_and(|file| file == name));
    here.or_else(|| folders.iter().find_map(|folder| pinned(folder, name)))
}

#[test]
fn the_programs_stay_as_short_as_they_are() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let daemon = Daemon::pinned(&bench, "");
    let mut too_long = Vec::new();
    for (name, most) in INSTRUCTIONS {
        let info = ProgramInfo::from_pin(pinned(&daemon.pins(), name).unwrap()).unwrap();
        // Each is 8 bytes long.
        let translated = info.size_translated().unwrap() / 8;
        println!("{name}: {translated} instructions after verification, of at most {most}");
        too_long.extend((translated > most).then_some((name, translated)));
    }
    assert_eq!(too_long, []);
}

/// What the kernel says a map takes.
fn memory(daemon: &Daemon, map: &str) -> u64 {
    let info = MapInfo::from_pin(pinned(&daemon.pins(), map).unwrap()).unwrap();
    let fd = info.fd().unwrap();
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd())).unwrap();
    text.lines().find_map(|line| line.strip_prefix("memlock:")).unwrap().trim().parse().unwrap()
}

/// Has so many units recorded that have a cgroup and nothing in it.
fn record(daemon: &Daemon, slice: &Slice, tag: &str, units: u64) {
    let tags = (0..units).map(|number| format!("{tag}{number}"));
    let names: Vec<_> = tags.inspect(|tag| _ = slice.make(tag)).map(|tag| slice.service(&tag)).collect();
    daemon.done(&[&["start"][..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat());
}

/// docs/performance.md has the formula.
#[test]
fn a_unit_takes_a_row_for_each_processor() {
    const MORE: u64 = 20;
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let daemon = Daemon::pinned(&bench, "");
    let slice = Slice::new("memory");
    // All that have a place of their own, which is there from the beginning.
    record(&daemon, &slice, "first", 64);
    let before = memory(&daemon, names::ROWS);
    record(&daemon, &slice, "more", MORE);
    let each = (memory(&daemon, names::ROWS) - before) / MORE;
    let rows = aya::util::nr_cpus().unwrap() as u64 * size_of::<Row>() as u64;
    assert!((rows..rows + 256).contains(&each), "{each} bytes a unit, where the rows are {rows}");
}

fn map(daemon: &Daemon, name: &str) -> MapData {
    MapData::from_pin(pinned(&daemon.pins(), name).unwrap()).unwrap()
}

/// A unit's number, and who has the place where its calls could be counted without a hash being asked.
fn place_of(daemon: &Daemon, unit: &str) -> Option<(u32, u64)> {
    let wanted: HashMap<_, [u8; WANTED_LEN], [u8; size_of::<Want>()]> =
        Map::HashMap(map(daemon, names::WANTED)).try_into().unwrap();
    let mut key = [0; WANTED_LEN];
    key[..unit.len()].copy_from_slice(unit.as_bytes());
    let want = wanted.get(&key, 0).ok()?;
    let number = u32::from_ne_bytes(*want.first_chunk().unwrap());
    let holders: Array<_, u64> = Map::Array(map(daemon, names::HOLDERS)).try_into().unwrap();
    Some((number, holders.get(&place(number, holders.len() - 1), 0).unwrap()))
}

/// Those that are there when it begins, those that appear later, and those that come when others have gone.
#[test]
fn services_have_places_also_where_all_are_recorded() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let daemon = Daemon::pinned(&bench, "");
    let slice = Slice::new("places");
    let all = slice.service("*");
    for round in 0..3 {
        let there: Vec<_> = (0..20).map(|number| format!("there{round}-{number}")).collect();
        for tag in &there {
            slice.make(tag);
        }
        daemon.done(&["start", &all]);
        for tag in &there {
            let (number, held_by) = place_of(&daemon, &slice.service(tag)).unwrap();
            assert_eq!(held_by, holder(number), "{tag} in round {round}");
        }
        let later = format!("later{round}");
        slice.make(&later);
        // Its own, unless one of the units that other tests make meanwhile has that.
        let held = || place_of(&daemon, &slice.service(&later)).is_some_and(|(_, holder)| holder != 0);
        eventually("a place", || held().then_some(()));
        daemon.done(&["stop", &all]);
        for tag in there.iter().chain([&later]) {
            slice.remove(tag);
        }
    }
}

/// How often the thread that does all but the writing has had to wait for something.
fn wakeups(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let figure = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    figure.unwrap().trim().parse().unwrap()
}

/// What there is on disk: a file that is written anew is another one.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u64, i64)> {
    let mut files = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.append(&mut self::files(&path));
        } else {
            let metadata = path.metadata().unwrap();
            files.insert(path, (metadata.ino(), metadata.ctime_nsec()));
        }
    }
    files
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    const UNITS: u64 = 10;
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let slice = Slice::new("still");
    let daemon = Daemon::pinned(&bench, "flush_seconds = 1\n");
    record(&daemon, &slice, "u", UNITS);
    let written = || files(&daemon.state().join("recordings")).len() as u64 == UNITS;
    eventually("a file of each unit", || written().then_some(()));
    sleep(Duration::from_secs(2));
    let (before, woken) = (files(&bench.path("daemon")), wakeups(&daemon));
    // Several times over, the moment has come at which what has grown is written.
    sleep(Duration::from_secs(4));
    assert!(wakeups(&daemon) > woken, "it has not looked");
    assert_eq!(files(&bench.path("daemon")), before);
}

#[test]
fn nobody_wakes_up_between_two_flushes_while_nothing_happens() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let slice = Slice::new("asleep");
    let daemon = Daemon::pinned(&bench, "flush_seconds = 3600\n");
    record(&daemon, &slice, "u", 10);
    sleep(Duration::from_secs(3));
    let before = wakeups(&daemon);
    sleep(Duration::from_secs(4));
    assert_eq!(wakeups(&daemon), before);
}
