use std::{fmt::Write, sync::LazyLock};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::allowlist::tests::sample;

static TARGET: LazyLock<Target> = LazyLock::new(|| Target::of("252", Some("2.5.4")));

fn target() -> &'static Target {
    &TARGET
}

/// Checks the texts of a unit's file and its drop-ins.
fn of<'a>(texts: &[&str], against: Option<&'a Allowlist>) -> Outcome<'a> {
    let files: Vec<_> = texts.iter().map(|text| UnitFile::parse(text.as_bytes())).collect();
    check(&files, section("a.service", &files), target(), against)
}

/// Settings below `[Service]`, checked against nothing. What is found, one a line.
fn found(settings: &str) -> String {
    let outcome = of(&[&format!("[Service]\n{settings}")], None);
    let mut lines = String::new();
    // Each of these lists leaves it out.
    for (at, problem) in outcome.problems.iter().filter(|(_, problem)| *problem != Problem::Open) {
        let line = at.map_or_else(|| "-".to_owned(), |at| at.line.to_string());
        let also = problem.also().map_or_else(String::new, |also| format!(" (see {})", also.line));
        let fault = if problem.is_fault() { "" } else { " note:" };
        writeln!(lines, "  {line} {}:{fault} {problem}{also}", problem.kind()).unwrap();
    }
    lines
}

