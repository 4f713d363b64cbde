//! What a command, a disk or another recorder does to a recording that has begun: it is not lost, and nobody
//! else's is.

use std::{fs, path::Path};

use toml::Table;

use crate::support::{Allowlist, BINARY, Bench, NATIVE, Started, eventually, finish, isolated, said};

/// The cgroup that a shell is in, and the one above it.
const OWN: &str = "point=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
own=$point$(sed -n 's/^0:://p' /proc/self/cgroup)";

#[test]
fn a_disk_that_fills_up_meanwhile_loses_no_recording() {
    let Some(bench) = Bench::new(&["unshare", "mount", "dd"]) else { return };
    let out = bench.out();
    let script = format!("mount -t tmpfs -o size=64k none '{}'", out.display());
    let fill = format!("dd if=/dev/zero of='{}/fill' 2> /dev/null; exit 3", out.display());
    let output = finish(&mut isolated(&bench, &script, &bench.run(&["sh", "-c", &fill])));
    let line = said(&output);
    assert_eq!(output.status.code(), Some(73), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    let (_, spare) = line.trim_end().split_once("the allowlist is in ").unwrap_or_else(|| panic!("{line}"));
    assert!(Path::new(spare).starts_with(bench.temporary()), "{line}");
    let allowlist = Allowlist::read(Path::new(spare));
    allowlist.assert_whole();
    assert!(allowlist.names(NATIVE).contains("exit_group"));
}

#[test]
fn a_command_that_removes_its_own_cgroup_is_recorded_until_then() {
    let Some(bench) = Bench::new(&["awk", "sed", "rmdir"]) else { return };
    let script = format!("{OWN}\necho 0 > \"$own\"/../cgroup.procs\nrmdir \"$own\"\nexit 5");
    let output = finish(&mut bench.run(&["sh", "-c", &script]));
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    // The shell's own first calls, and none after it had left: rmdir among them.
    let names = bench.allowlist().names(NATIVE);
    assert!(names.contains("execve") && names.contains("openat"), "{names:?}");
    assert!(!names.contains("rmdir"), "{names:?}");
}

/// The first recorder has the process id that another process has outside, and which means that one in /proc.
const NAMESAKE: &str = r#"
echo $(($2 - 1)) > /proc/sys/kernel/ns_last_pid
"$1" run -o first.toml -- sh -c 'echo > on; until test -e go; do sleep 0.01; done; sync' &
until test -e ended; do sleep 0.01; done
"$1" run -o second.toml -- true && echo > go && wait $!
"#;

/// In a PID namespace whose /proc is the one outside, process ids do not mean what /proc says of them.
#[test]
fn a_recorder_in_a_pid_namespace_spares_the_others() {
    let Some(bench) = Bench::new(&["unshare", "sleep"]) else { return };
    let outside = Started::talking(&mut bench.command("cat"));
    let mut unshare = bench.command("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "sh", "-c", NAMESAKE, "sh", BINARY]);
    let script = Started::new(unshare.arg(outside.id().to_string()));
    eventually("a recorded command", || bench.work().join("on").exists().then_some(()));
    // By its folder's name the cgroup is of the process outside, which is no more when the second recorder looks.
    assert!(outside.cgroup().exists());
    assert!(outside.finish().status.success());
    fs::write(bench.work().join("ended"), "").unwrap();
    let output = script.finish();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let first = Allowlist::read(&bench.work().join("first.toml"));
    first.assert_whole();
    assert_eq!(first.calls(NATIVE, "sync"), 1);
}

#[test]
fn a_command_found_in_the_current_directory_is_executed_once() {
    let Some(bench) = Bench::new(&[]) else { return };
    fs::copy("/bin/true", bench.work().join("mine")).unwrap();
    // An empty entry means the current directory.
    let output = finish(bench.run(&["mine"]).env("PATH", "/nonexistent::/also-nonexistent"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(bench.allowlist().calls(NATIVE, "execve"), 1);
}

/// The programs that the evidence names for a call of the native ABI.
fn programs(bench: &Bench, call: &str) -> Vec<String> {
    let file: Table = fs::read_to_string(bench.file()).unwrap().parse().unwrap();
    let evidence = file["evidence"].as_array().unwrap();
    let of_call =
        evidence.iter().find(|evidence| evidence.get("name").and_then(|name| name.as_str()) == Some(call));
    let programs = of_call.unwrap()["programs"].as_array().unwrap();
    programs.iter().map(|program| program.as_str().unwrap().to_owned()).collect()
}

/// A file system gives the number of a file that is gone to the next one.
#[test]
fn a_program_in_the_place_of_another_is_told_from_it() {
    let Some(bench) = Bench::new(&["cp", "rm"]) else { return };
    let script = "for name in a b c d; do cp /bin/true $name; ./$name; rm $name; done";
    bench.record(&["sh", "-c", script]);
    let programs = programs(&bench, "brk");
    for name in ["./a", "./b", "./c", "./d"] {
        assert!(programs.iter().any(|program| program == name), "{name}: {programs:?}");
    }
}

#[test]
fn a_script_is_its_interpreter() {
    let Some(bench) = Bench::new(&["chmod", "perl"]) else { return };
    fs::write(bench.work().join("script"), "#!/usr/bin/perl\nchroot '.';\n").unwrap();
    bench.record(&["sh", "-c", "chmod +x script; ./script"]);
    assert_eq!(programs(&bench, "chroot"), ["/usr/bin/perl"]);
}
