//! The daemon, by its real binary and its commands. There is no systemd here, so the tests make cgroups as it does.

use std::{fs, process::Command};

use crate::support::{Bench, Daemon, Mounted, NATIVE, Slice, Started, eventually, finish_in};

/// A command that makes `count` calls that nothing else in it makes.
fn calling(program: &str, count: &str) -> [String; 5] {
    [program, "processes", "1", count, "0"].map(str::to_owned)
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_unit_is_recorded_over_its_restarts_exactly() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("restarts");
    let unit = slice.service("a");
    let daemon = Daemon::start(&bench, "");
    slice.make("a");
    assert_eq!(daemon.done(&["start", &unit]), format!("recording {unit}\n"));
    slice.remove("a");
    for _ in 0..100 {
        let folder = slice.make("a");
        finish_in(&folder, &words(&calling(&program, "11")));
        slice.remove("a");
    }
    let said = daemon.done(&["stop", &unit]);
    assert!(said.starts_with(&format!("{unit}: allowlist in ")), "{said}");
    let allowlist = daemon.allowlist(&unit);
    allowlist.assert_whole();
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 1100);
    assert_eq!(allowlist.calls(NATIVE, "execve"), 100);
    assert_eq!(allowlist.starts(), 100);
    daemon.refused(&["stop", &unit], 66);
    // What was recorded is there to be looked at, whoever asks for it.
    let shown = daemon.done(&["show", &unit]);
    assert!(shown.contains("getppid") && shown.contains("100 starts"), "{shown}");
}

#[test]
fn a_unit_that_ran_before_is_recorded_and_its_start_is_a_gap() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("obey", &[]);
    let slice = Slice::new("before");
    let unit = slice.service("a");
    let mut running = Started::talking(&mut bench.command(&program));
    fs::write(slice.make("a").join("cgroup.procs"), running.id().to_string()).unwrap();
    let daemon = Daemon::start(&bench, "");
    let said = daemon.done(&["start", &unit]);
    assert!(said.contains("it was running already"), "{said}");
    running.tell(b"17\n");
    assert_eq!(running.line(), "17");
    let status = daemon.status(&unit);
    assert_eq!(status["gaps"]["running_before"], 1);
    assert_eq!(status["running"], true);
    running.tell_end();
    assert!(running.finish().status.success());
    daemon.done(&["stop", &unit]);
    let allowlist = daemon.allowlist(&unit);
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 17);
    assert_eq!(allowlist.starts(), 1);
    assert!(!allowlist.complete());
}

#[test]
fn a_glob_records_what_is_there_and_what_appears_and_nothing_else() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("glob");
    let daemon = Daemon::start(&bench, "");
    let run = |name: &str, count: usize| {
        finish_in(&slice.make(name), &words(&calling(&program, &count.to_string())));
    };
    for n in 0..20 {
        slice.make(&format!("m{n}"));
    }
    run("other", 1);
    let glob = slice.service("m*");
    let said = daemon.done(&["start", &glob]);
    assert!(said.contains("recording 20 units"), "{said}");
    for n in 0..20 {
        let name = format!("m{n}");
        slice.remove(&name);
        run(&name, 1000 + n);
    }
    for n in 20..60 {
        run(&format!("m{n}"), 1000 + n);
    }
    slice.remove("other");
    run("other", 5);
    // One of them is wanted twice.
    let twice = slice.service("m7");
    daemon.done(&["start", &twice]);
    let said = daemon.done(&["stop", &glob]);
    assert_eq!(said.matches(": allowlist in ").count(), 59, "{said}");
    let said = daemon.done(&["stop", &twice]);
    assert_eq!(said.matches(": allowlist in ").count(), 1, "{said}");
    for n in 0..60 {
        let allowlist = daemon.allowlist(&slice.service(&format!("m{n}")));
        allowlist.assert_whole();
        assert_eq!(allowlist.calls(NATIVE, "getppid"), 1000 + n);
        assert_eq!(allowlist.calls(NATIVE, "execve"), 1);
        assert_eq!(allowlist.starts(), 1, "{n}");
    }
    assert!(!daemon.state().join(format!("{}.toml", slice.service("other"))).exists());
    daemon.refused(&["status", &twice], 66);
}

