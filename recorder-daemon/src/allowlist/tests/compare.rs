//! The laws of the comparison.

use super::*;

fn names() -> impl Strategy<Value = BTreeMap<Abi, BTreeSet<String>>> {
    btree_map((0..3_usize).prop_map(|abi| Abi::ALL[abi]), btree_set("[a-d]", 0..4), 0..3)
}

fn allowing(allow: BTreeMap<Abi, BTreeSet<String>>) -> Allowlist {
    Allowlist { allow, ..sample() }
}

fn pairs(allow: &BTreeMap<Abi, BTreeSet<String>>) -> BTreeSet<(Abi, &str)> {
    allow.iter().flat_map(|(abi, names)| names.iter().map(|name| (*abi, name.as_str()))).collect()
}

fn named<'a>(changes: &[Change<'a>]) -> Vec<(Abi, &'a str)> {
    changes.iter().map(|change| (change.abi, change.name.unwrap())).collect()
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(a in names()) {
        let a = allowing(a);
        prop_assert!(Diff::of(&a.side(), &a.side()).is_empty());
    }

    #[test]
    fn it_is_the_difference_of_sets(a in names(), b in names()) {
        let (a, b) = (allowing(a), allowing(b));
        let (before, after) = (pairs(&a.allow), pairs(&b.allow));
        let (a, b) = (a.side(), b.side());
        let diff = Diff::of(&a, &b);
        prop_assert_eq!(named(&diff.added), after.difference(&before).copied().collect::<Vec<_>>());
        prop_assert_eq!(named(&diff.removed), before.difference(&after).copied().collect::<Vec<_>>());
        prop_assert_eq!(diff.same, before.intersection(&after).count());
    }
}

#[test]
fn it_says_what_either_side_knows() {
    let before = sample();
    let mut after = sample();
    after.allow.get_mut(&Abi::X86_64).unwrap().remove("bind");
    after.allow.get_mut(&Abi::X86_64).unwrap().insert("ptrace".into());
    after.unnamed.get_mut(&Abi::X86_64).unwrap().insert(601);
    let (a, b) = (before.side(), after.side());
    let diff = Diff::of(&a, &b);
    let [ptrace, number] = &diff.added[..] else { panic!("{diff:?}") };
    assert_eq!((ptrace.name, ptrace.evidence, ptrace.denied), (Some("ptrace"), None, None));
    assert_eq!((number.name, number.number), (None, Some(601)));
    let [bind] = &diff.removed[..] else { panic!("{diff:?}") };
    assert_eq!(bind.evidence.map(|evidence| evidence.tally.calls), Some(2));
    assert!(bind.denied.is_some(), "it was seen on the other side, and is not allowed there");
}
