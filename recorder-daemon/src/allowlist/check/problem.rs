//! What can be wrong with a filter, in plain words.

use super::{Place, filter::Mode, near::nearest};
use crate::{
    syscalls::{self, Target},
    unit_file,
};

/// The settings that a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Which calls may be made.
    Filter,
    /// Which are logged.
    Log,
    /// Which ABIs are open.
    Architectures,
    /// What a denied call gets.
    ErrorNumber,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Filter, Self::Log, Self::Architectures, Self::ErrorNumber];

    /// As a unit file spells it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Filter => "SystemCallFilter",
            Self::Log => "SystemCallLog",
            Self::Architectures => "SystemCallArchitectures",
            Self::ErrorNumber => "SystemCallErrorNumber",
        }
    }
}

/// Something that a person should know of. Whether it is a fault, or a note: see [`Problem::is_fault`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read to its end.
    #[error("systemd stops reading here, for this line {fault}; {}", if *.drop_in { "what follows in this file is ignored" } else { "it refuses to start the unit" })]
    File {
        /// Why.
        fault: unit_file::Fault,
        /// Whether it is a drop-in.
        drop_in: bool,
    },
    /// A line that is no setting, where one was meant.
    #[error("this line {why}")]
    Ignored {
        /// Why.
        why: unit_file::Ignored,
    },
    /// In a section where systemd does not look for it.
    #[error("{key}= has no effect in [{section}]: it belongs in [{wanted}]")]
    Section {
        /// The setting.
        key: String,
        /// Where it stands.
        section: String,
        /// Where it should.
        wanted: &'static str,
    },
    /// A key that does not exist, and is near to one that does.
    #[error("systemd knows no {key}= and ignores it; {} is meant?", .near.key())]
    Key {
        /// What it says.
        key: String,
        /// What there is.
        near: Setting,
    },
    /// A word with commas.
    #[error("systemd ignores {word:?}: names are separated by white space; {}", match count {
        0 | 1 => "to it the comma is a part of the name".to_owned(),
        count => format!("with commas between them these {count} are one name to it, and there is no such system call"),
    })]
    Comma {
        /// As it stands there.
        word: String,
        /// How many there would be.
        count: usize,
    },
    /// A name that no libseccomp knows.
    #[error("systemd ignores {name:?}: there is no such system call{}", meant(.near.as_ref()))]
    Unknown {
        /// As it stands there.
        name: String,
        /// What there is.
        near: Option<String>,
    },
    /// A name that the target does not know.
    #[error(
        "systemd ignores {name}: libseccomp {libseccomp} does not know that system call, so no filter there can let it through"
    )]
    TooNew {
        /// As it stands there.
        name: String,
        /// Whose version.
        libseccomp: String,
    },
    /// A set that the target does not know.
    #[error("systemd ignores {name:?}: systemd {systemd} has no such set{}", meant(.near.as_ref()))]
    UnknownSet {
        /// As it stands there.
        name: String,
        /// Whose version.
        systemd: String,
        /// What there is.
        near: Option<String>,
    },
    /// What follows a colon is no error.
    #[error(
        "systemd ignores {word:?}: what follows the colon is neither the name nor the number of an error, nor kill"
    )]
    BadErrno {
        /// As it stands there.
        word: String,
    },
    /// An error for what is allowed.
    #[error(
        "systemd ignores {word:?}: only what is denied (after ~) can have an error of its own, so this allows nothing"
    )]
    ErrnoAllowed {
        /// As it stands there.
        word: String,
    },
    /// The value cannot be read to its end.
    #[error(
        "systemd ignores the rest of this line, for it ends in a backslash or within quotation marks: {value}"
    )]
    BadEnd {
        /// What cannot be read.
        value: String,
    },
    /// The same word again.
    #[error("{word} stands in the list twice")]
    Double {
        /// As it stands there.
        word: String,
        /// Where it stood first.
        first: Place,
    },
    /// Takes out what is not there.
    #[error("{} {}: {}", .names.join(" "), if .names.len() == 1 { "has no effect" } else { "have no effect" }, match mode {
        Mode::Deny => "the list began with ~, so a line without it takes names out of what is denied, and these are not",
        Mode::Allow => "the list allows, so ~ takes names out of it, and these are not in it",
    })]
    RemovesNothing {
        /// As they stand there.
        names: Vec<String>,
        /// What the list does.
        mode: Mode,
        /// Where it began.
        begun: Place,
    },
    /// Nothing of a list is left.
    #[error("{}", match mode {
        Mode::Allow => "systemd ignores all that the list names, and keeps the list: only its own @default is allowed",
        Mode::Deny => "nothing of the list is left: no call is denied",
    })]
    Void {
        /// What the list does.
        mode: Mode,
    },
    /// No list at all.
    #[error("no SystemCallFilter= is in force: every system call is allowed")]
    NoFilter,
    /// The unit's command cannot be executed.
    #[error("execve is denied, and by it systemd starts the unit's commands: none of them can run")]
    NoExecve,
    /// systemd's own write is denied.
    #[error(
        "write is denied, and with Type=exec systemd itself writes once before it starts the command, which then cannot run"
    )]
    NoWrite,
    /// No such architecture.
    #[error("systemd ignores {name:?}: it knows no such architecture{}", meant(.near.as_ref()))]
    Architecture {
        /// As it stands there.
        name: String,
        /// What there is.
        near: Option<String>,
    },
    /// An ABI that was seen is closed.
    #[error(
        "calls were recorded that came in by {abi}, which this closes: each of them ends the process; add {name}"
    )]
    Closed {
        /// The ABI.
        abi: &'static str,
        /// As systemd names it.
        name: &'static str,
    },
    /// No ABI is closed.
    #[error(
        "SystemCallArchitectures= is not set: the ABIs that were not recorded stay open; SystemCallArchitectures=native closes them"
    )]
    Open,
    /// No error.
    #[error("systemd ignores {value:?}: {}", match value.as_str() {
        "log" => "a denied call cannot only be logged; SystemCallLog= logs without denying",
        "0" => "0 is no error",
        _ => "it is neither the name nor the number of an error, nor kill",
    })]
    ErrorNumber {
        /// As it stands there.
        value: String,
    },
    /// An error that nothing gets.
    #[error("SystemCallErrorNumber= has no effect: no SystemCallFilter= is in force")]
    NothingDenied,
    /// A name that lets a call seem to have been made.
    #[error("{word}: the call is not made, and the program is told that it was")]
    Pretended {
        /// As it stands there.
        word: String,
    },
    /// Calls that only systemd's own set allows.
    #[error("recorded, and allowed only because systemd's own @default holds them, which differs by version: {}", .names.join(" "))]
    LeansOnDefault {
        /// Which.
        names: Vec<String>,
    },
    /// Other settings that filter.
    #[error("{}= {} calls too, whatever the list says", .keys.join("=, "), if .keys.len() == 1 { "denies" } else { "deny" })]
    Implied {
        /// The settings.
        keys: Vec<&'static str>,
    },
    /// What nobody has seen, and stands in for what somebody has.
    #[error("never seen, but they stand in for calls that were, on another machine or with another C library: {}", .names.join(" "))]
    Siblings {
        /// Which.
        names: Vec<String>,
    },
    /// Another setting denies what was recorded.
    #[error("{key}= denies {}, which {} recorded", .names.join(" "), if .names.len() == 1 { "was" } else { "were" })]
    ImpliedDenial {
        /// The setting.
        key: &'static str,
        /// Which.
        names: Vec<String>,
    },
    /// A list that denies leaves the rest open.
    #[error("the list denies what it names (~) and allows all else: {count} calls that were never recorded")]
    OpenList {
        /// How many.
        count: usize,
    },
    /// What would be if the commas were blanks.
    #[error(
        "with blanks in place of the commas, {denied} of the {recorded} recorded calls would still be denied"
    )]
    ReadKindly {
        /// How many.
        denied: usize,
        /// Of how many.
        recorded: usize,
    },
}

