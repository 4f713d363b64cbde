use std::collections::BTreeSet;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSyscall};
use proptest::{prelude::*, sample::subsequence};
use recorder_common::Abi;

use super::*;
use crate::{
    allowlist::Allowlist, allowlist::tests::sample, recording::Gap, syscalls, syscalls::Target,
    unit_file::UnitFile,
};

/// The sample with nothing odd about it.
fn plain() -> Allowlist {
    let mut allowlist = sample();
    allowlist.allow.retain(|abi, _| *abi == Abi::X86_64);
    allowlist.evidence.retain(|evidence| evidence.call.abi == Abi::X86_64 && evidence.name.is_some());
    allowlist.unnamed.clear();
    allowlist.observed.gaps.clear();
    allowlist
}

/// One that allows these names.
fn of(names: &[&str]) -> Allowlist {
    let mut allowlist = plain();
    allowlist.evidence.clear();
    allowlist.allow.insert(Abi::X86_64, names.iter().map(|&name| name.to_owned()).collect());
    allowlist
}

fn stage(stage: Stage) -> Options {
    Options { stage, ..Options::default() }
}

fn incomplete() -> Options {
    Options { incomplete: true, ..Options::default() }
}

fn with_siblings() -> Options {
    Options { siblings: true, ..Options::default() }
}

fn sets(share: u16) -> Options {
    Options { sets: Some(share), target: Some(Target::newest()), ..Options::default() }
}

/// The words of every setting of this key after its reset.
fn words<'a>(text: &'a str, setting: &str) -> Vec<&'a str> {
    let mut values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(setting)).collect();
    if let Some(reset) = values.iter().rposition(|value| value.is_empty()) {
        values.drain(..=reset);
    }
    values.into_iter().flat_map(|value| value.trim_start_matches('~').split_whitespace()).collect()
}

/// What the settings in a drop-in allow.
fn allowed(text: &str) -> Vec<&str> {
    words(text, "SystemCallFilter=")
}

/// All options of the three stages, each a profile that can be written.
fn stages() -> [Options; 3] {
    [Stage::Log, Stage::Errno(ErrorName::Eperm), Stage::Kill].map(stage)
}

#[test]
fn a_drop_in_with_everything_odd() {
    insta::assert_snapshot!(systemd(&sample(), &incomplete()).unwrap());
}

#[test]
fn a_plain_drop_in_closes_the_other_abis() {
    insta::assert_snapshot!(systemd(&plain(), &stage(Stage::Errno(ErrorName::Eperm))).unwrap());
}

#[test]
fn a_profile_without_what_the_runtime_did() {
    let mut allowlist = plain();
    let execve = allowlist.evidence.iter().find(|one| one.name.as_deref() == Some("execve")).unwrap().clone();
    for (name, number, programs) in [
        ("pivot_root", 155, &[][..]),
        ("prctl", 157, &["/dev/fd/6"]),
        ("getpid", 39, &["/dev/fd/6", "/bin/sh"]),
    ] {
        let mut evidence = execve.clone();
        evidence.call.number = number;
        evidence.name = Some(name.to_owned());
        evidence.tally.programs = programs.iter().map(|&program| program.to_owned()).collect();
        allowlist.evidence.push(evidence);
        allowlist.allow.entry(Abi::X86_64).or_default().insert(name.to_owned());
    }
    let options = Options { without_runtime: true, ..Options::default() };
    insta::assert_snapshot!("oci_without_runtime", oci(&allowlist, &options).unwrap());
    assert!(names(&allowlist, &Options::default()).unwrap().contains("pivot_root"));
    // Of what ran already nobody knows where it was executed.
    allowlist.observed.gaps.insert(Gap::RunningBefore, 1);
    let incomplete = Options { incomplete: true, ..options };
    assert_eq!(oci(&allowlist, &incomplete), Err(Refusal::RuntimeNotTold));
}

