//! When the kernel side may no longer believe what it keeps of its lookups.

use std::{
    os::fd::AsFd,
    sync::atomic::{Ordering, fence},
};

use aya::maps::{Map, MapError};
use recorder_common::{CACHE_LEN, LAST_EPOCH, names};

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
            self.wait_for_programs()?;
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

    /// Waits until every program that runs now has ended: what they found before they have used by then.
    pub(super) fn wait_for_programs(&self) -> Result<(), Error> {
        self.grace.wait().map_err(Error::Grace)
    }
}
