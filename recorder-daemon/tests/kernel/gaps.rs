//! Where a kernel map is full, what did not fit is counted: a gap, never silence.

use std::fs;

use crate::support::{Bench, NATIVE};

/// How many cgroups the kernel side has room for: `LIMITS` of `run`.
const CGROUPS: u64 = 16_384;

#[cfg(target_arch = "x86_64")]
#[test]
fn more_unnamed_numbers_than_there_is_room_for() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    let allowlist = bench.record(&[&program, "plain", "2", "1000-6999"]);
    let unnamed = allowlist.unnamed(NATIVE);
    assert!(unnamed.len() > 4_000, "there is room for {}", unnamed.len());
    let counts = allowlist.counts(NATIVE);
    assert!(unnamed.iter().all(|number| counts[&format!("number {number}")] == 2));
    let kept = unnamed.len() as u64;
    assert_eq!(allowlist.gaps()["unnamed_numbers"], kept);
    assert_eq!(allowlist.gaps()["calls_not_counted"], 2 * (6_000 - kept), "each call is counted or is a gap");
    assert!(!allowlist.complete());
}

#[test]
fn more_cgroups_than_there_is_room_for() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("nest", &[]);
    let beyond = 16;
    let made = (CGROUPS + beyond).to_string();
    let allowlist = bench.record(&[&program, "crowd", &made]);
    // The command's own cgroup takes one place.
    assert_eq!(
        allowlist.gaps().into_iter().collect::<Vec<_>>(),
        [("cgroups_not_armed".to_owned(), beyond + 1)]
    );
    assert!(!allowlist.complete());
    let text = fs::read_to_string(bench.file()).unwrap();
    assert!(text.contains("complete = false"), "{text}");
}

#[test]
fn a_filter_that_a_program_sets_itself() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("filter", &["-pthread"]);
    for place in ["self", "thread", "child"] {
        for action in ["errno", "kill"] {
            let status = bench.run(&[&program, action, place]).status().unwrap();
            let killed = action == "kill" && place != "child";
            assert_eq!(status.code(), Some(if killed { 128 + 31 } else { 0 }), "{action} {place}");
            let allowlist = bench.allowlist();
            assert_eq!(allowlist.gaps(), [("under_filter".to_owned(), 1)].into(), "{action} {place}");
            assert!(!allowlist.names(NATIVE).contains("getppid"), "it was denied");
            fs::remove_file(bench.file()).unwrap();
        }
    }
    bench.record(&["true"]).assert_whole();
}
