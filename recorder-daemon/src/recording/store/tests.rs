use std::os::unix::fs::symlink;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{super::tests::recording, *};
use crate::recording::Per;

const MOST: u64 = 1 << 20;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), MOST).unwrap();
    (folder, store)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The first format.
const OLD: &str = include_str!("format-1.json");
/// The present one, with the same in it and what the old one did not know.
const SAMPLE: &str = include_str!("format-2.json");

#[test]
fn a_file_of_each_format_reads() {
    let (_folder, store) = store();
    let read = |text: &str| {
        fs::write(store.path("nginx.service"), text).unwrap();
        store.read_recording("nginx.service").unwrap().unwrap()
    };
    let (old, new) = (read(OLD), read(SAMPLE));
    assert_eq!(file::text(&new), SAMPLE);
    assert_eq!(read(&file::text(&old)), old);
    assert!(old.host.tools.is_empty());
    assert_eq!(new.host.packages, ["nginx-light 1.22.1-9+deb12u3".to_owned()].into());
    let span = old.spans.values().next().unwrap();
    // All that it tells of is one occasion, and when in a life a call was made is not known.
    assert_eq!(span.occasions(Per::Start), 1);
    assert!(span.calls.values().all(|tally| tally.later && tally.occasions(Per::Start) == 1));
    let mut both = old.clone();
    both.merge(&new);
    assert_eq!(both.spans.values().next().unwrap().occasions, new.spans.values().next().unwrap().occasions);
}

#[test]
fn what_is_no_recording_is_set_aside_and_the_rest_goes_on() {
    let (_folder, store) = store();
    let put = |name: &str, text: &str| fs::write(store.recordings().join(name), text).unwrap();
    put("nginx.service.json", SAMPLE);
    put("a.service.json", "");
    put("b.service.json", &SAMPLE[..SAMPLE.len() / 2]);
    put("c.service.json", "{\"format\": 3, \"other\": true}");
    put("d.service.json", SAMPLE);
    put("e.service.json", &SAMPLE.replace("x86_64", "z80"));
    put("g\x1b[2J.json", "{\"format\": 2, \"\x7f\": 1}");
    put("a.service.json.set-aside-1", "kept");
    symlink("nginx.service.json", store.recordings().join("f.service.json")).unwrap();
    let mut lines: Vec<_> = store.check().iter().map(ToString::to_string).collect();
    lines.sort();
    assert_eq!(lines.len(), 7, "{lines:#?}");
    assert!(
        lines.iter().all(|line| !line.contains(char::is_control) && line.contains("set aside as")),
        "{lines:#?}"
    );
    assert!(lines[2].contains("format 3"), "{lines:#?}");
    assert!(lines[3].contains("another unit"), "{lines:#?}");
    assert_eq!(fs::read_to_string(store.recordings().join("a.service.json.set-aside-1")).unwrap(), "kept");
    assert_eq!(fs::read_to_string(store.recordings().join("a.service.json.set-aside-2")).unwrap(), "");
    assert!(store.check().is_empty());
    assert!(store.read_recording("nginx.service").unwrap().is_some());
    assert!(store.read_recording("a.service").unwrap().is_none());
}

