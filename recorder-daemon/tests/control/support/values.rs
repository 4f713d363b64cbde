//! What a daemon could say.

use recorder_daemon::control::wire::{
    LastNew, Refusal, Reply, Request, Started, Status, Stopped, Unit, Written,
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
        Request::Snapshot { units } => Reply::Written { written: units.iter().map(written).collect() },
        Request::Allowlist { unit } if unit.starts_with("nginx") => {
            Reply::Allowlist { text: include_str!("../../fixtures/nginx.service.toml").to_owned() }
        }
        Request::Allowlist { unit } => return Err(Refusal::NotRecorded { unit, reason: None }),
    })
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
        last_new: Some(LastNew {
            name: "fadvise64".into(),
            abi: "x86_64".into(),
            at: "2026-11-25T06:25:01Z".into(),
        }),
        gaps: [].into(),
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
