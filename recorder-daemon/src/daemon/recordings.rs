//! The task that owns the recordings: what is asked for, what is being recorded, what of it is on disk.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    beginnings::Located,
    config::Config,
    drain::{Kernel, News},
    entry::{Before, Entry, HostFigures},
    notify,
    requests::{self, Kept},
    taking_in::Earlier,
    telling::{Telling, Watched},
    units::Question,
    writer::Writer,
};
use crate::{
    host::{Packages, boot_clock},
    kernel::{self, TakenOver, Unit},
    recording::{Gap, Host, Recording, Store, StoreError, Timestamp},
    units::{self, Kind, Mount, Reload, Request, UnitName},
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
    /// The unit, none for all; those to be read; after which event.
    Watch(Option<String>, BTreeSet<String>, Option<u64>, oneshot::Sender<Result<Watched, Error>>),
    /// In the text format of Prometheus.
    Metrics(oneshot::Sender<Result<String, Error>>),
    /// Reads and writes the allowlist.
    Write(String, oneshot::Sender<Result<PathBuf, Error>>),
    /// The recording, from a reading made now if it is being recorded.
    Read(String, oneshot::Sender<Result<Recording, Error>>),
    /// A unit has a filter already.
    Filtered(String),
    /// A unit has an `ExecReload=`, which may have run.
    Reloaded(String, Reload),
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
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("nothing of that name is being recorded")]
    NotRecorded,
    #[error("it is recorded because of {by}; stop that")]
    WantedBy { by: String },
    #[error("it is in the configuration, whose `units` are always recorded")]
    Configured,
    #[error("{request} cannot be recorded: {source}")]
    Request { request: Request, source: Box<Error> },
    #[error("what was asked for before cannot be read: {0}")]
    Requests(#[from] io::Error),
    #[error(
        "what an earlier daemon has left is not taken up yet, and that is tried again every few seconds: {0}"
    )]
    NotTakenUp(String),
    #[error(
        "the recording of {unit} before this one has not ended yet; that is tried again every few seconds"
    )]
    Ending { unit: String },
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
    pub(super) packages: Arc<Mutex<Packages>>,
    pub(super) boot: String,
    /// Where units that are new are named, for whoever asks systemd about them.
    pub(super) begun: mpsc::UnboundedSender<Question>,
    pub(super) since: Timestamp,
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) numbers: HashMap<Unit, String>,
    /// What has ended and is not known to be on disk. The kernel keeps it until then.
    pub(super) ended: BTreeMap<String, Vec<Entry>>,
    /// What the disk has of a unit and cannot be read at the moment: why. It is taken in as soon as it can be.
    pub(super) unread: BTreeMap<String, String>,
    pub(super) requests: BTreeSet<Request>,
    /// Whether systemd starts the units here.
    pub(super) with_systemd: bool,
    /// What the kernel side said of the whole host when this daemon began, and when it was last read.
    pub(super) figures_before: HostFigures,
    pub(super) figures: HostFigures,
    /// What was there when the kernel side was taken up.
    pub(super) taken_over: TakenOver,
    /// What was there before this daemon, until it is taken up.
    pub(super) earlier: Option<Earlier>,
    /// What went wrong, by what could not be done, until it goes right again.
    pub(super) troubles: BTreeMap<&'static str, String>,
    pub(super) telling: Telling,
}