#[test]
fn a_drop_in_that_denies_nothing() {
    insta::assert_snapshot!(systemd(&plain(), &stage(Stage::Log)).unwrap());
}

#[test]
fn a_drop_in_with_siblings() {
    insta::assert_snapshot!(
        systemd(&of(&["clone", "epoll_wait", "stat", "read"]), &with_siblings()).unwrap()
    );
}

#[test]
fn a_drop_in_with_sets() {
    let timers: Vec<_> = syscalls::sets()
        .filter(|(set, _)| ["@timer", "@io-event"].contains(set))
        .flat_map(|(_, names)| names)
        .copied()
        .filter(|name| !["poll", "ptrace"].contains(name))
        .chain(["bind"])
        .collect();
    insta::assert_snapshot!(systemd(&of(&timers), &sets(800)).unwrap());
}

#[test]
fn profiles_for_containers() {
    let options = Options { siblings: true, ..incomplete() };
    insta::assert_snapshot!("oci", oci(&sample(), &options).unwrap());
    insta::assert_snapshot!("kubernetes", kubernetes(&sample(), &options).unwrap());
}

#[test]
fn a_unit_file_keeps_what_is_not_the_filters() {
    let file = include_bytes!("../../tests/fixtures/nginx-hand-hardened.service");
    let text = unit(&plain(), &stage(Stage::Errno(ErrorName::Eperm)), file).unwrap();
    let text = String::from_utf8(text).unwrap();
    insta::assert_snapshot!(text);
    let kept = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("SystemCall")).map(str::to_owned).collect()
    };
    let theirs = kept(str::from_utf8(file).unwrap());
    let ours = kept(&text);
    assert_eq!(theirs.iter().filter(|line| !ours.contains(line)).count(), 0);
}

/// What Type=exec makes systemd itself write, the filter must let through.
#[test]
fn a_unit_of_type_exec_gets_its_write() {
    let listed = |kind: &str| {
        let file = format!("[Service]\nType=simple\nType={kind}\nExecStart=/x\n");
        let text = unit(&of(&["read"]), &Options::default(), file.as_bytes()).unwrap();
        allowed(str::from_utf8(&text).unwrap()).contains(&"write")
    };
    assert!(listed("exec"));
    assert!(!listed("simple"));
}

#[test]
fn every_refusal_is_one_clear_line() {
    let unsuited = Options { target: "systemd=252".parse().ok(), ..Options::default() };
    let other_error = stage(Stage::Errno(ErrorName::Enosys));
    let lines: Vec<_> = [
        systemd(&of(&[]), &Options::default()),
        systemd(&sample(), &Options::default()),
        systemd(&of(&["read", "mseal"]), &unsuited),
        systemd(&of(&["listmount", "mseal"]), &unsuited),
        kubernetes(&plain(), &other_error),
        unit(&plain(), &Options::default(), b"[Service\n").map(|_| String::new()),
        unit(&plain(), &Options::default(), b"[Unit]\nAfter=x\n").map(|_| String::new()),
    ]
    .into_iter()
    .map(|refused| refused.unwrap_err().to_string())
    .collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    insta::assert_snapshot!(lines.join("\n"));
}

/// What a unit does at its start is known as soon as one start was seen.
#[test]
fn a_start_that_was_not_seen_is_closed_by_one_that_was() {
    let mut allowlist = plain();
    allowlist.observed.gaps.insert(Gap::RunningBefore, 1);
    assert!(systemd(&allowlist, &Options::default()).unwrap().contains("a later start was seen. No gap"));
    allowlist.observed.starts = 1;
    assert!(systemd(&allowlist, &Options::default()).is_err());
    allowlist.observed.gaps.insert(Gap::Skipped, 1);
    allowlist.observed.starts = 2;
    assert!(systemd(&allowlist, &Options::default()).is_err());
}

