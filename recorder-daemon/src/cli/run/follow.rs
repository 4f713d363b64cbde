//! From the command's first call to the last one of the last process that came of it.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    time::SystemTime,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    Program, Signals, complain,
    signals::{Inherited, Received},
};
use crate::{
    cli::error::Error,
    host::boot_clock,
    kernel::{Recorder, Unit},
    observe::{note, observe},
    recording::{Clock, Gap, Span},
    units::Cgroup,
};

/// The only unit there is.
const UNIT: Unit = Unit(0);

/// Between two readings. It bounds how exact `last_seen` is; nothing is lost in between.
const READING: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// What came of it.
pub(super) struct Followed {
    pub(super) span: Span,
    /// The command's own, as a shell would give it.
    pub(super) status: u8,
    /// Evidence that found no place.
    pub(super) unwitnessed: u64,
}

/// How long a command is said to start up, in nanoseconds.
const START_UP: u64 = 60_000_000_000;

/// Starts the command in the cgroup and records until the cgroup is empty, or a second interrupt ends it.
pub(super) fn follow(
    program: &Program,
    recorder: &mut Recorder,
    cgroup: &mut Cgroup,
    mut signals: Signals,
) -> Result<Followed, Error> {
    let began = boot_clock();
    let clock = Clock::new(SystemTime::now(), began);
    let mut span = Span::begin(clock.at(began));
    span.starts = 1;
    recorder.arm(UNIT, cgroup.id()?, true)?;

    let wait = |source| Error::Wait { command: program.name(), source };
    // What came in before there was a command, it has not had from the terminal either.
    let early = signals.take().map_err(wait)?;
    let mut child = Running::start(program, cgroup, signals.inherited())?;
    let mut interrupts = Interrupts::default();
    for signal in early {
        interrupts.count(&signal);
        signal.pass_to(child.process.id());
    }
    let mut told = false;
    let mut unwitnessed;
    loop {
        // In this order: nothing can happen any more in a cgroup that was empty after the command had ended
        // and before its counts were read.
        let ended = child.poll(program)?;
        let populated = cgroup.populated()?;
        let snapshot = recorder.snapshot(UNIT)?;
        let now = boot_clock();
        observe(&mut span, &snapshot, clock, now, now.saturating_sub(began) <= START_UP);
        span.end_hour();
        unwitnessed = snapshot.misses.sightings;
        if ended && !populated {
            break;
        }
        // A process that is just going may still count as populating the cgroup.
        let left = if ended && !told { cgroup.processes().len() } else { 0 };
        if left > 0 {
            told = true;
            complain(&format!(
                "{} has ended and left {left} running; recording until the last has ended (interrupt twice to end now)",
                program.name(),
            ));
        }
        if interrupts.count > 1 {
            leave(cgroup, &mut span);
            break;
        }
        child.wait(cgroup, &signals).map_err(wait)?;
        for signal in signals.take().map_err(wait)? {
            interrupts.count(&signal);
            let reached = |process: &u32| signal.has_reached(*process);
            child
                .or_left_behind(cgroup)
                .into_iter()
                .filter(|process| !reached(process))
                .for_each(|process| signal.pass_to(process));
        }
    }
    note(&mut span, Gap::Skipped, recorder.skipped()?);
    Ok(Followed { span, status: status(child.status, interrupts.last), unwitnessed })
}

/// Ends the recording before its time.
fn leave(cgroup: &Cgroup, span: &mut Span) {
    let running = cgroup.processes();
    let ids: Vec<_> = running.iter().take(8).map(ToString::to_string).collect();
    complain(&format!("interrupted twice: the recording ends here, left running: {}", ids.join(" ")));
    note(span, Gap::StillRunning, running.len() as u64);
}

/// The signals so far that ask for an end.
#[derive(Default)]
struct Interrupts {
    count: u32,
    /// The number of the last.
    last: Option<i32>,
}

impl Interrupts {
    fn count(&mut self, signal: &Received) {
        if signal.is_interrupt() {
            self.count += 1;
            self.last = Some(signal.number());
        }
    }
}

/// The command's first process.
struct Running {
    process: Child,
    pidfd: rustix::fd::OwnedFd,
    status: Option<ExitStatus>,
}

impl Running {
    fn start(program: &Program, cgroup: &Cgroup, inherited: Inherited) -> Result<Self, Error> {
        let mut process = program.start(cgroup.entrance()?, inherited)?;
        match pidfd_open(Pid::from_child(&process), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { process, pidfd, status: None }),
            Err(error) => {
                // It must not run on unrecorded.
                let _ = process.kill();
                let _ = process.wait();
                Err(Error::Wait { command: program.name(), source: error.into() })
            }
        }
    }

    /// Who is to get a signal: the command, or what it has left behind once it has ended. Whoever is about to
    /// end is no longer listed in the cgroup, though it cannot be waited for yet; one that has moved to another
    /// cgroup is not listed either, so it is added.
    fn or_left_behind(&self, cgroup: &Cgroup) -> Vec<u32> {
        let command = self.process.id();
        let mut processes = cgroup.processes();
        if processes.contains(&command) {
            return vec![command];
        }
        if self.status.is_none() {
            processes.push(command);
        }
        processes
    }

    /// Whether it has ended.
    fn poll(&mut self, program: &Program) -> Result<bool, Error> {
        if self.status.is_none() {
            let wait = |source| Error::Wait { command: program.name(), source };
            self.status = self.process.try_wait().map_err(wait)?;
        }
        Ok(self.status.is_some())
    }

    /// Until something happens, or it is time for a reading.
    fn wait(&self, cgroup: &Cgroup, signals: &Signals) -> io::Result<()> {
        let ready = signals.ready();
        let mut events =
            vec![PollFd::new(cgroup.events(), PollFlags::PRI), PollFd::new(&ready, PollFlags::IN)];
        // A process that has ended stays readable for ever.
        if self.status.is_none() {
            events.push(PollFd::new(&self.pidfd, PollFlags::IN));
        }
        match poll(&mut events, Some(&READING)) {
            Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// As a shell gives it: the command's own, or 128 and the number of the signal that ended it.
fn status(status: Option<ExitStatus>, interrupted_by: Option<i32>) -> u8 {
    let by_signal = |signal: Option<i32>| 128 + signal.unwrap_or_default();
    let code = status.map_or_else(
        || by_signal(interrupted_by),
        |status| status.code().unwrap_or_else(|| by_signal(status.signal())),
    );
    u8::try_from(code).unwrap_or(u8::MAX)
}
