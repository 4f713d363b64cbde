//! The task that owns the kernel's side: it runs what others ask of it, and tells when there is news.

use std::{collections::BTreeSet, io, mem, os::fd::OwnedFd};

use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::kernel::{Error, Fresh, Recorder, Unit};

type Job = Box<dyn FnOnce(&mut Recorder) + Send>;

/// What others know of the kernel's side.
#[derive(Clone)]
pub(super) struct Kernel {
    jobs: mpsc::Sender<Job>,
}

/// The units with news. Whoever reads it takes what is there.
pub(super) struct News {
    fresh: watch::Receiver<Fresh>,
    taken: watch::Sender<Fresh>,
}

impl Kernel {
    /// Has something done, in the order of asking.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Recorder) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |recorder| _ = reply.send(job(recorder)));
        // The task ends only when every sender is gone, and this is one.
        self.jobs.send(job).await.map_err(|_| Error::Ended)?;
        done.await.map_err(|_| Error::Ended)?
    }
}

impl News {
    /// Waits until there is some.
    pub(super) async fn wait(&self) {
        // The sender lives as long as this does.
        let _ = self.fresh.clone().wait_for(|fresh| !fresh.units.is_empty()).await;
    }

    /// Waits until a unit's cgroup has come or gone.
    pub(super) async fn boundary(&self) {
        let _ = self.fresh.clone().wait_for(|fresh| !fresh.boundaries.is_empty()).await;
    }

    /// The units with news.
    pub(super) fn take(&self) -> BTreeSet<Unit> {
        self.taken.send_replace(Fresh::default()).units
    }

    /// The units whose cgroup has come or gone. They have news still.
    pub(super) fn take_boundaries(&self) -> BTreeSet<Unit> {
        let mut boundaries = BTreeSet::new();
        self.taken.send_modify(|fresh| boundaries = mem::take(&mut fresh.boundaries));
        boundaries
    }
}

/// Starts the task. It ends when nobody is left who could ask, and gives the kernel's side back.
pub(super) fn start(mut recorder: Recorder) -> io::Result<(Kernel, News, JoinHandle<Recorder>)> {
    let ring: OwnedFd = recorder.news_fd().try_clone_to_owned()?;
    // SAFETY: a descriptor that is ours alone, and that nobody closes before its owner is dropped.
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE) }?;
    let (jobs, mut asked) = mpsc::channel::<Job>(64);
    let (sender, fresh) = watch::channel(Fresh::default());
    let taken = sender.clone();
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                job = asked.recv() => match job {
                    Some(job) => job(&mut recorder),
                    None => break,
                },
                ready = ring.readable() => match ready {
                    Ok(mut ready) => ready.clear_ready(),
                    Err(error) => {
                        tracing::error!(%error, "the ring buffer of news cannot be waited for");
                        break;
                    }
                },
            }
            // After a job too: it may have taken news in that the buffer no longer has.
            match recorder.news() {
                Ok(news) if news.units.is_empty() => {}
                Ok(news) => sender.send_modify(|fresh| {
                    fresh.units.extend(news.units);
                    fresh.boundaries.extend(news.boundaries);
                }),
                Err(error) => tracing::error!(%error, "news cannot be read"),
            }
        }
        recorder
    });
    Ok((Kernel { jobs }, News { fresh, taken }, task))
}
