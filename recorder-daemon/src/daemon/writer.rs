//! The task that writes to disk. What cannot be written now is kept and tried again, and said in the status.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use crate::{
    allowlist::Allowlist,
    recording::{Recording, Store},
};

/// Between two attempts at what could not be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// What others know of the task.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    trouble: watch::Receiver<Option<String>>,
}

/// A recording to be saved.
struct Job {
    recording: Recording,
    /// Its allowlist too, for whoever waits to hear where it is.
    allowlist: Option<oneshot::Sender<Result<PathBuf, String>>>,
}

impl Writer {
    /// Saves it soon.
    pub(super) fn save(&self, recording: Recording) {
        // It ends only when every sender is gone.
        let _ = self.jobs.send(Job { recording, allowlist: None });
    }

    /// Saves it and writes its allowlist. Gives the allowlist's path, or why it is not there yet.
    pub(super) async fn write(&self, recording: Recording) -> Result<PathBuf, String> {
        let (reply, done) = oneshot::channel();
        let _ = self.jobs.send(Job { recording, allowlist: Some(reply) });
        done.await.unwrap_or_else(|_| Err("the daemon is stopping".to_owned()))
    }

    /// What cannot be written at the moment, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }
}

/// What is to be written: by unit, and whether the allowlist too.
type Pending = BTreeMap<String, (Recording, bool)>;

/// Starts the task. It ends when nobody is left who could ask, and gives whether all is written.
pub(super) fn start(store: Arc<Store>) -> (Writer, JoinHandle<bool>) {
    let (jobs, mut asked) = mpsc::unbounded_channel::<Job>();
    let (tell, trouble) = watch::channel(None);
    let task = tokio::spawn(async move {
        let mut pending = Pending::new();
        loop {
            let mut waiting = Vec::new();
            let first = if pending.is_empty() {
                asked.recv().await
            } else {
                match timeout(PATIENCE, asked.recv()).await {
                    Ok(job) => job,
                    Err(_) => asked.try_recv().ok().or(None),
                }
            };
            let ended = first.is_none() && asked.is_closed();
            let more = std::iter::from_fn(|| asked.try_recv().ok());
            for job in first.into_iter().chain(more) {
                let unit = job.recording.unit.clone();
                match pending.entry(unit.clone()) {
                    Entry::Vacant(place) => _ = place.insert((job.recording, job.allowlist.is_some())),
                    // The newer one holds all of the older, but for what several spans of one unit may have.
                    Entry::Occupied(mut waits) => {
                        let (recording, allowlist) = waits.get_mut();
                        recording.merge(&job.recording);
                        *allowlist |= job.allowlist.is_some();
                    }
                }
                waiting.extend(job.allowlist.map(|reply| (unit, reply)));
            }
            let to = Arc::clone(&store);
            let batch = std::mem::take(&mut pending);
            let Ok(outcome) = spawn_blocking(move || write_all(&to, batch)).await else { break };
            for (unit, reply) in waiting {
                let why = || outcome.failed.get(&unit).map(|(why, _)| why.clone()).unwrap_or_default();
                // Whoever has asked may have gone.
                let _ = reply.send(outcome.written.get(&unit).cloned().ok_or_else(why));
            }
            let now = outcome.failed.values().next().map(|(why, _)| why.clone());
            if now != *tell.borrow() {
                if let Some(why) = &now {
                    tracing::error!(
                        why,
                        "what is recorded cannot be written; it is kept and tried again: {why}"
                    );
                } else {
                    tracing::info!("what is recorded can be written again");
                }
                tell.send_replace(now);
            }
            pending = outcome.failed.into_iter().map(|(unit, (_, kept))| (unit, kept)).collect();
            if ended {
                break;
            }
        }
        pending.is_empty()
    });
    (Writer { jobs, trouble }, task)
}

struct Outcome {
    /// Allowlists, by unit.
    written: BTreeMap<String, PathBuf>,
    /// By unit: why, and what is to be tried again.
    failed: BTreeMap<String, (String, (Recording, bool))>,
}

fn write_all(store: &Store, batch: Pending) -> Outcome {
    let mut outcome = Outcome { written: BTreeMap::new(), failed: BTreeMap::new() };
    for (unit, (recording, allowlist)) in batch {
        let written = store.save(&recording).and_then(|()| {
            let text = allowlist.then(|| Allowlist::of(&recording).to_toml());
            text.map(|text| store.write_allowlist(&unit, &text)).transpose()
        });
        match written {
            Ok(path) => outcome.written.extend(path.map(|path| (unit, path))),
            Err(error) => _ = outcome.failed.insert(unit, (error.to_string(), (recording, allowlist))),
        }
    }
    outcome
}
