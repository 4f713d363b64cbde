//! The commands that need no root, by the real binary: status, standard output, standard error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn run(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_syscall-recorder")).args(words).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with `a.toml`, an allowlist as `run` writes it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, include_str!("fixtures/nginx.service.toml")).unwrap();
    (folder, file)
}

/// Runs what must fail: nothing on standard output, one line on standard error. Gives that line.
fn complaint(words: &[&str], folder: &Path, status: i32) -> String {
    let output = run(words, folder);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{words:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{words:?}");
    assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
    assert!(stderr.starts_with("syscall-recorder: "), "{words:?}: {stderr}");
    stderr
}

#[test]
fn show_prints_the_table() {
    let (folder, _) = folder();
    let output = run(&["show", "a.toml"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn show_json_is_json_with_every_call() {
    let (folder, _) = folder();
    let output = run(&["show", "a.toml", "--json"], folder.path());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["unit"], "nginx.service");
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 5);
    let accept = calls.iter().find(|call| call["name"] == "accept4").unwrap();
    assert_eq!(accept["calls"], 146_674);
    assert!(accept["sets"].as_array().unwrap().iter().any(|set| set == "@network-io"));
}

#[test]
fn export_writes_a_drop_in_and_does_not_overwrite_it() {
    let (folder, _) = folder();
    let words = ["export", "a.toml", "--format", "systemd", "-o", "syscalls.conf"];
    assert_eq!(run(&words, folder.path()).status.code(), Some(0));
    let drop_in = fs::read_to_string(folder.path().join("syscalls.conf")).unwrap();
    assert!(drop_in.contains("\nSystemCallFilter=accept4 bind\n"), "{drop_in}");
    let again = complaint(&words, folder.path(), 73);
    assert!(again.contains("syscalls.conf") && again.contains("--force"), "{again}");
    let forced = [&words[..], &["--force"]].concat();
    assert_eq!(run(&forced, folder.path()).status.code(), Some(0));
}

#[test]
fn export_to_standard_output() {
    let (folder, _) = folder();
    let output = run(&["export", "a.toml", "--format", "names"], folder.path());
    assert_eq!(text(&output.stdout), "accept4\nbind\nexecve\nread\nwrite\n");
    let output = run(&["export", "a.toml", "--error-number", "EPERM"], folder.path());
    assert!(text(&output.stdout).ends_with("\nSystemCallErrorNumber=EPERM\n"));
}

#[test]
fn an_export_of_a_recording_with_gaps_says_so() {
    let (folder, file) = folder();
    let gaps = "complete = false\n\n[observed.gaps]\nstill_running = 2\n";
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("complete = true\n\n[observed.gaps]\n", gaps)).unwrap();
    let output = run(&["export", "a.toml"], folder.path());
    assert!(
        text(&output.stdout)
            .contains("\n# INCOMPLETE: processes that still ran when the recording was ended: 2\n"),
        "{}",
        text(&output.stdout)
    );
    assert!(
        text(&output.stderr).contains("incomplete: processes that still ran"),
        "{}",
        text(&output.stderr)
    );
}

/// The table is what a reviewer signs, so it must tell where list and evidence differ.
#[test]
fn show_tells_where_the_list_and_what_was_seen_differ() {
    let (folder, file) = folder();
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("    \"bind\",\n", "    \"ptrace\",\n    \"raed\",\n")).unwrap();
    let table = text(&run(&["show", "a.toml"], folder.path()).stdout);
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("bind").ends_with("seen, but not allowed"), "{table}");
    assert!(row("ptrace").ends_with("allowed, but never seen"), "{table}");
    assert!(row("raed").ends_with("no system call of this name is known"), "{table}");
    let output = run(&["export", "a.toml", "--format", "names"], folder.path());
    assert_eq!(text(&output.stdout), "accept4\nexecve\nptrace\nraed\nread\nwrite\n");
    assert!(text(&output.stderr).contains("raed is no system call"), "{}", text(&output.stderr));
}

#[test]
fn an_empty_list_is_not_exported() {
    let (folder, file) = folder();
    let whole = fs::read_to_string(&file).unwrap();
    let (head, rest) = whole.split_once("[allow]").unwrap();
    let (_, rest) = rest.split_once("[unnamed]").unwrap();
    fs::write(&file, format!("{head}[allow]\nx86_64 = []\n\n[unnamed]{rest}")).unwrap();
    let line = complaint(&["export", "a.toml", "-o", "out.conf"], folder.path(), 65);
    assert!(line.contains("allows nothing"), "{line}");
    assert!(!folder.path().join("out.conf").exists());
}

#[test]
fn bad_files_get_one_line_each() {
    let (folder, _) = folder();
    fs::write(folder.path().join("html.toml"), "<html>").unwrap();
    fs::write(folder.path().join("new.toml"), "format = 2\n[other]\n").unwrap();
    fs::write(folder.path().join("binary.toml"), [0xff, 0xfe, 0x00, 0x9f]).unwrap();
    for command in ["show", "export"] {
        let missing = complaint(&[command, "missing.toml"], folder.path(), 66);
        assert!(missing.contains("missing.toml: no such file"), "{missing}");
        assert!(complaint(&[command, "html.toml"], folder.path(), 65).contains("line 1"));
        assert!(complaint(&[command, "new.toml"], folder.path(), 65).contains("format 2"));
        complaint(&[command, "binary.toml"], folder.path(), 65);
        complaint(&[command, "."], folder.path(), 66);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let (folder, _) = folder();
    let line = complaint(&["export", "a.toml", "-o", "missing/syscalls.conf"], folder.path(), 73);
    assert!(line.contains("missing/syscalls.conf"), "{line}");
    complaint(&["export", "a.toml", "-o", ".", "--force"], folder.path(), 73);
}

#[test]
fn wrong_usage_is_status_2() {
    let (folder, _) = folder();
    for words in [&[][..], &["run"], &["rum"], &["export", "a.toml", "--format", "apparmor"], &["show"]] {
        let output = run(words, folder.path());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
    }
}

#[test]
fn whoever_stops_reading_is_no_error() {
    let (folder, _) = folder();
    let shell = format!("{} show a.toml | head -n 1", env!("CARGO_BIN_EXE_syscall-recorder"));
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &shell])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn every_command_has_help_with_an_example() {
    let (folder, _) = folder();
    let commands = ["run", "start", "stop", "status", "snapshot", "show", "export"];
    for words in commands.map(|command| vec![command, "--help"]).into_iter().chain([vec!["--help"]]) {
        let output = run(&words, folder.path());
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(text(&output.stdout).contains("Examples:"), "{words:?}");
    }
}
