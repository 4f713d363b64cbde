//! The commands that ask the daemon, by the real binary.

use std::{fs, process::Output};

use recorder_daemon::control::wire::{Refusal, Reply, Request, Started, Status, Stopped};

use super::support::{Daemon, answer, status};

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command that does what it should has printed.
pub(crate) fn printed(output: &Output) -> String {
    let stderr = text(&output.stderr);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    text(&output.stdout)
}

/// The one line of a command that must fail.
pub(crate) fn complaint(output: &Output, status: i32) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.strip_prefix("syscall-recorder: ").unwrap().trim_end().to_owned()
}

/// Who may is tested elsewhere; here any user may run the tests.
fn answers(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Option<Daemon> {
    super::support::root().then(|| Daemon::new(move |_| Ok(reply())))
}

#[test]
fn start_says_what_is_recorded() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let started = move |request: &str, already, units: &[&str], running: &[&str]| Started {
        request: request.to_owned(),
        already,
        units: names(units),
        running: names(running),
    };
    let Some(daemon) = answers(move || Reply::Started {
        started: vec![
            started("nginx.service", false, &["nginx.service"], &["nginx.service"]),
            started("*.service", false, &["a.service", "b.service"], &[]),
            started("late.service", false, &["late.service"], &[]),
            started("cron.service", true, &["cron.service"], &[]),
        ],
    }) else {
        return;
    };
    insta::assert_snapshot!(printed(&daemon.run(&["start", "nginx", "*.service", "late", "cron"])));
    daemon.run(&["start", "--cgroup", "/docker/a"]);
    let requests = vec!["/docker/a".to_owned()];
    assert_eq!(daemon.asked()[1], Request::Start { requests, cgroup: true });
}

#[test]
fn stop_and_snapshot_say_where_the_allowlists_are() {
    if !super::support::root() {
        return;
    }
    let daemon = Daemon::new(answer);
    let line = "nginx.service: allowlist in /var/lib/syscall-recorder/nginx.service.toml\n";
    assert_eq!(printed(&daemon.run(&["stop", "nginx.service"])), line);
    assert_eq!(printed(&daemon.run(&["snapshot", "nginx.service"])), line);
}

#[test]
fn stop_says_what_goes_on() {
    let goes_on = vec!["nginx.service, wanted by *.service".to_owned()];
    let stopped = Stopped { request: "nginx.service".into(), written: vec![], goes_on };
    let Some(daemon) = answers(move || Reply::Stopped { stopped: vec![stopped.clone()] }) else { return };
    assert_eq!(
        printed(&daemon.run(&["stop", "nginx"])),
        "nginx.service, wanted by *.service: still recording\n"
    );
}

#[test]
fn status_is_a_table() {
    let daemon = Daemon::new(answer);
    insta::assert_snapshot!(printed(&daemon.run(&["status"])));
}

#[test]
fn status_of_one_unit_is_a_page() {
    let daemon = Daemon::new(answer);
    insta::assert_snapshot!("page", printed(&daemon.run(&["status", "nginx"])));
    insta::assert_snapshot!("page_with_gaps", printed(&daemon.run(&["status", "odd"])));
}

#[test]
fn status_for_machines_is_what_the_daemon_says() {
    let daemon = Daemon::new(answer);
    let json = printed(&daemon.run(&["status", "--json"]));
    insta::assert_snapshot!(json);
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status());
}

#[test]
fn status_of_nothing_says_how_to_begin() {
    let degraded = Some("the disk is full".to_owned());
    let daemon = Daemon::new(move |_| {
        Ok(Reply::Status { status: Status { degraded: degraded.clone(), ..Status::default() } })
    });
    assert_eq!(
        printed(&daemon.run(&["status"])),
        "DEGRADED: the disk is full\nnothing is being recorded; begin with `syscall-recorder start UNIT`\n"
    );
}

#[test]
fn every_refusal_has_its_status_and_its_line() {
    let (unit, request) = ("x\u{1b}.service".to_owned(), "../x".to_owned());
    let cases = [
        (Refusal::BadRequest { request, reason: "no unit's name has a slash".into() }, 2),
        (Refusal::NoSuchUnit { unit: unit.clone() }, 66),
        (Refusal::NotRecorded { unit: unit.clone(), reason: None }, 66),
        (Refusal::NotRecorded { unit, reason: Some("it is recorded by *.service; stop that".into()) }, 66),
        (Refusal::NotPermitted { reason: "only root may".into() }, 77),
        (Refusal::Failed { reason: "the kernel said no".into() }, 70),
        (Refusal::Busy, 75),
    ];
    let mut lines = Vec::new();
    for (refusal, status) in cases {
        let daemon = Daemon::new(move |_| Err(refusal.clone()));
        lines.push(format!("{status}: {}", complaint(&daemon.run(&["status", "x"]), status)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_daemon_that_is_not_running_is_named_with_the_mend() {
    let mut daemon = Daemon::new(answer);
    daemon.stop();
    daemon.wait();
    for words in [&["status"][..], &["start", "x"], &["stop", "x"], &["snapshot", "x"]] {
        let line = complaint(&daemon.run(words), 69);
        assert!(
            line.contains("not running") && line.contains("`systemctl start syscall-recorder`"),
            "{line}"
        );
    }
    fs::remove_file(daemon.socket()).unwrap();
    complaint(&daemon.run(&["status"]), 69);
}

/// The line is for the one who reads it, whatever is at the other end.
#[test]
fn a_daemon_that_talks_nonsense_is_no_bug_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("nonsense");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let answers = ["hello\0", "{}\0", "{\"error\":\"org.example.Later\",\"parameters\":{}}\0", "half", ""];
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    for _ in answers {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_syscall-recorder"));
        let output = command.arg("status").arg("--socket").arg(&socket).output().unwrap();
        let line = complaint(&output, 69);
        assert!(line.contains("systemctl"), "{line}");
    }
    serving.join().unwrap();
}

#[test]
fn wrong_usage_is_status_2() {
    let daemon = Daemon::new(answer);
    for words in [&["start"][..], &["stop"], &["snapshot"], &["status", "a", "b"], &["start", "--all"]] {
        let output = daemon.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
    assert_eq!(daemon.asked(), []);
}
