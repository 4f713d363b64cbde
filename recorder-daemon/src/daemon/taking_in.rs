//! What is found in the kernel and not known here: units that the kernel side has named, and what an earlier daemon has
//! left.

use std::collections::BTreeSet;

use super::{
    entry::{Before, Entry, HostFigures},
    recordings::{Ask, Error, Recordings, wants},
    requests::{self, Kept},
    telling::What,
    units::Question,
};
use crate::{
    kernel::{Recorder, TakenOver, Want},
    recording::Gap,
    units::{self, Request, UnitName},
};

/// What cannot be done as long as there is an [`Earlier`], in the words of the status.
const NOT_TAKEN_UP: &str = "what was recorded before cannot all be taken up";

/// What was there before this daemon.
#[derive(Default)]
pub(super) struct Earlier {
    /// What was asked for; None until it has been read.
    pub(super) kept: Option<Kept>,
    /// Whether what the kernel side held of it is taken in.
    pub(super) taken_in: bool,
}

impl Earlier {
    /// Forgets a request. Says whether there was one.
    pub(super) fn forget(&mut self, request: &Request) -> bool {
        self.kept.as_mut().is_some_and(|kept| kept.asked.remove(request))
    }
}

/// Who has left what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// An earlier daemon.
    Before,
    /// The kernel side, just now.
    Now,
}

impl Recordings {
    /// Takes in what is found in the kernel and not known here. Until all that was there before is taken up, that is
    /// tried first.
    pub(super) async fn take_in(&mut self) -> Result<(), Error> {
        let taken_up = self.take_up().await;
        self.say(NOT_TAKEN_UP, taken_up);
        // What is found before that may be an earlier daemon's.
        if self.has_taken_in() { self.take_in_left(Left::Now).await } else { Ok(()) }
    }

    /// Whether what is found now is no earlier daemon's.
    pub(super) fn has_taken_in(&self) -> bool {
        self.earlier.as_ref().is_none_or(|earlier| earlier.taken_in)
    }

    /// What the configuration wants, and what was wanted before a restart. What an earlier daemon has left counting
    /// goes on; what nobody counted meanwhile has a gap. Where this fails midway it can be said again, until it is
    /// done.
    async fn take_up(&mut self) -> Result<(), Error> {
        let Some(earlier) = &mut self.earlier else { return Ok(()) };
        let kept = match &earlier.kept {
            Some(kept) => kept.clone(),
            None => earlier.kept.insert(requests::load(&self.config.requests_file(), &self.boot)?).clone(),
        };
        let configured = self.config.requests();
        if !earlier.taken_in {
            if self.taken_over != TakenOver::Nothing {
                // Before anything is begun anew: what is there must find the requests that want it. With none, all
                // that has been left ends.
                self.requests = kept.asked.iter().chain(&configured).cloned().collect();
            }
            let taken_in = self.take_in_left(Left::Before).await;
            self.requests.clear();
            taken_in?;
            self.earlier.iter_mut().for_each(|earlier| earlier.taken_in = true);
            self.settle_all().await;
        }
        let mut failed = Ok(());
        let mut located = self.locate(configured.iter().chain(&kept.asked)).await;
        for request in configured.into_iter().chain(kept.asked.iter().cloned()) {
            let wanted_before = kept.asked.contains(&request) || kept.configured.contains(&request);
            let was_there = if wanted_before { Before::Unattached } else { Before::Unwanted };
            if let Err(source) = self.start(request.clone(), was_there, &mut located).await {
                failed = failed.and(Err(Error::Request { request, source: Box::new(source) }));
            }
        }
        let all = self.wants_all_services();
        self.kernel.ask(move |recorder| recorder.want_all_services(all)).await?;
        if failed.is_ok() {
            self.earlier = None;
        }
        self.keep_requests();
        failed
    }

    /// Refuses what cannot be done before all is taken in.
    pub(super) fn put_off(&self, ask: Ask) -> Option<Ask> {
        let why = || Error::NotTakenUp(self.troubles.get(NOT_TAKEN_UP).cloned().unwrap_or_default());
        // Whoever has asked may have gone.
        match ask {
            Ask::Start(_, reply) => _ = reply.send(Err(why())),
            Ask::Stop(_, reply) => _ = reply.send(Err(why())),
            Ask::Write(_, reply) => _ = reply.send(Err(why())),
            Ask::Read(_, reply) => _ = reply.send(Err(why())),
            other => return Some(other),
        }
        None
    }

