//! A profile for containers, enforced by a real runtime: what was recorded works in a container, what was not is
//! denied, stage by stage.

use std::fs;

use serde_json::Value;

use crate::support::{ATTACK, BINARY, Bench, Container, KILLED, LIFE, SAID, Started};

#[test]
fn a_container_lives_under_its_profile_and_can_do_no_more() {
    let Some(bench) = Bench::new(&["crun", "chroot", "ldd", "unshare"]) else { return };
    let container = Container::without_cgroup(&bench);
    let root = container.root();
    let recorded =
        Started::new(&mut bench.run(&["chroot", root.to_str().unwrap(), "/bin/sh", "-c", LIFE])).finish();
    assert_eq!((recorded.status.code(), text(&recorded.stdout)), (Some(0), SAID));
    // It is the tool of that name that prepares the recording.
    let list = fs::read_to_string(bench.file()).unwrap();
    let fewer = list.replace("    \"chroot\",\n", "");
    assert_ne!(fewer, list, "chroot was seen");
    fs::write(bench.file(), fewer).unwrap();

    for stage in ["kill", "errno", "log"] {
        let profile = profile(&bench, stage);
        let lived = container.run(&profile, LIFE);
        assert_eq!(
            (lived.status.code(), text(&lived.stdout)),
            (Some(0), SAID),
            "{stage}: {}",
            text(&lived.stderr)
        );
        let attacked = container.run(&profile, ATTACK);
        let (said, complained) = (text(&attacked.stdout), text(&attacked.stderr));
        match stage {
            "kill" => assert_eq!(said, format!("status {KILLED}\n"), "{complained}"),
            "errno" => {
                assert!(complained.contains("Operation not permitted"), "{complained}");
                assert_ne!(said, "status 0\n");
            }
            _ => assert_eq!(said, "status 0\n", "{complained}"),
        }
    }
}

/// The same profile with the calls that stand in for the recorded ones, and what a runtime makes of a call that it
/// cannot name: nothing, so that whatever needs it is denied. That is why such an export is refused.
#[test]
fn a_runtime_takes_siblings_and_passes_over_what_it_cannot_name() {
    let Some(bench) = Bench::new(&["crun", "chroot", "ldd", "unshare"]) else { return };
    let container = Container::without_cgroup(&bench);
    let root = container.root();
    bench.record(&["chroot", root.to_str().unwrap(), "/bin/sh", "-c", LIFE]);
    let list = fs::read_to_string(bench.file()).unwrap();
    fs::write(bench.file(), list.replace("    \"chroot\",\n", "    \"chroot\",\n    \"no_such_call\",\n"))
        .unwrap();
    let export = |words: &[&str]| {
        let mut command = bench.command(BINARY);
        command.arg("export").arg(bench.file()).args(["--format", "oci", "--with-siblings"]).args(words);
        Started::new(&mut command).finish()
    };
    let refused = export(&[]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(text(&refused.stderr).contains("does not know no_such_call"), "{}", text(&refused.stderr));
    let profile: Value = serde_json::from_slice(&export(&["--allow-inexpressible"]).stdout).unwrap();
    assert!(profile["syscalls"].as_array().unwrap().len() > 1, "there are siblings");
    let lived = container.run(&profile, LIFE);
    assert_eq!(lived.status.code(), Some(0), "{}", text(&lived.stderr));
}

fn profile(bench: &Bench, stage: &str) -> Value {
    let mut export = bench.command(BINARY);
    export.arg("export").arg(bench.file()).args(["--format", "oci", "--stage", stage]);
    let exported = Started::new(&mut export).finish();
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported.stderr));
    serde_json::from_slice(&exported.stdout).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
