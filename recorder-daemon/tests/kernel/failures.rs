//! What fails, fails with its own exit status and one line that names the mend, and leaves nothing behind.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::support::{Allowlist, BINARY, Bench, NATIVE, Started, finish, isolated, said};

/// That the line names what it is about and what to do.
#[track_caller]
fn assert_says(line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

fn file(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn whoever_is_not_root_is_told() {
    const NOBODY: u32 = 65_534;
    let Some(bench) = Bench::new(&[]) else { return };
    // A copy: the folders above the real one may be closed to others.
    let binary = bench.path("syscall-recorder");
    fs::copy(BINARY, &binary).unwrap();
    chown(bench.out(), Some(NOBODY), Some(NOBODY)).unwrap();
    let mut run = bench.command(&binary);
    run.arg("run").arg("-o").arg(bench.file()).args(["--", "true"]).uid(NOBODY).gid(NOBODY);
    assert_says(&bench.complaint(&mut run, 77), &["root", "sudo"]);
}

#[test]
fn a_host_without_cgroup2_is_told() {
    let Some(bench) = Bench::new(&["unshare", "umount"]) else { return };
    let script = "awk '/ - cgroup2 / { print $5 }' /proc/self/mountinfo | while read -r point; do umount -l \"$point\"; done";
    let mut run = isolated(&bench, script, &bench.run(&["true"]));
    assert_says(&bench.complaint(&mut run, 69), &["no cgroup2", "mount -t cgroup2"]);
}

#[test]
fn a_kernel_without_type_information_is_told() {
    let Some(bench) = Bench::new(&["unshare", "mount"]) else { return };
    let mut run = isolated(&bench, "mount -t tmpfs none /sys/kernel/btf", &bench.run(&["true"]));
    assert_says(&bench.complaint(&mut run, 69), &["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF=y"]);
}

/// The command as it is on a kernel that says that it is 2.6, started by these words.
fn on_an_old_kernel(bench: &Bench, by: &[&str], run: &Command) -> Command {
    let mut old = bench.command("setarch");
    old.arg("--uname-2.6").args(by).arg(run.get_program()).args(run.get_args());
    old
}

#[test]
fn a_kernel_below_the_floor_is_told() {
    let Some(bench) = Bench::new(&["setarch", "strace"]) else { return };
    let refuse = ["strace", "-f", "-o", "/dev/null", "-e", "inject=bpf:error=EINVAL"];
    let mut run = on_an_old_kernel(&bench, &refuse, &bench.run(&["true"]));
    let line = bench.complaint(&mut run, 69);
    assert_says(
        &line,
        &["this is Linux 2.6.", "ring buffers", "5.8", "needs Linux 5.10 or later", "Debian 11"],
    );
}

/// Before 5.11 maps are locked memory, of which root gets as much as it takes.
#[test]
fn the_command_has_the_limit_of_locked_memory_that_it_would_have_had() {
    let Some(bench) = Bench::new(&["setarch", "prlimit", "strace"]) else { return };
    let limit = bench.path("limit");
    let words = format!("prlimit --memlock --noheadings --output=SOFT > {}", limit.display());
    let trace = bench.path("trace");
    let by = ["prlimit", "--memlock=65536:", "strace", "-e", "setrlimit,prlimit64", "-o"];
    let by = [&by[..], &[trace.to_str().unwrap()]].concat();
    let mut run = on_an_old_kernel(&bench, &by, &bench.run(&["sh", "-c", &words]));
    assert!(finish(&mut run).status.success());
    assert_eq!(fs::read_to_string(limit).unwrap().trim(), "65536");
    let trace = fs::read_to_string(trace).unwrap();
    let set = |line: &&str| line.contains("RLIMIT_MEMLOCK, {") && line.ends_with("= 0");
    let set: Vec<_> = trace.lines().filter(set).collect();
    assert_eq!(set.len(), 2, "{trace}");
    assert!(!set[0].contains("rlim_cur=64*1024") && set[1].contains("rlim_cur=64*1024"), "{trace}");
}

#[test]
fn a_command_that_is_not_there() {
    let Some(bench) = Bench::new(&[]) else { return };
    for word in ["no-such-command", "./no-such-command", "/no/such/command", ""] {
        assert_says(&bench.complaint(&mut bench.run(&[word]), 127), &["no such command", "PATH", word]);
    }
}

#[test]
fn a_command_that_cannot_be_run() {
    let Some(bench) = Bench::new(&[]) else { return };
    file(&bench.work().join("plain"), "#!/bin/sh\n", 0o644);
    file(&bench.work().join("orphan"), "#!/no/such/interpreter\n", 0o755);
    fs::create_dir(bench.work().join("folder")).unwrap();
    for (word, reason) in [("./plain", "chmod +x"), ("./folder", "directory"), ("./orphan", "interpreter")] {
        let line = bench.complaint(&mut bench.run(&[word, "--option"]), 126);
        assert_says(&line, &[word, "cannot be run", reason]);
    }
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let Some(bench) = Bench::new(&[]) else { return };
    fs::write(bench.file(), "mine\n").unwrap();
    // The command must not be started either.
    let line = bench.complaint(&mut bench.run(&["touch", "started"]), 73);
    assert_says(&line, &["allowlist.toml", "already exists", "--force", "-o FILE"]);
    assert_eq!(fs::read_to_string(bench.file()).unwrap(), "mine\n");
    assert!(!bench.work().join("started").exists());
}

#[test]
fn an_output_folder_that_is_not_there() {
    let Some(bench) = Bench::new(&[]) else { return };
    let mut run = bench.command(BINARY);
    run.args(["run", "-o", "missing/a.toml", "--", "touch", "started"]);
    assert_says(&bench.complaint(&mut run, 73), &["missing/a.toml", "-o FILE"]);
    assert_eq!(fs::read_dir(bench.work()).unwrap().count(), 0);
    let mut run = bench.command(BINARY);
    run.arg("run").arg("-o").arg(bench.out()).args(["--force", "--", "touch", "started"]);
    assert_says(&bench.complaint(&mut run, 73), &["-o FILE"]);
    assert_eq!(fs::read_dir(bench.work()).unwrap().count(), 0);
}

#[test]
fn what_is_no_plain_file_is_not_replaced() {
    let Some(bench) = Bench::new(&["mkfifo"]) else { return };
    let fifo = bench.out().join("fifo");
    assert!(bench.command("mkfifo").arg(&fifo).status().unwrap().success());
    // As it would be with /dev/null, for the whole machine.
    let mut run = bench.command(BINARY);
    run.args(["run", "--force", "-o"]).arg(&fifo).args(["--", "touch", "started"]);
    let line = bench.complaint(&mut run, 73);
    assert_says(&line, &["fifo", "-o FILE"]);
    assert!(!bench.work().join("started").exists());
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let Some(bench) = Bench::new(&["unshare", "mount"]) else { return };
    let script = format!("mount --bind -o ro '{0}' '{0}'", bench.out().display());
    let mut run = isolated(&bench, &script, &bench.run(&["touch", "started"]));
    assert_says(&bench.complaint(&mut run, 73), &["allowlist.toml", "-o FILE"]);
    assert!(!bench.work().join("started").exists());
}

#[test]
fn an_output_folder_that_goes_away_meanwhile() {
    let Some(bench) = Bench::new(&[]) else { return };
    fs::create_dir(bench.work().join("gone")).unwrap();
    let mut run = bench.command(BINARY);
    run.args(["run", "-o", "gone/a.toml", "--", "rmdir", "gone"]);
    let output = finish(&mut run);
    let line = said(&output);
    assert_eq!((output.status.code(), line.lines().count()), (Some(73), 1), "{line}");
    // What was recorded is not lost with it.
    let spare: Vec<_> = fs::read_dir(bench.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(spare.len(), 1, "{spare:?}");
    assert_says(&line, &["gone/a.toml", spare[0].to_str().unwrap()]);
    assert!(Allowlist::read(&spare[0]).names(NATIVE).contains("rmdir"));
}

#[test]
fn wrong_usage_is_status_2() {
    let Some(bench) = Bench::new(&[]) else { return };
    for words in
        [&["run"][..], &["run", "--"], &["run", "-o"], &["run", "--no-such-option", "--", "true"], &[]]
    {
        let output = finish(bench.command(BINARY).args(words));
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert_eq!(output.stdout, b"", "{words:?}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
    assert_eq!(fs::read_dir(bench.work()).unwrap().count(), 0);
}

/// A recording, what fails before and while it is made, and a killed recorder; then whoever is there looks.
const PINNING: &str = r#"
mount -t bpf none /sys/fs/bpf
list() { find /sys/fs/bpf | sort > "$1"; }
list before
"$1" run -o a.toml -- sh -c 'find /sys/fs/bpf | sort > meanwhile'
"$1" run -o a.toml -- true 2> /dev/null || echo "exists $?"
"$1" run -o b.toml -- ./no-such-command 2> /dev/null || echo "no-such $?"
"$1" run -o c.toml -- sh -c 'kill -KILL $$' 2> /dev/null || echo "killed $?"
list failed
"$1" run -o d.toml -- sh -c 'echo > started; read word' < fifo 2> /dev/null &
exec 3> fifo
while ! test -e started; do sleep 0.01; done
kill -KILL $!
wait $! || echo "recorder $?"
list left
# It removes the cgroup, which nobody outside would.
"$1" run -o e.toml -- true 2> /dev/null
"#;

#[test]
fn nothing_is_pinned() {
    let Some(bench) = Bench::new(&["unshare", "mount", "mkfifo", "find"]) else { return };
    assert!(bench.command("mkfifo").arg("fifo").status().unwrap().success());
    // In a mount namespace of its own there is a fresh bpffs, which nobody but these runs can have pinned to.
    // The kernel puts files of its own there. The PID namespace ends what the killed recorder leaves.
    let mut unshare = bench.command("unshare");
    unshare.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare.args(["sh", "-ec", PINNING, "sh", BINARY]);
    let output = Started::new(&mut unshare).finish();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "exists 73\nno-such 127\nkilled 137\nrecorder 137\n");
    let list = |name| fs::read_to_string(bench.work().join(name)).unwrap();
    assert!(list("before").starts_with("/sys/fs/bpf\n"));
    for name in ["meanwhile", "failed", "left"] {
        assert_eq!(list(name), list("before"), "{name}");
    }
}