    /// What nobody wants is let go of, after what an earlier daemon has recorded of it is on disk. What fails with one
    /// unit is left for the next look, and keeps none of the others.
    async fn take_in_left(&mut self, left: Left) -> Result<(), Error> {
        let mut taken_in = Ok(());
        let mut of_nobody = Vec::new();
        let found = self.kernel.ask(Recorder::wanted).await?;
        let ended: BTreeSet<_> = self.ended.values().flatten().map(|entry| entry.want.unit).collect();
        for want in found {
            if self.numbers.contains_key(&want.unit) || ended.contains(&want.unit) {
                continue;
            }
            let Some((unit, name)) = unit_of(&want) else {
                of_nobody.push(want);
                continue;
            };
            let wanted_by = |request: &&Request| match (request, &name) {
                (Request::Cgroup(cgroup), _) => *cgroup == want.name,
                (request, Some(name)) => wants(request, name),
                (_, None) => false,
            };
            let by: BTreeSet<_> = self.requests.iter().filter(wanted_by).cloned().collect();
            if want.ended.is_none() && !by.is_empty() {
                taken_in = taken_in.and(self.go_on(unit, name, want, by, left).await);
            } else if want.ended.is_some() || left == Left::Before && self.was_recorded(&unit, &want) {
                taken_in = taken_in.and(self.end_left(unit, want).await);
            } else {
                of_nobody.push(want);
            }
        }
        if !of_nobody.is_empty() {
            self.end_wants(&mut of_nobody).await?;
            let wants = of_nobody.clone();
            let forget =
                move |recorder: &mut Recorder| wants.iter().try_for_each(|want| recorder.forget(want));
            let units: Vec<_> = of_nobody.iter().filter_map(unit_of).map(|(unit, _)| unit).collect();
            self.kernel.ask(forget).await?;
            for unit in units {
                taken_in = taken_in.and(self.give_back(&unit).await);
            }
        }
        taken_in
    }

    async fn go_on(
        &mut self,
        unit: String,
        name: Option<UnitName>,
        mut want: Want,
        by: BTreeSet<Request>,
        left: Left,
    ) -> Result<(), Error> {
        let appeared = want.by_kernel();
        let ran_before = want.running;
        if left == Left::Before && !appeared {
            // A daemon that was killed at its beginning may have wanted it, and armed nothing yet.
            let folder = match &name {
                Some(name) => units::find(&self.mount, name)?.map(|found| found.path),
                None => self.mount.folder(&want.name).filter(|folder| folder.is_dir()),
            };
            if let Some(folder) = folder {
                self.arm_running(&mut want, &folder).await?;
            }
        }
        let figures = self.kernel.ask(|recorder| HostFigures::read(recorder)).await?;
        let (number, running) = (want.unit, want.running);
        let mut entry = self.entry(&unit, want, figures);
        entry.requests = by;
        // What is on disk says more of a span that was begun, but it may not have come to that.
        if running && (!ran_before || !entry.has(Gap::Unattached)) {
            entry.note(Gap::RunningBefore, 1);
        }
        self.numbers.insert(number, unit.clone());
        self.entries.insert(unit.clone(), entry);
        self.tell(&unit, What::Began);
        self.tell_news(&unit);
        let how = if appeared { "it has appeared" } else { "it was being recorded before" };
        tracing::info!(unit, appeared, "recording {unit}: {how}");
        if let Some(name) = name {
            let _ = self.begun.send(Question::Begun(name));
        }
        Ok(())
    }

    /// Whether what is found was recorded for somebody, and did not only appear while no daemon was there.
    fn was_recorded(&self, unit: &str, want: &Want) -> bool {
        !want.by_kernel()
            || match self.store.read_recording(unit) {
                Ok(Some(recording)) => recording.spans.keys().any(|span| span.began == want.began),
                Ok(None) => false,
                // What cannot be read may be there: to keep too much loses nothing.
                Err(_) => true,
            }
    }

    /// Ends what an earlier daemon has recorded, and nobody wants any more.
    async fn end_left(&mut self, unit: String, want: Want) -> Result<(), Error> {
        let figures = self.kernel.ask(|recorder| HostFigures::read(recorder)).await?;
        let mut wants = [want];
        if wants[0].ended.is_none() {
            self.end_wants(&mut wants).await?;
        }
        let [want] = wants;
        let entry: Entry = self.entry(&unit, want, figures);
        tracing::info!(
            unit,
            "{unit}: what an earlier daemon has recorded is written; nobody wants it any more"
        );
        self.ended.entry(unit.clone()).or_default().push(entry);
        self.give_back(&unit).await
    }
}

/// What a want is about; None for a name that no unit can have.
fn unit_of(want: &Want) -> Option<(String, Option<UnitName>)> {
    if want.name.starts_with('/') {
        return Some((want.name.clone(), None));
    }
    let name = UnitName::from_cgroup_name(&want.name)?;
    Some((name.to_string(), Some(name)))
}
