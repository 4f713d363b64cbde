//! What a profile lets in and why: the part that all formats share.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::Abi;

use super::{
    options::{Options, Refusal, Stage},
    runtime::runtimes,
};
use crate::{allowlist::Allowlist, recording::Gap, syscalls};

/// A decision that a format only has to write down.
pub(super) struct Policy<'a> {
    pub(super) allowlist: &'a Allowlist,
    pub(super) options: &'a Options,
    /// The allowlist's names.
    pub(super) names: BTreeSet<&'a str>,
    /// What is let in beside them, each with the reason.
    pub(super) beside: BTreeMap<&'static str, Beside<'a>>,
    /// What would have been let in beside them, if the target knew it.
    pub(super) left_out: BTreeSet<&'static str>,
    /// What only a container's runtime made, and is not let in.
    pub(super) runtimes: BTreeSet<&'a str>,
    /// The names that the target does not know.
    pub(super) inexpressible: BTreeSet<&'a str>,
}

/// Why a call that was not seen is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside<'a> {
    /// A filter that was there already hid it, and what it fell back to was seen.
    Hidden,
    /// It stands in for this one.
    Sibling(&'a str),
    /// A container's runtime makes it, after it has set the filter.
    Runtime,
    /// systemd makes it itself, after it has set the filter of a service of Type=exec.
    TypeExec,
}

impl<'a> Policy<'a> {
    pub(super) fn of(allowlist: &'a Allowlist, options: &'a Options) -> Result<Self, Refusal> {
        let mut names = allowlist.names();
        let runtimes = if options.without_runtime { Some(runtimes(allowlist)?) } else { None };
        if let Some(runtimes) = &runtimes {
            names.retain(|name| !runtimes.rest.contains(name) && !runtimes.needed.contains(name));
        }
        if names.is_empty() {
            return Err(Refusal::NothingAllowed);
        }
        whole(allowlist, options)?;
        let unknown = |name: &str| options.target.as_ref().is_some_and(|target| !target.resolves(name));
        let inexpressible: BTreeSet<_> = names.iter().copied().filter(|name| unknown(name)).collect();
        if let Some(target) = &options.target
            && !inexpressible.is_empty()
            && !options.inexpressible
        {
            let names = inexpressible.iter().map(|&name| name.to_owned()).collect();
            return Err(Refusal::Inexpressible { target: target.to_string(), names });
        }
        let needed = runtimes.iter().flat_map(|runtimes| &runtimes.needed);
        let needed = needed.map(|&name| (name, Beside::Runtime));
        let (left_out, beside) = beside(allowlist, options, &names)
            .into_iter()
            .chain(needed)
            .partition::<BTreeMap<_, _>, _>(|(name, _)| unknown(name));
        let left_out = left_out.into_keys().collect();
        let runtimes = runtimes.map_or_else(BTreeSet::new, |runtimes| runtimes.rest);
        Ok(Self { allowlist, options, names, beside, left_out, runtimes, inexpressible })
    }

    /// Lets in one more, unless that was decided already.
    pub(super) fn let_in(&mut self, name: &'static str, reason: Beside<'a>) {
        if !self.names.contains(name) && !self.allowlist.denied_by_hand().contains(name) {
            self.beside.insert(name, reason);
        }
    }

    /// All that is let in by name.
    pub(super) fn all(&self) -> BTreeSet<&str> {
        self.names.iter().copied().chain(self.beside.keys().copied()).collect()
    }

    /// The ABIs that calls came in by, native ones first.
    pub(super) fn abis(&self) -> Vec<Abi> {
        let mut abis: Vec<_> = self.allowlist.allow.keys().copied().collect();
        abis.sort_by_key(|abi| (!is_native(*abi), *abi));
        abis
    }

    pub(super) fn denies(&self) -> bool {
        self.options.stage != Stage::Log
    }
}

/// A recording with gaps is exported only if it is asked for.
pub(super) fn whole(allowlist: &Allowlist, options: &Options) -> Result<(), Refusal> {
    let gaps = allowlist.observed.open_gaps();
    if gaps.is_empty() || options.incomplete { Ok(()) } else { Err(Refusal::Incomplete { gaps }) }
}

/// What is let in although it was not seen.
fn beside<'a>(
    allowlist: &'a Allowlist,
    options: &Options,
    names: &BTreeSet<&'a str>,
) -> BTreeMap<&'static str, Beside<'a>> {
    let mut beside = BTreeMap::new();
    if options.siblings {
        for &name in names {
            let family = syscalls::families(name).flat_map(|family| family.names).copied();
            for sibling in family.filter(|sibling| is_current(allowlist, sibling)) {
                beside.entry(sibling).or_insert(Beside::Sibling(name));
            }
        }
    }
    // The C library must be let try clone3, although it was never seen to.
    if allowlist.observed.gaps.contains_key(&Gap::AlreadyFiltered) && names.contains("clone") {
        beside.insert("clone3", Beside::Hidden);
    }
    let denied = allowlist.denied_by_hand();
    beside.retain(|name, _| !names.contains(name) && !denied.contains(name));
    beside
}

/// Whether the call is one of the ABIs that were seen, or of the machines that a service is likely to move to:
/// not those that only older machines have.
fn is_current(allowlist: &Allowlist, name: &str) -> bool {
    let likely = [Abi::X86_64, Abi::Aarch64, Abi::Riscv64];
    let abis = allowlist.allow.keys().copied().chain(likely);
    abis.into_iter().any(|abi| syscalls::number(abi, name).is_some())
}

/// Whether the ABI is `native` to the machines that have it. A 32-bit x86 or ARM kernel has its own, but this
/// recorder does not run there.
pub(super) const fn is_native(abi: Abi) -> bool {
    !matches!(abi, Abi::I386 | Abi::X32 | Abi::Arm)
}
