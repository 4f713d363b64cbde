//! Where the metrics come from, and the file that they go to.

use std::{fs, io, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use atomic_write_file::AtomicWriteFile;

use super::metrics::{Metrics, Unit};
use crate::{
    daemon::{
        entry::HostFigures,
        recordings::{Error, Recordings},
    },
    kernel::Recorder,
};

/// The file, and what was last written to it.
#[derive(Default)]
pub(super) struct File {
    last: Option<String>,
    writing: Option<tokio::task::JoinHandle<io::Result<()>>>,
    trouble: Option<String>,
}

impl Recordings {
    /// From readings made now.
    pub(in crate::daemon) async fn metrics(&mut self) -> Result<String, Error> {
        let units: Vec<_> = self.entries.keys().cloned().collect();
        for unit in &units {
            self.read_if_old(unit).await?;
        }
        Ok(self.gather().await?.text())
    }

    /// Writes the file, if there is to be one, from the last readings and if something has changed. The disk is not
    /// waited for: what it does not take is tried again the next time.
    pub(in crate::daemon) async fn write_metrics(&mut self) {
        if self.config.metrics_file.as_os_str().is_empty() || !self.metrics_are_written().await {
            return;
        }
        let text = match self.gather().await {
            Ok(metrics) => metrics.text(),
            Err(error) => return tracing::error!(%error, "no metrics can be gathered: {error}"),
        };
        if self.telling.metrics.last.as_ref() != Some(&text) {
            let (path, written) = (self.config.metrics_file.clone(), text.clone());
            let write = tokio::task::spawn_blocking(move || write(&path, &written));
            (self.telling.metrics.writing, self.telling.metrics.last) = (Some(write), Some(text));
        }
    }

    /// Whether nothing is on its way to the disk any more. Logs once what went wrong with the last.
    async fn metrics_are_written(&mut self) -> bool {
        let file = &mut self.telling.metrics;
        match file.writing.take() {
            Some(write) if !write.is_finished() => {
                file.writing = Some(write);
                return false;
            }
            Some(write) => {
                let failed = write.await.map_err(io::Error::other).flatten().err();
                let trouble = failed.map(|error| error.to_string());
                if let Some(error) = &trouble {
                    file.last = None;
                    if file.trouble != trouble {
                        let path = self.config.metrics_file.display();
                        tracing::warn!(%path, error, "{path}: the metrics cannot be written: {error}");
                    }
                }
                file.trouble = trouble;
            }
            None => {}
        }
        true
    }

    /// Takes the file away: what nobody brings up to date must not pass for the present.
    pub(in crate::daemon) async fn remove_metrics(&mut self) {
        if let Some(write) = self.telling.metrics.writing.take() {
            let _ = write.await;
        }
        self.telling.metrics.last = None;
        let path = &self.config.metrics_file;
        if !path.as_os_str().is_empty()
            && let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            let path = path.display();
            tracing::warn!(%path, %error, "{path}: the metrics of before cannot be removed: {error}");
        }
    }

    async fn gather(&mut self) -> Result<Metrics, Error> {
        let figures = |recorder: &mut Recorder| Ok((HostFigures::read(recorder)?, recorder.usage()?));
        let (host, usage) = self.kernel.ask(figures).await?;
        self.look_up_cgroups()?;
        let unit =
            |name: &String| Unit { running: self.has_cgroup(name), figures: self.entries[name].figures() };
        Ok(Metrics {
            since: self.since,
            degraded: self.degraded().is_some(),
            written: self.writer.written(),
            requests: self.requests.len(),
            host,
            usage,
            units: self.entries.keys().map(|name| (name.clone(), unit(name))).collect(),
        })
    }
}

/// Durably, whole or not at all, and for everybody to read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = AtomicWriteFile::options().mode(0o644).open(path)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}
