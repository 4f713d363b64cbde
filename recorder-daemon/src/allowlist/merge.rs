//! Many allowlists of one unit into one.
//!
//! What comes of it depends on nothing but which files there were: not on their order, not on how often one was given,
//! not on which of them had been merged before. Every rule below is the larger of two, or a union.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use recorder_common::{Abi, Call};

use super::{
    Allowlist, Course, Evidence, Observed, Part,
    parts::{Sum, Totals},
};
use crate::recording::{By, Gap, Host, Incidence, Marks, Tally};

/// Takes allowlists in, one after the other, and keeps no more of each than the result needs.
#[derive(Debug, Default)]
pub struct Merger {
    /// What the result is to be called, whatever is merged.
    name: Option<String>,
    unit: Option<String>,
    host: Host,
    reloadable: bool,
    marks: Marks,
    names: BTreeMap<Abi, BTreeMap<String, Decision>>,
    numbers: BTreeMap<Abi, BTreeMap<u32, Decision>>,
    evidence: BTreeMap<Call, Evidence>,
    parts: BTreeMap<String, Part>,
}

/// Why an allowlist cannot be merged with the others. What was merged before stays as it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// Of another unit.
    #[error("it is of {theirs}, what was merged before it is of {ours}")]
    OtherUnit {
        /// The unit that it is of.
        theirs: String,
        /// The unit of those before.
        ours: String,
    },
    /// Two names for a number that the tables do not have.
    #[error(
        "it calls number {number} of {abi} {theirs}, what was merged before it calls that {ours}; one is wrong"
    )]
    OtherName {
        /// The ABI.
        abi: &'static str,
        /// The number.
        number: u32,
        /// Its name.
        theirs: String,
        /// The name before.
        ours: String,
    },
}

/// What came of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The result.
    pub allowlist: Allowlist,
    /// Names that a reviewer has taken out of one file, and that another one allows.
    pub kept_out: Vec<KeptOut>,
}

/// A name that a reviewer's decision keeps out.
#[derive(Debug, PartialEq, Eq)]
pub struct KeptOut {
    /// The ABI.
    pub abi: Abi,
    /// The name.
    pub name: String,
    /// Which file it was taken out of; of several, the first by name.
    pub by: String,
}

/// What the files say of one name or number.
#[derive(Debug)]
struct Decision {
    standing: Standing,
    /// Whether any of them allows it.
    allowed: bool,
    /// Which of them a reviewer has taken it out of.
    removed_from: Option<String>,
}

/// What a file says of one name or number. Of two, the later one here holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Allowed, never seen: a reviewer has put it in.
    Added,
    /// Seen, and allowed.
    Seen,
    /// Seen, and not allowed: a reviewer has taken it out. A file that knows nothing of that must not bring it back.
    Removed,
}

impl Merger {
    /// For files of one unit; with a name, for files of any, and the result is called that.
    #[must_use]
    pub fn new(name: Option<String>) -> Self {
        Self { name, ..Self::default() }
    }

    /// Takes in one more. `from` is what people call it.
    pub fn add(&mut self, allowlist: Allowlist, from: &str) -> Result<(), MergeError> {
        self.check(&allowlist)?;
        let Allowlist { unit, allow, unnamed, observed, evidence, parts } = allowlist;
        self.unit.get_or_insert(unit);
        self.host.merge(&observed.host);
        self.reloadable |= observed.course.reloadable;
        self.marks.merge(&observed.course.marks);
        let (mut seen, mut counted) = (BTreeSet::new(), BTreeSet::new());
        for evidence in &evidence {
            match &evidence.name {
                Some(name) => _ = seen.insert((evidence.call.abi, name)),
                None => _ = counted.insert((evidence.call.abi, &evidence.call.number)),
            }
        }
        decide(&mut self.names, &allow, &seen, from);
        decide(&mut self.numbers, &unnamed, &counted, from);
        for evidence in evidence {
            match self.evidence.entry(evidence.call) {
                Entry::Vacant(place) => _ = place.insert(evidence),
                Entry::Occupied(mut mine) => mine.get_mut().merge(&evidence),
            }
        }
        for (recording, part) in parts {
            match self.parts.entry(recording) {
                Entry::Vacant(place) => _ = place.insert(part),
                Entry::Occupied(mut mine) => mine.get_mut().merge(&part),
            }
        }
        Ok(())
    }

    fn check(&self, allowlist: &Allowlist) -> Result<(), MergeError> {
        if let (None, Some(ours)) = (&self.name, &self.unit)
            && *ours != allowlist.unit
        {
            let (theirs, ours) = (allowlist.unit.clone(), ours.clone());
            return Err(MergeError::OtherUnit { theirs, ours });
        }
        for evidence in &allowlist.evidence {
            let ours = self.evidence.get(&evidence.call).and_then(|mine| mine.name.as_ref());
            if let (Some(theirs), Some(ours)) = (&evidence.name, ours)
                && theirs != ours
            {
                return Err(MergeError::OtherName {
                    abi: evidence.call.abi.name(),
                    number: evidence.call.number,
                    theirs: theirs.clone(),
                    ours: ours.clone(),
                });
            }
        }
        Ok(())
    }

