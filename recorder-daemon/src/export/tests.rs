use std::collections::BTreeSet;

use recorder_common::Abi;

use super::*;
use crate::{allowlist::Allowlist, allowlist::tests::sample};

/// The sample with nothing odd about it.
fn plain() -> Allowlist {
    let mut allowlist = sample();
    allowlist.allow.retain(|abi, _| *abi == Abi::X86_64);
    allowlist.unnamed.clear();
    allowlist.observed.gaps.clear();
    allowlist
}

/// What the settings in a drop-in allow: the words of every `SystemCallFilter=` after the reset.
fn allowed(drop_in: &str) -> Vec<&str> {
    drop_in
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
        .flat_map(str::split_whitespace)
        .collect()
}

#[test]
fn a_drop_in_with_everything_odd() {
    insta::assert_snapshot!(systemd(&sample(), None).unwrap());
}

#[test]
fn a_plain_drop_in_closes_the_other_abis() {
    insta::assert_snapshot!(systemd(&plain(), Some("EPERM")).unwrap());
}

#[test]
fn every_name_is_in_the_drop_in_once() {
    let allowlist = sample();
    let drop_in = systemd(&allowlist, None).unwrap();
    let listed = allowed(&drop_in);
    let distinct: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(distinct.len(), listed.len());
    assert_eq!(distinct, allowlist.names());
}

#[test]
fn the_first_setting_takes_back_what_was_allowed_before() {
    let drop_in = systemd(&plain(), None).unwrap();
    let first = drop_in.lines().find(|line| line.starts_with("SystemCallFilter"));
    assert_eq!(first, Some("SystemCallFilter="));
}

#[test]
fn long_lists_are_broken_between_names() {
    let mut allowlist = plain();
    let all = Abi::ALL.into_iter().flat_map(crate::syscalls::table).map(|(_, name)| (*name).to_owned());
    allowlist.allow.insert(Abi::X86_64, all.collect());
    let drop_in = systemd(&allowlist, None).unwrap();
    assert!(drop_in.lines().all(|line| line.len() <= 100), "{drop_in}");
    assert_eq!(allowed(&drop_in).into_iter().collect::<BTreeSet<_>>(), allowlist.names());
}

#[test]
fn a_unit_name_cannot_leave_its_comment() {
    let mut allowlist = plain();
    allowlist.unit = "a\n[Service]\nExecStart=/bin/sh".to_owned();
    let drop_in = systemd(&allowlist, None).unwrap();
    assert!(!drop_in.lines().any(|line| line.starts_with("ExecStart")), "{drop_in}");
}

#[test]
fn names_are_one_a_line() {
    assert_eq!(names(&sample()), "bind\nexecve\ngetpid\nread\n");
}

#[test]
fn an_empty_list_is_refused() {
    let mut allowlist = plain();
    allowlist.allow.insert(Abi::X86_64, BTreeSet::new());
    assert_eq!(systemd(&allowlist, None), Err(NothingAllowed));
}

#[test]
fn thousands_of_numbers_stay_one_short_line() {
    let mut allowlist = sample();
    allowlist.unnamed.insert(Abi::X86_64, (600..5000).collect());
    let drop_in = systemd(&allowlist, None).unwrap();
    assert!(drop_in.contains("614 615 and 4384 more\n"), "{drop_in}");
}

/// A filter that was there already answers clone3 with ENOSYS, and nobody sees it.
#[test]
fn clone3_is_let_through_where_a_filter_hid_it() {
    let mut allowlist = plain();
    let names = allowlist.allow.get_mut(&Abi::X86_64).unwrap();
    names.insert("clone".to_owned());
    assert!(!allowed(&systemd(&allowlist, None).unwrap()).contains(&"clone3"));
    allowlist.observed.gaps.insert(crate::recording::Gap::AlreadyFiltered, 1);
    assert!(allowed(&systemd(&allowlist, None).unwrap()).contains(&"clone3"));
    allowlist.allow.get_mut(&Abi::X86_64).unwrap().remove("clone");
    assert!(!allowed(&systemd(&allowlist, None).unwrap()).contains(&"clone3"));
}
