//! What two sides allow that the other does not.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Abi;

use super::{Allowlist, Evidence};

/// One side of a comparison: names by ABI, and what is known of them. An allowlist is one; so is whatever else says
/// which calls are allowed.
#[derive(Clone, Debug, Default)]
pub struct Side<'a> {
    /// What is allowed.
    pub names: BTreeMap<Abi, BTreeSet<&'a str>>,
    /// Numbers that no table names.
    pub numbers: BTreeMap<Abi, BTreeSet<u32>>,
    /// What it rests on, where that is known.
    pub evidence: BTreeMap<(Abi, &'a str), &'a Evidence>,
}

/// What two sides differ in, in the order of ABI and name; numbers without a name come last.
#[derive(Debug, Default)]
pub struct Diff<'a> {
    /// Only on the second side.
    pub added: Vec<Change<'a>>,
    /// Only on the first.
    pub removed: Vec<Change<'a>>,
    /// How many names are on both.
    pub same: usize,
}

/// A name that only one of the sides has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The ABI.
    pub abi: Abi,
    /// The name; None for a number that no table names.
    pub name: Option<&'a str>,
    /// The number, where there is no name.
    pub number: Option<u32>,
    /// What the side that has it knows of it.
    pub evidence: Option<&'a Evidence>,
    /// What the side that does not have it knows of it: it was seen there, and is not allowed.
    pub denied: Option<&'a Evidence>,
}

impl Allowlist {
    /// It as one side of a comparison.
    #[must_use]
    pub fn side(&self) -> Side<'_> {
        let named = |evidence: &'_ Evidence| evidence.name.is_some();
        Side {
            names: self
                .allow
                .iter()
                .map(|(abi, names)| (*abi, names.iter().map(String::as_str).collect()))
                .collect(),
            numbers: self.unnamed.clone(),
            evidence: self
                .evidence
                .iter()
                .filter(|evidence| named(evidence))
                .map(|evidence| ((evidence.call.abi, evidence.name.as_deref().unwrap_or_default()), evidence))
                .collect(),
        }
    }
}

impl<'a> Diff<'a> {
    /// Compares two sides.
    #[must_use]
    pub fn of(before: &Side<'a>, after: &Side<'a>) -> Self {
        let both = |(abi, names): (&Abi, &BTreeSet<&str>)| {
            after.names.get(abi).map_or(0, |others| names.intersection(others).count())
        };
        Self {
            added: only(after, before),
            removed: only(before, after),
            same: before.names.iter().map(both).sum(),
        }
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// What `side` has and `other` has not.
fn only<'a>(side: &Side<'a>, other: &Side<'a>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for (&abi, names) in &side.names {
        for &name in names {
            if !other.names.get(&abi).is_some_and(|others| others.contains(name)) {
                let known = |side: &Side<'a>| side.evidence.get(&(abi, name)).copied();
                let (evidence, denied) = (known(side), known(other));
                changes.push(Change { abi, name: Some(name), number: None, evidence, denied });
            }
        }
    }
    for (&abi, numbers) in &side.numbers {
        for &number in numbers {
            if !other.numbers.get(&abi).is_some_and(|others| others.contains(&number)) {
                changes.push(Change { abi, name: None, number: Some(number), evidence: None, denied: None });
            }
        }
    }
    changes.sort_by_key(|change| (change.abi, change.name.is_none(), change.name, change.number));
    changes
}
