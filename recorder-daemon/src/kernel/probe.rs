//! What this kernel can do, found out by doing it.

use std::path::Path;

use rustix::fs::statfs;

use super::{Error, Limits, Manager, Recorder, pins::BPF_FS_MAGIC, target};

/// The first Linux that recording works on, as major and minor: the oldest that it has been shown on.
pub const OLDEST: (u32, u32) = (5, 10);

/// The first Linux that has all that the programs use without another way: ring buffers (and CAP_BPF) are the youngest
/// of it.
pub(super) const RING_BUFFERS: (u32, u32) = (5, 8);

/// The last Linux on which the counting program is known not to be preempted. See `Recorder::skipped`.
pub const LAST_EXACT: (u32, u32) = (6, 18);

/// Major and minor of a release, as uname gives it. None where it does not begin so.
#[must_use]
pub fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether the kernel publishes its types, and every field that the programs read is among them.
pub fn layout() -> Result<(), Error> {
    target::read(Path::new(target::VMLINUX), 0, 1).map(|_| ())
}

/// Loads and attaches all programs, and lets go of them: they count nothing, for nothing is wanted of them.
pub fn trial() -> Result<(), Error> {
    let limits = Limits { units: 1, cgroups: 1, outliers: 1, sightings: 1, programs: 1 };
    Recorder::start(limits, Manager::default()).map(drop)
}

/// Whether something can be pinned in this folder. None where it cannot be looked at.
#[must_use]
pub fn is_bpffs(folder: &Path) -> Option<bool> {
    match statfs(folder) {
        Ok(found) => Some(u64::try_from(found.f_type).ok() == Some(BPF_FS_MAGIC)),
        Err(rustix::io::Errno::NOENT) => Some(false),
        Err(_) => None,
    }
}
