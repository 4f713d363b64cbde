//! What is being counted when a recording ends is in it: the daemon has the kernel wait for the programs that run, as
//! `kernel/end.rs` says, and only then goes on. The window is a fraction of a microsecond, so no load shows reliably
//! that nobody waits; the order of the daemon's own calls does.

use std::fs;

use aya::maps::MapData;
use recorder_common::names;

use crate::support::{Bench, Daemon, Slice, Started, eventually, finish_in, tracer};

/// A step of the daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A name is not wanted any more.
    Unwanted,
    /// A cgroup is not armed any more.
    Disarmed,
    /// The kernel was waited for.
    Waited,
    /// What was counted is read.
    Read,
}

/// linux/bpf.h's number of the kind of map by which the kernel is waited for.
const ARRAY_OF_MAPS: u32 = 12;

/// The descriptor of the daemon's of which the kernel says this.
fn descriptor(daemon: &Daemon, name: &str, value: u32) -> String {
    let mut infos = fs::read_dir(format!("/proc/{}/fdinfo", daemon.id())).unwrap().flatten();
    let says = |text: String| text.lines().any(|line| line.split_whitespace().eq([name, &value.to_string()]));
    let info = infos.find(|entry| fs::read_to_string(entry.path()).is_ok_and(says));
    info.unwrap_or_else(|| panic!("no descriptor with {name} {value}")).file_name().into_string().unwrap()
}

/// The id of a map that the daemon has pinned.
fn id(daemon: &Daemon, map: &str) -> u32 {
    let mut pins = fs::read_dir(daemon.pins()).unwrap().flatten().map(|entry| entry.path());
    let layout =
        pins.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("layout-")).unwrap();
    MapData::from_pin(layout.join(map)).unwrap().info().unwrap().id()
}

#[test]
fn the_last_reading_waits_for_the_calls_that_are_being_counted() {
    let Some(bench) = Bench::new(&["mount", "strace"]) else { return };
    let slice = Slice::new("grace");
    let (unit, folder) = (slice.service("a"), slice.make("a"));
    let daemon = Daemon::pinned(&bench, "");
    daemon.done(&["start", &unit]);
    finish_in(&folder, &["/bin/true"]);
    let [wanted, cgroups, rows] = [names::WANTED, names::CGROUPS, names::ROWS]
        .map(|map| descriptor(&daemon, "map_id:", id(&daemon, map)));
    let grace = descriptor(&daemon, "map_type:", ARRAY_OF_MAPS);

    let log = bench.path("trace");
    let mut strace = bench.command("strace");
    strace.args(["-qq", "-e", "trace=bpf", "-o"]).arg(&log).args(["-p", &daemon.id().to_string()]);
    let strace = Started::new(&mut strace);
    eventually("strace", || tracer(daemon.id()).map(|_| ()));
    daemon.done(&["stop", &unit]);
    strace.signal(rustix::process::Signal::TERM);
    strace.finish();

    let trace = fs::read_to_string(&log).unwrap();
    let step = |line: &str| {
        let does = |call: &str, map: &str| line.starts_with(&format!("bpf({call}, {{map_fd={map},"));
        let steps = [
            (does("BPF_MAP_DELETE_ELEM", &wanted), Step::Unwanted),
            (does("BPF_MAP_DELETE_ELEM", &cgroups), Step::Disarmed),
            (does("BPF_MAP_UPDATE_ELEM", &grace) && line.ends_with("= 0"), Step::Waited),
            (does("BPF_MAP_LOOKUP_ELEM", &rows), Step::Read),
        ];
        steps.into_iter().find_map(|(is, step)| is.then_some(step))
    };
    let mut steps: Vec<_> = trace.lines().filter_map(step).collect();
    // Until the last reading: after it, all is freed.
    let read = steps.iter().rposition(|step| *step == Step::Read).unwrap();
    steps.truncate(read + 1);
    steps.dedup();
    let end = steps.iter().position(|step| *step == Step::Unwanted).unwrap();
    assert_eq!(
        steps[end..],
        [Step::Unwanted, Step::Waited, Step::Disarmed, Step::Waited, Step::Read],
        "{trace}"
    );
}
