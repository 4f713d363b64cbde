//! The commands that need no root, by the real binary: status, standard output, standard error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;
mod diff;
mod merge;
mod show;

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

/// A file as a recording of a host's makes it: names with their numbers and how often they were called.
fn allowlist(host: &str, began: u64, calls: &[(&str, u32, u64, &str)]) -> String {
    let names: Vec<_> = calls.iter().map(|(name, ..)| format!("    {name:?},\n")).collect();
    let evidence = calls.iter().map(|(name, number, calls, program)| {
        format!(
            "\n[[evidence]]\nabi = \"x86_64\"\nname = {name:?}\nnumber = {number}\ncalls = {calls}\n\
             first_seen = 2026-11-23T17:36:21Z\nlast_seen = 2026-11-25T08:59:58Z\nprograms = [{}]\nstarts = 1\n",
            // Its escapes are TOML's too.
            serde_json::Value::from(*program)
        )
    });
    format!(
        "format = 1\nunit = \"a.service\"\n\n[allow]\nx86_64 = [\n{}]\n\n[observed]\nrecording = \"boot/{began}\"\n\
         hosts = [{host:?}]\nkernels = [\"6.1.0\"]\nsystemd = [\"252\"]\n\
         first = 2026-11-23T17:36:19Z\nlast = 2026-11-25T09:00:00Z\nseconds = 100\nstarts = 1\ncomplete = true\n\n[observed.course]\nstart_occasions = 1\n{}",
        names.concat(),
        evidence.collect::<String>()
    )
}