#[test]
fn every_format_refuses_gaps_alike() {
    let file = b"[Service]\nExecStart=/x\n";
    let all = |options: &Options| {
        [
            systemd(&sample(), options).is_ok(),
            oci(&sample(), options).is_ok(),
            kubernetes(&sample(), options).is_ok(),
            names(&sample(), options).is_ok(),
            unit(&sample(), options, file).is_ok(),
        ]
    };
    assert_eq!(all(&Options::default()), [false; 5]);
    assert_eq!(all(&incomplete()), [true; 5]);
}

#[test]
fn what_the_target_does_not_know_is_said_and_written_all_the_same() {
    let options = Options {
        target: "systemd=247".parse().ok(),
        inexpressible: true,
        siblings: true,
        ..Options::default()
    };
    let text = systemd(&of(&["mseal", "futex"]), &options).unwrap();
    assert!(allowed(&text).contains(&"mseal"));
    assert!(!allowed(&text).contains(&"futex_wait"), "a sibling that the target does not know is of no use");
    let name = "systemd 247, libseccomp 2.5.1";
    assert!(text.contains(&format!("# DENIED, because {name} does not know them: mseal\n")), "{text}");
    assert!(
        text.contains(&format!("# Siblings left out, because {name} does not know them: futex_")),
        "{text}"
    );
}

#[test]
fn what_was_edited_by_hand_is_told_and_never_let_in_again() {
    let mut allowlist = plain();
    let names = allowlist.allow.get_mut(&Abi::X86_64).unwrap();
    names.remove("bind");
    names.insert("ptrace".to_owned());
    let text = systemd(&allowlist, &Options::default()).unwrap();
    assert!(text.contains("# Listed by hand, never seen: ptrace\n"), "{text}");
    assert!(text.contains("# Seen, and taken out by hand: bind\n"), "{text}");

    // Neither as somebody's sibling nor as a member of a set.
    let mut allowlist = of(&["stat", "read"]);
    allowlist.evidence = plain().evidence;
    allowlist.evidence[0].name = Some("statx".to_owned());
    let options = Options { siblings: true, ..sets(1) };
    let text = systemd(&allowlist, &options).unwrap();
    assert!(allowed(&text).contains(&"newfstatat"), "{text}");
    assert!(!allowed(&text).contains(&"statx"), "{text}");
    let let_in = |set: &&str| syscalls::sets().any(|(name, names)| name == *set && names.contains(&"statx"));
    assert!(!allowed(&text).iter().any(let_in), "{text}");
}

/// Runs of a set, members only of the unit's own machine, and what a set lets in beside them.
#[test]
fn a_set_stands_for_names_where_enough_was_seen() {
    let timer: Vec<&str> =
        syscalls::sets().find(|(set, _)| *set == "@timer").map(|(_, names)| names.to_vec()).unwrap();
    let there: Vec<&str> =
        timer.iter().copied().filter(|name| syscalls::number(Abi::X86_64, name).is_some()).collect();
    assert!(there.len() < timer.len(), "what only other machines have need not be seen");
    let text = systemd(&of(&there), &sets(WHOLE)).unwrap();
    assert_eq!(allowed(&text), ["@timer"]);
    assert!(!text.contains("never seen"), "{text}");

    let fewer = &there[1..];
    assert!(!allowed(&systemd(&of(fewer), &sets(WHOLE)).unwrap()).contains(&"@timer"));
    let text = systemd(&of(fewer), &sets(800)).unwrap();
    assert_eq!(allowed(&text), ["@timer"]);
    assert!(text.contains(&format!("never seen: {}\n", there[0])), "{text}");
}

/// `@system-service` holds `@timer` and many more: the larger one stands for all, and is said once.
#[test]
fn a_set_within_a_set_is_not_said_twice() {
    let large: Vec<&str> =
        syscalls::sets().find(|(set, _)| *set == "@system-service").map(|(_, names)| names.to_vec()).unwrap();
    // Some members are no call of any machine's.
    let large: Vec<_> = large.into_iter().filter(|name| Target::newest().resolves(name)).collect();
    let text = systemd(&of(&large), &sets(WHOLE)).unwrap();
    let sets: Vec<_> = allowed(&text).into_iter().filter(|word| word.starts_with('@')).collect();
    assert_eq!(sets, ["@system-service"], "{text}");
}