impl Recordings {
    /// Takes up what was asked for before, then does what is asked until `stop`; then reads all for the last time.
    /// Gives whether the writer has all that the kernel holds.
    pub(super) async fn run(
        mut self,
        mut asked: mpsc::Receiver<Ask>,
        news: News,
        stop: CancellationToken,
        ready: oneshot::Sender<()>,
    ) -> bool {
        let taken_in = self.take_in().await;
        self.say("what has appeared cannot be looked at", taken_in);
        notify::ready(&self.summary());
        let _ = ready.send(());
        let mut flush = interval(self.config.flush());
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watchdog = interval(notify::watchdog_interval().unwrap_or(Duration::from_hours(1)));
        let mut due: Option<Instant> = None;
        let mut said = String::new();
        loop {
            let settles = self.settles();
            let settled = Instant::now()
                + Duration::from_nanos(settles.unwrap_or_default().saturating_sub(boot_clock()));
            tokio::select! {
                () = stop.cancelled() => break,
                () = news.boundary() => self.read_boundaries(news.take_boundaries()).await,
                () = sleep_until(settled), if settles.is_some() => self.read_settled().await,
                Some(ask) = asked.recv() => self.answer(ask).await,
                () = news.wait(), if due.is_none() => due = Some(Instant::now() + GATHER),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.read_news(news.take()).await;
                }
                _ = flush.tick() => {
                    self.flush().await;
                    self.write_metrics().await;
                }
                _ = watchdog.tick() => notify::watchdog(),
                () = self.writer.changed() => {}
            }
            let summary = self.summary();
            if summary != said {
                notify::status(&summary);
                said = summary;
            }
        }
        notify::stopping();
        self.remove_metrics().await;
        let taken_in = self.take_in().await;
        let mut all = taken_in.is_ok() && self.has_taken_in();
        self.say("what has appeared cannot be looked at", taken_in);
        let units: Vec<_> = self.entries.keys().cloned().collect();
        let mut writing = Vec::new();
        for unit in units {
            match self.begin_to_write(&unit).await {
                Ok(written) => writing.push((unit, written)),
                Err(error) => {
                    tracing::error!(unit, %error, "{unit}: the last reading failed: {error}");
                    all = false;
                }
            }
        }
        for (unit, written) in writing {
            if let Err(error) = written.await {
                tracing::error!(unit, %error, "{unit}: the last reading is not on disk: {error}");
                all = false;
            }
        }
        self.settle_all().await;
        all && self.ended.is_empty()
    }

    async fn answer(&mut self, ask: Ask) {
        // What has appeared a moment ago is part of the answer; not of one that is asked for every second, for which
        // its news is soon enough.
        if !matches!(ask, Ask::Watch(..)) {
            let taken_in = self.take_in().await;
            self.say("what has appeared cannot be looked at", taken_in);
        }
        let ask = if self.has_taken_in() { Some(ask) } else { self.put_off(ask) };
        let Some(ask) = ask else { return };
        // Whoever has asked may have gone; what was asked is done all the same.
        match ask {
            Ask::Start(request, reply) => {
                // What is still to end would be taken for what is recorded.
                self.end_unwanted().await;
                let started = self.start(request.clone(), Before::Unwanted, &mut Located::default()).await;
                if started.is_err() {
                    self.abandon(&request).await;
                }
                self.keep_requests();
                let _ = reply.send(started);
            }
            Ask::Stop(request, reply) => _ = reply.send(self.stop(&request).await),
            Ask::Status(unit, reply) => _ = reply.send(self.overview(unit.as_deref()).await),
            Ask::Watch(unit, shown, after, reply) => {
                _ = reply.send(self.watch(unit.as_deref(), &shown, after).await);
            }
            Ask::Metrics(reply) => _ = reply.send(self.metrics().await),
            Ask::Write(unit, reply) => _ = reply.send(self.write(&unit).await),
            Ask::Read(unit, reply) => _ = reply.send(self.recording(&unit).await),
            Ask::Filtered(unit) => {
                if let Some(entry) = self.entries.get_mut(&unit) {
                    entry.note(Gap::AlreadyFiltered, 1);
                }
                self.tell_news(&unit);
            }
            Ask::Reloaded(unit, reload) => {
                if let Some(entry) = self.entries.get_mut(&unit) {
                    entry.reloaded(reload);
                }
            }
            Ask::Systemd(version) => _ = self.host.systemd.insert(version),
            Ask::Reload(config) => self.reload(*config).await,
        }
    }

    pub(super) fn wants_all_services(&self) -> bool {
        self.requests.iter().any(|request| matches!(request, Request::Glob(_)))
    }

    async fn reload(&mut self, config: Config) {
        let before: BTreeSet<_> = self.config.requests().into_iter().collect();
        let now: BTreeSet<_> = config.requests().into_iter().collect();
        self.config.units = config.units;
        if self.config.metrics_file != config.metrics_file {
            self.remove_metrics().await;
            self.config.metrics_file = config.metrics_file;
        }
        if !self.has_taken_in() {
            // What is wanted is taken from the configuration then.
            notify::ready(&self.summary());
            return;
        }
        let mut located = self.locate(now.difference(&before)).await;
        let mut failed = false;
        for request in now.difference(&before) {
            if let Err(error) = self.start(request.clone(), Before::Unwanted, &mut located).await {
                tracing::error!(%request, %error, "{request} cannot be recorded: {error}");
                failed = true;
            }
        }
        if failed {
            // Tried again at each look, as at the beginning.
            let asked = self.requests.difference(&now).cloned().collect();
            self.earlier =
                Some(Earlier { kept: Some(Kept { asked, configured: before.clone() }), taken_in: true });
        }
        self.keep_requests();
        for request in before.difference(&now) {
            if let Err(error) = self.stop(request).await {
                tracing::error!(%request, %error, "{request} cannot be stopped: {error}");
            }
        }
        notify::ready(&self.summary());
    }

    pub(super) fn keep_requests(&mut self) {
        let configured: BTreeSet<_> = self.config.requests().into_iter().collect();
        let mut asked: BTreeSet<_> = self.requests.difference(&configured).cloned().collect();
        if let Some(earlier) = &self.earlier {
            // A kill must not forget what is not taken up yet.
            let Some(kept) = earlier.kept.as_ref().filter(|_| earlier.taken_in) else { return };
            asked.extend(kept.asked.difference(&configured).cloned());
        }
        let path = self.config.requests_file();
        if let Err(error) = requests::save(&path, &self.boot, &Kept { asked, configured }) {
            let path = path.display();
            tracing::error!(%path, %error, "{path}: the requests cannot be kept, a restart would forget them: {error}");
        }
    }
}

/// Whether a request wants a unit that appears. A glob is about services.
pub(super) fn wants(request: &Request, name: &UnitName) -> bool {
    request.matches(name) && (name.kind() == Kind::Service || matches!(request, Request::Unit(_)))
}
