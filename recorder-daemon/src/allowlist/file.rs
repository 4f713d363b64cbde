//! The allowlist as a file: TOML, format 1.
//!
//! The `[allow]` and `[unnamed]` tables depend on nothing but which calls were seen, so two recordings that
//! saw the same agree there to the byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use recorder_common::{Abi, Call};
use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::{Allowlist, Evidence, Observed};
use crate::{
    printable::printable,
    recording::{Gap, Host, Tally, Timestamp},
    syscalls,
};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

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
    /// A point in time that is none.
    #[error("{text} is no point in time in UTC, such as 2026-11-23T17:36:19Z")]
    Time {
        /// What it says.
        text: String,
    },
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u32,
    unit: String,
    allow: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    unnamed: BTreeMap<String, Vec<u32>>,
    observed: ObservedTable,
    #[serde(default)]
    evidence: Vec<EvidenceTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservedTable {
    hosts: BTreeSet<String>,
    kernels: BTreeSet<String>,
    systemd: BTreeSet<String>,
    first: Datetime,
    last: Datetime,
    seconds: u64,
    starts: u64,
    complete: bool,
    #[serde(default)]
    gaps: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceTable {
    abi: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    number: u32,
    calls: u64,
    first_seen: Datetime,
    last_seen: Datetime,
    programs: BTreeSet<String>,
}

#[derive(Serialize)]
struct EvidenceList {
    evidence: Vec<EvidenceTable>,
}

impl Allowlist {
    /// The text of the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# What {} was seen to call. Review, then export.", printable(&self.unit))?;
        writeln!(text, "format = {FORMAT}\nunit = {}\n", toml::Value::from(self.unit.as_str()))?;
        writeln!(text, "[allow]")?;
        for (abi, names) in &self.allow {
            list(text, *abi, names.iter().map(|name| format!("{name:?}")))?;
        }
        writeln!(text, "\n[unnamed]                   # numbers that no table names")?;
        for (abi, numbers) in &self.unnamed {
            list(text, *abi, numbers.iter().map(ToString::to_string))?;
        }
        self.observed.write(text)?;
        let evidence: Vec<_> = self.evidence.iter().map(EvidenceTable::from).collect();
        if evidence.is_empty() {
            // An empty list would be written as a key, and fall to the table above it.
            return Ok(());
        }
        write!(text, "\n{}", serialize(&EvidenceList { evidence }))
    }

    /// Reads the text of a file.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let syntax = |error: toml::de::Error| Error::Syntax {
            line: error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
            reason: error.message().to_owned(),
        };
        // The version goes first: another one may have other fields.
        let head: Head = toml::from_str(text).map_err(syntax)?;
        if head.format != FORMAT {
            return Err(Error::Format { found: head.format });
        }
        let file: File = toml::from_str(text).map_err(syntax)?;
        let mut evidence =
            file.evidence.into_iter().map(Evidence::try_from).collect::<Result<Vec<_>, _>>()?;
        Evidence::sort(&mut evidence);
        let mut seen = BTreeSet::new();
        if let Some(twice) = evidence.iter().find(|evidence| !seen.insert(evidence.call)) {
            let name = format!("the evidence of number {}", twice.call.number);
            return Err(Error::Twice { abi: twice.call.abi.name(), name });
        }
        Ok(Self {
            unit: file.unit,
            allow: by_abi(file.allow, checked)?,
            unnamed: by_abi(file.unnamed, Ok)?,
            observed: file.observed.try_into()?,
            evidence,
        })
    }
}

impl Observed {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n[observed]")?;
        for (key, set) in
            [("hosts", &self.host.names), ("kernels", &self.host.kernels), ("systemd", &self.host.systemd)]
        {
            let set = set.iter().map(|entry| toml::Value::from(entry.as_str())).collect();
            writeln!(text, "{key} = {}", toml::Value::Array(set))?;
        }
        writeln!(text, "first = {}\nlast = {}", self.first, self.last)?;
        let seconds = format!("seconds = {}", self.seconds);
        writeln!(text, "{seconds:<28}# under observation, by a clock that nobody can set")?;
        writeln!(text, "starts = {}\ncomplete = {}\n", self.starts, self.complete())?;
        writeln!(text, "[observed.gaps]             # each may mean that a call is missing")?;
        self.gaps.iter().try_for_each(|(gap, count)| writeln!(text, "{} = {count}", gap.name()))
    }
}