#[test]
fn the_first_setting_takes_back_what_was_allowed_before() {
    for options in stages() {
        let text = systemd(&plain(), &options).unwrap();
        let first = text.lines().find(|line| line.starts_with("SystemCall"));
        assert!(matches!(first, Some("SystemCallFilter=" | "SystemCallLog=")), "{first:?}");
    }
}

#[test]
fn the_stage_log_denies_nothing() {
    let text = systemd(&plain(), &stage(Stage::Log)).unwrap();
    for setting in ["SystemCallFilter", "SystemCallArchitectures", "SystemCallErrorNumber"] {
        assert!(!text.lines().any(|line| line.starts_with(setting)), "{text}");
    }
    let json: LinuxSeccomp = serde_json::from_str(&oci(&plain(), &stage(Stage::Log)).unwrap()).unwrap();
    // A call by an ABI that is not listed ends the process.
    assert_eq!(json.architectures().as_ref().unwrap().len(), 3);
}

#[test]
fn long_lists_are_broken_between_names() {
    let all: Vec<_> = Abi::ALL.into_iter().flat_map(syscalls::table).map(|(_, name)| *name).collect();
    let allowlist = of(&all);
    for options in stages() {
        let text = systemd(&allowlist, &options).unwrap();
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        let setting = if options.stage == Stage::Log { "SystemCallLog=" } else { "SystemCallFilter=" };
        assert_eq!(words(&text, setting).into_iter().collect::<BTreeSet<_>>(), allowlist.names());
    }
}

#[test]
fn a_unit_name_cannot_leave_its_comment() {
    let mut allowlist = plain();
    allowlist.unit = "a\n[Service]\nExecStart=/bin/sh".to_owned();
    allowlist.observed.host.names = ["b\nExecStart=/bin/sh".to_owned()].into();
    let file = b"[Service]\nType=simple\n";
    for text in [
        systemd(&allowlist, &Options::default()).unwrap(),
        kubernetes(&allowlist, &Options::default()).unwrap(),
        String::from_utf8(unit(&allowlist, &Options::default(), file).unwrap()).unwrap(),
    ] {
        assert!(!text.lines().any(|line| line.starts_with("ExecStart")), "{text}");
    }
}

#[test]
fn names_are_one_a_line() {
    assert_eq!(names(&sample(), &incomplete()).unwrap(), "bind\nexecve\ngetpid\nread\n");
}

#[test]
fn thousands_of_numbers_stay_one_short_comment() {
    let mut allowlist = sample();
    allowlist.unnamed.insert(Abi::X86_64, (600..5000).collect());
    let text = systemd(&allowlist, &incomplete()).unwrap();
    assert!(text.contains("615 and 4384 more\n"), "{text}");
}

/// A filter that was there already answers clone3 with ENOSYS, and nobody sees it.
#[test]
fn clone3_is_let_through_where_a_filter_hid_it() {
    let mut allowlist = of(&["clone", "read"]);
    assert!(!allowed(&systemd(&allowlist, &incomplete()).unwrap()).contains(&"clone3"));
    allowlist.observed.gaps.insert(Gap::AlreadyFiltered, 1);
    assert!(allowed(&systemd(&allowlist, &incomplete()).unwrap()).contains(&"clone3"));
    allowlist.allow.get_mut(&Abi::X86_64).unwrap().remove("clone");
    assert!(!allowed(&systemd(&allowlist, &incomplete()).unwrap()).contains(&"clone3"));
}

