//! Readings of the kernel's counts, and what is told of them.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    entry::HostFigures,
    recordings::{Error, Overview, Recordings, UnitOverview, wants},
};
use crate::{
    host::boot_clock,
    kernel::{Recorder, Unit},
    recording::Recording,
    units::{self, Request, UnitName},
};

impl Recordings {
    /// Reads a unit, and saves it if there is news.
    pub(super) async fn read(&mut self, unit: &str) -> Result<(), Error> {
        let Some(entry) = self.entries.get(unit) else { return Ok(()) };
        let number = entry.number;
        let reading = move |recorder: &mut Recorder| {
            Ok((recorder.snapshot(number)?, HostFigures::read(recorder)?, boot_clock()))
        };
        let (snapshot, figures, now) = self.kernel.ask(reading).await?;
        let Some(entry) = self.entries.get_mut(unit) else { return Ok(()) };
        entry.recording.host.systemd.extend(self.host.systemd.iter().cloned());
        let grown = entry.observe(&snapshot, figures, self.clock, now);
        if grown.news {
            entry.unsaved = false;
            self.writer.save(entry.recording.clone());
        }
        Ok(())
    }

    /// Reads the units that have news.
    pub(super) async fn read_news(&mut self, units: BTreeSet<Unit>) {
        if units.iter().any(|unit| !self.numbers.contains_key(unit)) {
            let taken_in = self.take_in().await;
            self.say("what has appeared cannot be looked at", taken_in);
        }
        for number in units {
            if let Some(unit) = self.numbers.get(&number).cloned() {
                let read = self.read(&unit).await;
                self.say("a reading failed", read);
            }
        }
    }

    /// Reads all, and saves what has grown.
    pub(super) async fn read_all(&mut self) {
        let taken_in = self.take_in().await;
        self.say("what has appeared cannot be looked at", taken_in);
        let units: Vec<_> = self.entries.keys().cloned().collect();
        for unit in units {
            let read = self.read(&unit).await;
            self.say("a reading failed", read);
            if let Some(entry) = self.entries.get_mut(&unit)
                && std::mem::take(&mut entry.unsaved)
            {
                self.writer.save(entry.recording.clone());
            }
        }
    }

    /// Takes in what is wanted in the kernel and not known here: what the kernel side has named by itself, and what
    /// an earlier daemon has left. What nobody wants is let go of.
    pub(super) async fn take_in(&mut self) -> Result<(), Error> {
        for want in self.kernel.ask(Recorder::wanted).await? {
            if self.numbers.contains_key(&want.unit) {
                continue;
            }
            let path = want.name.starts_with('/');
            let name = UnitName::from_cgroup_name(&want.name);
            let unit = if path { Some(want.name.clone()) } else { name.as_ref().map(ToString::to_string) };
            let wants = |request: &&Request| match (request, &name) {
                (Request::Cgroup(cgroup), _) => *cgroup == want.name,
                (request, Some(name)) => wants(request, name),
                (_, None) => false,
            };
            let by: BTreeSet<_> = self.requests.iter().filter(wants).cloned().collect();
            let (Some(unit), false) = (unit, by.is_empty()) else {
                self.kernel
                    .ask(move |recorder| {
                        recorder.unwant(&want.name)?;
                        recorder.disarm(want.unit)?;
                        recorder.forget(want.unit)
                    })
                    .await?;
                continue;
            };
            let figures = self.kernel.ask(HostFigures::read).await?;
            let number = want.unit;
            let appeared = want.by_kernel();
            let mut entry = self.entry(&unit, want, figures);
            entry.requests = by;
            self.numbers.insert(number, unit.clone());
            self.entries.insert(unit.clone(), entry);
            self.next = self.next.max(if appeared { 0 } else { number.0 + 1 });
            let how = if appeared { "it has appeared" } else { "it was being recorded before" };
            tracing::info!(unit, appeared, "recording {unit}: {how}");
            if let Some(name) = name {
                let _ = self.begun.send(name);
            }
        }
        Ok(())
    }

    /// Reads a unit now and writes its allowlist.
    pub(super) async fn write(&mut self, unit: &str) -> Result<PathBuf, Error> {
        self.read(unit).await?;
        let Some(entry) = self.entries.get_mut(unit) else { return Err(Error::NotRecorded) };
        entry.unsaved = false;
        self.writer.write(entry.recording.clone()).await.map_err(Error::Write)
    }

    /// What is known of a unit: from a reading made now, or from disk where it is not being recorded.
    pub(super) async fn recording(&mut self, unit: &str) -> Result<Recording, Error> {
        self.read(unit).await?;
        if let Some(entry) = self.entries.get(unit) {
            return Ok(entry.recording.clone());
        }
        let unwritten = || self.unwritten.get(unit).cloned();
        self.store.read_recording(unit).ok().flatten().or_else(unwritten).ok_or(Error::NotRecorded)
    }

    pub(super) async fn overview(&mut self, unit: Option<&str>) -> Result<Overview, Error> {
        let units: Vec<_> = match unit {
            Some(unit) if self.entries.contains_key(unit) => vec![unit.to_owned()],
            Some(_) => return Err(Error::NotRecorded),
            None => self.entries.keys().cloned().collect(),
        };
        let there: BTreeSet<_> =
            units::units(&self.mount)?.into_iter().map(|found| found.name.to_string()).collect();
        let mut overview = Overview {
            since: self.since,
            requests: self.requests.iter().map(ToString::to_string).collect(),
            degraded: self.degraded(),
            units: Vec::new(),
        };
        for unit in units {
            self.read(&unit).await?;
            let Some(entry) = self.entries.get(&unit) else { continue };
            let is_path = unit.starts_with('/');
            let folder = || self.mount.folder(&unit).is_some_and(|folder| folder.is_dir());
            overview.units.push(UnitOverview {
                requests: entry.requests.iter().map(ToString::to_string).collect(),
                running: if is_path { folder() } else { there.contains(&unit) },
                since: entry.since().unwrap_or(self.since),
                recording: entry.recording.clone(),
            });
        }
        Ok(overview)
    }

    pub(super) fn degraded(&self) -> Option<String> {
        self.writer.trouble().or_else(|| self.trouble.clone())
    }

    pub(super) fn summary(&self) -> String {
        let count = match self.entries.len() {
            0 => "recording nothing yet; systemctl start syscall-recorder@UNIT".to_owned(),
            1 => format!("recording {}", self.entries.keys().next().map_or("", String::as_str)),
            count => format!("recording {count} units"),
        };
        self.degraded().map_or(count.clone(), |trouble| format!("degraded: {trouble}; {count}"))
    }

    /// Logs a failure once, and remembers it for the status until something goes right.
    pub(super) fn say(&mut self, what: &str, done: Result<(), Error>) {
        let trouble = done.err().map(|error| format!("{what}: {error}"));
        if let Some(trouble) = trouble.as_ref().filter(|now| self.trouble.as_ref() != Some(*now)) {
            tracing::error!("{trouble}");
        }
        self.trouble = trouble;
    }
}
