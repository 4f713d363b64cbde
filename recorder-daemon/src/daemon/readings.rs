//! Readings of the kernel's counts, and what is told of them.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    entry::{Entry, HostFigures, Reading},
    recordings::{Error, Overview, Recordings, UnitOverview},
    units::Question,
};
use crate::{
    host::boot_clock,
    kernel::{self, Recorder, Unit, Want},
    recording::{Recording, StoreError},
    units,
};

impl Recordings {
    /// Takes in what the disk has of a unit. What it has and cannot be read now is in no danger: the store writes
    /// nothing over it.
    pub(super) fn take_earlier(&mut self, unit: &str, take: impl FnOnce(&Recording)) {
        let unread = self.unread.remove(unit);
        match self.store.read_recording(unit) {
            Ok(Some(earlier)) => take(&earlier),
            Ok(None) => {}
            Err(aside @ StoreError::SetAside { .. }) => {
                tracing::warn!(unit, "a new recording is begun: {aside}");
            }
            Err(error) => {
                let why = error.to_string();
                if unread.as_ref() != Some(&why) {
                    tracing::error!(unit, "what was recorded before is left alone and tried again: {why}");
                }
                self.unread.insert(unit.to_owned(), why);
            }
        }
    }

    /// What the kernel side says of a unit now.
    pub(super) async fn reading(&self, want: &Want) -> Result<Reading, kernel::Error> {
        let (unit, ended) = (want.unit, want.ended);
        let reading = move |recorder: &mut Recorder| {
            let (snapshot, figures) = (recorder.snapshot(unit)?, HostFigures::read(recorder)?);
            Ok(Reading { snapshot, figures, at: ended.unwrap_or_else(boot_clock) })
        };
        self.kernel.ask(reading).await
    }

    /// Reads a unit, and saves it if there is news.
    pub(super) async fn read(&mut self, unit: &str) -> Result<(), Error> {
        self.look_at(unit).await?;
        if let Some(entry) = self.entries.get_mut(unit)
            && std::mem::take(&mut entry.due)
        {
            entry.unsaved = false;
            self.writer.save(entry.recording.clone());
        }
        self.tell_news(unit);
        Ok(())
    }

    /// Reads a unit, and leaves what is new for the next one to save.
    async fn look_at(&mut self, unit: &str) -> Result<(), Error> {
        if self.unread.contains_key(unit)
            && let Some(mut entry) = self.entries.remove(unit)
        {
            self.take_earlier(unit, |earlier| entry.take_earlier(earlier));
            self.entries.insert(unit.to_owned(), entry);
        }
        let Some(entry) = self.entries.get(unit) else { return Ok(()) };
        let reading = self.reading(&entry.want).await;
        let Some(entry) = self.entries.get_mut(unit) else { return Ok(()) };
        entry.figures = None;
        let reading = reading?;
        self.figures = reading.figures;
        entry.take(&reading, &self.host);
        Ok(())
    }

    /// Reads the units whose cgroup has come or gone, before more can happen in them. It is saved with their other
    /// news: a unit may start many times a second, and a disk cannot be written as often.
    pub(super) async fn read_boundaries(&mut self, units: BTreeSet<Unit>) {
        for number in units {
            // One that has just appeared has its first boundary behind it: it is taken in with its news.
            if let Some(unit) = self.numbers.get(&number).cloned() {
                let read = self.look_at(&unit).await;
                self.say("a reading failed", read);
                self.ask_for_reloads(&unit);
            }
        }
    }

    /// Has systemd asked. It remembers only the latest reload, and that until the next start.
    fn ask_for_reloads(&self, unit: &str) {
        if let Ok(name) = unit.parse() {
            let _ = self.begun.send(Question::Reloaded(name));
        }
    }

    /// When the first of the units has started up, on the boot clock.
    pub(super) fn settles(&self) -> Option<u64> {
        self.entries.values().filter_map(|entry| entry.life.settles()).min()
    }

    /// Reads the units that have started up.
    pub(super) async fn read_settled(&mut self) {
        let now = boot_clock();
        let settled = |(unit, entry): (&String, &mut Entry)| entry.life.settle(now).then(|| unit.clone());
        let units: Vec<_> = self.entries.iter_mut().filter_map(settled).collect();
        for unit in units {
            let read = self.read(&unit).await;
            self.say("a reading failed", read);
        }
    }

    /// systemd may have been upgraded to one that starts units in another way.
    async fn look_at_systemd(&mut self) {
        if self.with_systemd {
            let executor = units::has_executor();
            let told = self.kernel.ask(move |recorder| recorder.has_executor(executor)).await;
            self.say("the kernel side cannot be told how systemd starts units", told.map_err(Error::from));
        }
    }

