//! The task that owns the recordings: what is asked for, what is being recorded, what of it is on disk.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    config::Config,
    drain::{Kernel, News},
    entry::{Before, Entry, HostFigures},
    notify, requests,
    writer::Writer,
};
use crate::{
    host::boot_clock,
    kernel::{self, Recorder, TakenOver, Unit, Want},
    recording::{Clock, Gap, Host, Recording, Store, Timestamp},
    units::{self, Found, Kind, Mount, Request, UnitName},
};

/// After the first news of something, for how long more is waited for: a program that starts makes dozens of
/// new calls at once. With the time that a write takes, a new call is on disk within a second.
const GATHER: Duration = Duration::from_millis(200);

/// What is asked of the task.
pub(super) enum Ask {
    Start(Request, oneshot::Sender<Result<Started, Error>>),
    Stop(Request, oneshot::Sender<Result<Stopped, Error>>),
    /// The units' names, none for all.
    Status(Option<String>, oneshot::Sender<Result<Overview, Error>>),
    /// Reads and writes the allowlist.
    Write(String, oneshot::Sender<Result<PathBuf, Error>>),
    /// The recording, from a reading made now if it is being recorded.
    Read(String, oneshot::Sender<Result<Recording, Error>>),
    /// A unit has a filter already.
    Filtered(String),
    /// systemd's version.
    Systemd(String),
    /// Another configuration.
    Reload(Box<Config>),
}

/// Why something that was asked cannot be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Kernel(#[from] kernel::Error),
    #[error("{0}")]
    Units(#[from] units::Error),
    #[error("nothing of that name is being recorded")]
    NotRecorded,
    #[error("it is recorded because of {by}; stop that")]
    WantedBy { by: String },
    #[error("it is in the configuration, whose `units` are always recorded")]
    Configured,
    #[error("its allowlist cannot be written: {0}; it is kept, and tried again every few seconds")]
    Write(String),
}

/// What came of a start.
pub(super) struct Started {
    pub(super) already: bool,
    pub(super) units: Vec<String>,
    pub(super) running: Vec<String>,
}

/// What came of a stop.
pub(super) struct Stopped {
    pub(super) written: Vec<(String, PathBuf)>,
    pub(super) goes_on: Vec<(String, String)>,
}

/// The state of all.
pub(super) struct Overview {
    pub(super) since: Timestamp,
    pub(super) requests: Vec<String>,
    pub(super) degraded: Option<String>,
    pub(super) units: Vec<UnitOverview>,
}

/// The state of one unit.
pub(super) struct UnitOverview {
    pub(super) requests: Vec<String>,
    pub(super) running: bool,
    pub(super) since: Timestamp,
    pub(super) recording: Recording,
}

/// What the task works with.
pub(super) struct Recordings {
    pub(super) kernel: Kernel,
    pub(super) mount: Mount,
    pub(super) writer: Writer,
    pub(super) store: Arc<Store>,
    pub(super) config: Config,
    pub(super) host: Host,
    pub(super) boot: String,
    pub(super) clock: Clock,
    /// Where units that are new are named, for whoever asks systemd about them.
    pub(super) begun: mpsc::UnboundedSender<UnitName>,
    pub(super) since: Timestamp,
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) numbers: HashMap<Unit, String>,
    /// What had ended before it could be written. The writer tries on; whoever begins anew must know it.
    pub(super) unwritten: BTreeMap<String, Recording>,
    pub(super) requests: BTreeSet<Request>,
    pub(super) next: u32,
    /// What was there when the kernel side was taken up.
    pub(super) taken_over: TakenOver,
    /// What went wrong at the kernel's side, until it goes right again.
    pub(super) trouble: Option<String>,
}

