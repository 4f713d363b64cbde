//! What passes through `run`, and what it leaves: the command's own status and bytes, and one file.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use rustix::process::Signal;

use crate::support::{Allowlist, BINARY, Bench, NATIVE, Started, finish, said};

#[test]
fn the_commands_status_is_the_runs() {
    let Some(bench) = Bench::new(&[]) else { return };
    for status in [0, 1, 2, 42, 77, 126, 127, 255] {
        let _ = fs::remove_file(bench.file());
        let output = finish(&mut bench.run(&["sh", "-c", &format!("exit {status}")]));
        assert_eq!(output.status.code(), Some(status));
        assert!(bench.allowlist().names(NATIVE).contains("exit_group"));
    }
}

/// dpkg itself is the oracle, where there is one.
#[test]
fn the_allowlist_says_where_it_is_from() {
    let Some(bench) = Bench::new(&[]) else { return };
    assert!(finish(&mut bench.run(&["sh", "-c", "cat /dev/null"])).status.success());
    let allowlist = bench.allowlist();
    assert_eq!(allowlist.observed("tools"), [env!("CARGO_PKG_VERSION")].into());
    let format = "--showformat=${Package} ${Version}\n";
    let Ok(dpkg) = Command::new("dpkg-query").args(["--show", format, "coreutils", "dash"]).output() else {
        return;
    };
    let packages = String::from_utf8(dpkg.stdout).unwrap();
    assert_eq!(allowlist.observed("packages"), packages.lines().collect());
}

#[test]
fn a_command_that_is_killed_gives_128_and_the_signal() {
    let Some(bench) = Bench::new(&[]) else { return };
    for signal in [Signal::TERM, Signal::KILL, Signal::SEGV, Signal::INT, Signal::ABORT] {
        let _ = fs::remove_file(bench.file());
        let script = format!("kill -{} $$", signal.as_raw());
        let output = finish(&mut bench.run(&["sh", "-c", &script]));
        assert_eq!(output.status.code(), Some(128 + signal.as_raw()), "{signal:?}");
        let allowlist = bench.allowlist();
        assert!(allowlist.names(NATIVE).contains("kill"), "{signal:?}");
        assert_two_lines(&output, "sh");
        allowlist.assert_whole();
    }
}

/// A million bytes that no text is, the same in every run.
fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..1 << 20).map(|_| next()).collect()
}

/// Standard error from the command's start on: before it the recorder may have removed, and said so, what some
/// killed recorder has left.
fn begun(mut stderr: &[u8]) -> &[u8] {
    while stderr.starts_with(b"syscall-recorder: removed ") {
        let end = stderr.iter().position(|byte| *byte == b'\n').unwrap();
        stderr = &stderr[end + 1..];
    }
    stderr
}

#[test]
fn bytes_pass_through_unchanged() {
    let Some(bench) = Bench::new(&[]) else { return };
    let noise = noise();
    fs::write(bench.path("noise"), &noise).unwrap();
    let input = || Stdio::from(fs::File::open(bench.path("noise")).unwrap());
    let output = finish(bench.run(&["cat"]).stdin(input()));
    assert!(output.stdout == noise, "standard output is the command's and nothing else's");
    bench.allowlist().assert_whole();

    fs::remove_file(bench.file()).unwrap();
    let output = finish(bench.run(&["sh", "-c", "cat >&2"]).stdin(input()));
    assert_eq!(output.stdout, b"");
    let written = begun(&output.stderr);
    assert!(written.starts_with(&noise), "standard error is the command's until it has ended");
    let own = String::from_utf8_lossy(&written[noise.len()..]).into_owned();
    assert!(own.lines().all(|line| line.starts_with("syscall-recorder: ")), "{own}");
}

#[test]
fn arguments_and_surroundings_pass_through() {
    let Some(bench) = Bench::new(&[]) else { return };
    let script = "printf '%s|' \"$0\" \"$@\" \"$WORD\" \"$PWD\"; umask; ulimit -n";
    let shell = ["sh", "-c", script, "zero", "--option", "", "two words", "\u{fc}", "--"];
    // The second: no descriptor of the recorder's own is left open to the command.
    for words in [&shell[..], &["ls", "/proc/self/fd"]] {
        let _ = fs::remove_file(bench.file());
        let alone = Started::new(bench.command(words[0]).args(&words[1..]).env("WORD", "a word")).finish();
        let recorded = finish(bench.run(words).env("WORD", "a word"));
        assert!(!alone.stdout.is_empty());
        assert_eq!(String::from_utf8_lossy(&recorded.stdout), String::from_utf8_lossy(&alone.stdout));
    }
}