#[test]
fn any_cgroup_is_recorded_by_its_path_also_when_it_is_made_anew() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("path");
    let folder = slice.make("box").join("payload");
    let path = format!("{}/{}/payload", slice.within(), slice.service("box"));
    let daemon = Daemon::start(&bench, "");
    let line = daemon.refused(&["start", "--cgroup", &path], 2);
    assert!(line.contains("payload"), "{line}");
    fs::create_dir(&folder).unwrap();
    daemon.done(&["start", "--cgroup", folder.to_str().unwrap()]);
    for _ in 0..5 {
        fs::remove_dir(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        let below = folder.join("below");
        fs::create_dir(&below).unwrap();
        finish_in(&below, &["/bin/true"]);
        eventually("an empty cgroup", || fs::remove_dir(&below).ok());
    }
    assert_eq!(daemon.status(&path)["starts"], 5);
    daemon.done(&["stop", &path]);
    let shown = daemon.done(&["show", &path, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let execve = shown["calls"].as_array().unwrap().iter().find(|call| call["name"] == "execve").unwrap();
    assert_eq!(execve["calls"], 5);
}

#[test]
fn a_daemon_that_is_asked_to_end_writes_all_and_the_next_goes_on() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("end");
    let unit = slice.service("a");
    let mut daemon = Daemon::start(&bench, "");
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    finish_in(&folder, &words(&calling(&program, "300")));
    daemon.end();
    let first = daemon.allowlist(&unit);
    assert_eq!(first.calls(NATIVE, "getppid"), 300);
    first.assert_whole();

    daemon.start_again(&bench);
    finish_in(&folder, &words(&calling(&program, "40")));
    daemon.done(&["snapshot", &unit]);
    let both = daemon.allowlist(&unit);
    assert_eq!(both.calls(NATIVE, "getppid"), 340);
    assert_eq!(both.gaps(), [("unattached".to_owned(), 1)].into(), "nobody looked in between");

    // What it was seen to do is on disk although nobody asked for it.
    slice.remove("a");
    finish_in(&slice.make("a"), &["/usr/bin/env", "true"]);
    eventually("a recording on disk", || {
        let recordings = fs::read_dir(daemon.state().join("recordings")).unwrap();
        let text: String =
            recordings.flatten().map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect();
        text.contains("/usr/bin/env").then_some(())
    });
    daemon.kill();
    daemon.start_again(&bench);
    daemon.done(&["stop", &unit]);
    let all = daemon.allowlist(&unit);
    assert_eq!(all.calls(NATIVE, "getppid"), 340);
    assert_eq!(all.gaps(), [("unattached".to_owned(), 2)].into());
}

#[test]
fn what_the_configuration_wants_is_recorded_and_a_reload_changes_it() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("config");
    let (one, two) = (slice.service("one"), slice.service("two"));
    let daemon = Daemon::start(&bench, &format!("units = [\"{one}\"]\n"));
    finish_in(&slice.make("one"), &["/bin/true"]);
    assert_eq!(daemon.status(&one)["starts"], 1);
    let line = daemon.refused(&["stop", &one], 66);
    assert!(line.contains("configuration"), "{line}");

    let config = bench.path("daemon").join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace(&one, &two)).unwrap();
    crate::support::kill(daemon.id(), rustix::process::Signal::HUP);
    eventually("the other unit", || {
        let status = daemon.done(&["status"]);
        (status.contains(&two) && !status.contains(&one)).then_some(())
    });
    daemon.allowlist(&one).assert_whole();
}

#[test]
fn a_full_disk_loses_nothing_and_is_told_until_there_is_space_again() {
    let Some(bench) = Bench::new(&["mount"]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("full");
    let unit = slice.service("a");
    let mut daemon = Daemon::start(&bench, "");
    daemon.end();
    let _mounted = Mounted::tmpfs(daemon.state(), "size=256k");
    daemon.start_again(&bench);
    let folder = slice.make("a");
    daemon.done(&["start", &unit]);
    finish_in(&folder, &words(&calling(&program, "10")));
    daemon.done(&["snapshot", &unit]);
    let before = fs::read(daemon.state().join(format!("{unit}.toml"))).unwrap();

    let filler = daemon.state().join("filler");
    let outcome = fs::write(&filler, vec![0; 1 << 20]);
    assert_eq!(outcome.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    finish_in(&folder, &words(&calling(&program, "20")));
    finish_in(&folder, &["/usr/bin/env", "true"]);
    let line = daemon.refused(&["stop", &unit], 70);
    assert!(line.contains("No space left") && line.contains("tried again"), "{line}");
    assert_eq!(
        fs::read(daemon.state().join(format!("{unit}.toml"))).unwrap(),
        before,
        "the old one is whole"
    );
    let status = daemon.done(&["status"]);
    assert!(status.contains("No space left"), "{status}");
    // Begun anew meanwhile: what waits to be written is not forgotten for it.
    daemon.done(&["start", &unit]);
    finish_in(&folder, &words(&calling(&program, "30")));

    fs::remove_file(&filler).unwrap();
    eventually("a disk that is well again", || {
        (!daemon.done(&["status"]).contains("No space")).then_some(())
    });
    daemon.done(&["stop", &unit]);
    assert_eq!(daemon.allowlist(&unit).calls(NATIVE, "getppid"), 10 + 20 + 30);
    daemon.end();
}

#[test]
fn what_is_wanted_by_itself_stays_its_own_below_what_is_recorded() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("nested");
    let (unit, outer) = (slice.service("a"), slice.within().trim_start_matches('/').to_owned());
    let daemon = Daemon::start(&bench, "");
    let folder = slice.make("a");
    let run = |count: &str| finish_in(&folder, &words(&calling(&program, count)));
    daemon.done(&["start", &unit]);
    run("1");
    daemon.done(&["start", &outer]);
    run("20");
    daemon.done(&["stop", &unit]);
    run("300");
    daemon.done(&["start", &unit]);
    run("4000");
    daemon.done(&["stop", &unit]);
    daemon.done(&["stop", &outer]);
    assert_eq!(daemon.allowlist(&unit).calls(NATIVE, "getppid"), 4021);
    assert_eq!(daemon.allowlist(&outer).calls(NATIVE, "getppid"), 300);
}

/// Where a glob is recorded the kernel side names every service, also those that no glob matches.
#[test]
fn a_service_that_is_no_globs_is_its_slices() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("count", &[]);
    let slice = Slice::new("outer");
    let outer = slice.within().trim_start_matches('/').to_owned();
    let daemon = Daemon::start(&bench, "");
    daemon.done(&["start", &outer, &slice.service("matched*")]);
    let [other, matched] = ["other", "matched1"].map(|name| slice.make(name));
    // What is asked for comes after what has appeared.
    daemon.done(&["status"]);
    for (folder, count) in [(&other, "20"), (&matched, "300")] {
        finish_in(folder, &words(&calling(&program, count)));
    }
    daemon.done(&["stop", &slice.service("matched*")]);
    daemon.done(&["stop", &outer]);
    let allowlist = daemon.allowlist(&outer);
    assert_eq!(allowlist.calls(NATIVE, "getppid"), 20);
    assert_eq!(allowlist.gaps(), [("cgroups_not_armed".to_owned(), 1)].into());
    assert_eq!(daemon.allowlist(&slice.service("matched1")).calls(NATIVE, "getppid"), 300);
}

