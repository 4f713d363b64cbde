//! What happens in a hierarchy of version 1 is no unit's, though ids there are those of recorded cgroups.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::support::{Bench, Folder, Hierarchy, NATIVE, Started, own_cgroup, reach};

/// How many cgroups lie ready for one of the other version to be given the id of: ids of either are many apart,
/// so only some can meet.
const READY: usize = 200;

/// How often it is tried. Other tests make cgroups meanwhile, and may make the one whose turn it was.
const TRIES: usize = 50;

/// The tests here count on in the same hierarchy, one at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Many cgroups in one place, by their ids.
fn ready(place: &Path) -> BTreeMap<u64, Folder> {
    (0..READY).map(|_| Folder::new(place)).map(|folder| (folder.id, folder)).collect()
}

/// A cgroup in the recorder's, and one of version 1 with the same id.
fn same_id(recorder: &Started, version_1: &Hierarchy) -> (Folder, Folder) {
    let cgroup = recorder.cgroup();
    for _ in 0..TRIES {
        let mut children = ready(&cgroup);
        let (first, last) = (*children.keys().next().unwrap(), *children.keys().last().unwrap());
        if let Some(twin) = version_1.reach(last, |id| children.contains_key(&id)) {
            return (children.remove(&twin.id).unwrap(), twin);
        }
        // It was ahead: then version 2 has to catch up, away from what is recorded.
        let ahead = version_1.folder().id;
        if ahead > first {
            drop(children);
            reach(&own_cgroup(), ahead, |_| false);
        }
    }
    panic!("no id of the two versions has met in {TRIES} tries");
}

/// Makes so many getppid in a cgroup, then ends.
fn calls_in(bench: &Bench, program: &str, cgroup: &Folder, calls: u32) {
    let mut obedient = Started::talking(&mut bench.command(program));
    fs::write(cgroup.path.join("cgroup.procs"), obedient.id().to_string()).unwrap();
    obedient.tell(format!("{calls}\n").as_bytes());
    assert_eq!(obedient.line(), calls.to_string());
    assert!(obedient.finish().status.success());
}

#[test]
fn one_of_version_1_that_is_removed_takes_no_recorded_one_along() {
    let Some(bench) = Bench::new(&[]) else { return };
    let _turn = turn();
    let Some(version_1) = Hierarchy::find() else { return };
    let program = bench.compile("obey", &[]);
    let mut recorder = Started::talking(&mut bench.run(&[&program]));
    recorder.tell(b"3\n");
    assert_eq!(recorder.line(), "3");

    let (within, twin) = same_id(&recorder, &version_1);
    assert_eq!(within.id, twin.id);
    calls_in(&bench, &program, &within, 100);
    drop(twin);
    calls_in(&bench, &program, &within, 500);
    drop(within);
    assert!(recorder.finish().status.success());
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 603, "an id that was version 1's as well");
    allowlist.assert_whole();
}

#[test]
fn what_is_made_below_one_of_version_1_lets_nobody_in() {
    let Some(bench) = Bench::new(&[]) else { return };
    let _turn = turn();
    let Some(version_1) = Hierarchy::find() else { return };
    let program = bench.compile("obey", &[]);
    let mut recorder = Started::talking(&mut bench.run(&[&program]));
    recorder.tell(b"3\n");
    assert_eq!(recorder.line(), "3");

    let (within, twin) = same_id(&recorder, &version_1);
    // Cgroups below the twin, further on than version 2 is, and one of version 2's that comes to have the id of
    // one of them, but is not recorded.
    let outside = (0..TRIES).find_map(|_| {
        let now = Folder::new(&own_cgroup()).id;
        version_1.reach(now, |_| false);
        let below = ready(&twin.path);
        let last = *below.keys().last().unwrap();
        // They stay until the calls have been made.
        reach(&own_cgroup(), last, |id| below.contains_key(&id)).map(|outside| (outside, below))
    });
    let (outside, below) = outside.expect("an id of the two versions meets");
    assert!(below.contains_key(&outside.id));
    calls_in(&bench, &program, &outside, 1_000);
    calls_in(&bench, &program, &within, 20);
    drop((outside, below));
    drop((within, twin));
    assert!(recorder.finish().status.success());
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 23, "only what was called in the recorded cgroup");
    allowlist.assert_whole();
}
