use std::os::unix::fs::symlink;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{super::tests::recording, *};

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What version 0.1 has written.
const SAMPLE: &str = include_str!("format-1.json");

#[test]
fn an_old_file_still_reads() {
    let (_folder, store) = store();
    fs::write(store.path("nginx.service"), SAMPLE).unwrap();
    let recording = store.read_recording("nginx.service").unwrap().unwrap();
    assert_eq!(file::text(&recording), SAMPLE);
    assert_eq!(recording.spans.len(), 1);
}

#[test]
fn what_is_no_recording_is_set_aside_and_the_rest_goes_on() {
    let (_folder, store) = store();
    let put = |name: &str, text: &str| fs::write(store.recordings().join(name), text).unwrap();
    put("nginx.service.json", SAMPLE);
    put("a.service.json", "");
    put("b.service.json", &SAMPLE[..SAMPLE.len() / 2]);
    put("c.service.json", "{\"format\": 2, \"other\": true}");
    put("d.service.json", SAMPLE);
    put("e.service.json", &SAMPLE.replace("x86_64", "z80"));
    put("a.service.json.set-aside-1", "kept");
    symlink("nginx.service.json", store.recordings().join("f.service.json")).unwrap();
    let mut lines: Vec<_> = store.check().iter().map(ToString::to_string).collect();
    lines.sort();
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert!(
        lines.iter().all(|line| line.lines().count() == 1 && line.contains("set aside as")),
        "{lines:#?}"
    );
    assert!(lines[2].contains("format 2"), "{lines:#?}");
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
        store.save(&Recording { unit: unit.to_owned(), ..Recording::default() }).unwrap();
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
    let left = store.recordings().join(".a.service.json.Xyz123");
    fs::write(&left, "half").unwrap();
    Store::open(folder.path()).unwrap();
    assert_eq!(names(&store.recordings()), Vec::<String>::new());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path()).unwrap_err().to_string();
    assert!(error.starts_with(&file.path().display().to_string()), "{error}");
}

proptest! {
    #[test]
    fn save_then_read_gives_the_same(recording in recording()) {
        let (_folder, store) = store();
        store.save(&recording).unwrap();
        prop_assert_eq!(store.read_recording(&recording.unit).unwrap(), Some(recording));
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
