//! A recorder that is killed leaves one cgroup, which the next one removes; the command lives on.
//!
//! It all happens in a PID namespace of its own. What others leave there is not a recorder's to judge, so no
//! recorder of another test removes the cgroup first. The namespace's end is the end of all in it.

use std::{fs, path::Path};

use crate::support::{BINARY, Bench, Started};

/// Does both, and says what it found, a word and its value a line.
const SCRIPT: &str = r#"
"$1" run -o first.toml -- "$2" > lines < fifo &
recorder=$!
exec 3> fifo
while ! grep -q ready lines; do sleep 0.01; done
command=$(sed -n 's/ready //p' lines)
kill -KILL $recorder
wait $recorder
echo "killed $?"
folder() { ls -d "$3"/syscall-recorder-run-"$1"-"$2"-* 2> /dev/null; }
point=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
left=$(folder "$(stat -Lc %i /proc/self/ns/pid)" "$recorder" "$point${own%/}")
echo "left $left"
echo "within $(cat "$left/cgroup.procs")"
echo "command $command"
: > ready; while ! test -e go; do sleep 0.01; done
test -d "$left" && echo "spared yes"
"$1" run -o second.toml -- true 2> second
echo "second $?"
test -d "$left" || echo "removed yes"
kill -0 "$command" && echo "alive yes"
kill -USR1 "$command"
while ! grep -q USR1 lines; do sleep 0.01; done
exec 3>&-
while kill -0 "$command" 2> /dev/null; do sleep 0.01; done
echo "last $(tail -n 1 lines)"
"#;

fn value<'a>(said: &'a str, word: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{word} is not in:\n{said}"))
}

#[test]
fn what_a_killed_recorder_leaves_the_next_one_removes() {
    let Some(bench) = Bench::new(&["unshare"]) else { return };
    let program = bench.compile("signals", &[]);
    assert!(bench.command("mkfifo").arg("fifo").status().unwrap().success());
    let mut unshare = bench.command("unshare");
    unshare.args([
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        SCRIPT,
        "sh",
        BINARY,
        &program,
    ]);
    let script = Started::new(&mut unshare);
    crate::support::eventually("a killed recorder", || bench.work().join("ready").exists().then_some(()));
    // A recorder outside knows nothing of the ids inside, and must leave the cgroup alone.
    bench.record(&["true"]);
    fs::write(bench.work().join("go"), "").unwrap();
    let output = script.finish();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    assert_eq!(value(&said, "killed"), "137");
    assert_eq!(value(&said, "within"), value(&said, "command"), "the command is still in the cgroup");
    assert_eq!(value(&said, "spared"), "yes");
    assert_eq!(value(&said, "second"), "0");
    assert_eq!(value(&said, "removed"), "yes");
    assert_eq!(value(&said, "alive"), "yes");
    assert_eq!(value(&said, "last"), "HUP=0 INT=0 QUIT=0 TERM=0 USR1=1 USR2=0", "it was not disturbed");
    let second = fs::read_to_string(bench.work().join("second")).unwrap();
    let removed = format!("syscall-recorder: removed {}, which an earlier run left", value(&said, "left"));
    assert_eq!(second.matches(&removed).count(), 1, "{second}");
    let mut files: Vec<_> =
        fs::read_dir(bench.work()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["fifo", "go", "lines", "ready", "second", "second.toml"], "no half-written file");
    assert_eq!(fs::read_dir(bench.temporary()).unwrap().count(), 0);
    assert!(!Path::new(value(&said, "left")).exists());
}

/// Interrupts a recorder that has just made its cgroup: strace holds it up there.
const INTERRUPTED: &str = r#"
point=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
pattern="$point${own%/}/syscall-recorder-run-$(stat -Lc %i /proc/self/ns/pid)-*"
strace -qq -o log -e trace=mkdir,mkdirat -e inject=mkdir,mkdirat:delay_exit=2000000 \
    "$1" run -o a.toml -- sleep 1000 &
strace=$!
while ! ls -d $pattern > /dev/null 2>&1; do sleep 0.01; done
recorder=$(ls -d $pattern | sed 's/.*run-[0-9]*-//; s/-.*//')
kill -TERM "$recorder"
wait $strace
echo "status $?"
echo "cgroups $(ls -d $pattern 2> /dev/null | wc -l)"
rmdir $pattern 2> /dev/null
exit 0
"#;

#[test]
fn an_interrupt_at_the_wrong_moment_leaves_no_cgroup() {
    let Some(bench) = Bench::new(&["unshare", "strace"]) else { return };
    let mut unshare = bench.command("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", INTERRUPTED, "sh", BINARY]);
    let output = Started::new(&mut unshare).finish();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(value(&said, "cgroups"), "0", "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(value(&said, "status"), "143");
}
