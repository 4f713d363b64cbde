//! When the kernel side may no longer believe what it keeps of its lookups.

use std::{
    os::fd::AsFd,
    sync::atomic::{Ordering, fence},
};

use aya::maps::{Map, MapError};
use recorder_common::{CACHE_LEN, LAST_EPOCH, names};
use rustix::thread::{MembarrierCommand, membarrier};

use super::{Error, Recorder, bpf};

impl Recorder {
    /// Writes the settings, with a new epoch: a call that begins after this is looked up anew.
    pub(super) fn next_epoch(&mut self) -> Result<(), Error> {
        // Whoever sees the epoch sees what was changed before.
        fence(Ordering::SeqCst);
        if !(1..LAST_EPOCH).contains(&self.settings.epoch) {
            // Every epoch comes again, and what was kept under one must be gone by then.
            self.settings.epoch = 0;
            self.write_settings()?;
            barrier();
            let Some(Map::Array(cache)) = self.ebpf.map(names::CACHE) else {
                return Err(Error::Missing { name: names::CACHE });
            };
            let (keys, words): (Vec<_>, Vec<_>) = (0..CACHE_LEN).map(|index| (index, 0_u64)).unzip();
            // SAFETY: an array of such words.
            unsafe { bpf::update_all(cache.fd().as_fd(), &keys, &words) }
                .map_err(|error| Error::map(names::CACHE)(MapError::IoError(error)))?;
        }
        self.settings.epoch += 1;
        self.write_settings()
    }
}

/// Waits until every program that runs now has ended: each runs within a read-side section of RCU, and the kernel
/// answers this command when all of those have been left (membarrier(2)). Where it is not to be had (nohz_full), or
/// waits for nobody (one processor, on which Linux 7.2 preempts programs), the few calls that are just being counted may
/// come after the last reading: they are then in no recording, or in that of the next unit which has the row's place.
pub(super) fn barrier() {
    if let Err(error) = membarrier(MembarrierCommand::Global) {
        tracing::warn!(%error, "the kernel cannot be asked to wait for the calls that are being counted");
    }
}
