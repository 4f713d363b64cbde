//! The system service: loads the kernel program once for the whole host, and records what it is asked to.
//!
//! One task for each responsibility, and one way for the data:
//!
//! | task | owns |
//! |---|---|
//! | `drain` | the kernel's side |
//! | `recordings` | the recordings, and what is wanted |
//! | `writer` | the disk |
//! | `units` | what is asked of systemd once a unit is recorded |
//! | the server in `control` | the socket |
//!
//! At the end they stop in the order in which the data flows: nobody is let in any more, all is read for the last
//! time, what was read is written, and the kernel's side is released, unless it is to count on for the next daemon.

mod beginnings;
mod config;
mod control;
mod drain;
mod endings;
mod entry;
mod life;
mod notify;
mod overview;
mod provenance;
mod readings;
mod recordings;
mod requests;
mod taking_in;
mod telling;
mod units;
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    os::{
        fd::{FromRawFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::UnixListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    control::{Limits as SocketLimits, Rights, serve},
    host::{self, boot_clock, boot_id},
    kernel::{self, Limits, Manager, Recorder, TakenOver},
    recording::{Store, StoreError},
    units::{Mount, Systemd, has_executor},
};

pub use config::{Config, DEFAULT_PATH, Error as ConfigError};

/// What the maps hold at the most, over all units; they are allocated as they fill.
const LIMITS: Limits =
    Limits { units: 4_096, cgroups: 65_536, outliers: 16_384, sightings: 1_048_576, programs: 65_536 };

/// What systemd knows this daemon by.
const OWN_UNIT: &str = "syscall-recorder.service";

/// How long the end may take: the last readings, and the disk. systemd waits longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel's side.
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
    /// cgroupfs.
    #[error(transparent)]
    Units(#[from] crate::units::Error),
    /// The state directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This boot.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The socket.
    #[error("cannot listen on {}: {source}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another daemon has the socket.
    #[error("another daemon is listening on {} already; stop that one first", path.display())]
    Running {
        /// Where.
        path: PathBuf,
    },
    /// The runtime, signals, the ring buffer.
    #[error("cannot {action}: {source}")]
    Runtime {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The disk did not take what was recorded.
    #[error(
        "what was recorded is not all on disk; the kernel counts on where it is pinned: make space, and start the \
         daemon again"
    )]
    Unwritten,
    /// Not all was done in time.
    #[error("the last readings were not all written within {DEADLINE:?}; see the log for what is missing")]
    Deadline,
}

fn runtime(action: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Runtime { action, source }
}

/// Runs until SIGTERM or SIGINT. `reload` gives the configuration anew, at SIGHUP.
pub fn run(config: Config, reload: impl Fn() -> Result<Config, ConfigError>) -> Result<(), Error> {
    // One thread: the work is a handful of readings a second, and the disk has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(runtime("start the runtime"))?;
    runtime.block_on(serve_all(config, reload))
}

async fn serve_all(config: Config, reload: impl Fn() -> Result<Config, ConfigError>) -> Result<(), Error> {
    let mount = Mount::find()?;
    let boot = boot_id()?;
    let store = Arc::new(open_store(&config)?);
    let began = boot_clock();
    let clock = host::clock();
    let systemd = Systemd::find().map(Arc::new);
    let manager = Manager { pid: systemd.is_some().into(), executor: systemd.is_some() && has_executor() };
    // From here on the end is an orderly one: what is attached is released.
    let signals = Signals::catch()?;
    let (recorder, taken_over) = attach(manager, &config)?;
    let figures = entry::HostFigures::read(&recorder)?;
    let listener = listen(&config)?;

    let (kernel, news, drain) = drain::start(recorder).map_err(runtime("wait for the ring buffer"))?;
    let (writer, written) = writer::start(Arc::clone(&store));
    let (ask, asked) = mpsc::channel(64);
    let (units_begun, to_ask_about) = mpsc::unbounded_channel();
    let facts = units::start(systemd.clone(), to_ask_about, ask.clone());
    let keep = config.keep_recording;
    let rights = Rights { group: group(&config.group) };
    let recordings = recordings::Recordings {
        kernel,
        mount: mount.clone(),
        writer,
        store,
        config,
        host: host::host(),
        packages: Arc::default(),
        boot,
        begun: units_begun,
        since: clock.at(began),
        entries: BTreeMap::new(),
        numbers: HashMap::new(),
        ended: BTreeMap::new(),
        unread: BTreeMap::new(),
        requests: BTreeSet::new(),
        with_systemd: systemd.is_some(),
        figures_before: figures,
        figures,
        taken_over,
        earlier: Some(taking_in::Earlier::default()),
        troubles: BTreeMap::new(),
        telling: telling::Telling::default(),
    };
    let (closed, stop) = (CancellationToken::new(), CancellationToken::new());
    let (ready, is_ready) = oneshot::channel();
    let recordings = tokio::spawn(recordings.run(asked, news, stop.clone(), ready));
    let control =
        control::Control { recordings: ask.clone(), systemd: systemd.clone(), mount: Arc::new(mount) };
    let server = tokio::spawn(serve(listener, rights, SocketLimits::default(), control, closed.clone()));
    if is_ready.await.is_ok() {
        give_back();
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, ?manager, ?taken_over, "attached and listening");
    }

    signals.until_stopped(&ask, reload).await;
    let keep = keep || is_restarted(systemd.as_deref()).await;
    tracing::info!(keep, "stopping");
    // What is being answered is answered to its end.
    closed.cancel();
    drop(ask);
    let end = async {
        let _ = server.await;
        stop.cancel();
        let all = recordings.await.unwrap_or(false);
        facts.abort();
        (all & written.await.unwrap_or(false), drain.await.ok())
    };
    let (written, recorder) = timeout(DEADLINE, end).await.map_err(|_| Error::Deadline)?;
    if !written {
        // The kernel holds what the disk does not; where it is pinned, the next daemon finds it.
        return Err(Error::Unwritten);
    }
    // Everything is on disk. Without this the kernel counts on, and the next daemon takes that over.
    if let Some(recorder) = recorder.filter(|_| !keep) {
        recorder.release()?;
    }
    Ok(())
}

