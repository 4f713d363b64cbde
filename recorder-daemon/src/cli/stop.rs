//! `stop`: takes requests back; what is recorded no longer is written there and then.

use super::{error::Error, files, host::Host};
use crate::{
    control::{
        self,
        wire::{Refusal, Stopped, Written},
    },
    printable::printable,
    units::Request,
};

/// Have the daemon record units no longer, and write their allowlists.
#[derive(clap::Args)]
#[command(after_help = "\
A request is taken back as it was given: what '*.service' records, `stop '*.service'` ends.

Examples:
  sudo syscall-recorder stop nginx
  sudo syscall-recorder stop '*.service'
  sudo syscall-recorder stop --cgroup /docker/2f5ac1")]
pub(super) struct Args {
    /// Requests, as they were given to `start`
    #[arg(required = true, value_name = "REQUEST")]
    requests: Vec<String>,
    /// The requests are paths of cgroups, as all that begin with a / are
    #[arg(long)]
    cgroup: bool,
}

pub(super) fn stop(args: &Args, host: &Host) -> Result<(), Error> {
    if args.cgroup {
        for request in &args.requests {
            // As the daemon refuses it where it is to start; to stop, it would take it for a unit's name.
            Request::parse(request, true).map_err(|error| {
                let (request, reason) = (request.clone(), error.to_string());
                control::Error::Refused(Refusal::BadRequest { request, reason })
            })?;
        }
    }
    let stopped = host.daemon().stop(args.requests.clone())?;
    files::write(None, false, &stopped.iter().map(lines).collect::<String>())
}

fn lines(stopped: &Stopped) -> String {
    let Stopped { request, written, goes_on } = stopped;
    let mut lines: Vec<_> = written.iter().map(wrote).collect();
    lines.extend(goes_on.iter().map(|unit| format!("{}: still recording\n", printable(unit))));
    if lines.is_empty() {
        // A glob that has met nothing.
        lines.push(format!("{}: no longer wanted; nothing was recorded\n", printable(request)));
    }
    lines.concat()
}

/// Where an allowlist is now.
pub(super) fn wrote(written: &Written) -> String {
    format!("{}: allowlist in {}\n", printable(&written.unit), printable(&written.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_its_line() {
        let written = |unit: &str| Written { unit: unit.into(), path: format!("/state/{unit}.toml") };
        let stopped = Stopped {
            request: "*.service".into(),
            written: vec![written("a.service"), written("b\n.service")],
            goes_on: vec!["c.service, wanted by c".into()],
        };
        assert_eq!(
            lines(&stopped),
            "a.service: allowlist in /state/a.service.toml\n\
             b\\u{a}.service: allowlist in /state/b\\u{a}.service.toml\n\
             c.service, wanted by c: still recording\n"
        );
        let nothing = Stopped { request: "x*".into(), ..Stopped::default() };
        assert_eq!(lines(&nothing), "x*: no longer wanted; nothing was recorded\n");
    }
}
