//! What is told to whoever watches: all units in brief as they were last read, those that are shown as they are now.
//!
//! A reading copies each processor's rows out of the kernel, so with a thousand units it is not to be made every
//! second for every watcher. A unit is read when it is shown, and not again within [`FRESH`] whoever asks.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{Event, What, journal::name, now, phase};
use crate::{
    control::wire,
    daemon::{
        entry::Figures,
        recordings::{Error, Recordings},
    },
    host::boot_clock,
    recording::Timestamp,
    units,
};

/// How old a reading may be that is told as the present.
const FRESH: Duration = Duration::from_millis(450);

/// How old the list of the units that have a cgroup may be.
const THERE: Duration = Duration::from_millis(900);

/// In so many parts the time of a recording is cut to tell when its calls were new.
const PARTS: u64 = 16;

/// The units in brief, and what has happened.
pub(in crate::daemon) struct Watched {
    since: Timestamp,
    degraded: Option<String>,
    units: Vec<Line>,
    events: Vec<Event>,
    newest: u64,
    missed: u64,
}

struct Line {
    name: String,
    running: bool,
    figures: Figures,
    /// On the boot clock, in nanoseconds.
    read: u64,
    discoveries: Vec<u64>,
}

impl Recordings {
    pub(in crate::daemon) async fn watch(
        &mut self,
        unit: Option<&str>,
        shown: &BTreeSet<String>,
        after: Option<u64>,
    ) -> Result<Watched, Error> {
        if unit.is_some_and(|unit| !self.entries.contains_key(unit)) {
            return Err(Error::NotRecorded);
        }
        for unit in shown.iter().take(wire::SHOWN) {
            self.read_if_old(unit).await?;
        }
        self.look_up_cgroups()?;
        let now = now();
        let entries = self.entries.iter().filter(|(name, _)| unit.is_none_or(|unit| *name == unit));
        let lines = entries.map(|(name, entry)| Line {
            name: name.clone(),
            running: self.has_cgroup(name),
            figures: entry.figures(),
            read: entry.read,
            discoveries: if shown.contains(name) { entry.discoveries(now, PARTS) } else { Vec::new() },
        });
        let units = lines.collect();
        let newest = self.telling.events.newest();
        // A number from before this daemon's start means all.
        let after = after.map_or(newest, |after| if after > newest { 0 } else { after });
        let (events, missed) = self.telling.events.after(after, unit);
        let (since, degraded) = (self.since, self.degraded());
        Ok(Watched { since, degraded, units, events, newest, missed })
    }

    /// Reads a unit that was not read just now.
    pub(super) async fn read_if_old(&mut self, unit: &str) -> Result<(), Error> {
        let fresh = u64::try_from(FRESH.as_nanos()).unwrap_or(u64::MAX);
        match self.entries.get(unit) {
            Some(entry) if boot_clock().saturating_sub(entry.read) > fresh => self.read(unit).await,
            _ => Ok(()),
        }
    }

    /// Looks up which units have a cgroup, if that was not done just now.
    pub(super) fn look_up_cgroups(&mut self) -> Result<(), Error> {
        if !matches!(&self.telling.there, Some((at, _)) if at.elapsed() < THERE) {
            let names = units::units(&self.mount)?.into_iter().map(|found| found.name.to_string());
            self.telling.there = Some((Instant::now(), names.collect()));
        }
        Ok(())
    }

    /// Whether a unit had a cgroup when that was last looked up.
    pub(super) fn has_cgroup(&self, unit: &str) -> bool {
        if unit.starts_with('/') {
            return self.mount.folder(unit).is_some_and(|folder| folder.is_dir());
        }
        self.telling.there.as_ref().is_some_and(|(_, there)| there.contains(unit))
    }
}

/// As it is said on the socket.
pub(in crate::daemon) fn told(watched: Watched) -> wire::Watched {
    wire::Watched {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: watched.since.to_string(),
        degraded: watched.degraded,
        units: watched.units.into_iter().map(line).collect(),
        events: watched.events.into_iter().map(event).collect(),
        newest: watched.newest,
        missed: watched.missed,
    }
}

fn line(line: Line) -> wire::Line {
    let figures = line.figures;
    wire::Line {
        name: line.name,
        running: line.running,
        seconds: figures.seconds,
        starts: figures.starts,
        calls: figures.calls,
        names: figures.names,
        last_new: figures.last_new.map(|at| at.to_string()),
        gaps: figures.gaps.iter().map(|(gap, &count)| (gap.name().to_owned(), count)).collect(),
        read: line.read / 1_000_000,
        discoveries: line.discoveries,
    }
}

fn event(event: Event) -> wire::Event {
    let (number, at, unit) = (event.number, event.at.to_string(), event.unit);
    let plain = |kind: &str| wire::Event { number, at, unit, event: kind.to_owned(), ..Default::default() };
    match event.what {
        What::Call { call, programs, later, .. } => wire::Event {
            name: Some(name(call)),
            abi: Some(call.abi.name().to_owned()),
            programs,
            phase: Some(phase(later).to_owned()),
            ..plain("call")
        },
        What::Gap { gap, count } => {
            wire::Event { name: Some(gap.name().to_owned()), count: Some(count), ..plain("gap") }
        }
        What::Start { starts } => wire::Event { count: Some(starts), ..plain("start") },
        What::Began => plain("began"),
        What::Ended => plain("ended"),
    }
}
