//! What strace saw.

use std::{collections::BTreeMap, fs, process::Output};

use super::{Allowlist, Bench, Started};

/// Runs a command under `strace -f`. Gives how often each call was entered, by strace's names, and what
/// the command wrote.
pub(crate) fn strace(bench: &Bench, words: &[&str], during: &dyn Fn()) -> (BTreeMap<String, u64>, Output) {
    let log = bench.path("strace.log");
    let mut strace = bench.command("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&log).arg("--").args(words);
    let started = Started::new(&mut strace);
    during();
    let output = started.finish();
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    let mut counts = BTreeMap::new();
    for name in text.lines().filter_map(entered) {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    (counts, output)
}

/// The call that a line tells the entry of: `PID name(…`. The second half of a call that another process's
/// line came in between of (`PID <... name resumed>`) is no entry, nor is what starts with `---` or `+++`.
fn entered(line: &str) -> Option<&str> {
    let (pid, rest) = line.split_once(' ')?;
    pid.parse::<u32>().ok()?;
    let (name, _) = rest.trim_start().split_once('(')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// strace's counts by the recorder's names. A call that is younger than strace goes by its number there.
pub(crate) fn renamed(counts: &BTreeMap<String, u64>, recorded: &Allowlist) -> BTreeMap<String, u64> {
    let name = |name: &str| match name.strip_prefix("syscall_0x") {
        Some(number) => {
            let number = u32::from_str_radix(number, 16).unwrap();
            recorded.name_of(number).unwrap_or_else(|| format!("number {number}"))
        }
        None => name.to_owned(),
    };
    counts.iter().map(|(key, count)| (name(key), *count)).collect()
}

#[test]
fn only_entries_are_counted() {
    for (line, name) in [
        ("12  execve(\"/bin/true\", [\"true\"], 0x7ffe /* 3 vars */) = 0", Some("execve")),
        ("12345 wait4(-1,  <unfinished ...>", Some("wait4")),
        ("12345 <... wait4 resumed>[{WIFEXITED(s)}], 0, NULL) = 3", None),
        ("7     restart_syscall(<... resuming interrupted poll ...>", Some("restart_syscall")),
        ("7     syscall_0x1c3(0, 0) = -1 ENOSYS", Some("syscall_0x1c3")),
        ("7     --- SIGCHLD {si_signo=SIGCHLD} ---", None),
        ("7     +++ exited with 0 +++", None),
        ("7     ????( <unfinished ...>", None),
        ("strace: Process 8 attached", None),
        ("", None),
    ] {
        assert_eq!(entered(line), name, "{line}");
    }
}
