//! Which packages the recorded programs are from.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::timeout};

use super::recordings::Recordings;
use crate::recording::Recording;

/// How long a disk may take to tell. Beyond that the recording goes without, and is asked about next time.
const PATIENCE: Duration = Duration::from_secs(2);

impl Recordings {
    /// Notes the packages of the programs that a unit has run.
    pub(super) async fn note_packages(&mut self, unit: &str) {
        let Some(entry) = self.entries.get(unit) else { return };
        let packages = self.packages_of(&entry.recording).await;
        if let Some(entry) = self.entries.get_mut(unit) {
            entry.recording.host.packages.extend(packages);
        }
    }

    /// The packages of the programs that a recording has. A cgroup that is recorded by its path may be a container,
    /// whose programs are in none of this host's packages.
    pub(super) async fn packages_of(&self, recording: &Recording) -> BTreeSet<String> {
        if recording.unit.starts_with('/') {
            return BTreeSet::new();
        }
        let programs: Vec<_> = recording.programs().into_iter().map(str::to_owned).collect();
        let packages = Arc::clone(&self.packages);
        let found = spawn_blocking(move || {
            // A panic there leaves at worst a program that is not known.
            let mut packages = packages.lock().unwrap_or_else(PoisonError::into_inner);
            packages.of(programs.iter().map(String::as_str))
        });
        timeout(PATIENCE, found).await.ok().and_then(Result::ok).unwrap_or_default()
    }
}
