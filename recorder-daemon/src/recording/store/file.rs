//! A recording as a file: JSON, format 1. For the daemon alone; what people read is the allowlist.

use std::collections::{BTreeMap, BTreeSet};

use recorder_common::{Abi, Call};
use serde::{Deserialize, Serialize};

use crate::recording::{Gap, Host, Recording, Span, SpanId, Tally, Timestamp};

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// Why bytes are no recording.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it is no recording: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("it has format {0}, this version of syscall-recorder reads format {FORMAT}")]
    Format(u32),
    #[error("{0:?} is no ABI")]
    Abi(String),
    #[error("{0:?} is no kind of gap")]
    Gap(String),
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
    programs: BTreeSet<String>,
}

/// The text of the file.
pub(super) fn text(recording: &Recording) -> String {
    let file = File {
        format: FORMAT,
        unit: recording.unit.clone(),
        hosts: recording.host.names.clone(),
        kernels: recording.host.kernels.clone(),
        systemd: recording.host.systemd.clone(),
        spans: recording.spans.iter().map(|(id, span)| span_table(id, span)).collect(),
    };
    serde_json::to_string(&file).expect("strings and numbers always have a JSON form") + "\n"
}

/// Reads the bytes of a file.
pub(super) fn parse(bytes: &[u8]) -> Result<Recording, Error> {
    // The version goes first: another one may have other fields.
    let head: Head = serde_json::from_slice(bytes)?;
    if head.format != FORMAT {
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
    let host = Host { names: file.hosts, kernels: file.kernels, systemd: file.systemd };
    Ok(Recording { unit: file.unit, host, spans })
}

fn span_table(id: &SpanId, span: &Span) -> SpanTable {
    let call = |(call, tally): (&Call, &Tally)| CallTable {
        abi: call.abi.name().to_owned(),
        number: call.number,
        calls: tally.calls,
        first_seen: tally.first_seen.unix(),
        last_seen: tally.last_seen.unix(),
        programs: tally.programs.clone(),
    };
    SpanTable {
        boot: id.boot.clone(),
        began: id.began,
        first: span.first.unix(),
        last: span.last.unix(),
        seconds: span.seconds,
        starts: span.starts,
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
        };
        if calls.insert(Call { abi, number: table.number }, tally).is_some() {
            return Err(Error::Twice);
        }
    }
    let gap = |(name, count): (String, u64)| Ok((Gap::from_name(&name).ok_or(Error::Gap(name))?, count));
    Ok(Span {
        first: Timestamp::from_unix(table.first),
        last: Timestamp::from_unix(table.last),
        seconds: table.seconds,
        starts: table.starts,
        calls,
        gaps: table.gaps.into_iter().map(gap).collect::<Result<_, Error>>()?,
    })
}
