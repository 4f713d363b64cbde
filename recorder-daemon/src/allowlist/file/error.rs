use super::FORMAT;

/// Why a text is no allowlist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Not TOML, or not with these fields.
    #[error("line {line}: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// Written by another version.
    #[error("it has format {found}, this version of syscall-recorder reads format {FORMAT}")]
    Format {
        /// What it says.
        found: u32,
    },
    /// An ABI that no table knows.
    #[error("{abi:?} is no ABI; known are x86_64, i386, x32, aarch64, arm, riscv64, s390x, ppc64le")]
    Abi {
        /// What it says.
        abi: String,
    },
    /// A name that no syscall can have.
    #[error("{name:?} is no syscall's name (a to z, 0 to 9 and _ only)")]
    Name {
        /// What it says.
        name: String,
    },
    /// Evidence under another name than the number's own.
    #[error("the evidence calls number {number} of {abi} {theirs}, but that is {ours}")]
    OtherName {
        /// The ABI.
        abi: &'static str,
        /// The number.
        number: u32,
        /// What it says.
        theirs: String,
        /// What the tables say.
        ours: &'static str,
    },
    /// The same name twice.
    #[error("{name} stands twice for {abi}")]
    Twice {
        /// The ABI.
        abi: &'static str,
        /// The name or number.
        name: String,
    },
    /// A kind of gap that this version does not know.
    #[error("{gap:?} is no kind of gap that this version of syscall-recorder knows")]
    Gap {
        /// What it says.
        gap: String,
    },
    /// The file says of itself that it is complete and names gaps, or the other way round.
    #[error("complete = {complete}, but [observed.gaps] says otherwise; one of the two was edited")]
    Complete {
        /// What it says.
        complete: bool,
    },
    /// Marks of something that this version does not know.
    #[error("{event:?} is nothing that this version of syscall-recorder knows to happen to a unit")]
    Event {
        /// What it says.
        event: String,
    },
    /// The figures and those of the parts disagree.
    #[error("{what} {total}, but [[parts]] add up to {parts}; one of the two was edited")]
    Parts {
        /// Which figure, in words.
        what: String,
        /// What it says.
        total: u64,
        /// What the parts say.
        parts: u64,
    },
    /// What a part says of the calls cannot be read.
    #[error("the part {recording:?} does not fit [[evidence]]: {reason}")]
    Part {
        /// The recording that it is of.
        recording: String,
        /// What is wrong.
        reason: String,
    },
    /// A point in time that is none.
    #[error("{text} is no point in time in UTC, such as 2026-11-23T17:36:19Z")]
    Time {
        /// What it says.
        text: String,
    },
}
