//! A number means nothing without the convention that it came by.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Abi;
use recorder_daemon::{
    kernel::{Limits, Manager, Recorder},
    syscalls,
};

use crate::{
    lookups::folder,
    setup_calls::LIMITS,
    support::{Allowlist, Bench, finish_in},
};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// What `/bin/true`'s kind of program calls must not have grown by what was meant for another ABI.
fn assert_not_native(allowlist: &Allowlist, absent: &[&str]) {
    let native = allowlist.names("x86_64");
    assert!(native.contains("execve") && native.contains("exit_group"), "{native:?}");
    for name in absent {
        assert!(!native.contains(*name), "{name} is not among x86_64's: {native:?}");
    }
}

#[test]
fn int_0x80_in_a_64_bit_process_is_i386() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    // 20 is writev and 64 is semget in x86-64, 45 is recvfrom.
    let allowlist = bench.record(&[&program, "int80", "7", "20", "64", "45"]);
    assert_eq!(allowlist.counts("i386"), counts(&[("getpid", 7), ("getppid", 7), ("brk", 7)]));
    assert_eq!(allowlist.names("i386"), names(&["brk", "getpid", "getppid"]));
    assert_not_native(&allowlist, &["writev", "semget", "recvfrom", "getppid"]);
    allowlist.assert_whole();
}

#[test]
fn a_32_bit_program_is_i386() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program =
        bench.compile("i386", &["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie"]);
    let allowlist = bench.record(&[&program]);
    assert_eq!(allowlist.counts("i386"), counts(&[("exit", 1), ("getpid", 5), ("getppid", 3)]));
    assert_eq!(allowlist.names("i386"), names(&["exit", "getpid", "getppid"]));
    // The call that started it came from the 64-bit process that the recorder is.
    assert_eq!(allowlist.counts("x86_64"), counts(&[("execve", 1)]));
    allowlist.assert_whole();
}

#[test]
fn x32_is_x32_though_the_kernel_refuses_it() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    // The numbers from 512 up are x32's own; 520 is execve, and 59 is what it is in x86-64.
    let allowlist = bench.record(&[&program, "x32", "4", "0", "110", "520", "547"]);
    let expected = counts(&[("read", 4), ("getppid", 4), ("execve", 4), ("pwritev2", 4)]);
    assert_eq!(allowlist.counts("x32"), expected);
    assert_eq!(allowlist.names("x32"), names(&["execve", "getppid", "pwritev2", "read"]));
    assert_eq!(allowlist.calls("x86_64", "execve"), 1);
    assert_not_native(&allowlist, &["getppid", "pwritev2"]);
    allowlist.assert_whole();
}

#[test]
fn numbers_without_a_name_are_kept_and_make_it_incomplete() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    let allowlist = bench.record(&[&program, "plain", "9", "600", "100000", "4294967295", "511", "110"]);
    assert_eq!(allowlist.unnamed("x86_64"), [511, 600, 100_000, u32::MAX].into());
    for number in [511, 600, 100_000, u32::MAX] {
        assert_eq!(allowlist.calls("x86_64", &format!("number {number}")), 9, "{number}");
    }
    assert_eq!(allowlist.calls("x86_64", "getppid"), 9);
    assert!(!allowlist.complete());
    assert_eq!(allowlist.gaps(), counts(&[("unnamed_numbers", 4)]));
}

#[test]
fn numbers_without_a_name_stay_with_their_abi() {
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    for (convention, abi) in [("int80", "i386"), ("x32", "x32")] {
        let allowlist = bench.record(&[&program, convention, "3", "500", "700", "70000"]);
        assert_eq!(allowlist.unnamed(abi), [500, 700, 70_000].into(), "{abi}");
        assert_eq!(allowlist.unnamed("x86_64"), BTreeSet::new(), "{abi}");
        let expected = counts(&[("number 500", 3), ("number 700", 3), ("number 70000", 3)]);
        assert_eq!(allowlist.counts(abi), expected);
        assert_eq!(allowlist.gaps(), counts(&[("unnamed_numbers", 3)]));
    }
}

/// A further ABI's row is made at its first call, inside the kernel, which may have no memory for it at that moment. Here
/// it has places for so few that most units get none.
#[test]
fn a_call_for_whose_row_there_is_no_place_is_counted_all_the_same() {
    const FEW: Limits = Limits { units: 1, ..LIMITS };
    let Some(bench) = Bench::new(&[]) else { return };
    let program = bench.compile("abis", &[]);
    let mut recorder = Recorder::start(FEW, Manager::default()).unwrap();
    for number in 0..8 {
        let (unit, place) = (recorder.number().unwrap(), folder(&format!("few{number}")));
        recorder.arm(unit, place.id(), true).unwrap();
        finish_in(&place.0, &[&program, "int80", "7", "20", "64", "45"]);
        let snapshot = recorder.snapshot(unit).unwrap();
        let of_i386 = snapshot.calls.iter().filter(|(call, _)| call.abi == Abi::I386);
        let of_i386: BTreeMap<_, _> =
            of_i386.map(|(call, calls)| (syscalls::name(call.abi, call.number).unwrap(), *calls)).collect();
        assert_eq!(of_i386, [("getpid", 7), ("getppid", 7), ("brk", 7)].into(), "{unit:?}");
        assert_eq!((snapshot.misses.calls, snapshot.misses.sightings), (0, 0));
        let sighted: BTreeSet<_> = snapshot.sightings.iter().map(|sighting| sighting.call).collect();
        assert!(snapshot.calls.keys().all(|call| sighted.contains(call)), "{snapshot:?}");
    }
}
