//! The laws of the merge, to the byte, and what a reviewer's edits come to.

use proptest::collection::vec;

use super::*;

const READ: Call = Call { abi: Abi::X86_64, number: 0 };

/// What a reviewer does to a file: names that go, and names that come.
fn edited(mut allowlist: Allowlist, out: &BTreeSet<usize>, into: &[&str]) -> Allowlist {
    for names in allowlist.allow.values_mut() {
        let mut place = 0;
        names.retain(|_| {
            place += 1;
            !out.contains(&place)
        });
    }
    let names = allowlist.allow.entry(Abi::X86_64).or_default();
    names.extend(into.iter().map(|&name| name.to_owned()));
    allowlist
}

/// Few recordings, and few calls, so that they meet: of the same recording at several times, and of several.
fn allowlist() -> impl Strategy<Value = Allowlist> {
    let calls = btree_map(
        ((0..3_usize).prop_map(|abi| Abi::ALL[abi]), prop_oneof![0..6_u32, 900..902_u32]),
        (0_u64..1 << 62, 0_u64..500, 0_u64..500, btree_set("[ab]", 0..2), 0_u64..9, any::<bool>()),
        0..6,
    );
    let gaps = btree_map((0..Gap::ALL.len()).prop_map(|gap| Gap::ALL[gap]), 1_u64..1 << 62, 0..3);
    let spans =
        btree_map(("[ab]", 0_u64..2), (0_u64..300, 0_u64..300, 0_u64..1 << 62, 0_u64..4, calls, gaps), 0..3);
    let into = proptest::sample::subsequence(vec!["read", "ptrace", "made_up"], 0..3);
    ("[xy]", spans, btree_set(1_usize..4, 0..2), into).prop_map(|(host, spans, out, into)| {
        let mut recording = Recording::new("a.service", Host { names: [host].into(), ..Host::default() });
        for ((boot, began), (first, last, seconds, starts, calls, mut gaps)) in spans {
            gaps.remove(&Gap::UnnamedNumbers);
            let at = Timestamp::from_unix;
            let calls =
                calls.into_iter().map(|((abi, number), (calls, first, last, programs, over, later))| {
                    let (first_seen, last_seen) = (at(first), at(last));
                    let incidence = |over| Incidence { over, before: calls / 2 };
                    let occasions = By { start: incidence(over), hour: incidence(over / 2) };
                    (Call { abi, number }, Tally { calls, first_seen, last_seen, programs, occasions, later })
                });
            let (first, last, calls) = (at(first), at(last), calls.collect());
            let marks =
                [Event::Start, Event::Stop].map(|event| Mark { at: first, event }).into_iter().collect();
            let occasions = By { start: Occasions { over: starts, after: 0 }, hour: Occasions::default() };
            let (stops, reloads, reloadable) = (seconds % 3, seconds % 5, seconds % 2 == 0);
            let span = Span {
                first,
                last,
                seconds,
                starts,
                stops,
                reloads,
                reloadable,
                occasions,
                marks,
                calls,
                gaps,
            };
            recording.spans.insert(SpanId { boot, began }, span);
        }
        edited(Allowlist::of(&recording), &out, &into)
    })
}

fn merged(allowlists: &[&Allowlist]) -> Allowlist {
    let mut merger = Merger::new(None);
    for (place, allowlist) in allowlists.iter().enumerate() {
        merger.add((*allowlist).clone(), &place.to_string()).unwrap();
    }
    merger.finish().unwrap().allowlist
}

/// As it comes back from a file.
fn reread(allowlist: &Allowlist) -> Allowlist {
    Allowlist::from_toml(&allowlist.to_toml()).unwrap()
}

