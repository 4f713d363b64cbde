//! `show`: the rows, and why to look twice.

use super::*;

/// Twelve hosts of which one did odd things, merged.
fn fleet() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let nginx = "/usr/sbin/nginx";
    let usual = [
        ("accept4", 288, 100, nginx),
        ("read", 0, 5000, nginx),
        ("setuid", 105, 2, nginx),
        ("unlink", 87, 3, "/usr/bin/rm"),
    ];
    for host in 0..12_u64 {
        let mut calls = usual.to_vec();
        if host == 7 {
            calls.extend([("bpf", 321, 1, nginx), ("mount", 165, 4, "/bin/\x1b[2Jmount")]);
        }
        let file = allowlist(&format!("h{host}"), host, &calls);
        fs::write(folder.path().join(format!("{host}.toml")), file).unwrap();
    }
    assert!(run(&["merge", ".", "-o", "fleet"], folder.path()).status.success());
    fs::rename(folder.path().join("fleet"), folder.path().join("fleet.toml")).unwrap();
    folder
}

fn shown(folder: &Path, words: &[&str]) -> String {
    let output = run(&[&["show", "fleet.toml"], words].concat(), folder);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn names(folder: &Path, words: &[&str]) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_str(&shown(folder, &[words, &["--json"]].concat())).unwrap();
    report["calls"].as_array().unwrap().iter().map(|call| call["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_table_says_where_to_look_twice() {
    let folder = fleet();
    insta::assert_snapshot!(shown(folder.path(), &[]));
}

#[test]
fn rows_are_sorted_and_chosen() {
    let folder = fleet();
    let names = |words: &[&str]| names(folder.path(), words).join(" ");
    assert_eq!(names(&[]), "accept4 bpf mount read setuid unlink");
    assert_eq!(names(&["--sort", "calls"]), "read accept4 unlink setuid mount bpf");
    assert_eq!(names(&["--sort", "risk"]), "bpf mount setuid unlink accept4 read");
    assert_eq!(names(&["--sort", "starts"]), "bpf mount accept4 read setuid unlink");
    assert_eq!(names(&["--sort", "set"]), "read unlink mount accept4 bpf setuid");
    assert_eq!(names(&["--only", "risk"]), "bpf mount setuid");
    assert_eq!(names(&["--only", "high"]), "bpf mount");
    assert_eq!(names(&["--only", "once,helper"]), "bpf mount unlink");
    assert_eq!(names(&["--only", "few-hosts"]), "bpf mount");
    assert_eq!(names(&["--set", "privileged"]), "bpf setuid");
    assert_eq!(names(&["--program", "rm"]), "unlink");
    assert_eq!(names(&["--program", "/usr/bin/rm", "--abi", "x86_64"]), "unlink");
    assert_eq!(names(&["--abi", "i386"]), "");
    assert!(shown(folder.path(), &["--abi", "i386"]).ends_with("nothing to show: no call is as asked for\n"));
}

#[test]
fn json_has_every_field() {
    let folder = fleet();
    let report: serde_json::Value =
        serde_json::from_str(&shown(folder.path(), &["--json", "--only", "once"])).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[test]
fn an_unknown_abi_or_set_is_wrong_usage() {
    let folder = fleet();
    for words in [["--abi", "z80"], ["--set", "@nothing"], ["--sort", "size"], ["--only", "fun"]] {
        let output = run(&[&["show", "fleet.toml"], &words[..]].concat(), folder.path());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}
