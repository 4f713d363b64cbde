//! Asks the daemon, and remembers what it has told.

use crate::control::{
    Client, Error,
    wire::{SHOWN, Watched},
};

pub(super) struct Source {
    client: Client,
    unit: Option<String>,
    /// The daemon's start, and the number of the last event heard of.
    heard: Option<(String, u64)>,
}

impl Source {
    pub(super) fn new(client: Client, unit: Option<String>) -> Self {
        Self { client, unit, heard: None }
    }

    /// What is new. `shown` are the units whose counts are wanted as they are now. `earlier`: what the daemon holds
    /// of the time before it was asked for the first time, too.
    pub(super) fn ask(&mut self, mut shown: Vec<String>, earlier: bool) -> Result<Watched, Error> {
        shown.truncate(SHOWN);
        let after = match &self.heard {
            Some((_, number)) => Some(*number),
            None => earlier.then_some(0),
        };
        let mut watched = self.client.watch(self.unit.clone(), shown, after)?;
        if let Some((since, number)) = &self.heard
            && *since != watched.since
            && *number > 0
        {
            // Another daemon, which counts its events anew.
            let all = self.client.watch(self.unit.clone(), Vec::new(), Some(0))?;
            (watched.events, watched.newest, watched.missed) = (all.events, all.newest, all.missed);
        }
        self.heard = Some((watched.since.clone(), watched.newest));
        Ok(watched)
    }
}
