//! `check`.

use super::*;

/// Runs `check` as for a Debian 12 host, whatever this one is.
fn check(words: &[&str], folder: &Path) -> Output {
    run(&[&["check", "--target", "systemd=252,libseccomp=2.5.4"], words].concat(), folder)
}

/// A folder with the unit that a hardening exercise shows, and with what a real nginx was recorded to call.
fn hand_hardened() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("nginx.service", include_str!("../fixtures/nginx-hand-hardened.service"));
    write("recorded.toml", include_str!("../fixtures/nginx-recorded.service.toml"));
    folder
}

#[test]
fn names_every_fault_of_the_hand_hardened_unit() {
    let folder = hand_hardened();
    let output = check(&["--unit-file", "nginx.service", "--against", "recorded.toml"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn json_has_the_filter_and_all_that_was_found() {
    let folder = hand_hardened();
    let output =
        check(&["--unit-file", "nginx.service", "--against", "recorded.toml", "--json"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["filter"]["mode"], "allow");
    let entries = report["filter"]["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry == "execve") && !entries.iter().any(|entry| entry == "read"));
    let kinds: Vec<_> =
        report["problems"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    for kind in ["comma", "unknown-name", "double", "void"] {
        assert!(kinds.iter().any(|there| there == kind), "{kind}: {kinds:?}");
    }
    let denied = report["against"]["denied"].as_array().unwrap();
    let accept = denied.iter().find(|one| one["name"] == "accept4").unwrap();
    assert_eq!((&accept["why"], &accept["programs"][0]), (&"not-listed".into(), &"/usr/sbin/nginx".into()));
}

#[test]
fn finds_nothing_in_an_exported_drop_in() {
    let folder = hand_hardened();
    let export = run(&["export", "recorded.toml", "-o", "syscalls.conf"], folder.path());
    assert_eq!(export.status.code(), Some(0), "{}", text(&export.stderr));
    let words = ["--unit-file", "nginx.service", "--drop-in", "syscalls.conf", "--against", "recorded.toml"];
    let output = check(&words, folder.path());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn refuses_what_is_no_unit_file_in_one_line() {
    let folder = hand_hardened();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("text", b"no unit\n");
    write("empty", b"");
    write("binary", b"\x7fELF\x02\x01\x01\0\0\xff\xfe\x1b[2J");
    write("[2J", b"[\x1b[2J\n");
    write("no.toml", b"[Service]\n");
    fs::File::create(folder.path().join("huge")).unwrap().set_len(100 << 20).unwrap();
    let refused = [
        (vec!["--unit-file", "text"], 65),
        (vec!["--unit-file", "empty"], 65),
        (vec!["--unit-file", "binary"], 65),
        (vec!["--unit-file", "[2J"], 65),
        (vec!["--unit-file", "huge"], 65),
        (vec!["--unit-file", "missing"], 66),
        (vec!["--unit-file", "."], 66),
        (vec!["--unit-file", "nginx.service", "--drop-in", "text"], 65),
        (vec!["--unit-file", "nginx.service", "--against", "no.toml"], 65),
        (vec!["--unit-file", "nginx.service", "--against", "missing.toml"], 66),
        (vec!["--unit-file", "nginx.service", "--systemd-sets", "text"], 65),
        (vec!["../x"], 2),
        (vec!["a b"], 2),
        (vec!["no-such-unit-anywhere"], 66),
    ];
    let said =
        refused.map(|(words, status)| complaint(&[&["check"], &*words].concat(), folder.path(), status));
    insta::assert_snapshot!(said.concat());
}

#[test]
fn takes_the_sets_from_a_file() {
    let folder = hand_hardened();
    fs::write(folder.path().join("sets"), "@default\n    read\n@mine\n    write\n").unwrap();
    fs::write(folder.path().join("a.service"), "[Service]\nSystemCallFilter=@mine\n").unwrap();
    let output = check(&["--unit-file", "a.service", "--systemd-sets", "sets", "--json"], folder.path());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["filter"]["entries"], serde_json::json!(["read", "write"]));
}