fn any_names() -> impl Strategy<Value = Vec<&'static str>> {
    let all: Vec<_> = syscalls::table(Abi::X86_64).iter().map(|(_, name)| *name).collect();
    subsequence(all, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked beside it: each name is let in, by itself or by a set, and no name stands twice.
    #[test]
    fn every_name_is_let_in(names in any_names(), siblings: bool, share in proptest::option::of(1..=WHOLE)) {
        let allowlist = of(&names);
        let options = Options { siblings, sets: share, target: Some(Target::newest()), ..Options::default() };
        let text = systemd(&allowlist, &options).unwrap();
        let listed = allowed(&text);
        let distinct: BTreeSet<_> = listed.iter().copied().collect();
        prop_assert_eq!(distinct.len(), listed.len());
        let members = |word: &str| syscalls::sets().find(|(set, _)| *set == word).map(|(_, names)| names);
        let let_in: BTreeSet<_> =
            listed.iter().flat_map(|word| members(word).map_or_else(|| vec![*word], <[_]>::to_vec)).collect();
        prop_assert!(allowlist.names().is_subset(&let_in));
        if !siblings && share.is_none() {
            prop_assert_eq!(let_in, allowlist.names());
        }
    }

    /// What a set lets in beside what was seen stands in the comments, every single one.
    #[test]
    fn surplus_is_never_silent(names in any_names(), share in 1..=WHOLE) {
        let allowlist = of(&names);
        let text = systemd(&allowlist, &sets(share)).unwrap();
        let comments: BTreeSet<_> =
            text.lines().filter(|line| line.starts_with('#')).flat_map(str::split_whitespace).collect();
        for word in allowed(&text) {
            let Some((_, members)) = syscalls::sets().find(|(set, _)| *set == word) else { continue };
            for member in members {
                let there = syscalls::number(Abi::X86_64, member).is_some();
                prop_assert!(!there || allowlist.names().contains(member) || comments.contains(member), "{member}");
            }
        }
    }

    /// An export over the last one's output gives the same.
    #[test]
    fn a_unit_file_written_twice_is_the_same(names in any_names(), shuffled in any_names()) {
        let file = b"# head\n[Unit]\nDescription=x\n\n[Service]\n# why\nSystemCallFilter=~mount \\\n  umount2\nExecStart=/x\n\
                     SystemCallLog=read\n\n[Install]\nWantedBy=multi-user.target\n";
        let once = unit(&of(&names), &Options::default(), file).unwrap();
        let twice = unit(&of(&names), &Options::default(), &once).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
        // And another one leaves no trace of it.
        let other = unit(&of(&shuffled), &Options::default(), file).unwrap();
        let over = unit(&of(&shuffled), &Options::default(), &once).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&over), String::from_utf8_lossy(&other));
        let read = UnitFile::parse(&once);
        let ours = |setting: &&crate::unit_file::Setting| setting.key == "SystemCallFilter";
        let listed: BTreeSet<_> =
            read.settings.iter().filter(ours).flat_map(|setting| setting.value.split(' ')).collect();
        prop_assert_eq!(listed, names.iter().copied().collect());
    }

    /// The specification's own types read it, and find what was meant.
    #[test]
    fn a_profile_for_containers_is_what_the_specification_says(names in any_names(), siblings: bool) {
        let allowlist = of(&names);
        for options in stages() {
            let options = Options { siblings, ..options };
            let read: LinuxSeccomp = serde_json::from_str(&oci(&allowlist, &options).unwrap()).unwrap();
            let rules = read.syscalls().as_ref().unwrap();
            let listed: Vec<_> = rules.iter().flat_map(LinuxSyscall::names).collect();
            let distinct: BTreeSet<_> = listed.iter().map(|name| name.as_str()).collect();
            prop_assert_eq!(distinct.len(), listed.len());
            prop_assert!(allowlist.names().is_subset(&distinct));
            prop_assert!(rules.iter().all(|rule| rule.action() == LinuxSeccompAction::ScmpActAllow));
        }
    }
}
