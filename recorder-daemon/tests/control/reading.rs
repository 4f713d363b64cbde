//! `show` and `export` of a unit: from the daemon, or from what it left.

use std::fs;

use recorder_daemon::control::wire::{Refusal, Reply, Request};

use super::{
    commands::{complaint, printed},
    support::{Daemon, answer},
};

const NGINX: &str = include_str!("../fixtures/nginx.service.toml");

#[test]
fn a_unit_that_is_recorded_is_asked_of_the_daemon() {
    let daemon = Daemon::new(answer);
    let table = printed(&daemon.run(&["show", "nginx"]));
    assert!(table.starts_with("nginx.service: 5 names (x86_64),"), "{table}");
    let names = printed(&daemon.run(&["export", "nginx", "--format", "names"]));
    assert_eq!(names, "accept4\nbind\nexecve\nread\nwrite\n");
    assert_eq!(daemon.asked(), vec![Request::Allowlist { unit: "nginx".into() }; 2]);
}

#[test]
fn a_unit_that_is_recorded_no_longer_is_read_from_its_file() {
    let mut daemon = Daemon::new(answer);
    fs::write(daemon.folder().join("old@1-1.service.toml"), NGINX).unwrap();
    fs::write(daemon.folder().join("%2Eodd.service.toml"), NGINX).unwrap();
    let read = |daemon: &Daemon| {
        for name in ["old@1-1", "old@1-1.service", ".odd.service"] {
            assert!(printed(&daemon.run(&["show", name])).starts_with("nginx.service: 5 names (x86_64),"));
        }
    };
    read(&daemon);
    daemon.stop();
    daemon.wait();
    read(&daemon);
}

#[test]
fn a_unit_of_which_nothing_is_known_is_no_unit() {
    let mut daemon = Daemon::new(answer);
    let line = complaint(&daemon.run(&["show", "unknown"]), 66);
    assert!(line.contains("is not being recorded") && line.contains("unknown.service.toml"), "{line}");
    daemon.stop();
    daemon.wait();
    let line = complaint(&daemon.run(&["export", "unknown"]), 66);
    assert!(line.contains("not running") && line.contains("systemctl start syscall-recorder"), "{line}");
}

#[test]
fn what_is_a_file_is_not_asked_for() {
    let daemon = Daemon::new(answer);
    fs::create_dir(daemon.folder().join("nginx")).unwrap();
    for file in ["a.toml", "plain"] {
        fs::write(daemon.folder().join(file), NGINX).unwrap();
    }
    for file in ["a.toml", "./a.toml", "plain", "./plain"] {
        printed(&daemon.run(&["show", file]));
    }
    for missing in ["b.toml", "./nginx.service", "/nginx.toml"] {
        complaint(&daemon.run(&["show", missing]), 66);
    }
    assert_eq!(daemon.asked(), []);
    // A folder is no allowlist, and one of a service's name is easily there.
    printed(&daemon.run(&["show", "nginx"]));
    assert_eq!(daemon.asked().len(), 1);
    // Nor is there a file of a cgroup's path.
    complaint(&daemon.run(&["show", "/system.slice/nginx.service"]), 66);
    assert_eq!(daemon.asked().len(), 2);
}

#[test]
fn other_refusals_are_not_hidden_by_an_old_file() {
    let daemon = Daemon::new(|_| Err(Refusal::Failed { reason: "the kernel said no".into() }));
    fs::write(daemon.folder().join("nginx.service.toml"), NGINX).unwrap();
    assert_eq!(complaint(&daemon.run(&["show", "nginx"]), 70), "the kernel said no");
}

#[test]
fn a_daemon_of_a_later_version_may_write_what_we_cannot_read() {
    let daemon = Daemon::new(|_| Ok(Reply::Allowlist { text: "format = 2\n".into() }));
    let line = complaint(&daemon.run(&["show", "nginx"]), 65);
    assert!(line.contains("nginx") && line.contains("format 2"), "{line}");
}
