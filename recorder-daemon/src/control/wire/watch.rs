//! What [`Request::Watch`](super::Request::Watch) is answered with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Units in brief, and what has happened since last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The daemon's version.
    pub version: String,
    /// When it started, as `2026-11-23T17:36:19Z`. Where that has changed, events are counted anew.
    pub since: String,
    /// What keeps it from doing all that it should, in words.
    pub degraded: Option<String>,
    /// What is recorded, by name.
    pub units: Vec<Line>,
    /// What has happened since, the oldest first.
    pub events: Vec<Event>,
    /// The number of the newest event that there is, to be asked for what comes after it.
    pub newest: u64,
    /// Events that have happened since and are no longer held.
    pub missed: u64,
}

/// One unit, in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Whether its cgroup exists.
    pub running: bool,
    /// Time under observation.
    pub seconds: u64,
    /// Lives of its cgroup.
    pub starts: u64,
    /// System calls counted.
    pub calls: u64,
    /// Distinct names among them.
    pub names: u64,
    /// When a call was last seen for the first time, as `2026-11-23T17:36:19Z`.
    pub last_new: Option<String>,
    /// What can make the recording incomplete: how often, by kind.
    pub gaps: BTreeMap<String, u64>,
    /// When its counts were read, in milliseconds since boot.
    pub read: u64,
    /// How many calls were new, in equal parts of the time from the first recording until now. Only of those units
    /// that were named.
    pub discoveries: Vec<u64>,
}

/// Something that has happened to a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counted from 1, since the daemon started.
    pub number: u64,
    /// When, as `2026-11-23T17:36:19Z`.
    pub at: String,
    /// The unit.
    pub unit: String,
    /// `call`: one was made for the first time. `gap`: something can be missing. `start`: its cgroup was made.
    /// `began`, `ended`: its recording.
    pub event: String,
    /// Of the call, or the kind of gap.
    pub name: Option<String>,
    /// How the call came in.
    pub abi: Option<String>,
    /// Who made the call.
    pub programs: Vec<String>,
    /// When in the unit's life the call was made: `start-up`, in the first minute after a start, or `later`.
    pub phase: Option<String>,
    /// How often the gap was noted in all, or how many starts were seen.
    pub count: Option<u64>,
}