impl Recordings {
    /// Takes up what was asked for before, then does what is asked until `stop`; then reads all for the last time.
    pub(super) async fn run(
        mut self,
        mut asked: mpsc::Receiver<Ask>,
        mut news: News,
        stop: CancellationToken,
        ready: oneshot::Sender<()>,
    ) {
        self.take_up().await;
        notify::ready(&self.summary());
        let _ = ready.send(());
        let mut flush = interval(self.config.flush());
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watchdog = interval(notify::watchdog_interval().unwrap_or(Duration::from_hours(1)));
        let mut due: Option<Instant> = None;
        let mut said = String::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ask) = asked.recv() => self.answer(ask).await,
                () = news.wait(), if due.is_none() => due = Some(Instant::now() + GATHER),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.read_news(news.take()).await;
                }
                _ = flush.tick() => self.read_all().await,
                _ = watchdog.tick() => notify::watchdog(),
            }
            let summary = self.summary();
            if summary != said {
                notify::status(&summary);
                said = summary;
            }
        }
        notify::stopping();
        let taken_in = self.take_in().await;
        self.say("what has appeared cannot be looked at", taken_in);
        let units: Vec<_> = self.entries.keys().cloned().collect();
        for unit in units {
            if let Err(error) = self.write(&unit).await {
                tracing::error!(unit, %error, "{unit}: the last reading is not on disk: {error}");
            }
        }
    }

    async fn answer(&mut self, ask: Ask) {
        // What has appeared a moment ago is part of the answer.
        let taken_in = self.take_in().await;
        self.say("what has appeared cannot be looked at", taken_in);
        // Whoever has asked may have gone; what was asked is done all the same.
        match ask {
            Ask::Start(request, reply) => _ = reply.send(self.start(request, Before::Unwanted).await),
            Ask::Stop(request, reply) => _ = reply.send(self.stop(&request).await),
            Ask::Status(unit, reply) => _ = reply.send(self.overview(unit.as_deref()).await),
            Ask::Write(unit, reply) => _ = reply.send(self.write(&unit).await),
            Ask::Read(unit, reply) => _ = reply.send(self.recording(&unit).await),
            Ask::Filtered(unit) => {
                if let Some(entry) = self.entries.get_mut(&unit) {
                    entry.note(Gap::AlreadyFiltered, 1);
                }
            }
            Ask::Systemd(version) => _ = self.host.systemd.insert(version),
            Ask::Reload(config) => self.reload(*config).await,
        }
    }

    /// What the configuration wants, and what was wanted before a restart. What an earlier daemon has left counting
    /// goes on; what nobody counted meanwhile has a gap.
    async fn take_up(&mut self) {
        let before = requests::load(&self.config.requests_file(), &self.boot);
        let configured = self.config.requests();
        if self.taken_over != TakenOver::Nothing {
            // Before anything is begun anew: what is there must find the requests that want it.
            self.requests = before.iter().chain(&configured).cloned().collect();
        }
        // With no requests this lets go of all that has been left by one that could not clean up.
        let taken_in = self.take_in().await;
        self.say("what an earlier daemon has left cannot be taken over", taken_in);
        self.requests.clear();
        for request in configured.into_iter().chain(before.iter().cloned()) {
            let was_there = if before.contains(&request) { Before::Unattached } else { Before::Unwanted };
            if let Err(error) = self.start(request.clone(), was_there).await {
                tracing::error!(%request, %error, "{request} cannot be recorded: {error}");
            }
        }
        let all = self.wants_all_services();
        if let Err(error) = self.kernel.ask(move |recorder| recorder.want_all_services(all)).await {
            tracing::error!(%error, "the kernel side cannot be told whether every service is wanted");
        }
    }

    fn wants_all_services(&self) -> bool {
        self.requests.iter().any(|request| matches!(request, Request::Glob(_)))
    }

    async fn reload(&mut self, config: Config) {
        let before: BTreeSet<_> = self.config.requests().into_iter().collect();
        let now: BTreeSet<_> = config.requests().into_iter().collect();
        self.config.units = config.units;
        for request in now.difference(&before) {
            if let Err(error) = self.start(request.clone(), Before::Unwanted).await {
                tracing::error!(%request, %error, "{request} cannot be recorded: {error}");
            }
        }
        for request in before.difference(&now) {
            if let Err(error) = self.stop(request).await {
                tracing::error!(%request, %error, "{request} cannot be stopped: {error}");
            }
        }
        notify::ready(&self.summary());
    }

    async fn start(&mut self, request: Request, before: Before) -> Result<Started, Error> {
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

    async fn begin_unit(
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
    async fn begin(
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
    fn entry(&mut self, unit: &str, want: Want, figures: HostFigures) -> Entry {
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
    async fn arm(&mut self, number: Unit, folder: &std::path::Path) -> Result<bool, Error> {
        let ids = units::descendants(folder)?;
        let Some(&top) = ids.first() else { return Ok(false) };
        let armed = self.kernel.ask(move |recorder| recorder.armed(top)).await?;
        if armed == Some(number) {
            // Made since it is wanted: the kernel side has armed it.
            return Ok(false);
        }
        self.kernel.ask(move |recorder| recorder.arm(number, top, true)).await?;
        // Looked at again: from now on what is made below is armed by the kernel side.
        let below: Vec<_> = units::descendants(folder)?.into_iter().skip(1).collect();
        self.kernel
            .ask(move |recorder| below.into_iter().try_for_each(|id| recorder.arm(number, id, false)))
            .await?;
        Ok(units::populated(folder)?)
    }

    async fn stop(&mut self, request: &Request) -> Result<Stopped, Error> {
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
    async fn end(&mut self, unit: &str) -> Result<PathBuf, Error> {
        let Some(entry) = self.entries.get(unit) else { return Err(Error::NotRecorded) };
        let (number, cgroup) = (entry.number, entry.cgroup.clone());
        self.kernel
            .ask(move |recorder| {
                recorder.unwant(&cgroup)?;
                recorder.disarm(number)
            })
            .await?;
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

    /// Reads a unit, and saves it if there is news.
    async fn read(&mut self, unit: &str) -> Result<(), Error> {
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
    async fn read_news(&mut self, units: BTreeSet<Unit>) {
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
    async fn read_all(&mut self) {
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
    async fn take_in(&mut self) -> Result<(), Error> {
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
    async fn write(&mut self, unit: &str) -> Result<PathBuf, Error> {
        self.read(unit).await?;
        let Some(entry) = self.entries.get_mut(unit) else { return Err(Error::NotRecorded) };
        entry.unsaved = false;
        self.writer.write(entry.recording.clone()).await.map_err(Error::Write)
    }

    /// What is known of a unit: from a reading made now, or from disk where it is not being recorded.
    async fn recording(&mut self, unit: &str) -> Result<Recording, Error> {
        self.read(unit).await?;
        if let Some(entry) = self.entries.get(unit) {
            return Ok(entry.recording.clone());
        }
        let unwritten = || self.unwritten.get(unit).cloned();
        self.store.read_recording(unit).ok().flatten().or_else(unwritten).ok_or(Error::NotRecorded)
    }

    async fn overview(&mut self, unit: Option<&str>) -> Result<Overview, Error> {
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

    fn degraded(&self) -> Option<String> {
        self.writer.trouble().or_else(|| self.trouble.clone())
    }

    fn summary(&self) -> String {
        let count = match self.entries.len() {
            0 => "recording nothing yet; systemctl start syscall-recorder@UNIT".to_owned(),
            1 => format!("recording {}", self.entries.keys().next().map_or("", String::as_str)),
            count => format!("recording {count} units"),
        };
        self.degraded().map_or(count.clone(), |trouble| format!("degraded: {trouble}; {count}"))
    }

    /// Logs a failure once, and remembers it for the status until something goes right.
    fn say(&mut self, what: &str, done: Result<(), Error>) {
        let trouble = done.err().map(|error| format!("{what}: {error}"));
        if let Some(trouble) = trouble.as_ref().filter(|now| self.trouble.as_ref() != Some(*now)) {
            tracing::error!("{trouble}");
        }
        self.trouble = trouble;
    }

    fn keep_requests(&mut self) {
        let path = self.config.requests_file();
        let configured: BTreeSet<_> = self.config.requests().into_iter().collect();
        let asked: BTreeSet<_> = self.requests.difference(&configured).cloned().collect();
        if let Err(error) = requests::save(&path, &self.boot, &asked) {
            let path = path.display();
            tracing::error!(%path, %error, "{path}: the requests cannot be kept, a restart would forget them: {error}");
        }
    }
}

/// Whether a request wants a unit that appears. A glob is about services.
fn wants(request: &Request, name: &UnitName) -> bool {
    request.matches(name) && (name.kind() == Kind::Service || matches!(request, Request::Unit(_)))
}
