//! How a recording begins, and how it ends.

use std::path::{Path, PathBuf};

use super::{
    entry::{Before, Entry, HostFigures},
    recordings::{Error, Recordings, Started, Stopped, wants},
};
use crate::{
    host::boot_clock,
    kernel::{Recorder, Unit, Want},
    recording::Recording,
    units::{self, Found, Request, UnitName},
};

impl Recordings {
    pub(super) async fn start(&mut self, request: Request, before: Before) -> Result<Started, Error> {
        let already = self.requests.contains(&request);
        let mut started = Started { already, units: Vec::new(), running: Vec::new() };
        if already {
            let of = |entry: &&Entry| entry.requests.contains(&request);
            started.units =
                self.entries.values().filter(of).map(|entry| entry.recording.unit.clone()).collect();
            return Ok(started);
        }
        match &request {
            Request::Unit(name) => self.begin_unit(name, &request, None, before, &mut started).await?,
            Request::Cgroup(path) => {
                let folder = self.mount.folder(path).filter(|folder| folder.is_dir());
                self.begin(path.clone(), path.clone(), folder, &request, before, &mut started).await?;
            }
            Request::Glob(_) => {
                // From here on the kernel side names what appears; what is there already is looked up after that,
                // so that nothing falls between.
                self.kernel.ask(|recorder| recorder.want_all_services(true)).await?;
                // What is recorded already, whether it has a cgroup now or not.
                for (unit, entry) in &mut self.entries {
                    if unit.parse().is_ok_and(|name| wants(&request, &name)) {
                        entry.requests.insert(request.clone());
                    }
                }
                for Found { name, path, .. } in units::units(&self.mount)? {
                    if wants(&request, &name) {
                        self.begin_unit(&name, &request, Some(path), before, &mut started).await?;
                    }
                }
            }
        }
        let (units, running) = (started.units.len(), started.running.len());
        tracing::info!(%request, units, running, "recording {request}");
        self.requests.insert(request);
        self.keep_requests();
        Ok(started)
    }

    pub(super) async fn begin_unit(
        &mut self,
        name: &UnitName,
        request: &Request,
        folder: Option<PathBuf>,
        before: Before,
        started: &mut Started,
    ) -> Result<(), Error> {
        self.begin(name.to_string(), name.cgroup_name(), folder, request, before, started).await?;
        let _ = self.begun.send(name.clone());
        Ok(())
    }

    /// Records `unit`, whose new cgroups are called `cgroup`, and which may have one now.
    pub(super) async fn begin(
        &mut self,
        unit: String,
        cgroup: String,
        folder: Option<PathBuf>,
        request: &Request,
        before: Before,
        started: &mut Started,
    ) -> Result<(), Error> {
        started.units.push(unit.clone());
        if let Some(entry) = self.entries.get_mut(&unit) {
            entry.requests.insert(request.clone());
            return Ok(());
        }
        let figures = self.kernel.ask(HostFigures::read).await?;
        let number = Unit(self.next);
        self.next += 1;
        let mut want = self.kernel.ask(move |recorder| recorder.want(number, &cgroup, boot_clock())).await?;
        // After that: a cgroup that is made now is armed by the kernel itself.
        let folder = match (folder, request) {
            (None, Request::Unit(name)) => units::find(&self.mount, name)?.map(|found| found.path),
            (folder, _) => folder,
        };
        let running = match folder {
            Some(folder) => self.arm(want.unit, &folder).await?,
            None => false,
        };
        if running {
            want.running = true;
            let kept = want.clone();
            self.kernel.ask(move |recorder| recorder.ran_before(&kept)).await?;
        }
        let number = want.unit;
        let mut entry = self.entry(&unit, want, figures);
        let name = unit.parse::<UnitName>().ok();
        let others =
            self.requests.iter().filter(|other| name.as_ref().is_some_and(|name| wants(other, name)));
        entry.requests.extend(others.cloned());
        entry.requests.insert(request.clone());
        entry.comes_after(before, running);
        if running {
            started.running.push(unit.clone());
        }
        self.numbers.insert(number, unit.clone());
        self.entries.insert(unit, entry);
        Ok(())
    }

    /// What is on disk of the unit, to be gone on with.
    pub(super) fn entry(&mut self, unit: &str, want: Want, figures: HostFigures) -> Entry {
        let mut recording = Recording::new(unit, self.host.clone());
        if let Some(unwritten) = self.unwritten.remove(unit) {
            recording.merge(&unwritten);
        }
        match self.store.read_recording(unit) {
            Ok(Some(earlier)) => recording.merge(&earlier),
            Ok(None) => {}
            // The file is kept under another name by the store as soon as it has to be replaced.
            Err(error) => {
                tracing::warn!(unit, %error, "{unit}: a new recording is begun: {error}");
            }
        }
        Entry::begin(want, recording, &self.boot, self.clock, figures)
    }

