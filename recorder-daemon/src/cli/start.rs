//! `start`: asks the daemon to record.

use super::{error::Error, files, host::Host, text::count};
use crate::{
    control::wire::Started,
    printable::printable,
    units::{Kind, UnitName},
};

/// Have the daemon record units, from now on and over all their restarts.
#[derive(clap::Args)]
#[command(after_help = "\
nginx means nginx.service. It stays so over restarts of the daemon, until `stop` or a reboot. To have it at
every boot: systemctl enable syscall-recorder@nginx

Examples:
  sudo syscall-recorder start nginx postgresql@15-main
  Every service, those that appear later too:
    sudo syscall-recorder start '*.service'
  A container, before it is started, by its scope:
    sudo syscall-recorder start libpod-$(podman create docker.io/library/nginx).scope
  Whatever else has a cgroup, by its path:
    sudo syscall-recorder start --cgroup /docker/2f5ac1")]
pub(super) struct Args {
    /// Unit names, or globs over them
    #[arg(required = true, value_name = "REQUEST")]
    requests: Vec<String>,
    /// The requests are paths of cgroups, below the root of the hierarchy
    #[arg(long)]
    cgroup: bool,
}

pub(super) fn start(args: &Args, host: &Host) -> Result<(), Error> {
    let started = host.daemon().start(args.requests.clone(), args.cgroup)?;
    let lines = started.iter().map(|one| printable(&line(one, args.cgroup)) + "\n").collect::<String>();
    files::write(None, false, &lines)
}

/// What became of one request.
fn line(started: &Started, cgroup: bool) -> String {
    let Started { request, already, units, running } = started;
    let said = if is_glob(request) && !cgroup {
        let units = count(units.len() as u64, "unit");
        match already {
            true => format!("'{request}': recording already, {units} now, and each that appears"),
            false => format!("'{request}': recording {units}, and each that appears"),
        }
    } else {
        let units = if units.is_empty() { request.clone() } else { units.join(", ") };
        match already {
            true => format!("{units}: recording already"),
            // A scope that is there has processes.
            false if running.is_empty() && is_scope(&units) => {
                format!("recording {units}, as soon as it is there")
            }
            false => format!("recording {units}"),
        }
    };
    // Told when it can still be mended with little: later the restart may be in the recording anyway.
    match (running.len(), units.len()) {
        (0, _) => said,
        _ if *already => said,
        (1, 1) => {
            format!("{said}; it was running already, so its start was not seen: restart it to have that too")
        }
        (1, _) => format!(
            "{said}; one of them was running already, so its start was not seen: restart it to have that too"
        ),
        (some, _) => format!(
            "{said}; {some} of them were running already, so their starts were not seen: \
             restart them to have those too"
        ),
    }
}

fn is_scope(unit: &str) -> bool {
    UnitName::parse(unit).is_ok_and(|name| name.kind() == Kind::Scope)
}

fn is_glob(request: &str) -> bool {
    request.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(request: &str, already: bool, units: &[&str], running: &[&str]) -> String {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (units, running) = (owned(units), owned(running));
        line(&Started { request: request.to_owned(), already, units, running }, request.starts_with('/'))
    }

    #[test]
    fn one_unit() {
        assert_eq!(said("nginx", false, &["nginx.service"], &[]), "recording nginx.service");
        assert_eq!(
            said("nginx", true, &["nginx.service"], &["nginx.service"]),
            "nginx.service: recording already"
        );
        assert_eq!(
            said("nginx", false, &["nginx.service"], &["nginx.service"]),
            "recording nginx.service; it was running already, so its start was not seen: \
             restart it to have that too"
        );
    }

    #[test]
    fn a_scope_that_is_still_to_come() {
        let scope = ["libpod-2f5ac1.scope"];
        assert_eq!(
            said(scope[0], false, &scope, &[]),
            "recording libpod-2f5ac1.scope, as soon as it is there"
        );
        assert!(
            said(scope[0], false, &scope, &scope)
                .starts_with("recording libpod-2f5ac1.scope; it was running")
        );
    }

    #[test]
    fn a_glob() {
        let all = ["a.service", "b.service", "c.service"];
        assert_eq!(
            said("*.service", false, &all, &[]),
            "'*.service': recording 3 units, and each that appears"
        );
        assert_eq!(
            said("*.service", false, &all, &all[..2]),
            "'*.service': recording 3 units, and each that appears; 2 of them were running already, so their \
             starts were not seen: restart them to have those too"
        );
        assert_eq!(
            said("*.service", true, &[], &[]),
            "'*.service': recording already, 0 units now, and each that appears"
        );
    }

    /// A cgroup may be named as one likes.
    #[test]
    fn a_cgroup_is_no_glob() {
        assert_eq!(said("/a[1]*", false, &["/a[1]*"], &[]), "recording /a[1]*");
    }
}