/// One entry a line, so that a review of what changed shows names and nothing else.
fn list(text: &mut String, abi: Abi, entries: impl ExactSizeIterator<Item = String>) -> std::fmt::Result {
    if entries.len() == 0 {
        return writeln!(text, "{} = []", abi.name());
    }
    writeln!(text, "{} = [", abi.name())?;
    for entry in entries {
        writeln!(text, "    {entry},")?;
    }
    writeln!(text, "]")
}

fn serialize(table: &impl Serialize) -> String {
    toml::to_string_pretty(table).expect("strings, numbers and times always have a TOML form")
}

fn by_abi<T: Ord + ToString>(
    table: BTreeMap<String, Vec<T>>,
    check: impl Fn(T) -> Result<T, Error>,
) -> Result<BTreeMap<Abi, BTreeSet<T>>, Error> {
    let mut checked = BTreeMap::new();
    for (abi, entries) in table {
        let abi = abi_of(&abi)?;
        let mut set = BTreeSet::new();
        for entry in entries {
            let entry = check(entry)?;
            let name = entry.to_string();
            if !set.insert(entry) {
                return Err(Error::Twice { abi: abi.name(), name });
            }
        }
        checked.insert(abi, set);
    }
    Ok(checked)
}

/// Only what a syscall can be called: whatever reads a profile must not be steered by a name.
fn checked(name: String) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) { Ok(name) } else { Err(Error::Name { name }) }
}

fn abi_of(name: &str) -> Result<Abi, Error> {
    Abi::from_name(name).ok_or_else(|| Error::Abi { abi: name.to_owned() })
}

fn time_of(datetime: &Datetime) -> Result<Timestamp, Error> {
    let text = datetime.to_string();
    text.parse().map_err(|_| Error::Time { text })
}

fn datetime(at: Timestamp) -> Datetime {
    at.to_string().parse().expect("both write RFC 3339")
}

impl TryFrom<ObservedTable> for Observed {
    type Error = Error;

    fn try_from(table: ObservedTable) -> Result<Self, Error> {
        let mut gaps = BTreeMap::new();
        for (name, count) in table.gaps {
            gaps.insert(Gap::from_name(&name).ok_or(Error::Gap { gap: name })?, count);
        }
        gaps.retain(|_, count| *count > 0);
        if table.complete != gaps.is_empty() {
            return Err(Error::Complete { complete: table.complete });
        }
        Ok(Self {
            host: Host { names: table.hosts, kernels: table.kernels, systemd: table.systemd },
            first: time_of(&table.first)?,
            last: time_of(&table.last)?,
            seconds: table.seconds,
            starts: table.starts,
            gaps,
        })
    }
}

impl From<&Evidence> for EvidenceTable {
    fn from(evidence: &Evidence) -> Self {
        Self {
            abi: evidence.call.abi.name().to_owned(),
            name: evidence.name.clone(),
            number: evidence.call.number,
            calls: evidence.tally.calls,
            first_seen: datetime(evidence.tally.first_seen),
            last_seen: datetime(evidence.tally.last_seen),
            programs: evidence.tally.programs.clone(),
        }
    }
}

impl TryFrom<EvidenceTable> for Evidence {
    type Error = Error;

    fn try_from(table: EvidenceTable) -> Result<Self, Error> {
        let call = Call { abi: abi_of(&table.abi)?, number: table.number };
        let name = table.name.map(checked).transpose()?;
        // A table may be older than the file, so a number that it does not know may have any name.
        let ours = syscalls::name(call.abi, call.number);
        if let (Some(theirs), Some(ours)) = (&name, ours)
            && theirs != ours
        {
            let abi = call.abi.name();
            return Err(Error::OtherName { abi, number: call.number, theirs: theirs.clone(), ours });
        }
        Ok(Self {
            call,
            name,
            tally: Tally {
                calls: table.calls,
                first_seen: time_of(&table.first_seen)?,
                last_seen: time_of(&table.last_seen)?,
                programs: table.programs,
            },
        })
    }
}