/// A folder with `a.toml`, an allowlist as `run` writes it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, include_str!("../fixtures/nginx.service.toml")).unwrap();
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
fn report_writes_one_page_and_does_not_overwrite_it() {
    let (folder, _) = folder();
    let words = ["report", "a.toml", "-o", "a.html"];
    assert_eq!(run(&words, folder.path()).status.code(), Some(0));
    let page = fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");
    assert!(page.contains("<bdi>nginx.service</bdi>") && page.contains("<code>accept4</code>"), "{page}");
    let again = complaint(&words, folder.path(), 73);
    assert!(again.contains("a.html") && again.contains("--force"), "{again}");
    let output = run(&["report", "a.toml"], folder.path());
    assert_eq!(text(&output.stdout), page, "the same to standard output");
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
    let line = complaint(&["export", "a.toml", "-o", "out.conf"], folder.path(), 65);
    assert!(line.contains("processes that still ran") && line.contains("--allow-incomplete"), "{line}");
    assert!(!folder.path().join("out.conf").exists());
    let output = run(&["export", "a.toml", "--allow-incomplete"], folder.path());
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

/// The allowlist says of itself what it lacks, so it needs no leave.
#[test]
fn the_allowlist_is_exported_as_it_is() {
    let (folder, file) = folder();
    let whole = fs::read_to_string(&file).unwrap();
    let gaps = "complete = false\n\n[observed.gaps]\nstill_running = 2\n";
    let whole = whole.replace("complete = true\n\n[observed.gaps]\n", gaps);
    fs::write(&file, &whole).unwrap();
    let once = text(&run(&["export", "a.toml", "--format", "allowlist"], folder.path()).stdout);
    assert!(
        once.contains("complete = false\n\n[observed.gaps]") && once.contains("still_running = 2\n"),
        "{once}"
    );
    fs::write(&file, &once).unwrap();
    assert_eq!(text(&run(&["export", "a.toml", "--format", "allowlist"], folder.path()).stdout), once);
    complaint(&["export", "a.toml", "--format", "names"], folder.path(), 65);
}

#[test]
fn options_that_do_not_go_together_are_wrong_usage() {
    let (folder, _) = folder();
    let lines: Vec<_> = [
        "--stage log --error-number EPERM",
        "--stage kill --error-number ENOSYS",
        "--format names --stage log",
        "--format allowlist --with-siblings",
        "--format allowlist --target host",
        "--format oci --sets",
        "--unit-file x.service",
        "--format kubernetes --error-number ENOSYS --target systemd=252",
    ]
    .into_iter()
    .map(|options| {
        let words: Vec<_> = ["export", "a.toml"].into_iter().chain(options.split(' ')).collect();
        complaint(&words, folder.path(), 2)
    })
    .collect();
    insta::assert_snapshot!(lines.concat());
    for words in ["--share 0.9", "--sets --share 0", "--sets --share 1.1", "--sets --share x", "--target 252"]
    {
        let words: Vec<_> = ["export", "a.toml"].into_iter().chain(words.split(' ')).collect();
        assert_eq!(run(&words, folder.path()).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_unit_file_is_that_of_this_host_if_none_is_given() {
    let (folder, file) = folder();
    let text = fs::read_to_string(file).unwrap();
    for (unit, status, says) in
        [("not-on-any-host.service", 66, "not-on-any-host.service"), ("/docker/x", 2, "--unit-file FILE")]
    {
        let line = text.lines().find(|line| line.starts_with("unit = ")).unwrap();
        fs::write(folder.path().join("b.toml"), text.replace(line, &format!("unit = \"{unit}\""))).unwrap();
        let said = complaint(
            &["export", "b.toml", "--format", "unit", "--target", "systemd=252"],
            folder.path(),
            status,
        );
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn what_a_target_cannot_name_is_refused_unless_asked_for() {
    let (folder, file) = folder();
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("    \"bind\",\n", "    \"bind\",\n    \"mseal\",\n")).unwrap();
    for target in ["systemd=252", "libseccomp=2.5.4,systemd=257"] {
        let line = complaint(&["export", "a.toml", "--target", target, "-o", "x"], folder.path(), 65);
        assert!(line.contains("libseccomp 2.5.4 does not know mseal"), "{line}");
        assert!(!folder.path().join("x").exists());
    }
    let words = ["export", "a.toml", "--target", "systemd=252", "--allow-inexpressible"];
    let drop_in = text(&run(&words, folder.path()).stdout);
    assert!(
        drop_in.contains("\n# DENIED, because systemd 252, libseccomp 2.5.4 does not know them: mseal\n")
    );
    assert_eq!(run(&["export", "a.toml", "--target", "systemd=257"], folder.path()).status.code(), Some(0));
}

#[test]
fn a_unit_file_is_written_anew() {
    let (folder, _) = folder();
    let unit = folder.path().join("nginx.service");
    fs::write(&unit, include_str!("../fixtures/nginx-hand-hardened.service")).unwrap();
    let words =
        ["export", "a.toml", "--format", "unit", "--unit-file", "nginx.service", "--target", "systemd=252"];
    let output = run(&words, folder.path());
    let text = text(&output.stdout);
    assert!(text.contains("\nPrivateTmp=true\n# syscall-recorder: begin\n"), "{text}");
    assert_eq!(text.matches("SystemCallFilter=").count(), 3, "{text}");
    // In its own place, too.
    let words = [&words[..], &["-o", "nginx.service", "--force"]].concat();
    assert_eq!(run(&words, folder.path()).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&unit).unwrap(), text);
    let missing = ["export", "a.toml", "--format", "unit", "--unit-file", "missing.service"];
    assert!(complaint(&missing, folder.path(), 66).contains("missing.service"));
    fs::write(&unit, "[Unit]\n").unwrap();
    assert!(complaint(&words, folder.path(), 65).contains("nginx.service: it has no [Service] section"));
}

#[test]
fn two_exports_are_the_same_to_the_byte() {
    let (folder, _) = folder();
    for format in ["systemd", "oci", "kubernetes", "names", "allowlist"] {
        let words = ["export", "a.toml", "--format", format];
        let once = run(&words, folder.path());
        assert_eq!(once.status.code(), Some(0), "{format}: {}", text(&once.stderr));
        assert_eq!(run(&words, folder.path()).stdout, once.stdout, "{format}");
    }
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
    assert!(row("ptrace").ends_with("; allowed, but never seen"), "{table}");
    assert!(
        row("raed").ends_with("no system call of this name is known; allowed, but never seen"),
        "{table}"
    );
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
    for command in ["show", "report", "export"] {
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
    let commands = [
        "run", "start", "stop", "status", "watch", "metrics", "snapshot", "show", "report", "diff", "merge",
        "export", "doctor",
    ];
    for words in commands.map(|command| vec![command, "--help"]).into_iter().chain([vec!["--help"]]) {
        let output = run(&words, folder.path());
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(text(&output.stdout).contains("Examples:"), "{words:?}");
    }
}

/// What each reading command says of files that are none, with one line, and nothing written.
#[test]
fn hostile_files_get_one_line_each() {
    let (folder, file) = folder();
    let whole = fs::read_to_string(&file).unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("no-toml", "[Service]\nExecStart=/bin/true\n");
    put("version", "format = 99\n");
    put("abi", &whole.replace("[allow]\nx86_64", "[allow]\nz80"));
    put("twice", &whole.replace("    \"bind\",\n", "    \"bind\",\n    \"bind\",\n"));
    put("control", &whole.replace("    \"bind\",\n", "    \"b\\u001b[2Jnd\",\n"));
    put("raw-control", &whole.replace("    \"bind\",\n", "    \"b\x1b[2Jnd\",\n"));
    put("evidence", &whole.replacen("name = \"accept4\"", "name = \"bind\"", 1));
    let large = fs::File::create(folder.path().join("large")).unwrap();
    large.set_len(100 << 20).unwrap();
    let mut said = String::new();
    for name in ["no-toml", "version", "abi", "twice", "control", "raw-control", "evidence", "large"] {
        for words in
            [&["show"][..], &["diff", "a.toml"], &["merge", "-o", "out", "a.toml"], &["export", "-o", "out"]]
        {
            let line = complaint(&[words, &[&format!("./{name}")]].concat(), folder.path(), 65);
            assert!(!line.trim_end().contains(char::is_control), "{line:?}");
            if words == ["show"] {
                said += &line;
            } else {
                assert_eq!(line, said.lines().last().unwrap().to_owned() + "\n");
            }
            assert!(!folder.path().join("out").exists(), "{words:?}");
        }
    }
    insta::assert_snapshot!(said);
}
