//! The kernel side itself arms a cgroup that is wanted, before anything can enter it.

use std::collections::BTreeMap;

use recorder_daemon::kernel::{Manager, Recorder, Unit, Want};

use crate::{
    setup_calls::{Folder, LIMITS, counts},
    support::{Bench, cgroup_mount, finish_in},
};

/// A slice at the top of the hierarchy, for this test alone.
fn slice(name: &str) -> Folder {
    Folder::new(cgroup_mount().join(format!("srtest{}{name}.slice", std::process::id())))
}

/// A service that no other test has.
fn service(of: &str) -> String {
    format!("srtest{}{of}.service", std::process::id())
}

fn start() -> Recorder {
    Recorder::start(LIMITS, Manager::default()).unwrap()
}

#[test]
fn each_new_cgroup_of_a_wanted_name_is_recorded_from_its_first_call_on() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let (above, mut recorder) = (slice("a"), start());
    recorder.want(Unit(3), &service("a"), 0).unwrap();
    let mut once = BTreeMap::new();
    for start in 1..=200_u64 {
        let folder = Folder::new(above.0.join(service("a")));
        finish_in(&folder.0, &["/bin/true"]);
        drop(folder);
        let now = counts(&mut recorder, Unit(3));
        if start == 1 {
            once.clone_from(&now);
            assert_eq!(once["execve"], 1);
        }
        let expected: BTreeMap<_, _> = once.iter().map(|(name, count)| (*name, count * start)).collect();
        assert_eq!(now, expected);
        assert_eq!(recorder.snapshot(Unit(3)).unwrap().misses.starts, start);
    }
}

#[test]
fn only_where_all_above_are_slices_is_a_name_the_systems() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let (outer, mut recorder) = (slice("b"), start());
    recorder.want(Unit(1), &service("b"), 0).unwrap();
    let user = Folder::new(outer.0.join("user@1000.service"));
    let posing = Folder::new(user.0.join(service("b")));
    finish_in(&posing.0, &["/bin/true"]);
    assert_eq!(counts(&mut recorder, Unit(1)), BTreeMap::new());
    let inner = Folder::new(outer.0.join("inner.slice"));
    let real = Folder::new(inner.0.join(service("b")));
    finish_in(&real.0, &["/bin/true"]);
    assert_eq!(counts(&mut recorder, Unit(1))["execve"], 1);
    assert_eq!(recorder.armed(posing.id()).unwrap(), None);
    assert_eq!(recorder.armed(real.id()).unwrap(), Some(Unit(1)));
}

#[test]
fn a_path_is_wanted_to_the_letter() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let (outer, mut recorder) = (slice("c"), start());
    let top = outer.0.file_name().unwrap().to_str().unwrap();
    recorder.want(Unit(1), &format!("/{top}/pod/container"), 0).unwrap();
    let pod = Folder::new(outer.0.join("pod"));
    let container = Folder::new(pod.0.join("container"));
    let other = Folder::new(pod.0.join("container2"));
    let below = Folder::new(container.0.join("container"));
    for folder in [&pod, &other, &below, &container] {
        finish_in(&folder.0, &["/bin/true"]);
    }
    assert_eq!(counts(&mut recorder, Unit(1))["execve"], 2, "in it and below it");
}

#[test]
fn every_service_is_named_by_the_kernel_itself() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let (outer, mut recorder) = (slice("d"), start());
    recorder.want_all_services(true).unwrap();
    // Other tests make services too.
    let own = service("one");
    let service = Folder::new(outer.0.join(&own));
    let scope = Folder::new(outer.0.join("two.scope"));
    let below = Folder::new(service.0.join("three.service"));
    for folder in [&service, &scope, &below] {
        finish_in(&folder.0, &["/bin/true"]);
    }
    let wanted = recorder.wanted().unwrap();
    let find = |name: &str| wanted.iter().find(|want| want.name == name);
    let want = find(&own).unwrap();
    assert!(want.by_kernel() && !want.running && want.began > 0, "{want:?}");
    assert_eq!((find("two.scope"), find("three.service")), (None, None));
    let (want, unit) = (want.clone(), &want.unit);
    assert_eq!(counts(&mut recorder, *unit)["execve"], 2, "in it and below it");
    assert!(recorder.news().unwrap().boundaries.contains(unit));

    recorder.want_all_services(false).unwrap();
    let late = Folder::new(outer.0.join("four.service"));
    assert_eq!(recorder.armed(late.id()).unwrap(), None);
    recorder.end(std::slice::from_ref(&want), 7).unwrap();
    assert_eq!(recorder.armed(service.id()).unwrap(), None);
    finish_in(&service.0, &["/bin/true"]);
    assert_eq!(counts(&mut recorder, *unit)["execve"], 2);
    let ended: Vec<_> = recorder.wanted().unwrap().into_iter().filter(|want| want.unit == *unit).collect();
    assert_eq!(ended, [Want { ended: Some(7), ..want.clone() }], "it is there until a disk has it");
    recorder.forget(&want).unwrap();
    assert_eq!(counts(&mut recorder, *unit), BTreeMap::new());
    assert!(recorder.wanted().unwrap().iter().all(|want| want.unit != *unit));
}

#[test]
fn what_is_wanted_by_itself_is_its_own_unit_below_another() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let (outer, mut recorder) = (slice("e"), start());
    let name = outer.0.file_name().unwrap().to_str().unwrap().to_owned();
    recorder.want(Unit(1), &name, 0).unwrap();
    recorder.arm(Unit(1), outer.id(), true).unwrap();
    recorder.want(Unit(2), &service("e"), 0).unwrap();
    let service = Folder::new(outer.0.join(service("e")));
    let other = Folder::new(outer.0.join("other.service"));
    for folder in [&service, &other] {
        finish_in(&folder.0, &["/bin/true"]);
    }
    assert_eq!(counts(&mut recorder, Unit(1))["execve"], 1);
    assert_eq!(counts(&mut recorder, Unit(2))["execve"], 1);
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let mut recorder = start();
    let error = recorder.want(Unit(1), &"x".repeat(500), 0).unwrap_err();
    assert!(error.to_string().contains("500 bytes"), "{error}");
    recorder.want(Unit(1), &"x".repeat(499), 0).unwrap();
}

#[test]
fn a_wanted_name_is_found_however_long_the_path_to_it_is() {
    let Some(_bench) = Bench::new(&[]) else { return };
    let mut recorder = start();
    let name = service("deep");
    recorder.want(Unit(1), &name, 0).unwrap();
    let mut slices = vec![slice("deep")];
    while slices.last().unwrap().0.as_os_str().len() < 600 {
        let next = slices.last().unwrap().0.join(format!("{}.slice", "x".repeat(100)));
        slices.push(Folder::new(next));
    }
    let service = Folder::new(slices.last().unwrap().0.join(&name));
    finish_in(&service.0, &["/bin/true"]);
    assert_eq!(counts(&mut recorder, Unit(1))["execve"], 1);
    drop(service);
    while let Some(slice) = slices.pop() {
        drop(slice);
    }
}