#[test]
fn a_request_that_ends_leaves_what_another_wants() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("holders");
    let (unit, glob) = (slice.service("a"), slice.service("*"));
    let daemon = Daemon::start(&bench, "");
    slice.make("a");
    daemon.done(&["start", &unit]);
    slice.remove("a");
    // It has no cgroup now, and the glob wants it all the same.
    daemon.done(&["start", &glob]);
    let folder = slice.make("a");
    let said = daemon.done(&["stop", &unit]);
    assert!(said.contains("still recording"), "{said}");
    finish_in(&folder, &["/bin/true"]);
    daemon.done(&["stop", &glob]);
    let allowlist = daemon.allowlist(&unit);
    allowlist.assert_whole();
    assert_eq!((allowlist.calls(NATIVE, "execve"), allowlist.starts()), (1, 1));
}

#[test]
fn wrong_requests_get_one_line_each() {
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("wrong");
    let daemon = Daemon::start(&bench, "");
    let long = "x".repeat(300);
    for name in ["../x", &long, "a\u{1b}[2Jb", "foo@.service", "x.target", ""] {
        daemon.refused(&["start", name], 2);
    }
    assert!(!daemon.refused(&["start", "a\u{1b}[2Jb"], 2).contains('\u{1b}'));
    for name in ["...service", "no-such-unit"] {
        assert!(daemon.refused(&["start", name], 66).contains("no such unit"));
        daemon.refused(&["stop", name], 66);
        daemon.refused(&["snapshot", name], 66);
        daemon.refused(&["status", name], 66);
    }
    slice.make("a");
    let unit = slice.service("a");
    daemon.done(&["start", &unit]);
    let again = daemon.done(&["start", &unit]);
    assert!(again.contains("already"), "{again}");
    assert_eq!(again.lines().count(), 1);

    // A second one would take the socket away from the first.
    let config = bench.path("daemon").join("config.toml");
    let second =
        Command::new(crate::support::BINARY).arg("daemon").arg("--config").arg(config).output().unwrap();
    assert_eq!(second.status.code(), Some(69));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another daemon is listening"), "{said}");
    daemon.done(&["status", &unit]);
}

/// As `systemd-run` makes them: each has a name that never comes again. And one that does.
#[test]
fn services_with_a_name_for_one_time_only_do_not_fill_the_kernels_places() {
    const MANY: usize = 540;
    let Some(bench) = Bench::new(&[]) else { return };
    let slice = Slice::new("transient");
    let glob = slice.service("*");
    let daemon = Daemon::start(&bench, "flush_seconds = 1\n");
    daemon.done(&["start", &glob]);
    let once = |name: &str| {
        finish_in(&slice.make(name), &["/bin/true"]);
        slice.remove(name);
    };
    once("again");
    for number in 0..MANY {
        once(&format!("run-u{number}"));
    }
    let recorded = || {
        let status: serde_json::Value = serde_json::from_str(&daemon.done(&["status", "--json"])).unwrap();
        status["units"].as_array().unwrap().len()
    };
    eventually("services that are retired", || (recorded() <= 512).then_some(()));
    let again = slice.service("again");
    daemon.refused(&["status", &again], 66);
    once("again");
    daemon.done(&["stop", &glob]);
    for number in 0..MANY {
        let allowlist = daemon.allowlist(&slice.service(&format!("run-u{number}")));
        allowlist.assert_whole();
        assert_eq!((allowlist.calls(NATIVE, "execve"), allowlist.starts()), (1, 1), "{number}");
    }
    let again = daemon.allowlist(&again);
    again.assert_whole();
    assert_eq!((again.calls(NATIVE, "execve"), again.starts()), (2, 2), "retired, and named anew");
}
