//! Without a terminal: a line for each event.

use std::{
    io::{Write, stdout},
    time::{Duration, SystemTime},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{super::error::Error, source::Source, words};
use crate::control::wire::{Event, Watched};

/// Until whoever reads has seen enough. That the daemon is gone is told, and waited for.
pub(super) fn run(mut source: Source, json: bool, interval: Duration) -> Result<(), Error> {
    let mut told = Told { degraded: say_degraded(&source.ask(Vec::new(), false)?, json)?, lost: false };
    while is_read(interval)? {
        match source.ask(Vec::new(), false) {
            Ok(watched) => told.take(watched, json)?,
            Err(error) if !told.lost => {
                told.lost = true;
                write(&of_the_daemon("lost", Some(error.to_string()), None), json)?;
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// What was said of the daemon.
struct Told {
    degraded: Option<String>,
    lost: bool,
}

impl Told {
    fn take(&mut self, watched: Watched, json: bool) -> Result<(), Error> {
        if std::mem::take(&mut self.lost) {
            write(&of_the_daemon("back", None, None), json)?;
        }
        if watched.missed > 0 {
            write(&of_the_daemon("missed", None, Some(watched.missed)), json)?;
        }
        if self.degraded != watched.degraded {
            match &watched.degraded {
                Some(_) => _ = say_degraded(&watched, json)?,
                None => write(&of_the_daemon("recovered", None, None), json)?,
            }
            self.degraded = watched.degraded;
        }
        watched.events.iter().try_for_each(|event| write(event, json))
    }
}

/// Says that the daemon is degraded, if it is.
fn say_degraded(watched: &Watched, json: bool) -> Result<Option<String>, Error> {
    if watched.degraded.is_some() {
        write(&of_the_daemon("degraded", watched.degraded.clone(), None), json)?;
    }
    Ok(watched.degraded.clone())
}

fn of_the_daemon(event: &str, name: Option<String>, count: Option<u64>) -> Event {
    let at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    Event { at, event: event.to_owned(), name, count, ..Event::default() }
}

fn write(event: &Event, json: bool) -> Result<(), Error> {
    let line = if json {
        serde_json::to_string(event).expect("strings and numbers always have a JSON form")
    } else {
        words::line(event)
    };
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|source| Error::Write { path: "standard output".into(), source })
}

/// Waits. Says whether there is still somebody who reads: one that has gone is not found out by writing where there
/// is nothing to write.
fn is_read(interval: Duration) -> Result<bool, Error> {
    let out = stdout();
    let mut fds = [PollFd::new(&out, PollFlags::empty())];
    let time = Timespec::try_from(interval).ok();
    match poll(&mut fds, time.as_ref()) {
        Ok(_) => Ok(!fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(Error::Write { path: "standard output".into(), source: error.into() }),
    }
}
