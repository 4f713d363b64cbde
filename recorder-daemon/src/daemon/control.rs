//! What is asked over the socket, turned into what the recordings' task understands, and back.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{
    overview,
    recordings::{Ask, Error},
    telling::told,
};
use crate::{
    allowlist::Allowlist,
    control::{
        Handler,
        wire::{self, Refusal, Reply, Written},
    },
    units::{self, Kind, Mount, Request, State, Systemd, UnitName},
};

/// Answers every request, one at a time for each connection.
#[derive(Clone)]
pub(super) struct Control {
    pub(super) recordings: mpsc::Sender<Ask>,
    pub(super) systemd: Option<Arc<Systemd>>,
    pub(super) mount: Arc<Mount>,
}

impl Handler for Control {
    async fn handle(&self, request: wire::Request) -> Result<Reply, Refusal> {
        match request {
            wire::Request::Start { requests, cgroup } => self.start(&requests, cgroup).await,
            wire::Request::Stop { requests } => self.stop(&requests).await,
            wire::Request::Status { unit } => self.status(unit).await,
            wire::Request::Watch { unit, shown, after } => self.watch(unit, shown, after).await,
            wire::Request::Metrics {} => {
                let metrics = self.ask("the metrics", Ask::Metrics).await?;
                Ok(Reply::Metrics { metrics })
            }
            wire::Request::Snapshot { units } => {
                let mut written = Vec::new();
                for unit in units {
                    let unit = self.unit(&unit).await?;
                    let path = self.ask(&unit, |reply| Ask::Write(unit.clone(), reply)).await?;
                    written.push(Written { unit, path: path.display().to_string() });
                }
                Ok(Reply::Written { written })
            }
            wire::Request::Allowlist { unit } => {
                let unit = self.unit(&unit).await?;
                let recording = self.ask(&unit, |reply| Ask::Read(unit.clone(), reply)).await?;
                Ok(Reply::Allowlist { text: Allowlist::of(&recording).to_toml() })
            }
        }
    }
}

impl Control {
    /// All requests are looked at before the first is acted on.
    async fn start(&self, texts: &[String], cgroup: bool) -> Result<Reply, Refusal> {
        let mut requests = Vec::new();
        for text in texts {
            let request = parse(text, cgroup)?;
            requests.push(match request {
                Request::Unit(name) => Request::Unit(self.known(name).await?),
                Request::Cgroup(_) => {
                    let path = units::resolve(&self.mount, text).map_err(|error| bad(text, &error))?;
                    Request::Cgroup(path)
                }
                glob @ Request::Glob(_) => glob,
            });
        }
        let mut started = Vec::new();
        for request in requests {
            let text = request.to_string();
            let done = self.ask(&text, |reply| Ask::Start(request, reply)).await?;
            let (already, units, running) = (done.already, done.units, done.running);
            started.push(wire::Started { request: text, already, units, running });
        }
        Ok(Reply::Started { started })
    }

    async fn stop(&self, texts: &[String]) -> Result<Reply, Refusal> {
        let mut requests = Vec::new();
        for text in texts {
            requests.push(match parse(text, text.starts_with('/'))? {
                Request::Unit(name) => Request::Unit(self.real(name).await),
                Request::Cgroup(path) => Request::Cgroup(self.within(path)),
                glob @ Request::Glob(_) => glob,
            });
        }
        let mut stopped = Vec::new();
        for request in requests {
            let text = request.to_string();
            let done = self.ask(&text, |reply| Ask::Stop(request, reply)).await?;
            let goes_on = done.goes_on.into_iter().map(|(unit, by)| format!("{unit}, wanted by {by}"));
            let written = done.written.into_iter();
            stopped.push(wire::Stopped {
                request: text,
                written: written
                    .map(|(unit, path)| Written { unit, path: path.display().to_string() })
                    .collect(),
                goes_on: goes_on.collect(),
            });
        }
        Ok(Reply::Stopped { stopped })
    }

