//! `diff`.

use super::*;

fn pair() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let nginx = "/usr/sbin/nginx";
    let old = [("accept4", 288, 100, nginx), ("bind", 49, 2, nginx), ("read", 0, 5, nginx)];
    let new = [
        ("accept4", 288, 900, nginx),
        ("bind", 49, 3, nginx),
        ("ptrace", 101, 1, "/usr/bin/gdb\x1b[2J"),
        ("socket", 41, 4, nginx),
    ];
    let new = allowlist("a", 1, &new).replace("    \"bind\",\n", "    \"made_up\",\n");
    fs::write(folder.path().join("old.toml"), allowlist("a", 1, &old)).unwrap();
    fs::write(folder.path().join("new.toml"), new).unwrap();
    folder
}

#[test]
fn what_differs_is_shown_with_what_it_rests_on() {
    let folder = pair();
    let output = run(&["diff", "old.toml", "new.toml"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_same_is_status_0() {
    let folder = pair();
    let output = run(&["diff", "old.toml", "old.toml"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "a.service: old.toml and old.toml allow the same 3 names\n");
}

#[test]
fn json_has_all_of_it() {
    let folder = pair();
    let output = run(&["diff", "old.toml", "new.toml", "--json"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout));
}

/// Another ABI is another name.
#[test]
fn abis_are_compared_each_for_itself() {
    let folder = pair();
    let old = fs::read_to_string(folder.path().join("old.toml")).unwrap();
    let both = old.replace("\n[observed]\n", "i386 = [\"read\"]\n[unnamed]\nx86_64 = [600]\n\n[observed]\n");
    fs::write(folder.path().join("both.toml"), both).unwrap();
    let output = run(&["diff", "old.toml", "both.toml"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_filter_in_a_unit_file_is_a_side() {
    let folder = pair();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.service", "[Service]\nSystemCallFilter=accept4 read listen\n");
    write("b.conf", "[Service]\nSystemCallFilter=accept4 bind read\n");
    write("c.conf", "no unit file\n");
    let names = |words: &[&str], status: i32| {
        let output = run(&[&["diff", "--json"], words].concat(), folder.path());
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        ["added", "removed"].map(|side| {
            let lines = report[side].as_array().unwrap();
            lines.iter().map(|line| line["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        })
    };
    assert_eq!(names(&["old.toml", "a.service"], 1), ["listen", "bind"]);
    assert_eq!(names(&["a.service", "old.toml"], 1), ["bind", "listen"]);
    // What systemd adds by itself is no difference.
    assert_eq!(names(&["old.toml", "b.conf"], 0), ["", ""]);
    assert_eq!(names(&["a.service", "b.conf"], 1), ["bind", "listen"]);
    complaint(&["diff", "old.toml", "c.conf"], folder.path(), 65);
}
