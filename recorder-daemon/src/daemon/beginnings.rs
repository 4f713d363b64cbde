//! How a recording begins.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{
    entry::{Before, Entry, HostFigures},
    recordings::{Error, Recordings, Started, wants},
    telling::What,
    units::Question,
};
use crate::{
    host::{self, boot_clock},
    kernel::{self, Recorder, Unit, Want},
    recording::Recording,
    units::{self, Found, Request, UnitName},
};

/// Where the cgroup is of a unit whose recording begins.
pub(super) enum Place {
    /// To be looked for.
    Unknown,
    /// There, or nowhere.
    Folder(Option<PathBuf>),
    /// The same, and it is wanted already; what the kernel side said of the whole host before that.
    Wanted(Box<Want>, Option<PathBuf>, HostFigures),
}

/// Many units that are to begin together, by name. To look for each by itself would be to look at all cgroups for each.
#[derive(Default)]
pub(super) struct Located(HashMap<String, (Want, Option<PathBuf>)>, HostFigures);

impl Located {
    fn place(&mut self, name: &UnitName) -> Place {
        match self.0.remove(&name.to_string()) {
            Some((want, folder)) => Place::Wanted(Box::new(want), folder, self.1),
            None => Place::Unknown,
        }
    }
}

impl Recordings {
    /// Wants the units that are asked for, then looks once where all of them are.
    pub(super) async fn locate(&mut self, requests: impl Iterator<Item = &Request>) -> Located {
        let by_name = requests.filter_map(|request| match request {
            Request::Unit(name) if !self.entries.contains_key(&name.to_string()) => Some(name.clone()),
            _ => None,
        });
        let names: BTreeSet<_> = by_name.collect();
        // A single one is looked for when it is begun.
        if names.len() < 2 {
            return Located::default();
        }
        let cgroups: Vec<_> = names.iter().map(UnitName::cgroup_name).collect();
        let want = move |recorder: &mut Recorder| {
            let figures = HostFigures::read(recorder)?;
            let want = |cgroup: String| {
                let number = recorder.number()?;
                recorder.want(number, &cgroup, boot_clock())
            };
            Ok((figures, cgroups.into_iter().map(want).collect::<Result<Vec<_>, kernel::Error>>()?))
        };
        // What fails here is tried again, and said, one by one.
        let Ok((figures, wants)) = self.kernel.ask(want).await else { return Located::default() };
        let Ok(found) = units::units(&self.mount) else { return Located::default() };
        let mut folders: HashMap<_, _> =
            found.into_iter().map(|found| (found.name.to_string(), found.path)).collect();
        let located = names.into_iter().zip(wants).map(|(name, want)| {
            let name = name.to_string();
            let folder = folders.remove(&name);
            (name, (want, folder))
        });
        Located(located.collect(), figures)
    }

    pub(super) async fn start(
        &mut self,
        request: Request,
        before: Before,
        located: &mut Located,
    ) -> Result<Started, Error> {
        let already = self.requests.contains(&request);
        let mut started = Started { already, units: Vec::new(), running: Vec::new() };
        if already {
            let of = |entry: &&Entry| entry.requests.contains(&request);
            started.units =
                self.entries.values().filter(of).map(|entry| entry.recording.unit.clone()).collect();
            return Ok(started);
        }
        match &request {
            Request::Unit(name) => {
                self.begin_unit(name, &request, located.place(name), before, &mut started).await?;
            }
            Request::Cgroup(path) => {
                let folder = self.mount.folder(path).filter(|folder| folder.is_dir());
                let place = Place::Folder(folder);
                self.begin(path.clone(), path.clone(), place, &request, before, &mut started).await?;
            }
            Request::Glob(_) => {
                // From here on the kernel side names what appears; what is there already is looked up after that,
                // so that nothing falls between.
                self.kernel.ask(|recorder| recorder.want_all_services(true)).await?;
                // What is recorded already, whether it has a cgroup now or not.
                for (unit, entry) in &mut self.entries {
                    if !entry.requests.is_empty() && unit.parse().is_ok_and(|name| wants(&request, &name)) {
                        entry.requests.insert(request.clone());
                    }
                }
                for Found { name, path, .. } in units::units(&self.mount)? {
                    if wants(&request, &name) {
                        self.begin_unit(&name, &request, Place::Folder(Some(path)), before, &mut started)
                            .await?;
                    }
                }
            }
        }
        let (units, running) = (started.units.len(), started.running.len());
        tracing::info!(%request, units, running, "recording {request}");
        self.requests.insert(request);
        Ok(started)
    }