    /// Reads the units that have news.
    pub(super) async fn read_news(&mut self, units: BTreeSet<Unit>) {
        self.look_at_systemd().await;
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

    /// Reads all that has been counted since, and saves what has grown.
    pub(super) async fn flush(&mut self) {
        self.look_at_systemd().await;
        let taken_in = self.take_in().await;
        self.say("what has appeared cannot be looked at", taken_in);
        let touched = self.touched().await;
        let units: Vec<_> = self.entries.keys().cloned().collect();
        for unit in units {
            if touched.contains(&unit) {
                let read = self.read(&unit).await;
                self.say("a reading failed", read);
            }
            if self.entries.get(&unit).is_some_and(|entry| entry.unsaved) {
                self.note_packages(&unit).await;
            }
            if let Some(entry) = self.entries.get_mut(&unit)
                && std::mem::take(&mut entry.unsaved)
            {
                self.writer.save(entry.recording.clone());
                self.ask_for_reloads(&unit);
            }
        }
        self.end_unwanted().await;
        self.settle_all().await;
        let retired = self.retire().await;
        self.say("services that are gone cannot be retired", retired);
    }

    /// The units that there may be something new of.
    async fn touched(&mut self) -> BTreeSet<String> {
        let asked =
            |recorder: &mut Recorder| Ok((recorder.touched()?, HostFigures::read(recorder)?, boot_clock()));
        let touched = self.kernel.ask(asked).await;
        let mut units = BTreeSet::new();
        for (unit, entry) in &mut self.entries {
            match &touched {
                // What was missed of nobody in particular may have been anybody's: its figures are looked at too.
                Ok((touched, figures, at))
                    if !touched.has(entry.want.unit) && entry.figures == Some(*figures) =>
                {
                    entry.rest(*figures, *at);
                }
                _ => _ = units.insert(unit.clone()),
            }
        }
        units.extend(self.unread.keys().filter(|unit| self.entries.contains_key(*unit)).cloned());
        let told = touched.map(|_| ()).map_err(Error::from);
        self.say("the kernel side cannot be asked which units were counted", told);
        units
    }

    /// Reads a unit now and writes its allowlist.
    pub(super) async fn write(&mut self, unit: &str) -> Result<PathBuf, Error> {
        self.begin_to_write(unit).await?.await
    }

    /// The same, but for the waiting: that comes with what is given.
    pub(super) async fn begin_to_write(
        &mut self,
        unit: &str,
    ) -> Result<impl Future<Output = Result<PathBuf, Error>> + use<>, Error> {
        self.read(unit).await?;
        self.note_packages(unit).await;
        let Some(entry) = self.entries.get_mut(unit) else { return Err(Error::NotRecorded) };
        entry.unsaved = false;
        let written = self.writer.write(entry.recording.clone());
        Ok(async { written.await.map_err(Error::Write) })
    }

    /// What is known of a unit: from a reading made now, or from disk where it is not being recorded.
    pub(super) async fn recording(&mut self, unit: &str) -> Result<Recording, Error> {
        self.read(unit).await?;
        self.note_packages(unit).await;
        if let Some(entry) = self.entries.get(unit) {
            return Ok(entry.recording.clone());
        }
        let ended = self.ended.get(unit).and_then(|ended| ended.last());
        if let Some(entry) = ended {
            return Ok(entry.recording.clone());
        }
        self.store.read_recording(unit)?.ok_or(Error::NotRecorded)
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
        let missed = self.figures.misses.cgroups.saturating_sub(self.figures_before.misses.cgroups);
        let lost = || {
            let text = format!(
                "{missed} services that appeared are not recorded: there is no place for their names"
            );
            (missed > 0).then_some(text)
        };
        let unread = || {
            let unread = self.unread.iter().find(|(unit, _)| self.entries.contains_key(*unit));
            unread.map(|(_, why)| why.clone())
        };
        let trouble = || self.troubles.values().next().cloned();
        self.writer.trouble().or_else(unread).or_else(trouble).or_else(lost)
    }

    pub(super) fn summary(&self) -> String {
        let count = match self.entries.len() {
            0 => "recording nothing yet; systemctl start syscall-recorder@UNIT".to_owned(),
            1 => format!("recording {}", self.entries.keys().next().map_or("", String::as_str)),
            count => format!("recording {count} units"),
        };
        self.degraded().map_or(count.clone(), |trouble| format!("degraded: {trouble}; {count}"))
    }

    /// Logs a failure once, and remembers it for the status until the same goes right.
    pub(super) fn say(&mut self, what: &'static str, done: Result<(), Error>) {
        let Err(error) = done else {
            self.troubles.remove(what);
            return;
        };
        let trouble = format!("{what}: {error}");
        if self.troubles.insert(what, trouble.clone()).as_ref() != Some(&trouble) {
            tracing::error!("{trouble}");
        }
    }
}
