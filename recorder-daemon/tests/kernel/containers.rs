//! A container of a real runtime, recorded by its cgroup: what its runtime does to set it up is told from what it does
//! itself, and it lives under the profile that comes of it.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{
    setup_calls::Folder,
    support::{
        ATTACK, Bench, Container, Daemon, KILLED, LIFE, NATIVE, SAID, Started, cgroup_mount, isolated,
    },
};

#[test]
fn crun() {
    recorded_and_enforced(&["crun", "--cgroup-manager=cgroupfs"]);
}

#[test]
fn runc() {
    recorded_and_enforced(&["runc"]);
}

fn recorded_and_enforced(runtime: &[&'static str]) {
    let Some(bench) = Bench::new(&[runtime[0], "ldd", "unshare", "strace"]) else { return };
    let daemon = Daemon::start(&bench, "");
    for (round, privileges) in [(0, false), (1, true)] {
        let name = format!("srtest{}{}{round}", std::process::id(), runtime[0]);
        let _folder = Folder::new(cgroup_mount().join(&name));
        let cgroup = format!("/{name}");
        let container = Container::new(&bench, runtime, cgroup.clone(), privileges);
        daemon.done(&["start", "--cgroup", &cgroup]);
        for _ in 0..5 {
            lives(&container, &Value::Null);
        }
        daemon.refused(&["stop", "--cgroup", &name], 2);
        let said = daemon.done(&["stop", "--cgroup", &cgroup]);
        assert!(said.starts_with(&format!("{cgroup}: allowlist in ")), "{said}");

        let list = daemon.allowlist(&format!("%2F{name}"));
        list.assert_whole();
        let all = list.names(NATIVE);
        let of_runtime = marked(&daemon, &cgroup);
        for name in ["mount", "pivot_root", "umount2", "mknodat", "symlinkat", "setsid"] {
            assert!(of_runtime.contains(name), "{name} is not the runtime's: {of_runtime:?}");
        }
        assert_eq!(&all - &of_runtime, by_strace(&bench, &container));

        let profile = profile(&daemon, &cgroup, &["--stage", "kill"]);
        let allowed = allowed(&profile);
        for name in ["mount", "pivot_root", "umount2", "mknodat", "symlinkat", "setsid", "chroot"] {
            assert!(!allowed.contains(name), "{name} is let in");
        }
        for _ in 0..5 {
            lives(&container, &profile);
        }
        assert_eq!(&under_filter(&bench, &container, &profile) - &allowed, BTreeSet::new());
        let attacked = container.run(&profile, ATTACK);
        assert_eq!(text(&attacked.stdout), format!("status {KILLED}\n"), "{}", text(&attacked.stderr));
        let profile = self::profile(&daemon, &cgroup, &["--stage", "errno"]);
        let attacked = container.run(&profile, ATTACK);
        assert!(text(&attacked.stderr).contains("Operation not permitted"), "{}", text(&attacked.stderr));
        assert_ne!(text(&attacked.stdout), "status 0\n");
    }
}

#[track_caller]
fn lives(container: &Container, profile: &Value) {
    let lived = container.run(profile, LIFE);
    let said = (lived.status.code(), text(&lived.stdout));
    assert_eq!(said, (Some(0), SAID), "{}", text(&lived.stderr));
}

/// The names that a reviewer is told to be the runtime's.
fn marked(daemon: &Daemon, cgroup: &str) -> BTreeSet<String> {
    let shown = daemon.done(&["show", cgroup, "--only", "runtime", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let calls = shown["calls"].as_array().unwrap();
    calls.iter().map(|call| call["name"].as_str().unwrap().to_owned()).collect()
}

fn profile(daemon: &Daemon, cgroup: &str, words: &[&str]) -> Value {
    let export = ["export", cgroup, "--format", "oci", "--without-runtime"];
    serde_json::from_str(&daemon.done(&[&export, words].concat())).unwrap()
}

fn allowed(profile: &Value) -> BTreeSet<String> {
    let rules = profile["syscalls"].as_array().unwrap().iter();
    let names = rules.flat_map(|rule| rule["names"].as_array().unwrap());
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// What the container's command calls by itself from its execve on, as strace sees it where there is no container.
fn by_strace(bench: &Bench, container: &Container) -> BTreeSet<String> {
    let log = bench.path("strace.log");
    let mut strace = bench.command("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&log).arg("chroot").arg(container.root());
    strace.args(["/bin/sh", "-c", LIFE]);
    let mount = format!("mount -t proc none {}/proc", container.root().display());
    let output = Started::new(&mut isolated(bench, &mount, &strace)).finish();
    assert_eq!(text(&output.stdout), SAID);
    let lines = lines(&log);
    let begin = lines.iter().position(|(_, line)| line.starts_with("execve(\"/bin/sh\"")).unwrap();
    lines[begin..].iter().filter_map(|(_, line)| call(line)).collect()
}

/// What the runtime calls under the filter, by the thread that has set it, up to the execve of the container's command.
fn under_filter(bench: &Bench, container: &Container, profile: &Value) -> BTreeSet<String> {
    let log = bench.path("strace.log");
    let by = ["strace", "-f", "-qq", "-e", "signal=none", "-o", log.to_str().unwrap()];
    let output = container.run_by(&by, profile, LIFE);
    assert_eq!(text(&output.stdout), SAID, "{}", text(&output.stderr));
    let lines = lines(&log);
    let command = lines.iter().position(|(_, line)| line.starts_with("execve(\"/bin/sh\"")).unwrap();
    let thread = &lines[command].0;
    let own: Vec<_> = lines[..=command].iter().filter(|(of, _)| of == thread).map(|(_, line)| line).collect();
    let sets = |line: &&String| {
        line.starts_with("seccomp(SECCOMP_SET_MODE_FILTER") && !line.contains("NULL")
            || line.starts_with("prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER")
    };
    let filter = own.iter().rposition(sets).unwrap();
    own[filter + 1..].iter().filter_map(|line| call(line)).collect()
}

/// A log of strace's: the thread, and what it did.
fn lines(log: &std::path::Path) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
    let line = |line: &str| {
        let (thread, rest) = line.split_once(' ')?;
        Some((thread.to_owned(), rest.trim_start().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// The call that a line tells the entry of.
fn call(line: &str) -> Option<String> {
    let (name, _) = line.split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then(|| name.to_owned())
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[test]
fn an_entry_is_told_from_what_goes_on() {
    let lines = ["execve(\"/bin/sh\", …", "<... read resumed>) = 0", "+++ exited with 0 +++", "????( …"];
    assert_eq!(lines.into_iter().filter_map(call).collect::<Vec<_>>(), ["execve"]);
}
