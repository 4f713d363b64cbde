//! What is looked at. No judgement here.

use std::{fs, io, path::Path};

use super::{
    super::host::Host,
    service::{self, Service},
    state::{self, State},
};
use crate::{
    daemon::Config,
    kernel,
    units::{Hierarchies, hierarchies},
};

/// All that the judgement rests on, as plain values.
pub(super) struct Facts {
    /// As uname has it.
    pub(super) kernel: String,
    /// What keeps the daemon's configuration from being used.
    pub(super) config: Result<(), String>,
    /// What keeps the kernel's types from being used.
    pub(super) layout: Result<(), String>,
    pub(super) jit: Setting,
    pub(super) lockdown: Setting,
    pub(super) cgroups: Hierarchies,
    /// The capabilities of whoever asks.
    pub(super) capabilities: u64,
    pub(super) trial: Trial,
    pub(super) daemon: Daemon,
    pub(super) pins: Pins,
    pub(super) state: State,
    pub(super) service: Service,
}

/// A file of the kernel's.
pub(super) enum Setting {
    Is(String),
    Absent,
    /// Not for this user.
    Closed,
}

/// Loading and attaching.
pub(super) enum Trial {
    Done,
    Failed(String),
    /// Whoever asks may not.
    NotTried,
}

/// Who answers on the socket.
pub(super) enum Daemon {
    Answers { version: String, degraded: Option<String> },
    Silent(String),
}

/// Where the kernel side is to outlive the daemon.
pub(super) struct Pins {
    pub(super) folder: String,
    /// None where it cannot be looked at.
    pub(super) bpffs: Option<bool>,
}

/// What it takes to load the programs: CAP_PERFMON and CAP_BPF, or CAP_SYS_ADMIN (linux/capability.h).
pub(super) fn may_load(capabilities: u64) -> bool {
    let has = |bit: u32| capabilities >> bit & 1 == 1;
    has(21) || has(38) && has(39)
}

impl Facts {
    pub(super) fn gather(config: Option<&Path>, host: &Host) -> Self {
        let (config, usable) = match Config::load(config) {
            Ok(config) => (config, Ok(())),
            Err(error) => (Config::default(), Err(error.to_string())),
        };
        let capabilities = capabilities();
        let trial = match may_load(capabilities).then(kernel::trial) {
            None | Some(Err(kernel::Error::NotPermitted)) => Trial::NotTried,
            Some(Ok(())) => Trial::Done,
            Some(Err(error)) => Trial::Failed(error.to_string()),
        };
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            config: usable,
            layout: kernel::layout().map_err(|error| error.to_string()),
            jit: setting("/proc/sys/net/core/bpf_jit_enable"),
            lockdown: setting("/sys/kernel/security/lockdown"),
            cgroups: hierarchies(),
            capabilities,
            trial,
            daemon: daemon(host),
            pins: pins(&config),
            state: state::look(&config.state_directory),
            service: service::look(),
        }
    }
}

fn setting(path: &str) -> Setting {
    match fs::read_to_string(path) {
        Ok(text) => Setting::Is(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Setting::Closed,
        Err(_) => Setting::Absent,
    }
}

/// Those in effect.
fn capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn daemon(host: &Host) -> Daemon {
    match host.daemon().status(None) {
        Ok(status) => Daemon::Answers { version: status.version, degraded: status.degraded },
        Err(error) => Daemon::Silent(error.to_string()),
    }
}

/// The default folder is only in the sight of the daemon, where the unit binds the package's folder to.
fn pins(config: &Config) -> Pins {
    const SHOWN_TO_THE_DAEMON: &str = "/sys/fs/bpf/syscall-recorder";
    let default = config.pin_directory == Config::default().pin_directory;
    let folder = if default { Path::new(SHOWN_TO_THE_DAEMON) } else { &config.pin_directory };
    Pins { folder: folder.display().to_string(), bpffs: kernel::is_bpffs(folder) }
}
