//! What is told of the recordings as they grow: events for whoever watches, entries in the journal, metrics.

mod events;
mod exposition;
mod gathering;
mod journal;
mod metrics;
mod watch;

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use recorder_common::Call;
use tokio::time::Instant;

use super::{entry::Entry, recordings::Recordings};
use crate::recording::{Gap, Timestamp};

pub(super) use events::Event;
pub(super) use watch::{Watched, told};

/// Something that has happened to a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A call was made for the first time; `later`: it may have been later than in the first minute after a start.
    Call { call: Call, at: Timestamp, later: bool, programs: Vec<String> },
    /// Something can be missing: how often in all.
    Gap { gap: Gap, count: u64 },
    /// Its cgroup was made: so many times in all.
    Start { starts: u64 },
    /// Its recording began.
    Began,
    /// Its recording ended.
    Ended,
}

/// By the wall clock, for people.
fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(now.as_secs())
}

/// When in a life of the unit a call was made, in a word.
const fn phase(later: bool) -> &'static str {
    if later { "later" } else { "start-up" }
}

/// What telling needs to remember. All of it is bounded.
#[derive(Default)]
pub(super) struct Telling {
    events: events::Events,
    journal: journal::Journal,
    metrics: gathering::File,
    /// The units that have a cgroup, and when that was looked up.
    there: Option<(Instant, BTreeSet<String>)>,
}

impl Recordings {
    /// Tells what is new of a unit.
    pub(super) fn tell_news(&mut self, unit: &str) {
        let news = self.entries.get_mut(unit).map(Entry::news).unwrap_or_default();
        self.tell_all(unit, news);
    }

    /// Tells what has happened to a unit.
    pub(super) fn tell_all(&mut self, unit: &str, news: Vec<What>) {
        if news.is_empty() {
            return;
        }
        self.telling.journal.note(unit, &news, Instant::now());
        for what in news {
            self.tell(unit, what);
        }
    }

    /// Tells those who watch.
    pub(super) fn tell(&mut self, unit: &str, what: What) {
        let at = match what {
            What::Call { at, .. } => at,
            _ => now(),
        };
        self.telling.events.push(at, unit, what);
    }
}