    /// Arms a cgroup and all below it. Says whether it was there before it was wanted, with something in it.
    pub(super) async fn arm(&mut self, number: Unit, folder: &Path) -> Result<bool, Error> {
        let ids = units::descendants(folder)?;
        let Some(&top) = ids.first() else { return Ok(false) };
        let armed = self.kernel.ask(move |recorder| recorder.armed(top)).await?;
        if armed == Some(number) {
            // Made since it is wanted: the kernel side has armed it.
            return Ok(false);
        }
        self.kernel.ask(move |recorder| recorder.arm(number, top, true)).await?;
        self.arm_below(number, folder, armed).await?;
        Ok(units::populated(folder)?)
    }

    /// Arms what is below a cgroup and was nobody's, or the unit's to which all of it belonged before. What is wanted
    /// by itself stays its own unit's.
    async fn arm_below(&self, number: Unit, folder: &Path, before: Option<Unit>) -> Result<(), Error> {
        // Looked at after the cgroup itself is armed: from then on what is made below is armed by the kernel side.
        let below: Vec<_> = units::descendants(folder)?.into_iter().skip(1).collect();
        let arm = move |recorder: &mut Recorder| {
            below.into_iter().try_for_each(|id| {
                let of = recorder.armed(id)?;
                if of.is_none() || of == before { recorder.arm(number, id, false) } else { Ok(()) }
            })
        };
        Ok(self.kernel.ask(arm).await?)
    }

    /// Gives the cgroup of a unit that has ended to the unit in which it lies, if that is recorded.
    async fn give_back(&self, unit: &str) -> Result<(), Error> {
        let folder = match unit.parse::<UnitName>() {
            Ok(name) => units::find(&self.mount, &name)?.map(|found| found.path),
            Err(_) => self.mount.folder(unit).filter(|folder| folder.is_dir()),
        };
        let Some(folder) = folder else { return Ok(()) };
        let (own, above) = (units::descendants(&folder)?, folder.parent().map(units::descendants));
        let (Some(&own), Some(Ok(above))) = (own.first(), above) else { return Ok(()) };
        let Some(&above) = above.first() else { return Ok(()) };
        let Some(outer) = self.kernel.ask(move |recorder| recorder.armed(above)).await? else {
            return Ok(());
        };
        self.kernel.ask(move |recorder| recorder.arm(outer, own, false)).await?;
        self.arm_below(outer, &folder, None).await
    }

    pub(super) async fn stop(&mut self, request: &Request) -> Result<Stopped, Error> {
        if self.config.requests().contains(request) {
            return Err(Error::Configured);
        }
        if !self.requests.remove(request) {
            let unit = self.entries.get(&request.to_string());
            let by = unit.and_then(|entry| entry.requests.first());
            return Err(by.map_or(Error::NotRecorded, |by| Error::WantedBy { by: by.to_string() }));
        }
        self.keep_requests();
        if !self.wants_all_services() {
            self.kernel.ask(|recorder| recorder.want_all_services(false)).await?;
        }
        let mut stopped = Stopped { written: Vec::new(), goes_on: Vec::new() };
        let of = |(unit, entry): (&String, &Entry)| entry.requests.contains(request).then(|| unit.clone());
        let units: Vec<_> = self.entries.iter().filter_map(of).collect();
        let mut failed = None;
        for unit in units {
            let Some(entry) = self.entries.get_mut(&unit) else { continue };
            entry.requests.remove(request);
            if let Some(other) = entry.requests.first() {
                stopped.goes_on.push((unit, other.to_string()));
                continue;
            }
            match self.end(&unit).await {
                Ok(path) => stopped.written.push((unit, path)),
                Err(error) => failed = Some(error),
            }
        }
        tracing::info!(%request, units = stopped.written.len(), "stopped recording {request}");
        failed.map_or(Ok(stopped), Err)
    }

    /// The last reading of a unit, and the end of its recording.
    pub(super) async fn end(&mut self, unit: &str) -> Result<PathBuf, Error> {
        let Some(entry) = self.entries.get(unit) else { return Err(Error::NotRecorded) };
        let (number, cgroup) = (entry.number, entry.cgroup.clone());
        self.kernel
            .ask(move |recorder| {
                recorder.unwant(&cgroup)?;
                recorder.disarm(number)
            })
            .await?;
        self.give_back(unit).await?;
        self.read(unit).await?;
        let recording = self.entries.remove(unit).map(|entry| entry.recording).unwrap_or_default();
        self.numbers.remove(&number);
        // What the writer has, it does not lose: it tries until it can.
        self.kernel.ask(move |recorder| recorder.forget(number)).await?;
        let kept = recording.clone();
        self.writer.write(recording).await.map_err(|why| {
            self.unwritten.insert(unit.to_owned(), kept);
            Error::Write(why)
        })
    }
}
