//! `merge`.

use super::*;

/// Three hosts' files, in a folder of their own below.
fn hosts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("hosts")).unwrap();
    let nginx = "/usr/sbin/nginx";
    let put = |name: &str, text: String| fs::write(folder.path().join("hosts").join(name), text).unwrap();
    put("a.toml", allowlist("a", 1, &[("accept4", 288, 100, nginx), ("read", 0, 5, nginx)]));
    put("b.toml", allowlist("b", 2, &[("accept4", 288, 50, nginx), ("unlink", 87, 1, "/usr/bin/rm")]));
    put("c.toml", allowlist("c", 3, &[("accept4", 288, 7, nginx), ("read", 0, 1, nginx)]));
    folder
}

#[test]
fn order_and_repetition_change_no_byte() {
    let folder = hosts();
    let merged = |words: &[&str]| {
        let output = run(&[&["merge"], words].concat(), folder.path());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let once = merged(&["hosts/a.toml", "hosts/b.toml", "hosts/c.toml"]);
    insta::assert_snapshot!(once);
    assert_eq!(merged(&["hosts/c.toml", "hosts/a.toml", "hosts/b.toml", "hosts/a.toml"]), once);
    assert_eq!(merged(&["hosts"]), once);
    assert_eq!(merged(&["hosts", "-o", "-"]), once);
    fs::write(folder.path().join("list"), "hosts/b.toml\n\nhosts/c.toml").unwrap();
    assert_eq!(merged(&["hosts/a.toml", "--files-from", "list"]), once);
    fs::write(folder.path().join("ab.toml"), merged(&["hosts/a.toml", "hosts/b.toml"])).unwrap();
    assert_eq!(merged(&["ab.toml", "hosts/c.toml", "hosts/b.toml"]), once);
}

#[test]
fn the_names_of_files_come_from_standard_input_too() {
    let folder = hosts();
    let shell = format!(
        "ls hosts/* | {} merge --files-from - -o out.toml --json",
        env!("CARGO_BIN_EXE_syscall-recorder")
    );
    let output = Command::new("sh").args(["-c", &shell]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["files"], &report["recordings"], &report["names"]),
        (&3.into(), &3.into(), &3.into())
    );
    assert_eq!(text(&output.stderr), "syscall-recorder: a.service: 3 names of 3 recordings in 3 files\n");
    assert!(fs::read_to_string(folder.path().join("out.toml")).unwrap().contains("calls = 157\n"));
}

#[test]
fn what_a_reviewer_took_out_stays_out_and_is_said() {
    let folder = hosts();
    let file = folder.path().join("hosts/a.toml");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("    \"read\",\n", "    \"ptrace\",\n")).unwrap();
    let output = run(&["merge", "hosts", "-o", "out.toml"], folder.path());
    insta::assert_snapshot!(text(&output.stderr));
    let names = run(&["export", "out.toml", "--format", "names"], folder.path());
    assert_eq!(text(&names.stdout), "accept4\nptrace\nunlink\n");
}

#[test]
fn units_are_mixed_only_under_a_name() {
    let folder = hosts();
    let file = folder.path().join("hosts/b.toml");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("a.service", "b.service")).unwrap();
    let line = complaint(&["merge", "hosts", "-o", "out.toml"], folder.path(), 65);
    insta::assert_snapshot!(line);
    assert!(!folder.path().join("out.toml").exists());
    let output = run(&["merge", "hosts", "--as", "web"], folder.path());
    assert!(text(&output.stdout).contains("\nunit = \"web\"\n"));
}

#[test]
fn a_result_is_not_overwritten_and_a_failure_leaves_nothing() {
    let folder = hosts();
    let words = ["merge", "hosts/a.toml", "-o", "hosts/a.toml"];
    let before = fs::read_to_string(folder.path().join("hosts/a.toml")).unwrap();
    assert!(complaint(&words, folder.path(), 73).contains("--force"));
    let output =
        run(&["merge", "hosts/a.toml", "hosts/b.toml", "-o", "hosts/a.toml", "--force"], folder.path());
    assert!(output.status.success());
    assert_ne!(fs::read_to_string(folder.path().join("hosts/a.toml")).unwrap(), before);
    complaint(&["merge", "hosts/b.toml", "missing.toml", "-o", "out.toml"], folder.path(), 66);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["hosts"]);
}

#[test]
fn nothing_to_merge_is_wrong_usage() {
    let folder = hosts();
    assert_eq!(run(&["merge"], folder.path()).status.code(), Some(2));
    assert_eq!(run(&["merge", "hosts", "--json"], folder.path()).status.code(), Some(2));
    complaint(&["merge", "--files-from", "/dev/null"], folder.path(), 2);
    complaint(&["merge", "--files-from", "missing"], folder.path(), 66);
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert!(complaint(&["merge", "empty"], folder.path(), 66).contains("empty"));
}

/// The figures in the documents; run it by `cargo test --release --test cli -- --ignored --nocapture ten_thousand`.
#[test]
#[ignore = "writes 350 MB, and says something only in release mode"]
fn ten_thousand_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let names = syscalls();
    let mut list = String::new();
    for host in 0..10_000_u32 {
        // Each has 150 names, not all the same.
        let calls: Vec<_> = names
            .iter()
            .skip(usize::try_from(host % 7).unwrap())
            .take(150)
            .map(|(number, name)| {
                (
                    name.as_str(),
                    *number,
                    1 + u64::from(host) * u64::from(*number) % 1_000_003,
                    "/usr/sbin/nginx",
                )
            })
            .collect();
        let file = format!("host-{host:05}.toml");
        fs::write(folder.path().join(&file), allowlist(&format!("host-{host:05}"), host.into(), &calls))
            .unwrap();
        list.push_str(&file);
        list.push('\n');
    }
    fs::write(folder.path().join("forward"), &list).unwrap();
    let backward: Vec<_> = list.lines().rev().collect();
    fs::write(folder.path().join("backward"), backward.join("\n")).unwrap();
    for (order, out) in [("forward", "1.toml"), ("backward", "2.toml")] {
        let began = std::time::Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_syscall-recorder"))
            .args(["merge", "--files-from", order, "-o", out])
            .current_dir(folder.path())
            .spawn()
            .unwrap();
        let (mut peak, mut ticks) = (0, 0);
        while child.try_wait().unwrap().is_none() {
            let of =
                |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
            // utime and stime, in hundredths of a second, behind the name in brackets.
            let stat = of("stat");
            let figures = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            ticks = ticks.max(figures.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum());
            let status = of("status");
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            peak = peak.max(kib.unwrap_or_default());
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let size = fs::metadata(folder.path().join(out)).unwrap().len();
        println!(
            "{order}: {:?}, {ticks} hundredths of a second of processors, at most {peak} KiB resident, result {size} bytes",
            began.elapsed()
        );
        assert!(0 < peak && peak < 100 << 10, "{peak} KiB resident");
        assert!(child.wait().unwrap().success());
    }
    let result = |out: &str| fs::read(folder.path().join(out)).unwrap();
    assert!(result("1.toml") == result("2.toml"), "the order changed something");
}

fn syscalls() -> Vec<(u32, String)> {
    let table = recorder_daemon::syscalls::table(recorder_common::Abi::X86_64);
    table.iter().take(160).map(|(number, name)| (*number, (*name).to_owned())).collect()
}