/// Gives the kernel back the memory that reading all of its types took. The allocator would keep it, and nothing here
/// needs as much again.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches what is free, and nothing else.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Loads and attaches, or takes over what an earlier daemon has left. Where nothing can be pinned, recording ends
/// with the daemon.
fn attach(manager: Manager, config: &Config) -> Result<(Recorder, TakenOver), Error> {
    match Recorder::start_pinned(LIMITS, manager, &config.pin_directory) {
        Err(error @ kernel::Error::Pin { .. }) => {
            tracing::warn!(%error, "the recording will not outlive this daemon: {error}");
            Ok((Recorder::start(LIMITS, manager)?, TakenOver::Nothing))
        }
        other => Ok(other?),
    }
}

/// Whether systemd stops this daemon only to start it again.
async fn is_restarted(systemd: Option<&Systemd>) -> bool {
    let Some(systemd) = systemd else { return false };
    systemd.restarts(OWN_UNIT).await.unwrap_or_else(|error| {
        // What goes on in vain is better than what is lost; the next daemon, or the package's removal, ends it.
        tracing::warn!(%error, "systemd cannot be asked whether this is a restart; recording goes on");
        true
    })
}

/// What ends the daemon, and what has it read its configuration again.
struct Signals {
    terminated: Signal,
    interrupted: Signal,
    hung_up: Signal,
}

impl Signals {
    fn catch() -> Result<Self, Error> {
        let catch = |kind| signal(kind).map_err(runtime("catch signals"));
        Ok(Self {
            terminated: catch(SignalKind::terminate())?,
            interrupted: catch(SignalKind::interrupt())?,
            hung_up: catch(SignalKind::hangup())?,
        })
    }

    /// Waits for the signal to end; reloads at each SIGHUP.
    async fn until_stopped(
        mut self,
        ask: &mpsc::Sender<recordings::Ask>,
        reload: impl Fn() -> Result<Config, ConfigError>,
    ) {
        loop {
            tokio::select! {
                _ = self.terminated.recv() => return,
                _ = self.interrupted.recv() => return,
                _ = self.hung_up.recv() => match reload() {
                    Ok(config) => {
                        notify::reloading();
                        let _ = ask.send(recordings::Ask::Reload(Box::new(config))).await;
                    }
                    Err(error) => tracing::error!(%error, "the configuration stays as it was: {error}"),
                },
            }
        }
    }
}

/// The state on disk. What cannot be read there is set aside, and said.
fn open_store(config: &Config) -> Result<Store, Error> {
    let store = Store::open(&config.state_directory, config.max_state_mib << 20)?;
    for aside in store.check() {
        tracing::warn!("{aside}");
    }
    Ok(store)
}

/// The socket that systemd has handed over; without one, a socket of our own.
fn listen(config: &Config) -> Result<UnixListener, Error> {
    let path = config.socket();
    let failed = |source| Error::Socket { path: path.clone(), source };
    let listener = match sd_notify::listen_fds().map_err(failed)?.next() {
        // SAFETY: systemd has opened it for this process, and nobody else here knows its number.
        Some(descriptor) => unsafe { OwnedFd::from_raw_fd(descriptor) }.into(),
        None => bind(&path)?,
    };
    listener.set_nonblocking(true).map_err(failed)?;
    UnixListener::from_std(listener).map_err(failed)
}

fn bind(path: &Path) -> Result<std::os::unix::net::UnixListener, Error> {
    let failed = |source| Error::Socket { path: path.to_owned(), source };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(Error::Running { path: path.to_owned() });
    }
    // A daemon that was killed has left it.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed)?;
    // Everybody may ask; who may change something is looked at with each request.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(failed)?;
    Ok(listener)
}

/// The id of a group in /etc/group.
fn group(name: &str) -> Option<u32> {
    let table = fs::read_to_string("/etc/group").unwrap_or_default();
    let found = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    });
    if found.is_none() {
        tracing::warn!(group = name, "there is no such group; only root can start and stop recordings");
    }
    found
}
