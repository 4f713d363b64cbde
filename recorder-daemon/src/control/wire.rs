//! What is said over the socket. `org.syscall-recorder.Control.varlink` says the same for other programs, and
//! a test holds the two together.

mod watch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use watch::{Event, Line, Watched};

/// What a command asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "method", content = "parameters")]
pub enum Request {
    /// Record what these name, from now on.
    #[serde(rename = "org.syscall-recorder.Control.Start")]
    Start {
        /// Unit names, globs over them or, with `cgroup`, cgroup paths.
        requests: Vec<String>,
        /// The requests are cgroup paths.
        cgroup: bool,
    },
    /// Take these requests back, and write what was recorded.
    #[serde(rename = "org.syscall-recorder.Control.Stop")]
    Stop {
        /// As they were given to `Start`.
        requests: Vec<String>,
    },
    /// What is being recorded.
    #[serde(rename = "org.syscall-recorder.Control.Status")]
    Status {
        /// Only this one.
        unit: Option<String>,
    },
    /// What is being recorded in brief, and what has happened.
    #[serde(rename = "org.syscall-recorder.Control.Watch")]
    Watch {
        /// Only this one.
        unit: Option<String>,
        /// The names of those whose counts are read for this; of the others they are as last read. At most
        /// [`SHOWN`] of them.
        shown: Vec<String>,
        /// What has happened after the event of this number; where there is none, nothing of that.
        after: Option<u64>,
    },
    /// What a monitoring system wants to know.
    #[serde(rename = "org.syscall-recorder.Control.Metrics")]
    Metrics {},
    /// Write the allowlists of these units now.
    #[serde(rename = "org.syscall-recorder.Control.Snapshot")]
    Snapshot {
        /// Names of units.
        units: Vec<String>,
    },
    /// The allowlist of a unit, from a reading made there and then.
    #[serde(rename = "org.syscall-recorder.Control.Allowlist")]
    Allowlist {
        /// Its name.
        unit: String,
    },
}

/// The most units whose counts are read for one [`Request::Watch`].
pub const SHOWN: usize = 64;

/// What the daemon answers, to each [`Request`] its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "each is told at its type, or at its request")]
pub enum Reply {
    /// To `Start`.
    Started { started: Vec<Started> },
    /// To `Stop`.
    Stopped { stopped: Vec<Stopped> },
    /// To `Status`.
    Status { status: Status },
    /// To `Watch`.
    Watched { watched: Watched },
    /// To `Metrics`: in the text format of Prometheus.
    Metrics { metrics: String },
    /// To `Snapshot`.
    Written { written: Vec<Written> },
    /// To `Allowlist`: the text of the file.
    Allowlist { text: String },
}

/// What became of one request to record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// As it was asked.
    pub request: String,
    /// It was wanted before.
    pub already: bool,
    /// What it records now.
    pub units: Vec<String>,
    /// Those of them that ran before, so that their start was not seen.
    pub running: Vec<String>,
}

/// What became of one request that was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// As it was asked.
    pub request: String,
    /// The allowlists of what is no longer recorded.
    pub written: Vec<Written>,
    /// What others still want, in words: `UNIT, wanted by REQUEST`.
    pub goes_on: Vec<String>,
}

/// An allowlist on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The unit that it is for.
    pub unit: String,
    /// Where it is.
    pub path: String,
}

/// The daemon's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// When it started, as `2026-11-23T17:36:19Z`.
    pub since: String,
    /// All that is wanted.
    pub requests: Vec<String>,
    /// What keeps it from doing all that it should, in words.
    pub degraded: Option<String>,
    /// What is recorded.
    pub units: Vec<Unit>,
}

/// One unit that is being recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// The requests that want it.
    pub requests: Vec<String>,
    /// Whether its cgroup exists.
    pub running: bool,
    /// When its recording began, as `2026-11-23T17:36:19Z`.
    pub since: String,
    /// Time under observation.
    pub seconds: u64,
    /// Lives of its cgroup.
    pub starts: u64,
    /// System calls counted.
    pub calls: u64,
    /// Distinct names among them.
    pub names: u64,
    /// The newest of those names.
    pub last_new: Option<LastNew>,
    /// What can make the recording incomplete: how often, by kind.
    pub gaps: BTreeMap<String, u64>,
    /// Time under observation since the newest of the names was seen first.
    #[serde(default)]
    pub quiet_seconds: u64,
    /// What is estimated, from starts and from hours; the more cautious one first. None where they are too few.
    #[serde(default)]
    pub coverage: Vec<Coverage>,
    /// What has not happened yet, by its key.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// The calls that were seen for the first time most recently, the newest first; only of a unit that was asked
    /// for by its name.
    #[serde(default)]
    pub newest: Vec<LastNew>,
}

/// How much of what a unit calls has been seen: an estimate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// What the occasions are: `start` or `hour`.
    pub per: String,
    /// How many occasions there were.
    pub occasions: u64,
    /// How many distinct calls were made in them.
    pub seen: u64,
    /// How many of those were made in one of them only.
    pub once: u64,
    /// How many calls there are, at the least, that were not seen.
    pub unseen: Estimate,
    /// Which part of what a further occasion calls was seen before, from 0 to 1.
    pub covered: Estimate,
    /// How many calls a further occasion is expected to show for the first time.
    pub next: Estimate,
}

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The name that was seen for the first time most recently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastNew {
    /// The system call.
    pub name: String,
    /// How it came in.
    pub abi: String,
    /// When, as `2026-11-23T17:36:19Z`.
    pub at: String,
    /// The programs that have made it.
    #[serde(default)]
    pub programs: Vec<String>,
}

/// Why the daemon does not do what it was asked. Each reads as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "parameters")]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Refusal {
    /// Nothing of this name is known.
    #[error("{unit}: no such unit; `systemctl list-unit-files` lists those that there are")]
    #[serde(rename = "org.syscall-recorder.Control.NoSuchUnit")]
    NoSuchUnit { unit: String },
    /// The request cannot be understood.
    #[error("{request}: {reason}")]
    #[serde(rename = "org.syscall-recorder.Control.BadRequest")]
    BadRequest { request: String, reason: String },
    /// Nothing is recorded under this name.
    #[error("{unit}: is not being recorded{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    #[serde(rename = "org.syscall-recorder.Control.NotRecorded")]
    NotRecorded { unit: String, reason: Option<String> },
    /// The peer may not ask this.
    #[error("{reason}")]
    #[serde(rename = "org.syscall-recorder.Control.NotPermitted")]
    NotPermitted { reason: String },
    /// All places are taken.
    #[error("the daemon has too many connections; try again in a moment")]
    #[serde(rename = "org.syscall-recorder.Control.Busy")]
    Busy,
    /// Something went wrong at the daemon.
    #[error("{reason}")]
    #[serde(rename = "org.syscall-recorder.Control.Failed")]
    Failed { reason: String },
}
