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
    entry::{Before, Entry},
    notify, requests,
    writer::Writer,
};
use crate::{
    kernel::{self, TakenOver, Unit},
    recording::{Clock, Gap, Host, Recording, Store, Timestamp},
    units::{self, Kind, Mount, Request, UnitName},
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

    pub(super) fn wants_all_services(&self) -> bool {
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

    pub(super) fn keep_requests(&mut self) {
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
pub(super) fn wants(request: &Request, name: &UnitName) -> bool {
    request.matches(name) && (name.kind() == Kind::Service || matches!(request, Request::Unit(_)))
}
