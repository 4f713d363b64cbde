//! What can be asked of a profile, and why one is refused.

use std::collections::{BTreeMap, BTreeSet};

use crate::{recording::Gap, syscalls::Target};

/// What becomes of a call that a profile does not list: the steps of a roll-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It is written to the log, and nothing is denied.
    Log,
    /// It fails with an error.
    Errno(ErrorName),
    /// It ends the process.
    #[default]
    Kill,
}

/// The errors that a denied call can fail with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorName {
    /// "Permission denied".
    Eacces,
    /// "Function not implemented".
    Enosys,
    /// "Operation not permitted".
    Eperm,
}

impl ErrorName {
    /// As systemd has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eacces => "EACCES",
            Self::Enosys => "ENOSYS",
            Self::Eperm => "EPERM",
        }
    }

    /// As the kernel has it, on every machine that this recorder knows.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Eacces => 13,
            Self::Enosys => 38,
            Self::Eperm => 1,
        }
    }
}

/// What is asked of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// What becomes of what it does not list.
    pub stage: Stage,
    /// Whether calls that stand in for the recorded ones are let in.
    pub siblings: bool,
    /// From which share of its members on, in thousandths, a set of systemd's is written in place of names.
    pub sets: Option<u16>,
    /// Whether what only a container's runtime was seen to do is left out.
    pub without_runtime: bool,
    /// Whom it is for. None says nothing of what is known there.
    pub target: Option<Target>,
    /// Whether a recording with gaps will do.
    pub incomplete: bool,
    /// Whether it will do that the target does not know some names.
    pub inexpressible: bool,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is allowed, and an empty profile is none: for systemd a reset alone lifts every filter there is.
    #[error(
        "allows nothing, and nothing was written: what may call nothing cannot start, and systemd takes an empty list for \
         no filter"
    )]
    NothingAllowed,
    /// The recording has gaps.
    #[error(
        "the recording is not complete: {}; or export it as it is, with --allow-incomplete",
        gaps_in_words(gaps)
    )]
    Incomplete {
        /// Those that are not zero.
        gaps: BTreeMap<Gap, u64>,
    },
    /// The target would ignore names, and then deny what they stand for.
    #[error(
        "{target} does not know {}, would ignore {} and deny the calls; update it, take the names out of [allow], or \
         export all the same with --allow-inexpressible", list(names), if names.len() == 1 { "it" } else { "them" }
    )]
    Inexpressible {
        /// Whom the profile is for.
        target: String,
        /// What it does not know.
        names: BTreeSet<String>,
    },
    /// Programs that ran before the recording began look like a runtime.
    #[error(
        "some of it ran before the recording began, and cannot be told from a container's runtime; record the container from \
         its start, or export it without --without-runtime"
    )]
    RuntimeNotTold,
    /// The format has no word for it.
    #[error("{0}")]
    NoWord(&'static str),
    /// The unit file is not such that it could be filled in.
    #[error("{0}")]
    UnitFile(String),
}

fn gaps_in_words(gaps: &BTreeMap<Gap, u64>) -> String {
    let words = gaps.iter().map(|(gap, count)| format!("{}: {count} ({})", gap.meaning(), gap.mend()));
    words.collect::<Vec<_>>().join("; ")
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