    pub(super) async fn begin_unit(
        &mut self,
        name: &UnitName,
        request: &Request,
        place: Place,
        before: Before,
        started: &mut Started,
    ) -> Result<(), Error> {
        self.begin(name.to_string(), name.cgroup_name(), place, request, before, started).await?;
        let _ = self.begun.send(Question::Begun(name.clone()));
        Ok(())
    }

    /// Records `unit`, whose new cgroups are called `cgroup`, and which may have one now.
    pub(super) async fn begin(
        &mut self,
        unit: String,
        cgroup: String,
        place: Place,
        request: &Request,
        before: Before,
        started: &mut Started,
    ) -> Result<(), Error> {
        started.units.push(unit.clone());
        if let Some(entry) = self.entries.get_mut(&unit) {
            if entry.requests.is_empty() {
                return Err(Error::Ending { unit });
            }
            entry.requests.insert(request.clone());
            return Ok(());
        }
        let (mut want, folder, figures) = match place {
            Place::Wanted(want, folder, figures) => (*want, folder, figures),
            place => {
                let wanted = move |recorder: &mut Recorder| {
                    let figures = HostFigures::read(recorder)?;
                    let number = recorder.number()?;
                    Ok((recorder.want(number, &cgroup, boot_clock())?, figures))
                };
                let (want, figures) = self.kernel.ask(wanted).await?;
                // After that: a cgroup that is made now is armed by the kernel itself.
                let folder = match (place, request) {
                    (Place::Folder(folder), _) => folder,
                    (_, Request::Unit(name)) => units::find(&self.mount, name)?.map(|found| found.path),
                    _ => None,
                };
                (want, folder, figures)
            }
        };
        if let Some(folder) = folder {
            self.arm_running(&mut want, &folder).await?;
        }
        let (number, running) = (want.unit, want.running);
        let mut entry = self.entry(&unit, want, figures);
        let name = unit.parse::<UnitName>().ok();
        let others =
            self.requests.iter().filter(|other| name.as_ref().is_some_and(|name| wants(other, name)));
        entry.requests.extend(others.cloned());
        entry.requests.insert(request.clone());
        entry.comes_after(before);
        if running {
            started.running.push(unit.clone());
        }
        self.numbers.insert(number, unit.clone());
        self.entries.insert(unit.clone(), entry);
        self.tell(&unit, What::Began);
        self.tell_news(&unit);
        Ok(())
    }

    /// What is on disk of the unit, to be gone on with.
    pub(super) fn entry(&mut self, unit: &str, want: Want, figures: HostFigures) -> Entry {
        let mut recording = Recording::new(unit, self.host.clone());
        for ended in self.ended.get(unit).into_iter().flatten() {
            recording.merge(&ended.recording);
        }
        self.take_earlier(unit, |earlier| recording.merge(earlier));
        Entry::begin(want, recording, &self.boot, host::clock(), figures)
    }

    /// Arms the cgroup that a wanted unit has, and all below it. If it ran before it was wanted, that is kept.
    pub(super) async fn arm_running(&mut self, want: &mut Want, folder: &Path) -> Result<(), Error> {
        let number = want.unit;
        let Some(top) = units::id(folder)? else { return Ok(()) };
        let armed = self.kernel.ask(move |recorder| recorder.armed(top)).await?;
        if armed == Some(number) && !want.running {
            // Made since it is wanted: the kernel side has armed it.
            return Ok(());
        }
        // Kept first, and taken back if it did not run: whoever is stopped midway leaves no armed cgroup that looks as
        // if it had been made since.
        let kept = want.running;
        self.keep_running(want, true).await?;
        self.kernel.ask(move |recorder| recorder.arm(number, top, true)).await?;
        self.arm_below(number, folder, armed).await?;
        if !kept && !units::populated(folder)? {
            self.keep_running(want, false).await?;
        }
        Ok(())
    }

    async fn keep_running(&self, want: &mut Want, running: bool) -> Result<(), Error> {
        want.running = running;
        let kept = want.clone();
        Ok(self.kernel.ask(move |recorder| recorder.keep(&kept)).await?)
    }

    /// Arms what is below a cgroup and was nobody's, or the unit's to which all of it belonged before. What is wanted
    /// by itself stays its own unit's.
    pub(super) async fn arm_below(
        &self,
        number: Unit,
        folder: &Path,
        before: Option<Unit>,
    ) -> Result<(), Error> {
        // Looked at after the cgroup itself is armed: from then on what is made below is armed by the kernel side.
        let below = units::descendants(folder)?;
        if below.is_empty() {
            return Ok(());
        }
        let arm = move |recorder: &mut Recorder| {
            below.into_iter().try_for_each(|id| {
                let of = recorder.armed(id)?;
                if of.is_none() || of == before { recorder.arm(number, id, false) } else { Ok(()) }
            })
        };
        Ok(self.kernel.ask(arm).await?)
    }
}
