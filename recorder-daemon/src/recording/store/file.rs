//! A recording as a file: JSON, format 2. For the daemon alone; what people read is the allowlist.
//!
//! Format 1 had less: what format 2 adds is optional when it is read. It knew of no occasions, so that all it tells
//! of is one, which is open still.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::{Abi, Call};
use serde::{Deserialize, Serialize};

use crate::recording::{
    By, Event, Gap, Host, Incidence, Mark, Occasions, Recording, Span, SpanId, Tally, Timestamp,
};

/// The format that this version writes.
const FORMAT: u32 = 2;

/// The oldest format that it reads.
const OLDEST: u32 = 1;

/// Why bytes are no recording.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it is no recording: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("it has format {0}, this version of syscall-recorder reads formats {OLDEST} to {FORMAT}")]
    Format(u32),
    #[error("{0:?} is no ABI")]
    Abi(String),
    #[error("{0:?} is no kind of gap")]
    Gap(String),
    #[error("{0:?} is nothing that happens to a unit")]
    Event(String),
    #[error("it holds something twice")]
    Twice,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    unit: String,
    hosts: BTreeSet<String>,
    kernels: BTreeSet<String>,
    systemd: BTreeSet<String>,
    #[serde(default)]
    tools: BTreeSet<String>,
    #[serde(default)]
    libcs: BTreeSet<String>,
    #[serde(default)]
    packages: BTreeSet<String>,
    spans: Vec<SpanTable>,
}

/// Times are seconds since 1970, `began` is nanoseconds since the boot.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanTable {
    boot: String,
    began: u64,
    first: u64,
    last: u64,
    seconds: u64,
    starts: u64,
    #[serde(default)]
    stops: u64,
    #[serde(default)]
    reloads: u64,
    #[serde(default)]
    reloadable: bool,
    /// By start and by hour: those that are over, and where the open one begins.
    #[serde(default)]
    occasions: [(u64, u64); 2],
    #[serde(default)]
    marks: Vec<(u64, String)>,
    gaps: BTreeMap<String, u64>,
    calls: Vec<CallTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallTable {
    abi: String,
    number: u32,
    calls: u64,
    first_seen: u64,
    last_seen: u64,
    /// By start and by hour: in how many that are over, and the count at the beginning of the open one.
    #[serde(default)]
    occasions: [(u64, u64); 2],
    #[serde(default = "unknown")]
    later: bool,
    programs: BTreeSet<String>,
}

/// Whether a call was made later than at a start is not known of format 1, and then it may have been.
const fn unknown() -> bool {
    true
}

/// The text of the file.
pub(super) fn text(recording: &Recording) -> String {
    let file = File {
        format: FORMAT,
        unit: recording.unit.clone(),
        hosts: recording.host.names.clone(),
        kernels: recording.host.kernels.clone(),
        systemd: recording.host.systemd.clone(),
        tools: recording.host.tools.clone(),
        libcs: recording.host.libcs.clone(),
        packages: recording.host.packages.clone(),
        spans: recording.spans.iter().map(|(id, span)| span_table(id, span)).collect(),
    };
    serde_json::to_string(&file).expect("strings and numbers always have a JSON form") + "\n"
}

/// Reads the bytes of a file.
pub(super) fn parse(bytes: &[u8]) -> Result<Recording, Error> {
    // The version goes first: another one may have other fields.
    let head: Head = serde_json::from_slice(bytes)?;
    if !(OLDEST..=FORMAT).contains(&head.format) {
        return Err(Error::Format(head.format));
    }
    let file: File = serde_json::from_slice(bytes)?;
    let mut spans = BTreeMap::new();
    for table in file.spans {
        let id = SpanId { boot: table.boot.clone(), began: table.began };
        if spans.insert(id, span(table)?).is_some() {
            return Err(Error::Twice);
        }
    }
    let host = Host {
        names: file.hosts,
        kernels: file.kernels,
        systemd: file.systemd,
        tools: file.tools,
        libcs: file.libcs,
        packages: file.packages,
    };
    Ok(Recording { unit: file.unit, host, spans })
}

fn span_table(id: &SpanId, span: &Span) -> SpanTable {
    let call = |(call, tally): (&Call, &Tally)| CallTable {
        abi: call.abi.name().to_owned(),
        number: call.number,
        calls: tally.calls,
        first_seen: tally.first_seen.unix(),
        last_seen: tally.last_seen.unix(),
        occasions: [tally.occasions.start, tally.occasions.hour].map(|of| (of.over, of.before)),
        later: tally.later,
        programs: tally.programs.clone(),
    };
    SpanTable {
        boot: id.boot.clone(),
        began: id.began,
        first: span.first.unix(),
        last: span.last.unix(),
        seconds: span.seconds,
        starts: span.starts,
        stops: span.stops,
        reloads: span.reloads,
        reloadable: span.reloadable,
        occasions: [span.occasions.start, span.occasions.hour].map(|of| (of.over, of.after)),
        marks: span.marks.iter().map(|mark| (mark.at.unix(), mark.event.name().to_owned())).collect(),
        gaps: span.gaps.iter().map(|(gap, count)| (gap.name().to_owned(), *count)).collect(),
        calls: span.calls.iter().map(call).collect(),
    }
}

fn span(table: SpanTable) -> Result<Span, Error> {
    let mut calls = BTreeMap::new();
    for table in table.calls {
        let abi = Abi::from_name(&table.abi).ok_or(Error::Abi(table.abi))?;
        let tally = Tally {
            calls: table.calls,
            first_seen: Timestamp::from_unix(table.first_seen),
            last_seen: Timestamp::from_unix(table.last_seen),
            programs: table.programs,
            occasions: by(table.occasions, |(over, before)| Incidence { over, before }),
            later: table.later,
        };
        if calls.insert(Call { abi, number: table.number }, tally).is_some() {
            return Err(Error::Twice);
        }
    }
    let gap = |(name, count): (String, u64)| Ok((Gap::from_name(&name).ok_or(Error::Gap(name))?, count));
    let mark = |(at, name): (u64, String)| {
        let event = Event::from_name(&name).ok_or(Error::Event(name))?;
        Ok(Mark { at: Timestamp::from_unix(at), event })
    };
    Ok(Span {
        first: Timestamp::from_unix(table.first),
        last: Timestamp::from_unix(table.last),
        seconds: table.seconds,
        starts: table.starts,
        stops: table.stops,
        reloads: table.reloads,
        reloadable: table.reloadable,
        occasions: by(table.occasions, |(over, after)| Occasions { over, after }),
        marks: table.marks.into_iter().map(mark).collect::<Result<_, Error>>()?,
        calls,
        gaps: table.gaps.into_iter().map(gap).collect::<Result<_, Error>>()?,
    })
}

fn by<T>([start, hour]: [(u64, u64); 2], of: impl Fn((u64, u64)) -> T) -> By<T> {
    By { start: of(start), hour: of(hour) }
}