#[test]
fn every_fault_has_its_own_words() {
    let faults = [
        "SystemCallFilter=read,write,close",
        "SystemCallFilter=read, write",
        "SystemCallFilter=read,writ,@basic-oi,read",
        "SystemCallFilter=raed SYS_write switch",
        "SystemCallFilter=read mseal",
        "SystemCallFilter=@system-services",
        "SystemCallFilter=@sandbox",
        "SystemCallFilter=switch",
        "SystemCallFilter=~switch",
        "SystemCallFilter=~",
        "SystemCallFilter=read write\nSystemCallFilter=close read",
        "SystemCallFilter=~read\nSystemCallFilter=write @swap",
        "SystemCallFilter=read\nSystemCallFilter=~write",
        "SystemCallFilter=read:EPERM write",
        "SystemCallFilter=~read:EFOO write:",
        "SystemCallFilter=~read:0",
        "SystemCallFilter=read write\\\\\\ \nType=oneshot",
        "SystemCallFilter=read\n  write close",
        "SystemCallFilter=@basic-io\nSystemCallFilter=~execve",
        "Type=exec\nSystemCallFilter=read",
        "SystemCallFilter=read\nSystemCallArchitectures=x86_64 amd64",
        "SystemCallFilter=read\nSystemCallArchitectures=native \"x86",
        "SystemCallFilter=read\nSystemCallErrorNumber=log",
        "SystemCallFilter=read\nSystemCallErrorNumber=0\nSystemCallErrorNumber=EFOO",
        "SystemCallErrorNumber=EPERM",
        "SyscallFilter=read\nSystemcallArchitecture=native",
        "SystemCallFilter=read\nProtectClock=yes\nRestrictRealtime=yes\nPrivateDevices=no",
        "[Unit]\nSystemCallFilter=read\n[Servce]\nSystemCallFilter=read\n[X-Mine]\nSystemCallFilter=read",
        "SystemCallFilter=read\n[Service",
        "SystemCallLog=nosuch read:EPERM @swap @swap",
        "Restart=no",
    ];
    let shown: Vec<_> = faults.map(|settings| format!("{settings}\n{}", found(settings))).into();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_right_is_no_fault() {
    let right = found(
        "SystemCallFilter=read @mount \\\n  close\nSystemCallFilter=~@clock:EPERM fsopen\nSystemCallArchitectures=native x86\nSystemCallErrorNumber=EPERM\nSystemCallLog=~@swap",
    );
    assert_eq!(right, "");
}

#[test]
fn a_reset_takes_the_faults_before_it_along() {
    let unit =
        "[Service]\nSystemCallFilter=read,write\nSystemCallFilter=~foo\nSystemCallArchitectures=amd64\n";
    let drop_in = "[Service]\nSystemCallFilter=\nSystemCallFilter=read\nSystemCallArchitectures=\nSystemCallArchitectures=native\n";
    assert_eq!(of(&[unit, drop_in], None).problems, []);
    assert!(of(&[unit], None).has_findings());
}

#[test]
fn a_fault_in_a_drop_in_is_told_from_one_in_the_units_file() {
    let unit = "[Service]\nSystemCallFilter=read\nSystemCallArchitectures=native\n";
    let outcome = of(&[unit, "[Service]\nSystemCallFilter=write\n[\nSystemCallFilter=close"], None);
    let [(Some(Place { file: 1, line: 3 }), problem)] = &*outcome.problems else {
        panic!("{:?}", outcome.problems)
    };
    assert!(problem.to_string().ends_with("what follows in this file is ignored"), "{problem}");
    assert!(!outcome.filter.denies("write") && outcome.filter.denies("close"));
}

/// The sample has x86_64 bind, execve, read and number 600, and i386 getpid.
#[test]
fn what_was_recorded_and_is_denied_says_why() {
    let sample = sample();
    let why = |settings: &str| {
        let outcome = of(&[&format!("[Service]\n{settings}")], Some(&sample));
        let denied = outcome.comparison.unwrap().denied;
        denied.into_iter().map(|one| (one.name.unwrap_or("600").to_owned(), one.why)).collect::<Vec<_>>()
    };
    let named = |name: &str, why| (name.to_owned(), why);
    let at = |line| Place { file: 0, line };
    assert_eq!(why("SystemCallFilter=read"), [named("bind", Why::NotListed), named("600", Why::Unnamed)]);
    assert_eq!(
        why("SystemCallFilter=~@network-io\nSystemCallFilter=~read"),
        [
            named("bind", Why::Listed { at: at(2), set: Some("@network-io".to_owned()) }),
            named("read", Why::Listed { at: at(3), set: None })
        ]
    );
    assert_eq!(
        why("SystemCallFilter=read bind\nSystemCallFilter=~bind getpid"),
        [
            named("bind", Why::Removed { at: at(3) }),
            named("getpid", Why::Removed { at: at(3) }),
            named("600", Why::Unnamed)
        ]
    );
    assert_eq!(why("Restart=no"), []);
}

#[test]
fn what_was_never_seen_could_go() {
    let sample = sample();
    let outcome =
        of(&["[Service]\nSystemCallFilter=read listen\nSystemCallFilter=@swap bind\n"], Some(&sample));
    let unseen = outcome.comparison.unwrap().unseen;
    let at = |line| Place { file: 0, line };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(
        unseen,
        [
            Unseen { at: at(2), set: None, seen: 1, names: names(&["listen"]) },
            Unseen {
                at: at(3),
                set: Some("@swap".to_owned()),
                seen: 0,
                names: names(&["swapoff", "swapon"])
            },
        ]
    );
}

/// What --with-siblings exports is no finding.
#[test]
fn what_stands_in_for_what_was_seen_is_a_note() {
    let mut sample = sample();
    sample.allow.entry(recorder_common::Abi::X86_64).or_default().insert("accept4".to_owned());
    let outcome = of(&["[Service]\nSystemCallFilter=accept accept4 listen\n"], Some(&sample));
    assert_eq!(outcome.comparison.unwrap().unseen[0].names, ["listen"]);
    let siblings = outcome.problems.iter().find(|(_, problem)| problem.kind() == "siblings").unwrap();
    assert!(!siblings.1.is_fault() && siblings.1.to_string().ends_with(": accept"), "{}", siblings.1);
}

#[test]
fn notes_that_need_a_recording() {
    let sample = sample();
    let notes = |settings: &str| {
        let outcome = of(&[&format!("[Service]\n{settings}")], Some(&sample));
        let shown = outcome.problems.iter().map(|(_, problem)| format!("{}: {problem}", problem.kind()));
        shown.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(
        [
            notes("SystemCallFilter=read bind\nSystemCallArchitectures=native"),
            notes("SystemCallFilter=read,bind\nSystemCallArchitectures=native x86"),
            notes("SystemCallFilter=~@swap\nSystemCallArchitectures=x86"),
            notes("SystemCallFilter=read bind readv preadv2\nProtectClock=1\nProtectHostname=no"),
        ]
        .join("\n\n")
    );
}

#[test]
fn the_section_is_that_of_the_units_type() {
    let parse = |text: &'static str| UnitFile::parse(text.as_bytes());
    assert_eq!(section("a.socket", &[parse("[Service]\n")]), "Socket");
    assert_eq!(section("a.conf", &[parse("[Unit]\n[Mount]\n")]), "Mount");
    assert_eq!(section("a", &[parse("[Unit]\n")]), "Service");
}

/// A value of words that mean something, and of others.
fn value() -> impl Strategy<Value = String> {
    let words = vec![
        "read",
        "write",
        "@swap",
        "@default",
        "nosuch",
        "@nosuch",
        "read:EPERM",
        "a,b",
        "~",
        "\\",
        "\"",
        "ü",
        "",
        ":",
    ];
    (any::<bool>(), vec(prop::sample::select(words), 0..6))
        .prop_map(|(deny, words)| format!("{}{}", if deny { "~" } else { "" }, words.join(" ")))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(texts in vec(any::<String>(), 1..4)) {
        let texts: Vec<_> = texts.iter().map(|text| format!("[Service]\nSystemCallFilter={text}")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let _ = of(&texts, Some(&sample()));
    }

    #[test]
    fn no_values_make_the_filter_panic(values in vec(value(), 0..6)) {
        let list = List::of(values.iter().map(String::as_str), target());
        prop_assert_eq!(list.mode.is_none(), list.begun.is_none());
        prop_assert!(list.mode.is_some() || list.entries.is_empty());
        prop_assert!(list.entries.keys().all(|name| target().resolves(name)));
    }

    /// What stands before a reset is as if it were not there.
    #[test]
    fn a_reset_forgets(before in vec(value(), 0..4), after in vec(value(), 0..4)) {
        let shown = |values: Vec<&str>| {
            let list = List::of(values, target());
            (list.mode, list.shown())
        };
        let after: Vec<_> = after.iter().map(String::as_str).collect();
        let all: Vec<_> = before.iter().map(String::as_str).chain([""]).chain(after.clone()).collect();
        prop_assert_eq!(shown(all), shown(after));
    }

    /// A list of names allows these, what systemd adds, and nothing else; as many lines as one likes.
    #[test]
    fn names_are_allowed_however_they_are_laid_out(names in prop::collection::btree_set(
        prop::sample::select(target().names().collect::<Vec<_>>()), 1..30,
    ), width in 1_usize..10) {
        let names: Vec<_> = names.into_iter().map(|name| target().remembered(name)).collect();
        let values: Vec<_> = names.chunks(width).map(|names| names.join(" \t")).collect();
        let target = target();
        let list = List::of(values.iter().map(String::as_str), target);
        for name in target.names().map(|name| target.remembered(name)) {
            let allowed = names.contains(&name) || target.set("@default").is_some_and(|set| set.contains(name));
            prop_assert_eq!(list.denies(name), !allowed, "{}", name);
        }
    }
}
