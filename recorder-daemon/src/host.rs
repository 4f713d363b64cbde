//! What this host says of itself.

use std::{fs, io};

use rustix::time::{ClockId, clock_gettime};

use crate::recording::Host;

/// The kernel's name for this boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why the host cannot be known.
#[derive(Debug, thiserror::Error)]
#[error("cannot read this machine's {BOOT_ID}: {source}")]
pub struct Error {
    source: io::Error,
}

/// This boot, as the kernel names it.
pub fn boot_id() -> Result<String, Error> {
    let boot = fs::read_to_string(BOOT_ID).map_err(|source| Error { source })?;
    Ok(boot.trim().to_owned())
}

/// The host's name and kernel. No version of systemd: it has a part in few recordings.
#[must_use]
pub fn host() -> Host {
    let uname = rustix::system::uname();
    let text = |field: &std::ffi::CStr| field.to_string_lossy().into_owned();
    Host {
        names: [text(uname.nodename())].into(),
        kernels: [text(uname.release())].into(),
        systemd: [].into(),
    }
}

/// `CLOCK_BOOTTIME` in nanoseconds: it counts on through a suspend, and nobody can set it.
#[must_use]
pub fn boot_clock() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let nanoseconds = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanoseconds).unwrap_or_default()
}
