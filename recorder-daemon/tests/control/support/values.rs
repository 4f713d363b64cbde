//! What a daemon could say.

use recorder_daemon::control::wire::{
    Coverage, Estimate, LastNew, Refusal, Reply, Request, Started, Status, Stopped, Unit, Watched, Written,
};

/// A daemon that records nginx, another unit that has gaps, and whatever is asked for.
pub(crate) fn answer(request: Request) -> Result<Reply, Refusal> {
    let written = |unit: &String| Written {
        unit: unit.clone(),
        path: format!("/var/lib/syscall-recorder/{unit}.toml"),
    };
    Ok(match request {
        Request::Start { requests, .. } => {
            let started = |request: String| Started {
                already: false,
                units: vec![request.clone()],
                running: vec![],
                request,
            };
            Reply::Started { started: requests.into_iter().map(started).collect() }
        }
        Request::Stop { requests } => {
            let stopped =
                |request: String| Stopped { written: vec![written(&request)], goes_on: vec![], request };
            Reply::Stopped { stopped: requests.into_iter().map(stopped).collect() }
        }
        Request::Status { unit: None } => Reply::Status { status: status() },
        Request::Status { unit: Some(name) } => {
            let mut status = status();
            status.units.retain(|unit| unit.name.starts_with(&name));
            Reply::Status { status }
        }
        Request::Watch { .. } => Reply::Watched { watched: Watched::default() },
        Request::Metrics {} => Reply::Metrics { metrics: String::new() },
        Request::Snapshot { units } => Reply::Written { written: units.iter().map(written).collect() },
        Request::Allowlist { unit } if unit.starts_with("nginx") => {
            Reply::Allowlist { text: include_str!("../../fixtures/nginx.service.toml").to_owned() }
        }
        Request::Allowlist { unit } => return Err(Refusal::NotRecorded { unit, reason: None }),
    })
}

fn new(name: &str, at: &str, programs: &[&str]) -> LastNew {
    LastNew {
        name: name.into(),
        abi: "x86_64".into(),
        at: format!("2026-11-25T{at}Z"),
        programs: programs.iter().map(|&program| program.to_owned()).collect(),
    }
}

pub(crate) fn status() -> Status {
    let nginx = Unit {
        name: "nginx.service".into(),
        requests: vec!["nginx.service".into(), "*.service".into()],
        running: true,
        since: "2026-11-23T17:36:19Z".into(),
        seconds: 141_821,
        starts: 4,
        calls: 1_381_360,
        names: 71,
        last_new: Some(new("fadvise64", "06:25:01", &["/usr/sbin/nginx"])),
        gaps: [].into(),
        quiet_seconds: 9_299,
        coverage: vec![Coverage {
            per: "hour".into(),
            occasions: 39,
            seen: 71,
            once: 5,
            unseen: Estimate { value: 3.2, low: 0.0, high: 21.0 },
            covered: Estimate { value: 0.997_41, low: 0.992, high: 1.0 },
            next: Estimate { value: 0.12, low: 0.0, high: 0.31 },
        }],
        lacks: ["no_reload", "no_week", "signals_unknown", "of_a_later_version"].map(str::to_owned).into(),
        newest: vec![
            new("fadvise64", "06:25:01", &["/usr/sbin/nginx"]),
            new("kill", "06:24:58", &["/bin/kill", "/opt/\u{1b}[2Jodd"]),
            new("number 600", "06:20:00", &[]),
        ],
    };
    let odd = Unit {
        name: "odd\u{1b}[2J.service".into(),
        requests: vec!["*.service".into()],
        since: "2026-11-25T08:59:58Z".into(),
        gaps: [("skipped".into(), 1204), ("still_running".into(), 2), ("of_a_later_version".into(), 1)]
            .into(),
        ..Unit::default()
    };
    Status {
        version: "0.1.0".into(),
        since: "2026-11-23T17:36:00Z".into(),
        requests: vec!["*.service".into(), "nginx.service".into()],
        degraded: None,
        units: vec![nginx, odd],
    }
}
