//! The allowlist as a file: TOML, format 1.
//!
//! The `[allow]` and `[unnamed]` tables depend on nothing but which calls were seen, so two recordings that
//! saw the same agree there to the byte.

mod error;
mod parts;
mod quick;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::{Abi, Call};
use serde::{Deserialize, Serialize};
use toml::value::{Datetime, Offset};

use super::{Allowlist, Course, Evidence, Observed};
use crate::{
    recording::{By, Event, Gap, Host, Incidence, Mark, Tally, Timestamp},
    syscalls,
};

pub use error::Error;
use parts::PartTable;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    unit: String,
    allow: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    unnamed: BTreeMap<String, Vec<u32>>,
    observed: ObservedTable,
    #[serde(default)]
    evidence: Vec<EvidenceTable>,
    #[serde(default)]
    parts: Vec<PartTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservedTable {
    recording: Option<String>,
    hosts: BTreeSet<String>,
    kernels: BTreeSet<String>,
    systemd: BTreeSet<String>,
    #[serde(default)]
    tools: BTreeSet<String>,
    #[serde(default)]
    libcs: BTreeSet<String>,
    #[serde(default)]
    packages: BTreeSet<String>,
    first: Datetime,
    last: Datetime,
    seconds: u64,
    starts: u64,
    complete: bool,
    #[serde(default)]
    gaps: BTreeMap<String, u64>,
    #[serde(default)]
    course: CourseTable,
}

/// Optional as a whole and each for itself: what older versions wrote has none of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CourseTable {
    start_occasions: u64,
    hour_occasions: u64,
    stops: u64,
    reloads: u64,
    reloadable: bool,
    boots: u64,
    marks: BTreeMap<String, Vec<Datetime>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceTable {
    abi: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    number: u32,
    calls: u64,
    first_seen: Datetime,
    last_seen: Datetime,
    /// In how many occasions by start and by hour; not there where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<u64>,
    /// Whether it is certain that it was called in the first minute after a start only.
    #[serde(default, skip_serializing_if = "is_false")]
    only_at_start: bool,
    programs: BTreeSet<String>,
    /// For people, as is the next: the parts have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_hosts_but: Option<BTreeSet<String>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Allowlist {
    /// Reads the text of a file.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let syntax = |error: toml::de::Error| Error::Syntax {
            line: error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
            reason: error.message().to_owned(),
        };
        let file: File = match quick::read(text).map_or_else(|| toml::from_str(text), Ok) {
            Ok(file) if file.format == FORMAT => file,
            // Another version may have other fields: that it is another one is what must be said.
            read => {
                let head: Head = toml::from_str(text).map_err(syntax)?;
                return Err(match read {
                    Err(error) if head.format == FORMAT => syntax(error),
                    _ => Error::Format { found: head.format },
                });
            }
        };
        let mut evidence =
            file.evidence.into_iter().map(Evidence::try_from).collect::<Result<Vec<_>, _>>()?;
        let recording = file.observed.recording.clone();
        let observed = file.observed.try_into()?;
        let parts = parts::read(file.parts, recording, &file.unit, &observed, &evidence)?;
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
            observed,
            evidence,
            parts,
        })
    }
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
    // What was written by this program is of one form; most of the time of reading it went into times.
    if let Datetime { date: Some(date), time: Some(time), offset: Some(Offset::Z) } = datetime
        && let Some(at) = Timestamp::from_civil(
            (date.year.into(), date.month.into(), date.day.into()),
            (time.hour.into(), time.minute.into(), time.second.unwrap_or_default().into()),
        )
    {
        return Ok(at);
    }
    let text = datetime.to_string();
    text.parse().map_err(|_| Error::Time { text })
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
            host: Host {
                names: table.hosts,
                kernels: table.kernels,
                systemd: table.systemd,
                tools: table.tools,
                libcs: table.libcs,
                packages: table.packages,
            },
            first: time_of(&table.first)?,
            last: time_of(&table.last)?,
            seconds: table.seconds,
            starts: table.starts,
            course: table.course.try_into()?,
            gaps,
        })
    }
}

impl TryFrom<CourseTable> for Course {
    type Error = Error;

    fn try_from(table: CourseTable) -> Result<Self, Error> {
        let mut marks = Vec::new();
        for (name, times) in table.marks {
            let event = Event::from_name(&name).ok_or(Error::Event { event: name })?;
            for at in &times {
                marks.push(Mark { at: time_of(at)?, event });
            }
        }
        Ok(Self {
            occasions: By { start: table.start_occasions, hour: table.hour_occasions },
            stops: table.stops,
            reloads: table.reloads,
            reloadable: table.reloadable,
            boots: table.boots,
            marks: marks.into_iter().collect(),
        })
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
        let incidence = |over: Option<u64>| Incidence { over: over.unwrap_or_default(), before: table.calls };
        Ok(Self {
            call,
            name,
            tally: Tally {
                calls: table.calls,
                first_seen: time_of(&table.first_seen)?,
                last_seen: time_of(&table.last_seen)?,
                programs: table.programs,
                occasions: By { start: incidence(table.starts), hour: incidence(table.hours) },
                later: !table.only_at_start,
            },
        })
    }
}
