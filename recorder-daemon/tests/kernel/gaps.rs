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