#[test]
fn no_name_leaves_the_folder() {
    let (folder, store) = store();
    for unit in ["../x.service", "/docker/a", "...service", "a\\x2db.service"] {
        store.save(&mut Recording { unit: unit.to_owned(), ..Recording::default() }).unwrap();
        assert_eq!(store.read_recording(unit).unwrap().unwrap().unit, unit);
        let path = store.write_allowlist(unit, "text").unwrap();
        assert_eq!(path.parent(), Some(folder.path()));
    }
    assert_eq!(names(&store.recordings()).len(), 4);
    assert_eq!(names(folder.path()).len(), 5);
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let (folder, store) = store();
    fs::write(store.recordings().join(".a.service.json.Xyz123"), "half").unwrap();
    fs::write(folder.path().join(".a.service.toml.000000"), "half").unwrap();
    fs::write(store.recordings().join(".somebody.elses"), "kept").unwrap();
    Store::open(folder.path(), MOST).unwrap();
    assert_eq!(names(&store.recordings()), [".somebody.elses"]);
    assert_eq!(names(folder.path()), ["recordings"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path(), MOST).unwrap_err().to_string();
    assert!(error.starts_with(&file.path().display().to_string()), "{error}");
}

/// Nobody's, and not to be waited for.
#[test]
fn what_is_no_file_is_set_aside() {
    let (_folder, store) = store();
    rustix::fs::mkfifoat(rustix::fs::CWD, store.path("a.service"), Mode::RWXU).unwrap();
    fs::create_dir(store.path("b.service")).unwrap();
    let too_large = File::create(store.path("c.service")).unwrap();
    too_large.set_len(LARGEST + 1).unwrap();
    for unit in ["a.service", "b.service", "c.service"] {
        let error = store.read_recording(unit).unwrap_err();
        assert!(matches!(error, StoreError::SetAside { .. }), "{error}");
        store.save(&mut Recording::new(unit, super::super::Host::default())).unwrap();
        assert!(store.read_recording(unit).unwrap().is_some());
    }
}

#[test]
fn what_has_been_put_in_the_place_of_a_bad_file_is_not_set_aside() {
    let (_folder, store) = store();
    let path = store.path("a.service");
    fs::write(&path, "bad").unwrap();
    let bad = File::open(&path).unwrap();
    store.save(&mut Recording::new("a.service", super::super::Host::default())).unwrap();
    let error = store.set_aside(&path, Some(&bad), "bad");
    assert!(matches!(error, StoreError::Read { .. }), "{error}");
    assert!(store.read_recording("a.service").unwrap().is_some());
}

#[test]
fn at_the_bound_nothing_that_grows_is_written_until_there_is_space() {
    let (folder, _) = store();
    let store = Store::open(folder.path(), 10_000).unwrap();
    let written = store.write_allowlist("a.service", &"x".repeat(6_000)).unwrap();
    for _ in 0..3 {
        store.write_allowlist("a.service", &"y".repeat(6_000)).unwrap();
    }
    let full = store.write_allowlist("b.service", &"x".repeat(6_000)).unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert_eq!(names(folder.path()), ["a.service.toml", "recordings"]);
    store.write_allowlist("a.service", &"z".repeat(3_000)).unwrap();
    store.write_allowlist("b.service", &"x".repeat(6_000)).unwrap();
    // Another daemon's bound is lower than what is there: what does not grow is written all the same.
    let store = Store::open(folder.path(), 1_000).unwrap();
    store.write_allowlist("b.service", &"y".repeat(6_000)).unwrap();
    fs::remove_file(&written).unwrap();
    fs::remove_file(folder.path().join("b.service.toml")).unwrap();
    store.write_allowlist("c.service", "z").unwrap_err();
    store.measure();
    store.write_allowlist("c.service", "z").unwrap();
}

#[test]
fn the_bound_holds_for_many_who_write_at_once() {
    let (folder, _) = store();
    for _ in 0..20 {
        let store = Store::open(folder.path(), 10_000).unwrap();
        let text = "x".repeat(1_200);
        std::thread::scope(|scope| {
            for hand in 0..16 {
                let (store, text) = (&store, &text);
                scope.spawn(move || store.write_allowlist(&format!("{hand}.service"), text).is_ok());
            }
        });
        let files: Vec<_> = names(folder.path()).into_iter().filter(|name| name != "recordings").collect();
        assert_eq!(files.len(), 10_000 / 1_200);
        for file in files {
            fs::remove_file(folder.path().join(file)).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_read_is_not_replaced() {
    let (folder, store) = store();
    let mut old = file::parse(SAMPLE.as_bytes()).unwrap();
    store.save(&mut old).unwrap();
    let away = folder.path().join("away");
    fs::rename(store.recordings(), &away).unwrap();
    fs::write(store.recordings(), "in the way").unwrap();
    let mut new = Recording::new(&old.unit, super::super::Host::default());
    let error = store.save(&mut new).unwrap_err();
    assert!(matches!(error, StoreError::Read { .. }), "{error}");
    fs::remove_file(store.recordings()).unwrap();
    fs::rename(away, store.recordings()).unwrap();
    store.save(&mut new).unwrap();
    assert_eq!(new, old);
}

/// What this process cannot know of it, because it could not be read when the recording began.
#[test]
fn a_file_only_grows() {
    let (_folder, store) = store();
    let mut old = file::parse(SAMPLE.as_bytes()).unwrap();
    store.save(&mut old).unwrap();
    let mut new = Recording::new(&old.unit, super::super::Host::default());
    store.save(&mut new).unwrap();
    assert_eq!(new, old);
    assert_eq!(store.read_recording(&old.unit).unwrap(), Some(old));
}

proptest! {
    #[test]
    fn save_then_read_gives_the_same(mut recording in recording()) {
        let (_folder, store) = store();
        store.save(&mut recording).unwrap();
        prop_assert_eq!(store.read_recording(&recording.unit).unwrap(), Some(recording));
    }

    /// In whatever order they come, one after another: nothing that was on disk is gone.
    #[test]
    fn saves_are_merges(recordings in proptest::collection::vec(recording(), 1..4)) {
        let (_folder, store) = store();
        let mut all = Recording { unit: recordings[0].unit.clone(), ..Recording::default() };
        for mut recording in recordings {
            all.merge(&recording);
            store.save(&mut recording).unwrap();
            prop_assert_eq!(&recording, &all);
        }
        prop_assert_eq!(store.read_recording(&all.unit).unwrap(), Some(all));
    }

    #[test]
    fn a_damaged_file_is_set_aside_or_reads(recording in recording(), at in 0.0..1.0_f64, byte in any::<u8>(), cut in any::<bool>()) {
        let (_folder, store) = store();
        let mut bytes = file::text(&recording).into_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in it")]
        let at = (at * bytes.len() as f64) as usize;
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        fs::write(store.path(&recording.unit), bytes).unwrap();
        match store.read_recording(&recording.unit) {
            Ok(read) => prop_assert!(read.is_some()),
            Err(error) => prop_assert!(matches!(error, StoreError::SetAside { .. }), "{}", error),
        }
    }
}
