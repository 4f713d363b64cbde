//! Programs that make the same calls whenever they run. One run each is compared.

use std::fs;

use super::{Agreement, Program};
use crate::support::Bench;

#[test]
fn a_program_that_does_nothing() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    Program::new("true", &["/bin/true"], Agreement::Counts).compare(&bench);
}

#[test]
fn a_static_binary() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let program = bench.compile("static", &["-static"]);
    Program::new("static binary", &[&program], Agreement::Counts).compare(&bench);
}

#[test]
fn dd() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let command = ["dd", "if=/dev/zero", "of=zeros", "bs=512", "count=1000", "status=none"];
    Program::new("dd", &command, Agreement::Counts).compare(&bench);
}

#[test]
fn sha256sum() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let command = ["sha256sum", "big", "big"];
    let program = Program::new("sha256sum", &command, Agreement::Counts);
    program.prepared(&|work| fs::write(work.join("big"), vec![7; 300_000]).unwrap()).compare(&bench);
}

#[test]
fn awk() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let script = "BEGIN { while ((\"ls\" | getline name) > 0) print name | \"sort -r\" }";
    let command = ["awk", script];
    let program = Program::new("awk", &command, Agreement::Names);
    program
        .prepared(&|work| ["a", "b", "c"].iter().for_each(|name| fs::write(work.join(name), "").unwrap()))
        .compare(&bench);
}

#[test]
fn a_shell_pipeline() {
    let Some(bench) = Bench::new(&["strace"]) else { return };
    let command = ["sh", "-c", "ls -l /usr/bin | grep z | sort | wc -l"];
    Program::new("shell pipeline", &command, Agreement::Names).compare(&bench);
}

#[test]
fn find_and_xargs() {
    let Some(bench) = Bench::new(&["strace", "find", "xargs"]) else { return };
    let command = ["sh", "-c", "find . -type f -print0 | xargs -0 -n 7 wc -c | sort -n | tail -n 1"];
    let program = Program::new("find, xargs", &command, Agreement::Names);
    program
        .prepared(&|work| {
            for folder in 0..10 {
                let folder = work.join(folder.to_string());
                fs::create_dir(&folder).unwrap();
                (0..9).for_each(|file| fs::write(folder.join(file.to_string()), "text").unwrap());
            }
        })
        .compare(&bench);
}

#[test]
fn perl() {
    let Some(bench) = Bench::new(&["strace", "perl"]) else { return };
    let script = "use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die; \
                  my $pid = fork; if (!$pid) { syswrite $b, 'word'; exit 3 } \
                  sysread $a, my $word, 4; waitpid $pid, 0; \
                  open my $file, '>', 'file' or die; print $file $word; close $file; \
                  rename 'file', 'other'; chmod 0600, 'other'; utime 1, 2, 'other'; \
                  $| = 1; print $word, $? >> 8, `echo from a child`; unlink 'other';";
    Program::new("perl", &["perl", "-e", script], Agreement::Names).compare(&bench);
}

#[test]
fn sqlite() {
    let Some(bench) = Bench::new(&["strace", "sqlite3"]) else { return };
    let sql = "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1),(2); \
               BEGIN; UPDATE t SET a = a + 1; ROLLBACK; SELECT sum(a) FROM t; VACUUM;";
    Program::new("sqlite3", &["sqlite3", "database", sql], Agreement::Names).compare(&bench);
}

#[test]
fn openssl() {
    let Some(bench) = Bench::new(&["strace", "openssl"]) else { return };
    let command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem"];
    Program::new("openssl", &command, Agreement::Names).compare(&bench);
}

#[test]
fn a_namespace_of_its_own() {
    let Some(bench) = Bench::new(&["strace", "unshare"]) else { return };
    let script = "mount -t tmpfs none . && mkdir root && chroot / true && hostname inside && umount .";
    let command = ["unshare", "--mount", "--uts", "--ipc", "--net", "sh", "-ec", script];
    Program::new("unshare, mount, chroot", &command, Agreement::Names).compare(&bench);
}
