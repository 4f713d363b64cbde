//! Locked memory: before Linux 5.11 all that maps can ever hold counts as such, and few processes may lock much.

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CapabilitySet, capabilities},
};

use super::probe;

/// The first Linux that counts the memory of maps to their cgroup instead.
const NOT_LOCKED: (u32, u32) = (5, 11);

/// While it lives, this process may lock what its maps take, if it has the right to say so. What it starts afterwards
/// has the limit that it would have had.
pub(super) struct Unlimited(Option<Rlimit>);

impl Unlimited {
    pub(super) fn begin() -> Self {
        let before = getrlimit(Resource::Memlock);
        if before.current.is_none() || !is_locked() {
            return Self(None);
        }
        let unlimited = Rlimit { current: None, maximum: None };
        // Without the right to more, up to what is allowed.
        let allowed = Rlimit { current: before.maximum, ..before };
        let raised =
            [unlimited, allowed].into_iter().any(|limit| setrlimit(Resource::Memlock, limit).is_ok());
        Self(raised.then_some(before))
    }
}

impl Drop for Unlimited {
    fn drop(&mut self) {
        if let Some(before) = self.0.take()
            && let Err(error) = setrlimit(Resource::Memlock, before)
        {
            tracing::warn!(%error, "the limit of locked memory stays raised");
        }
    }
}

/// Whether the memory of maps is locked memory. On a kernel of no known age it is not: those are young.
pub(super) fn is_locked() -> bool {
    let release = rustix::system::uname();
    probe::version(&release.release().to_string_lossy()).is_some_and(|version| version < NOT_LOCKED)
}

/// How many bytes this process may lock, where nothing else keeps it from making maps.
pub(super) fn too_little() -> Option<u64> {
    let may = capabilities(None).is_ok_and(|sets| {
        sets.effective.contains(CapabilitySet::BPF | CapabilitySet::PERFMON)
            || sets.effective.contains(CapabilitySet::SYS_ADMIN)
    });
    getrlimit(Resource::Memlock).current.filter(|_| may && is_locked())
}