    /// The result; None if nothing was taken in.
    #[must_use]
    pub fn finish(self) -> Option<Merged> {
        let Self { name, unit, host, reloadable, marks, names, mut numbers, evidence, parts } = self;
        let unit = name.or(unit)?;
        let totals = Totals::of(&parts);
        let mut evidence: Vec<_> = evidence.into_values().collect();
        for evidence in &mut evidence {
            let Sum { calls, starts, hours } = totals.calls(evidence.call);
            evidence.tally.calls = calls;
            let incidence = |over| Incidence { over, before: calls };
            evidence.tally.occasions = By { start: incidence(starts), hour: incidence(hours) };
            // A newer version's tables may name what an older one could not.
            if evidence.name.is_some()
                && let Some(numbers) = numbers.get_mut(&evidence.call.abi)
            {
                numbers.remove(&evidence.call.number);
            }
        }
        Evidence::sort(&mut evidence);
        let mut gaps = totals.gaps;
        let without_name = evidence.iter().filter(|evidence| evidence.name.is_none()).count();
        if without_name > 0 {
            gaps.insert(Gap::UnnamedNumbers, without_name as u64);
        }
        let kept_out = kept_out(&names);
        let course = Course {
            occasions: totals.occasions,
            stops: totals.stops,
            reloads: totals.reloads,
            boots: totals.boots,
            reloadable,
            marks,
        };
        let (first, last, seconds, starts) = (totals.first, totals.last, totals.seconds, totals.starts);
        let observed = Observed { host, first, last, seconds, starts, course, gaps };
        let (allow, unnamed) = (allowed(names), allowed(numbers));
        Some(Merged { allowlist: Allowlist { unit, allow, unnamed, observed, evidence, parts }, kept_out })
    }
}

impl Evidence {
    /// Takes in what another file says of the same call, but for the figures, which the parts have.
    fn merge(&mut self, other: &Self) {
        if self.name.is_none() {
            self.name.clone_from(&other.name);
        }
        let Tally { calls: _, occasions: _, first_seen, last_seen, programs, later } = &other.tally;
        self.tally.later |= later;
        self.tally.first_seen = self.tally.first_seen.min(*first_seen);
        self.tally.last_seen = self.tally.last_seen.max(*last_seen);
        self.tally.programs.extend(programs.iter().cloned());
    }
}

/// Takes in what one file says: what it allows, and what of all it has seen.
fn decide<T: Ord + Clone>(
    decisions: &mut BTreeMap<Abi, BTreeMap<T, Decision>>,
    allow: &BTreeMap<Abi, BTreeSet<T>>,
    seen: &BTreeSet<(Abi, &T)>,
    from: &str,
) {
    for (&abi, entries) in allow {
        // An ABI stays, even with nothing in it.
        let decisions = decisions.entry(abi).or_default();
        for entry in entries {
            let standing = if seen.contains(&(abi, entry)) { Standing::Seen } else { Standing::Added };
            Decision::of(decisions, entry).take(standing, from);
        }
    }
    for &(abi, entry) in seen {
        if !allow.get(&abi).is_some_and(|entries| entries.contains(entry)) {
            Decision::of(decisions.entry(abi).or_default(), entry).take(Standing::Removed, from);
        }
    }
}

impl Decision {
    /// The one that stands so far. Nothing stands lower than what was added.
    fn of<'a, T: Ord + Clone>(decisions: &'a mut BTreeMap<T, Self>, entry: &T) -> &'a mut Self {
        if !decisions.contains_key(entry) {
            let new = Self { standing: Standing::Added, allowed: false, removed_from: None };
            decisions.insert(entry.clone(), new);
        }
        decisions.get_mut(entry).expect("it is there now")
    }

    fn take(&mut self, standing: Standing, from: &str) {
        self.standing = self.standing.max(standing);
        if standing != Standing::Removed {
            self.allowed = true;
        } else if self.removed_from.as_deref().is_none_or(|file| from < file) {
            self.removed_from = Some(from.to_owned());
        }
    }
}

fn allowed<T: Ord>(decisions: BTreeMap<Abi, BTreeMap<T, Decision>>) -> BTreeMap<Abi, BTreeSet<T>> {
    let of_abi = |(abi, decisions): (Abi, BTreeMap<T, Decision>)| {
        let kept = decisions.into_iter().filter(|(_, decision)| decision.standing != Standing::Removed);
        (abi, kept.map(|(entry, _)| entry).collect())
    };
    decisions.into_iter().map(of_abi).collect()
}

fn kept_out(names: &BTreeMap<Abi, BTreeMap<String, Decision>>) -> Vec<KeptOut> {
    let mut kept_out = Vec::new();
    for (&abi, names) in names {
        for (name, decision) in names.iter().filter(|(_, decision)| decision.allowed) {
            if let Some(by) = &decision.removed_from {
                kept_out.push(KeptOut { abi, name: name.clone(), by: by.clone() });
            }
        }
    }
    kept_out
}