proptest! {
    #[test]
    fn the_merge_is_commutative(a in allowlist(), b in allowlist()) {
        prop_assert_eq!(merged(&[&a, &b]).to_toml(), merged(&[&b, &a]).to_toml());
    }

    #[test]
    fn the_merge_is_associative(a in allowlist(), b in allowlist(), c in allowlist()) {
        let all = merged(&[&a, &b, &c]).to_toml();
        prop_assert_eq!(&merged(&[&reread(&merged(&[&a, &b])), &c]).to_toml(), &all);
        prop_assert_eq!(&merged(&[&a, &reread(&merged(&[&b, &c]))]).to_toml(), &all);
    }

    #[test]
    fn the_merge_is_idempotent(a in allowlist(), b in allowlist()) {
        let once = merged(&[&a, &b]);
        prop_assert_eq!(merged(&[&a, &b, &a, &reread(&once), &b]).to_toml(), once.to_toml());
        prop_assert_eq!(merged(&[&a]).to_toml(), a.to_toml());
    }

    #[test]
    fn what_was_merged_reads_as_it_was_written(all in vec(allowlist(), 1..5)) {
        let merged = merged(&all.iter().collect::<Vec<_>>());
        prop_assert_eq!(reread(&merged), merged);
    }

    #[test]
    fn a_name_is_allowed_if_one_allows_it_and_nobody_has_taken_it_out(all in vec(allowlist(), 1..4)) {
        let merged = merged(&all.iter().collect::<Vec<_>>());
        for abi in Abi::ALL {
            let allows = |list: &Allowlist, name: &str| list.allow.get(&abi).is_some_and(|names| names.contains(name));
            let seen = |list: &Allowlist, name: &str| {
                list.evidence.iter().any(|seen| seen.call.abi == abi && seen.name.as_deref() == Some(name))
            };
            for name in ["read", "write", "open", "ptrace", "made_up", "restart_syscall", "io_setup"] {
                let one = all.iter().any(|list| allows(list, name));
                let out = all.iter().any(|list| seen(list, name) && !allows(list, name));
                prop_assert_eq!(allows(&merged, name), one && !out, "{}", name);
            }
        }
    }
}

fn of_host(host: &str, began: u64, calls: u64) -> Allowlist {
    let at = Timestamp::from_unix(1000);
    let mut span = Span::begin(at);
    (span.last, span.seconds, span.starts) = (Timestamp::from_unix(1000 + calls), calls, 1);
    span.calls = [0, 59]
        .map(|number| {
            let tally = Tally {
                calls,
                first_seen: at,
                last_seen: at,
                programs: [format!("/bin/{host}")].into(),
                occasions: By::default(),
                later: true,
            };
            (Call { abi: Abi::X86_64, number }, tally)
        })
        .into();
    let mut recording =
        Recording::new("a.service", Host { names: [host.to_owned()].into(), ..Host::default() });
    recording.spans.insert(SpanId { boot: "boot".into(), began }, span);
    Allowlist::of(&recording)
}

#[test]
fn recordings_add_up_and_one_that_has_grown_takes_its_own_place() {
    let (week, later, other) = (of_host("a", 1, 10), of_host("a", 1, 25), of_host("b", 2, 3));
    let merged = merged(&[&week, &other, &later, &week]);
    let read = merged.evidence.iter().find(|evidence| evidence.call == READ).unwrap();
    assert_eq!((read.tally.calls, read.occasions(Per::Start)), (28, Some(2)));
    assert_eq!(merged.hosts_of(READ), ["a", "b"].into());
    assert_eq!((merged.observed.seconds, merged.observed.starts, merged.parts.len()), (28, 2, 2));
    insta::assert_snapshot!(merged.to_toml());
}

/// Files of the first version do not say which recording they are of.
#[test]
fn an_old_file_is_not_counted_twice_either() {
    let old = |calls| {
        let text = of_host("a", 1, calls).to_toml();
        let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("recording = ")).collect();
        Allowlist::from_toml(&kept.join("\n")).unwrap()
    };
    let merged = merged(&[&old(10), &old(10), &old(12), &of_host("b", 1, 1)]);
    assert_eq!(merged.evidence[0].tally.calls, 13);
}

#[test]
fn a_reviewers_decision_holds_and_is_said() {
    let out = edited(of_host("a", 1, 10), &[2].into(), &["ptrace"]);
    assert!(!out.names().contains("read"), "the second name of two");
    let mut merger = Merger::new(None);
    for (allowlist, from) in [(of_host("b", 2, 1), "b.toml"), (out.clone(), "z.toml"), (out, "a.toml")] {
        merger.add(allowlist, from).unwrap();
    }
    let result = merger.finish().unwrap();
    assert_eq!(result.allowlist.names(), ["execve", "ptrace"].into());
    let kept_out = KeptOut { abi: Abi::X86_64, name: "read".into(), by: "a.toml".into() };
    assert_eq!(result.kept_out, [kept_out]);
    assert_eq!(result.allowlist.evidence.len(), 2, "that it was seen stays");
}