fn meant(near: Option<&String>) -> String {
    near.map_or_else(String::new, |near| format!("; {near} is meant?"))
}

impl Problem {
    /// Whether it is a fault: what has an effect that nobody can have meant. Else it is good to know.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Open
                | Self::Siblings { .. }
                | Self::LeansOnDefault { .. }
                | Self::Implied { .. }
                | Self::OpenList { .. }
                | Self::ReadKindly { .. }
        )
    }

    /// The other place that it is about.
    #[must_use]
    pub const fn also(&self) -> Option<Place> {
        match self {
            Self::Double { first, .. } => Some(*first),
            Self::RemovesNothing { begun, .. } => Some(*begun),
            _ => None,
        }
    }

    /// A word for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Ignored { .. } => "ignored-line",
            Self::Section { .. } => "section",
            Self::Key { .. } => "key",
            Self::Comma { .. } => "comma",
            Self::Unknown { .. } => "unknown-name",
            Self::TooNew { .. } => "too-new",
            Self::UnknownSet { .. } => "unknown-set",
            Self::BadErrno { .. } => "bad-errno",
            Self::ErrnoAllowed { .. } => "errno-allowed",
            Self::BadEnd { .. } => "bad-end",
            Self::Double { .. } => "double",
            Self::RemovesNothing { .. } => "removes-nothing",
            Self::Void { .. } => "void",
            Self::NoFilter => "no-filter",
            Self::NoExecve => "no-execve",
            Self::NoWrite => "no-write",
            Self::Architecture { .. } => "architecture",
            Self::Closed { .. } => "closed-abi",
            Self::Open => "open-abis",
            Self::ErrorNumber { .. } => "error-number",
            Self::NothingDenied => "nothing-denied",
            Self::Pretended { .. } => "pretended",
            Self::LeansOnDefault { .. } => "leans-on-default",
            Self::Implied { .. } => "implied-filter",
            Self::Siblings { .. } => "siblings",
            Self::ImpliedDenial { .. } => "implied-denial",
            Self::OpenList { .. } => "open-list",
            Self::ReadKindly { .. } => "read-kindly",
        }
    }

    /// Of a name that the target does not resolve.
    pub(super) fn unknown(name: &str, target: &Target) -> Self {
        let parts = name.split(',').filter(|part| !part.is_empty()).count();
        if name.contains(',') {
            return Self::Comma { word: name.to_owned(), count: parts };
        }
        if syscalls::is_known(name) {
            return Self::TooNew { name: name.to_owned(), libseccomp: target.libseccomp().to_owned() };
        }
        let near = nearest(name, target.names()).map(str::to_owned);
        Self::Unknown { name: name.to_owned(), near }
    }

    /// Of a set that the target does not have.
    pub(super) fn unknown_set(name: &str, target: &Target) -> Self {
        if name.contains(',') {
            return Self::unknown(name, target);
        }
        let near = nearest(name, target.sets().map(|(set, _)| set)).map(str::to_owned);
        Self::UnknownSet { name: name.to_owned(), systemd: target.systemd().to_owned(), near }
    }
}

/// Problems with the places that they are about.
#[derive(Debug, Default)]
pub(super) struct Problems {
    all: Vec<(Option<Setting>, Option<Place>, Problem)>,
}

impl Problems {
    pub(super) fn add(&mut self, setting: Setting, at: Place, problem: Problem) {
        self.all.push((Some(setting), Some(at), problem));
    }

    /// One that no later line takes back.
    pub(super) fn add_always(&mut self, at: Option<Place>, problem: Problem) {
        self.all.push((None, at, problem));
    }

    /// A reset has made what was said of the setting's lines irrelevant.
    pub(super) fn forget(&mut self, setting: Setting) {
        self.all.retain(|(of, ..)| *of != Some(setting));
    }

    /// In the order of the files; what is about all of them comes last.
    pub(super) fn sorted(mut self) -> Vec<(Option<Place>, Problem)> {
        self.all.sort_by_key(|(_, at, _)| (at.is_none(), *at));
        self.all.into_iter().map(|(_, at, problem)| (at, problem)).collect()
    }

    pub(super) fn any(&self, of: impl Fn(&Problem) -> bool) -> bool {
        self.all.iter().any(|(.., problem)| of(problem))
    }
}
