//! A filter against what was recorded.

use std::collections::BTreeMap;

use recorder_common::Abi;

use super::{
    Place,
    filter::Mode,
    problem::{Problem, Setting},
    read::Settings,
};
use crate::{
    allowlist::Allowlist,
    recording::Tally,
    syscalls::{self, Target},
};

/// What fits, and what does not.
#[derive(Debug, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// What the allowlist allows and the filter denies, by ABI and name.
    pub denied: Vec<Denied<'a>>,
    /// What the filter allows and the allowlist does not, by the word that lets it in.
    pub unseen: Vec<Unseen>,
    /// How many calls, by ABI and name, were compared.
    pub recorded: usize,
}

/// A call that would break the unit.
#[derive(Debug, PartialEq, Eq)]
pub struct Denied<'a> {
    /// How it came in.
    pub abi: Abi,
    /// None for a number that no table names.
    pub name: Option<&'a str>,
    /// None where a reviewer has added the name, and the ABI has no such call.
    pub number: Option<u32>,
    /// None where it was never seen, but allowed by a reviewer.
    pub tally: Option<&'a Tally>,
    /// Why the filter denies it.
    pub why: Why,
}

/// Why a call is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The list does not name it.
    NotListed,
    /// A line with `~` names it, or a set that holds it.
    Listed {
        /// That line.
        at: Place,
        /// The set.
        set: Option<String>,
    },
    /// It was named, and a later line has taken it out.
    Removed {
        /// That line.
        at: Place,
    },
    /// The target does not know the name.
    Unresolved,
    /// There is no name for it.
    Unnamed,
}

/// What could go.
#[derive(Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The line.
    pub at: Place,
    /// The set, where it was not the call itself.
    pub set: Option<String>,
    /// How many of what it lets in were recorded.
    pub seen: usize,
    /// What was not.
    pub names: Vec<String>,
}

impl Settings {
    /// Compares, and adds what a comparison shows to the problems.
    pub(super) fn compare<'a>(&mut self, allowlist: &'a Allowlist, target: &Target) -> Comparison<'a> {
        let wanted: Vec<_> = allowlist
            .allow
            .iter()
            .flat_map(|(abi, names)| names.iter().map(|name| (*abi, name.as_str())))
            .collect();
        let numbers: Vec<_> = allowlist
            .unnamed
            .iter()
            .flat_map(|(abi, numbers)| numbers.iter().map(|number| (*abi, *number)))
            .collect();
        let tally = |abi, name: Option<&str>, number: Option<u32>| {
            let of = allowlist.evidence.iter().find(|evidence| {
                let same = name.map_or(Some(evidence.call.number) == number, |name| {
                    evidence.name.as_deref() == Some(name)
                });
                evidence.call.abi == abi && same
            });
            of.map(|evidence| &evidence.tally)
        };
        let mut denied = Vec::new();
        for &(abi, name) in &wanted {
            if self.filter.denies(name) {
                let number = syscalls::number(abi, name);
                let tally = tally(abi, Some(name), None);
                denied.push(Denied { abi, name: Some(name), number, tally, why: self.why(name, target) });
            }
        }
        // What has no name is in no list, so that one that denies lets it through.
        if self.filter.mode == Some(Mode::Allow) {
            for &(abi, number) in &numbers {
                let tally = tally(abi, None, Some(number));
                denied.push(Denied { abi, name: None, number: Some(number), tally, why: Why::Unnamed });
            }
        }
        self.leaning(allowlist);
        self.closed(allowlist);
        self.implied(allowlist, target);
        self.open(allowlist);
        let recorded = wanted.len() + numbers.len();
        Comparison { denied, unseen: self.unseen(allowlist), recorded }
    }

    fn why(&self, name: &str, target: &Target) -> Why {
        let listed = self.filter.entries.get(name);
        let removed = self.filter.removed.get(name);
        match (listed.and_then(|entry| entry.from.map(|at| (at, &entry.set))), removed) {
            (Some((at, set)), _) => Why::Listed { at, set: set.clone() },
            (None, Some(at)) => Why::Removed { at: *at },
            (None, None) if !target.resolves(name) => Why::Unresolved,
            (None, None) => Why::NotListed,
        }
    }

    /// What the list lets in and nobody has seen, as far as the ABIs that were seen have such calls. What
    /// systemd adds by itself cannot go.
    fn unseen(&mut self, allowlist: &Allowlist) -> Vec<Unseen> {
        if self.filter.mode != Some(Mode::Allow) {
            return Vec::new();
        }
        let wanted = allowlist.names();
        let exists = |name: &str| allowlist.allow.keys().any(|abi| syscalls::number(*abi, name).is_some());
        let stands_in = |name: &str| {
            syscalls::families(name).any(|family| family.names.iter().any(|name| wanted.contains(name)))
        };
        let mut words: BTreeMap<_, Unseen> = BTreeMap::new();
        let mut siblings = Vec::new();
        for (name, entry) in &self.filter.entries {
            let Some(at) = entry.from.filter(|_| entry.denial.is_none()) else { continue };
            let empty = Unseen { at, set: entry.set.clone(), seen: 0, names: Vec::new() };
            let unseen = words.entry((at, entry.set.clone())).or_insert(empty);
            if wanted.contains(name.as_str()) {
                unseen.seen += 1;
            } else if exists(name) {
                let list = if stands_in(name) { &mut siblings } else { &mut unseen.names };
                list.push(name.clone());
            }
        }
        if !siblings.is_empty() {
            self.problems.add_always(None, Problem::Siblings { names: siblings });
        }
        words.into_values().filter(|unseen| !unseen.names.is_empty()).collect()
    }

    fn leaning(&mut self, allowlist: &Allowlist) {
        let leans = |name: &&str| self.filter.entries.get(*name).is_some_and(|entry| entry.from.is_none());
        let names: Vec<_> = allowlist.names().into_iter().filter(leans).map(str::to_owned).collect();
        if !names.is_empty() {
            self.problems.add_always(None, Problem::LeansOnDefault { names });
        }
    }

    fn closed(&mut self, allowlist: &Allowlist) {
        let Some(at) = self.architectures.values().max().copied() else { return };
        for abi in allowlist.allow.iter().filter(|(_, names)| !names.is_empty()).map(|(abi, _)| *abi) {
            // The native one of each machine is never closed.
            let name = match abi {
                Abi::I386 => "x86",
                Abi::X32 => "x32",
                Abi::Arm => "arm",
                _ => continue,
            };
            if !self.architectures.contains_key(name) {
                self.problems.add(Setting::Architectures, at, Problem::Closed { abi: abi.name(), name });
            }
        }
    }

    fn implied(&mut self, allowlist: &Allowlist, target: &Target) {
        for (at, implied) in self.implied.values() {
            let denied = implied.denied(target);
            let names: Vec<_> = allowlist
                .names()
                .into_iter()
                .filter(|name| denied.contains(name))
                .map(str::to_owned)
                .collect();
            if !names.is_empty() {
                self.problems.add_always(Some(*at), Problem::ImpliedDenial { key: implied.key, names });
            }
        }
    }

    /// What a list that denies leaves open, of the ABI that most of the calls came in by.
    fn open(&mut self, allowlist: &Allowlist) {
        if self.filter.mode != Some(Mode::Deny) {
            return;
        }
        let Some((abi, seen)) = allowlist.allow.iter().max_by_key(|(_, names)| names.len()) else { return };
        let open = syscalls::table(*abi)
            .iter()
            .filter(|(_, name)| !self.filter.denies(name) && !seen.contains(*name));
        self.problems.add_always(None, Problem::OpenList { count: open.count() });
    }
}