#[test]
fn units_are_not_mixed_unless_asked_for() {
    let (a, mut b) = (of_host("a", 1, 10), of_host("b", 2, 1));
    b.unit = "b.service".into();
    let mut merger = Merger::new(None);
    merger.add(a.clone(), "a.toml").unwrap();
    let error = merger.add(b.clone(), "b.toml").unwrap_err();
    assert_eq!(error.to_string(), "it is of b.service, what was merged before it is of a.service");
    assert_eq!(merger.finish().unwrap().allowlist, a);
    let mut merger = Merger::new(Some("web".into()));
    merger.add(a, "a.toml").unwrap();
    merger.add(b, "b.toml").unwrap();
    assert_eq!(merger.finish().unwrap().allowlist.unit, "web");
}

#[test]
fn a_number_that_a_newer_version_names_has_that_name() {
    let mut old = sample();
    old.parts = [("old".to_owned(), old.parts.into_values().next().unwrap())].into();
    let mut new = sample();
    let odd = new.evidence.iter_mut().find(|evidence| evidence.call.number == 600).unwrap();
    odd.name = Some("newest".into());
    new.allow.get_mut(&Abi::X86_64).unwrap().insert("newest".into());
    new.unnamed.get_mut(&Abi::X86_64).unwrap().clear();
    new.observed.gaps.remove(&Gap::UnnamedNumbers);
    let both = merged(&[&old, &new]);
    assert!(both.names().contains("newest"));
    assert!(both.unnamed[&Abi::X86_64].is_empty());
    assert!(!both.observed.gaps.contains_key(&Gap::UnnamedNumbers));
    let mut other = new.clone();
    let odd = other.evidence.iter_mut().find(|evidence| evidence.call.number == 600).unwrap();
    odd.name = Some("another".into());
    let mut merger = Merger::new(None);
    merger.add(new, "new").unwrap();
    let error = merger.add(other, "other").unwrap_err();
    assert_eq!(
        error.to_string(),
        "it calls number 600 of x86_64 another, what was merged before it calls that newest; one is wrong"
    );
}

#[test]
fn figures_that_were_edited_are_noticed() {
    let text = merged(&[&of_host("a", 1, 10), &of_host("b", 2, 3)]).to_toml();
    let faults = [
        ("calls = 13", "calls = 14"),
        ("seconds = 13", "seconds = 1"),
        ("starts = 2\ncomplete", "starts = 3\ncomplete"),
        ("boots = 2\n", "boots = 1\n"),
        ("seen = \"10/1/1 10/1/1\"", "seen = \"10/1/1\""),
        ("seen = \"10/1/1 10/1/1\"", "seen = \"10/1/1 10/1/1 -\""),
        ("seen = \"10/1/1 10/1/1\"", "seen = \"10/1/1 -1/\\u001b\""),
        ("recording = \"boot/2\"", "recording = \"boot/1\""),
    ];
    let messages = faults.map(|(from, to)| {
        assert!(text.contains(from), "{from:?} is not in it:\n{text}");
        format!("{from:?} → {to:?}\n  {}", Allowlist::from_toml(&text.replacen(from, to, 1)).unwrap_err())
    });
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn of_many_hosts_the_shorter_list_is_written() {
    let mut all: Vec<_> = (0..40).map(|n| of_host(&format!("h{n:02}"), n, 1)).collect();
    // One call that only three made.
    for allowlist in &mut all[3..] {
        allowlist.evidence.retain(|evidence| evidence.call == READ);
        *allowlist = Allowlist::from_toml(&allowlist.to_toml()).unwrap();
    }
    let text = merged(&all.iter().collect::<Vec<_>>()).to_toml();
    assert!(text.contains("all_hosts_but = []"), "{text}");
    assert!(text.contains("hosts = [\n    \"h00\",\n    \"h01\",\n    \"h02\",\n]"), "{text}");
}