    async fn status(&self, unit: Option<String>) -> Result<Reply, Refusal> {
        let unit = match unit {
            Some(unit) => Some(self.unit(&unit).await?),
            None => None,
        };
        let about = unit.clone().unwrap_or_default();
        let named = unit.is_some();
        let overview = self.ask(&about, |reply| Ask::Status(unit, reply)).await?;
        Ok(Reply::Status { status: overview::status(overview, named) })
    }

    async fn watch(
        &self,
        unit: Option<String>,
        shown: Vec<String>,
        after: Option<u64>,
    ) -> Result<Reply, Refusal> {
        let unit = match unit {
            Some(unit) => Some(self.unit(&unit).await?),
            None => None,
        };
        let about = unit.clone().unwrap_or_default();
        let shown = shown.into_iter().collect();
        let watched = self.ask(&about, |reply| Ask::Watch(unit, shown, after, reply)).await?;
        Ok(Reply::Watched { watched: told(watched) })
    }

    /// Has the recordings' task do something about `what`.
    async fn ask<T>(
        &self,
        what: &str,
        ask: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Ask,
    ) -> Result<T, Refusal> {
        let (reply, done) = oneshot::channel();
        let stopping = || Refusal::Failed { reason: "the daemon is stopping".to_owned() };
        self.recordings.send(ask(reply)).await.map_err(|_| stopping())?;
        done.await.map_err(|_| stopping())?.map_err(|error| match error {
            Error::NotRecorded => Refusal::NotRecorded { unit: what.to_owned(), reason: None },
            Error::WantedBy { .. } | Error::Configured => {
                Refusal::NotRecorded { unit: what.to_owned(), reason: Some(format!("by that name: {error}")) }
            }
            other => Refusal::Failed { reason: format!("{what}: {other}") },
        })
    }

    /// The name of what is recorded, from what a person says.
    async fn unit(&self, text: &str) -> Result<String, Refusal> {
        match parse(text, text.starts_with('/'))? {
            Request::Unit(name) => Ok(self.real(name).await.to_string()),
            Request::Cgroup(path) => Ok(self.within(path)),
            Request::Glob(_) => {
                let reason = "one unit is wanted here, and this is a pattern".to_owned();
                Err(Refusal::BadRequest { request: text.to_owned(), reason })
            }
        }
    }

    /// The path within the hierarchy, of a cgroup that may be gone.
    fn within(&self, path: String) -> String {
        units::resolve(&self.mount, &path).unwrap_or(path)
    }

    /// The unit's own name, where it is known by another one too.
    async fn real(&self, name: UnitName) -> UnitName {
        let Some(systemd) = &self.systemd else { return name };
        systemd.load(&name).await.map_or(name, |loaded| loaded.name)
    }

    /// The same, of a unit that must exist. A scope need not: it comes to be when somebody starts what is in it, as a
    /// container's, which has a name before.
    async fn known(&self, name: UnitName) -> Result<UnitName, Refusal> {
        if name.kind() == Kind::Scope {
            return Ok(self.real(name).await);
        }
        let no_such_unit = || Refusal::NoSuchUnit { unit: name.to_string() };
        let has_cgroup = || units::find(&self.mount, &name).is_ok_and(|found| found.is_some());
        let Some(systemd) = &self.systemd else {
            return if has_cgroup() { Ok(name) } else { Err(no_such_unit()) };
        };
        match systemd.load(&name).await {
            Ok(loaded) if loaded.state != State::NotFound || has_cgroup() => Ok(loaded.name),
            Ok(_) => Err(no_such_unit()),
            Err(error) => {
                // At boot systemd may be too busy to say. A name that is not there is wanted in vain, no more.
                tracing::warn!(unit = %name, %error, "systemd cannot be asked whether it exists");
                Ok(name)
            }
        }
    }
}

fn parse(text: &str, cgroup: bool) -> Result<Request, Refusal> {
    Request::parse(text, cgroup).map_err(|error| bad(text, &error))
}

fn bad(request: &str, reason: &dyn std::error::Error) -> Refusal {
    Refusal::BadRequest { request: request.to_owned(), reason: reason.to_string() }
}
