//! How a recording ends: nothing is counted any more, the last reading is made, the disk has it, the kernel frees it.
//! In that order, and from each step on the next one can be made by another daemon.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    entry::Entry,
    recordings::{Error, Recordings, Stopped},
    telling::What,
};
use crate::{
    host::boot_clock,
    kernel::{self, Recorder, Want},
    recording::Gap,
    units::{self, Kind, Request, UnitName},
};

/// How many units that the kernel side has named are kept when their cgroups are gone. Services with a name for one
/// time only (`run-u123.service`) would fill the map of names.
const KEPT: usize = 512;

/// What went wrong, in the words of the status.
const NOT_TOLD: &str = "the kernel side cannot be told whether every service is wanted";

impl Recordings {
    pub(super) async fn stop(&mut self, request: &Request) -> Result<Stopped, Error> {
        if self.config.requests().contains(request) {
            return Err(Error::Configured);
        }
        let not_taken_up = self.earlier.as_mut().is_some_and(|earlier| earlier.forget(request));
        if !self.requests.remove(request) && !not_taken_up {
            let unit = self.entries.get(&request.to_string());
            let by = unit.and_then(|entry| entry.requests.first());
            return Err(by.map_or(Error::NotRecorded, |by| Error::WantedBy { by: by.to_string() }));
        }
        self.keep_requests();
        let mut stopped = Stopped { written: Vec::new(), goes_on: Vec::new() };
        let mut ending = BTreeSet::new();
        for (unit, entry) in &mut self.entries {
            if !entry.requests.remove(request) {
                continue;
            }
            match entry.requests.first() {
                Some(other) => stopped.goes_on.push((unit.clone(), other.to_string())),
                None => _ = ending.insert(unit.clone()),
            }
        }
        let all = self.wants_all_services();
        let told = self.kernel.ask(move |recorder| recorder.want_all_services(all)).await;
        self.say(NOT_TOLD, told.map_err(Error::from));
        self.end(&ending).await?;
        let mut failed = None;
        for unit in ending {
            match self.settle(&unit).await {
                Ok(path) => stopped.written.push((unit, path)),
                Err(error) => failed = Some(error),
            }
        }
        tracing::info!(%request, units = stopped.written.len(), "stopped recording {request}");
        failed.map_or(Ok(stopped), Err)
    }

    /// Ends what was begun for a request that failed midway: nobody could stop it.
    pub(super) async fn abandon(&mut self, request: &Request) {
        // What was wanted before goes on, and is begun again with all that is taken up.
        let taken_up_later = self.earlier.as_ref().and_then(|earlier| earlier.kept.as_ref());
        if self.requests.contains(request)
            || self.config.requests().contains(request)
            || taken_up_later.is_some_and(|kept| kept.asked.contains(request))
        {
            return;
        }
        for entry in self.entries.values_mut() {
            entry.requests.remove(request);
        }
        let all = self.wants_all_services();
        let told = self.kernel.ask(move |recorder| recorder.want_all_services(all)).await;
        self.say(NOT_TOLD, told.map_err(Error::from));
        self.end_unwanted().await;
    }

    /// Ends what nobody wants: where a start or a stop has failed midway, until it goes right.
    pub(super) async fn end_unwanted(&mut self) {
        let unwanted = self.entries.iter().filter(|(_, entry)| entry.requests.is_empty());
        let units: BTreeSet<_> = unwanted.map(|(unit, _)| unit.clone()).collect();
        if !units.is_empty() {
            let ended = self.end(&units).await;
            self.say("what nobody wants cannot be ended", ended);
            self.settle_all().await;
        }
    }

    /// Ends the recording of units. What they hold is on no disk before [`Self::settle`].
    async fn end(&mut self, units: &BTreeSet<String>) -> Result<(), Error> {
        let wants = units.iter().filter_map(|unit| self.entries.get(unit));
        let mut wants: Vec<_> = wants.map(|entry| entry.want.clone()).collect();
        self.end_wants(&mut wants).await?;
        for (unit, want) in units.iter().zip(wants) {
            let Some(mut entry) = self.entries.remove(unit) else { continue };
            self.numbers.remove(&want.unit);
            self.tell(unit, What::Ended);
            entry.want = want;
            self.ended.entry(unit.clone()).or_default().push(entry);
            let given_back = self.give_back(unit).await;
            self.say("a cgroup cannot be given back to the unit that it lies in", given_back);
        }
        Ok(())
    }

    /// Ends what is wanted in the kernel.
    pub(super) async fn end_wants(&self, wants: &mut [Want]) -> Result<(), kernel::Error> {
        let now = boot_clock();
        for want in wants.iter_mut() {
            want.ended = Some(now);
        }
        let ended = wants.to_vec();
        self.kernel.ask(move |recorder| recorder.end(&ended, now)).await
    }

