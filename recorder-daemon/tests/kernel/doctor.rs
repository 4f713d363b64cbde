//! `doctor`, on this very host and on what is made of it.

use std::{collections::BTreeMap, fs, os::unix::process::CommandExt, process::Command};

use crate::support::{BINARY, Bench, Daemon, finish, isolated};

const NOBODY: u32 = 65_534;

/// Asks for JSON. Gives the exit status, and the level of each topic.
fn levels(command: &mut Command) -> (Option<i32>, BTreeMap<String, String>) {
    let output = finish(command);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    let levels = checks.iter().map(|check| (text(&check["topic"]), text(&check["level"]))).collect();
    assert_eq!(output.status.code() == Some(0), report["works"].as_bool().unwrap(), "{report}");
    (output.status.code(), levels)
}

/// With a state directory that is not there yet, and no daemon.
fn doctor(bench: &Bench) -> Command {
    // A copy: the folders above the real one may be closed to others.
    let binary = bench.path("syscall-recorder");
    fs::copy(BINARY, &binary).unwrap();
    let config = bench.path("config.toml");
    fs::write(&config, format!("state_directory = \"{}\"\n", bench.path("state").display())).unwrap();
    let mut command = bench.command(binary);
    command.args(["doctor", "--socket"]).arg(bench.path("no.socket")).arg("--config").arg(config);
    command
}

#[test]
fn root_is_told_that_the_programs_load_and_attach() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (status, levels) = levels(doctor(&bench).arg("--json"));
    assert_eq!(status, Some(0), "{levels:?}");
    for topic in ["kernel", "types", "capabilities", "programs", "cgroups", "state", "config"] {
        assert_eq!(levels[topic], "ok", "{levels:?}");
    }
    assert_eq!(levels["daemon"], "warning");
}

#[test]
fn each_is_one_line_and_no_terminal_gets_no_colour() {
    let Some(bench) = Bench::new(&[]) else { return };
    let output = finish(&mut doctor(&bench));
    let text = String::from_utf8(output.stdout).unwrap();
    let good = |line: &str| ["ok ", "warning ", "fault "].iter().any(|level| line.starts_with(level));
    assert!(text.lines().count() >= 12 && text.lines().all(good), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_user_without_rights_needs_the_daemon() {
    let Some(bench) = Bench::new(&[]) else { return };
    let (status, alone) = levels(doctor(&bench).arg("--json").uid(NOBODY).gid(NOBODY));
    assert_eq!(status, Some(69), "{alone:?}");
    assert_eq!((&*alone["capabilities"], &*alone["programs"]), ("fault", "warning"), "{alone:?}");
    let daemon = Daemon::start(&bench, "");
    let mut asks = daemon.command(&["doctor", "--json"]);
    asks.arg("--config").arg(bench.path("config.toml"));
    let words: Vec<_> = asks.get_args().map(ToOwned::to_owned).collect();
    let mut asks = bench.command(bench.path("syscall-recorder"));
    let (status, served) = levels(asks.args(words).uid(NOBODY).gid(NOBODY));
    assert_eq!(status, Some(0), "{served:?}");
    assert_eq!((&*served["capabilities"], &*served["daemon"]), ("ok", "ok"), "{served:?}");
}

#[test]
fn a_host_that_cannot_is_status_69() {
    let Some(bench) = Bench::new(&["unshare", "mount", "umount"]) else { return };
    let no_types = "mount -t tmpfs none /sys/kernel/btf";
    let no_cgroups = "awk '/ - cgroup2 / { print $5 }' /proc/self/mountinfo | while read -r point; do umount -l \"$point\"; done";
    for (lacks, script) in [("types", no_types), ("cgroups", no_cgroups)] {
        let (status, levels) = levels(&mut isolated(&bench, script, doctor(&bench).arg("--json")));
        assert_eq!((status, &*levels[lacks]), (Some(69), "fault"), "{levels:?}");
    }
}

#[test]
fn a_bad_configuration_is_a_line_and_not_the_end() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut command = doctor(&bench);
    fs::write(bench.path("config.toml"), "unit = 1\n").unwrap();
    let (status, levels) = levels(command.arg("--json"));
    assert_eq!((status, &*levels["config"], &*levels["programs"]), (Some(69), "fault", "ok"), "{levels:?}");
}