/// What is said of a command that leaves nothing behind.
#[track_caller]
fn assert_two_lines(output: &Output, command: &str) {
    let said = said(output);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with(&format!("syscall-recorder: {command}: ")), "{said}");
    assert!(lines[1].starts_with("syscall-recorder: next: syscall-recorder show "), "{said}");
}

#[test]
fn what_it_says_is_two_lines() {
    let Some(bench) = Bench::new(&[]) else { return };
    assert_two_lines(&finish(&mut bench.run(&["true"])), "true");
}

#[test]
fn a_command_that_ends_at_once_has_left_nothing_running() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    // strace holds the recorder up as it first asks whether the command has ended: it has by then, but was
    // still running when the recorder looked into the cgroup just before.
    let run = bench.run(&["sleep", "0.5"]);
    let mut strace = bench.command("strace");
    strace.args(["-qq", "-o", "/dev/null", "-e", "trace=wait4,waitid"]);
    strace.args(["-e", "inject=wait4,waitid:delay_enter=1500000:when=1", "--"]);
    let output = Started::new(strace.arg(run.get_program()).args(run.get_args())).finish();
    assert_eq!(output.status.code(), Some(0));
    assert_two_lines(&output, "sleep");
    // Nor may what it did while the recorder was held up be missing.
    assert_eq!(bench.allowlist().calls(NATIVE, "exit_group"), 1);
}

#[test]
fn what_a_command_leaves_running_is_followed_to_its_end() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("daemonise", &[]);
    let output = finish(&mut bench.run(&[&program, "done"]));
    assert_eq!(output.status.code(), Some(0));
    let allowlist = bench.allowlist();
    // Made by the grandchild only, after the first process has ended.
    assert_eq!(allowlist.calls(NATIVE, "sched_get_priority_max"), 7);
    allowlist.assert_whole();
}

#[test]
fn force_overwrites_and_only_then() {
    let Some(bench) = Bench::new(&[]) else { return };
    fs::write(bench.file(), "mine\n").unwrap();
    let mut run = bench.command(BINARY);
    run.args(["run", "--force", "--unit", "a.service", "-o"]).arg(bench.file()).args(["--", "true"]);
    assert_eq!(finish(&mut run).status.code(), Some(0));
    assert!(bench.allowlist().names(NATIVE).contains("execve"));
    assert!(fs::read_to_string(bench.file()).unwrap().contains("unit = \"a.service\""));
}

#[test]
fn a_file_that_appears_meanwhile_is_not_overwritten() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (file, beside) = (bench.file(), bench.out().join("allowlist.toml.1"));
    let command = ["sh", "-c", "echo mine > \"$0\"", file.to_str().unwrap()];
    let output = finish(&mut bench.run(&command));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
    assert_eq!(bench.written(), ["allowlist.toml", "allowlist.toml.1"]);
    assert!(Allowlist::read(&beside).names(NATIVE).contains("execve"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("allowlist.toml.1"), "it says where the allowlist is: {said}");
}

#[test]
fn without_a_file_named_it_is_the_commands_name() {
    let Some(bench) = Bench::new(&[]) else { return };
    let output = finish(bench.command(BINARY).args(["run", "--", "/bin/true"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(Allowlist::read(&bench.work().join("true.toml")).names(NATIVE).contains("execve"));
    assert_eq!(fs::read_dir(bench.work()).unwrap().count(), 1);
}

#[test]
fn what_was_recorded_can_be_shown_and_exported() {
    let Some(bench) = Bench::new(&[]) else { return };
    let names = bench.record(&["sh", "-c", "true"]).names(NATIVE);
    let file = bench.file();
    let read = |words: &[&str]| Started::new(bench.command(BINARY).args(words).arg(&file)).finish();
    let shown = read(&["show"]);
    assert_eq!((shown.status.code(), shown.stderr.as_slice()), (Some(0), &b""[..]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        names.iter().all(|name| shown.lines().any(|line| line.starts_with(&format!("{name} ")))),
        "{shown}"
    );
    let exported = read(&["export", "--format", "names"]);
    assert_eq!(exported.status.code(), Some(0));
    let exported = String::from_utf8(exported.stdout).unwrap();
    assert_eq!(
        exported.lines().map(str::to_owned).collect::<Vec<_>>(),
        names.iter().cloned().collect::<Vec<_>>()
    );
    let unit = String::from_utf8(read(&["export", "--format", "systemd"]).stdout).unwrap();
    assert!(names.iter().all(|name| unit.contains(name)) && unit.contains("SystemCallFilter="), "{unit}");

    fs::write(&file, "this is no allowlist").unwrap();
    assert_eq!(read(&["show"]).status.code(), Some(65));
    assert_eq!(read(&["export"]).status.code(), Some(65));
    fs::remove_file(&file).unwrap();
    assert_eq!(read(&["show"]).status.code(), Some(66));
    assert_eq!(read(&["export"]).status.code(), Some(66));
}