    /// Reads what has ended, writes it, and then has the kernel free it. Can be said again until it is done.
    pub(super) async fn settle(&mut self, unit: &str) -> Result<PathBuf, Error> {
        let (mut recording, mut news) = (None, Vec::new());
        let wants: Vec<_> =
            self.ended.get(unit).into_iter().flatten().map(|entry| entry.want.clone()).collect();
        for (place, want) in wants.iter().enumerate() {
            let reading = self.reading(want).await?;
            let Some(entry) = self.ended.get_mut(unit).and_then(|ended| ended.get_mut(place)) else {
                continue;
            };
            entry.take(&reading, &self.host);
            news.extend(entry.news());
            match &mut recording {
                None => recording = Some(entry.recording.clone()),
                Some(recording) => recording.merge(&entry.recording),
            }
        }
        self.tell_all(unit, news);
        let Some(mut recording) = recording else { return Err(Error::NotRecorded) };
        // It may have been begun again meanwhile; there is one file for all.
        if let Some(entry) = self.entries.get_mut(unit) {
            entry.merge(&recording);
            recording = entry.recording.clone();
        }
        let packages = self.packages_of(&recording).await;
        recording.host.packages.extend(packages);
        let path = self.writer.write(recording).await.map_err(Error::Write)?;
        let forget = move |recorder: &mut Recorder| wants.iter().try_for_each(|want| recorder.forget(want));
        self.kernel.ask(forget).await?;
        self.ended.remove(unit);
        Ok(path)
    }

    /// Tries again what could not be written when it ended.
    pub(super) async fn settle_all(&mut self) {
        if self.writer.trouble().is_some() {
            return;
        }
        let units: Vec<_> = self.ended.keys().cloned().collect();
        for unit in units {
            if let Err(error) = self.settle(&unit).await {
                tracing::warn!(unit, %error, "{unit}: what has ended is not on disk yet: {error}");
            }
        }
    }

    /// Ends what the kernel side has named and what has no cgroup any more, if there is much of it. A unit of that name
    /// that appears later is named anew.
    pub(super) async fn retire(&mut self) -> Result<(), Error> {
        let named = |entry: &&Entry| {
            let for_itself = |request: &Request| matches!(request, Request::Unit(_));
            entry.want.by_kernel() && !entry.requests.iter().any(for_itself)
        };
        if self.entries.values().filter(named).count() <= KEPT {
            return Ok(());
        }
        let there = units::units(&self.mount)?;
        let there: BTreeSet<_> = there.into_iter().map(|found| found.name.to_string()).collect();
        let gone =
            |(unit, entry): (&String, &Entry)| (named(&entry) && !there.contains(unit)).then(|| unit.clone());
        let gone: BTreeSet<_> = self.entries.iter().filter_map(gone).collect();
        tracing::debug!(units = gone.len(), "services that are gone are retired");
        self.end(&gone).await?;
        self.settle_all().await;
        Ok(())
    }

    /// Gives the cgroup of a unit that has ended to the unit in which it lies, if that is recorded. What was called in it
    /// meanwhile is not in that unit's recording, which has a gap.
    pub(super) async fn give_back(&mut self, unit: &str) -> Result<(), Error> {
        // The system's units lie in slices; anything can lie in what is recorded by a path.
        let holds_others = |request: &Request| match request {
            Request::Cgroup(_) => true,
            Request::Unit(name) => name.kind() == Kind::Slice,
            Request::Glob(_) => false,
        };
        if !unit.starts_with('/') && !self.requests.iter().any(holds_others) {
            return Ok(());
        }
        let folder = match unit.parse::<UnitName>() {
            Ok(name) => units::find(&self.mount, &name)?.map(|found| found.path),
            Err(_) => self.mount.folder(unit).filter(|folder| folder.is_dir()),
        };
        let Some(folder) = folder else { return Ok(()) };
        let above = folder.parent().map(units::id).transpose()?.flatten();
        let (Some(own), Some(above)) = (units::id(&folder)?, above) else { return Ok(()) };
        let Some(outer) = self.kernel.ask(move |recorder| recorder.armed(above)).await? else {
            return Ok(());
        };
        self.kernel.ask(move |recorder| recorder.arm(outer, own, false)).await?;
        if let Some(entry) = self.numbers.get(&outer).and_then(|name| self.entries.get_mut(name)) {
            entry.note(Gap::CgroupsNotArmed, 1);
        }
        self.arm_below(outer, &folder, None).await
    }
}
