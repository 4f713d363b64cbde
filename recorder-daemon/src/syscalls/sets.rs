//! systemd's sets, as `SystemCallFilter=` names them.

use super::tables::sets::SETS;

/// The systemd version whose sets these are. Other versions differ: group by them, never filter by them.
pub const SYSTEMD_VERSION: &str = super::tables::sets::SYSTEMD_VERSION;

/// How the sets of an older version differ from [`SETS`].
pub(super) struct Older {
    pub(super) version: &'static str,
    /// Sets that it does not have.
    pub(super) absent: &'static [&'static str],
    /// Set, the names that it lacks, the names that it has more.
    pub(super) differ: &'static [(&'static str, &'static [&'static str], &'static [&'static str])],
}

/// Sets that hold other sets, or whatever is left over. They say less about a call than any other set does,
/// so they come last, and the one that holds the most comes very last.
const UMBRELLAS: [&str; 3] = ["@default", "@privileged", "@system-service"];

/// Every set with its names, both in alphabetical order. Sets within a set are resolved into names.
pub fn sets() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    SETS.iter().copied()
}

/// The sets that hold a name, in alphabetical order.
pub fn sets_of(name: &str) -> impl Iterator<Item = &'static str> {
    sets().filter(move |(_, names)| names.binary_search(&name).is_ok()).map(|(set, _)| set)
}

/// The set that says most about what a name is for, or `None` if it is in none.
///
/// That is the first in alphabetical order of the specific sets that hold it (`close` is `@basic-io` before
/// `@file-system`, `seccomp` is `@sandbox` before `@default`), else the first of `@default`, `@privileged` and
/// `@system-service` that does.
#[must_use]
pub fn main_set(name: &str) -> Option<&'static str> {
    // The specific sets have no place among the umbrellas, and no place sorts before any; of equals the first
    // is taken.
    sets_of(name).min_by_key(|set| UMBRELLAS.iter().position(|umbrella| umbrella == set))
}
