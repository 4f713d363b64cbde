//! The task that writes to disk. What cannot be written now is kept and tried again, and said in the status.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    panic::resume_unwind,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};

use crate::{
    allowlist::Allowlist,
    recording::{Recording, Store, Timestamp},
};

/// Between two attempts at what could not be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many write at once.
const HANDS: usize = 8;

/// What others know of the task.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    trouble: watch::Receiver<Option<String>>,
    written: watch::Receiver<Option<Timestamp>>,
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

    /// Saves it and writes its allowlist. Gives the allowlist's path, or why it is not there yet. It is on its way
    /// before that is waited for: what is asked for together is written together.
    pub(super) fn write(
        &self,
        recording: Recording,
    ) -> impl Future<Output = Result<PathBuf, String>> + use<> {
        let (reply, done) = oneshot::channel();
        let _ = self.jobs.send(Job { recording, allowlist: Some(reply) });
        async { done.await.unwrap_or_else(|_| Err("the daemon is stopping".to_owned())) }
    }

    /// Waits until that is another.
    pub(super) async fn changed(&mut self) {
        if self.trouble.changed().await.is_err() {
            // The task is gone, and will say no more.
            std::future::pending::<()>().await;
        }
    }

    /// When a recording was last written.
    pub(super) fn written(&self) -> Option<Timestamp> {
        *self.written.borrow()
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
    let (tell_time, written) = watch::channel(None);
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
            // Who has not heard otherwise must not take anything for written.
            let units = batch.len();
            let Ok(outcome) = spawn_blocking(move || write_all(&to, batch)).await else { return false };
            if outcome.failed.len() < units {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                tell_time.send_replace(Some(Timestamp::from_unix(now.as_secs())));
            }
            for (unit, reply) in waiting {
                let why = || outcome.failed.get(&unit).map(|(why, _)| why.clone()).unwrap_or_default();
                // Whoever has asked may have gone.
                let _ = reply.send(outcome.written.get(&unit).cloned().ok_or_else(why));
            }
            let now = trouble_of(&outcome);
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
    (Writer { jobs, trouble, written }, task)
}

struct Outcome {
    /// Allowlists, by unit.
    written: BTreeMap<String, PathBuf>,
    /// By unit: why, and what is to be tried again.
    failed: BTreeMap<String, (String, (Recording, bool))>,
}

fn trouble_of(outcome: &Outcome) -> Option<String> {
    let (why, _) = outcome.failed.values().next()?;
    let others = outcome.failed.len() - 1;
    Some(if others == 0 { why.clone() } else { format!("{why} (and {others} more)") })
}

/// A disk that is waited for by several at once makes all of it durable in one go.
fn write_all(store: &Store, batch: Pending) -> Outcome {
    store.measure();
    let mut shares: Vec<_> = (0..HANDS.min(batch.len())).map(|_| Pending::new()).collect();
    for (place, (unit, job)) in batch.into_iter().enumerate() {
        shares[place % HANDS].insert(unit, job);
    }
    let mut outcome = Outcome { written: BTreeMap::new(), failed: BTreeMap::new() };
    thread::scope(|scope| {
        let mine = shares.pop().unwrap_or_default();
        let others: Vec<_> =
            shares.into_iter().map(|share| scope.spawn(|| write_share(store, share))).collect();
        let mut take = |of: Outcome| {
            outcome.written.extend(of.written);
            outcome.failed.extend(of.failed);
        };
        take(write_share(store, mine));
        for other in others {
            match other.join() {
                Ok(of) => take(of),
                Err(panic) => resume_unwind(panic),
            }
        }
    });
    outcome
}

fn write_share(store: &Store, share: Pending) -> Outcome {
    let mut outcome = Outcome { written: BTreeMap::new(), failed: BTreeMap::new() };
    for (unit, (mut recording, allowlist)) in share {
        let written = store.save(&mut recording).and_then(|()| {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use recorder_common::{Abi, Call};
    use tokio::time::Instant;

    use super::*;
    use crate::recording::{By, Host, Span, SpanId, Tally, Timestamp};

    /// A recording with so many calls of one number.
    fn recording(number: u32, calls: u64) -> Recording {
        let mut recording = Recording::new("a.service", Host::default());
        let at = Timestamp::from_unix(0);
        let mut span = Span::begin(at);
        let tally = Tally {
            calls,
            first_seen: at,
            last_seen: at,
            programs: [].into(),
            occasions: By::default(),
            later: false,
        };
        span.calls.insert(Call { abi: Abi::X86_64, number }, tally);
        recording.spans.insert(SpanId { boot: "boot".to_owned(), began: 0 }, span);
        recording
    }

    struct Place {
        folder: tempfile::TempDir,
        store: Arc<Store>,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(Store::open(folder.path(), 1 << 20).unwrap());
            Self { folder, store }
        }

        /// Nothing below it can be read or written.
        fn block(&self) {
            fs::rename(self.folder.path().join("recordings"), self.folder.path().join("away")).unwrap();
            fs::write(self.folder.path().join("recordings"), "in the way").unwrap();
        }

        fn unblock(&self) {
            fs::remove_file(self.folder.path().join("recordings")).unwrap();
            fs::rename(self.folder.path().join("away"), self.folder.path().join("recordings")).unwrap();
        }

        fn numbers(&self) -> Vec<u32> {
            let read = self.store.read_recording("a.service").unwrap().unwrap();
            read.spans.values().flat_map(|span| span.calls.keys().map(|call| call.number)).collect()
        }
    }

    /// By a clock that stands still while there is something to do, and moves to the next date where there is not.
    #[tokio::test(start_paused = true)]
    async fn what_is_new_waits_for_nothing() {
        let place = Place::new();
        let (writer, task) = start(Arc::clone(&place.store));
        let begun = Instant::now();
        writer.save(recording(1, 1));
        writer.write(recording(2, 1)).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(place.numbers(), [1, 2]);
        drop(writer);
        assert!(task.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_said_and_tried_again_by_itself() {
        let place = Place::new();
        place.store.save(&mut recording(1, 1)).unwrap();
        let (mut writer, task) = start(Arc::clone(&place.store));
        place.block();
        writer.save(recording(2, 1));
        writer.changed().await;
        let why = writer.trouble().unwrap();
        assert!(why.contains("a.service.json") && why.contains("Not a directory"), "{why}");
        assert_eq!(writer.write(recording(3, 1)).await.unwrap_err(), why);
        place.unblock();
        writer.changed().await;
        assert_eq!(writer.trouble(), None);
        assert_eq!(place.numbers(), [1, 2, 3], "what was there, what was tried, what came meanwhile");
        drop(writer);
        assert!(task.await.unwrap());
        assert!(place.folder.path().join("a.service.toml").exists());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_says_what_is_not_written() {
        let place = Place::new();
        let (writer, task) = start(Arc::clone(&place.store));
        place.block();
        writer.save(recording(1, 1));
        drop(writer);
        assert!(!task.await.unwrap());
    }
}
