//! Which of systemd's sets stand for names.

use std::collections::BTreeSet;

use recorder_common::Abi;

use super::policy::Policy;
use crate::syscalls;

/// All members.
pub const WHOLE: u16 = 1000;

/// A set that is written in place of its members.
pub(super) struct Chosen<'a> {
    pub(super) set: &'a str,
    /// The names that it stands for.
    pub(super) covered: BTreeSet<&'a str>,
    /// What it lets in beside them.
    pub(super) surplus: BTreeSet<&'a str>,
    /// How many of its members were seen.
    pub(super) seen: usize,
    /// How many of them the unit's machines have.
    pub(super) of: usize,
}

/// The sets of which enough was seen, the largest first, each for what no larger one stands for.
///
/// `@default` is none of them: systemd adds it in any case, and what it holds differs from version to version. Nor
/// is `@known`, which is everything.
pub(super) fn choose<'a>(policy: &'a Policy<'a>) -> Vec<Chosen<'a>> {
    let (Some(share), Some(target)) = (policy.options.sets, &policy.options.target) else {
        return Vec::new();
    };
    let abis = policy.abis();
    let denied = policy.allowlist.denied_by_hand();
    let mut fitting: Vec<_> = target
        .sets()
        .filter(|(set, names)| {
            !matches!(*set, "@default" | "@known") && !names.iter().any(|name| denied.contains(&**name))
        })
        .filter_map(|(set, names)| {
            let there: Vec<_> =
                names.iter().map(String::as_str).filter(|name| is_there(&abis, name)).collect();
            let surplus: BTreeSet<_> =
                there.iter().copied().filter(|name| !policy.names.contains(name)).collect();
            let (of, seen) = (there.len(), there.len() - surplus.len());
            let covered: BTreeSet<_> =
                policy.names.iter().copied().filter(|name| names.contains(*name)).collect();
            let enough = seen * usize::from(WHOLE) >= of * usize::from(share);
            (enough && covered.len() > 1).then_some(Chosen { set, covered, surplus, seen, of })
        })
        .collect();
    fitting.sort_by_key(|chosen| (std::cmp::Reverse(chosen.covered.len()), chosen.set));
    let mut done: BTreeSet<&str> = BTreeSet::new();
    fitting.retain(|chosen| {
        // One name is said shorter by itself.
        let new = chosen.covered.difference(&done).count();
        done.extend(chosen.covered.iter().filter(|_| new > 1));
        new > 1
    });
    fitting
}

/// Whether a machine of these ABIs has the call.
fn is_there(abis: &[Abi], name: &str) -> bool {
    abis.iter().any(|abi| syscalls::number(*abi, name).is_some())
}
