//! What this host says of itself.

mod packages;

use std::{collections::BTreeSet, fs, io, time::SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::recording::{Clock, Host};

pub use packages::Packages;

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
        tools: [env!("CARGO_PKG_VERSION").to_owned()].into(),
        libcs: libc(),
        packages: [].into(),
    }
}

/// The C library that this program is linked to, which is the host's; empty where it has no banner to tell.
fn libc() -> BTreeSet<String> {
    // Its path is where the kernel has mapped it from, and its version is in the banner that it prints when it is
    // run: `GNU C Library (Debian GLIBC 2.36-9+deb12u13) stable release version 2.36.`
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let library = path.into_iter().find(|path| path.contains("/libc.so.6") || path.contains("/libc-2."));
    library.and_then(|path| fs::read(path).ok()).and_then(|bytes| banner(&bytes)).into_iter().collect()
}

/// `2.36 (Debian GLIBC 2.36-9+deb12u13)`.
fn banner(library: &[u8]) -> Option<String> {
    const BEGINS: &[u8] = b"GNU C Library (";
    let at = library.windows(BEGINS.len()).position(|bytes| bytes == BEGINS)? + BEGINS.len();
    let line = library[at..].split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..line.len().min(200))?).ok()?;
    let (build, rest) = line.split_once(')')?;
    let version = rest.rsplit_once("version ")?.1.trim_end_matches('.');
    Some(format!("{version} ({build})"))
}

/// `CLOCK_BOOTTIME` in nanoseconds: it counts on through a suspend, and nobody can set it.
#[must_use]
pub fn boot_clock() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let nanoseconds = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanoseconds).unwrap_or_default()
}

/// What ties that clock to the wall clock, as that one stands now.
#[must_use]
pub fn clock() -> Clock {
    Clock::new(SystemTime::now(), boot_clock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_is_told_by_its_banner() {
        let library =
            b"\x7fELF\0GNU C Library (Debian GLIBC 2.36-9+deb12u13) stable release version 2.36.\nCopyright";
        assert_eq!(banner(library).unwrap(), "2.36 (Debian GLIBC 2.36-9+deb12u13)");
        assert_eq!(banner(b"GNU C Library ("), None);
        assert_eq!(banner(b""), None);
    }
}
