//! Who may do what.

use std::thread;

use recorder_daemon::control::{
    Client, Error, Limits, Rights,
    wire::{Refusal, Request},
};

use super::support::{Daemon, NOBODY, answer, as_user, root};

const GROUP: u32 = 4242;

/// Whether this peer may start, stop and snapshot; always all or nothing.
fn may(client: &Client) -> bool {
    let outcomes = [
        client.start(vec!["a".into()], false).map(drop),
        client.stop(vec!["a".into()]).map(drop),
        client.snapshot(vec!["a".into()]).map(drop),
    ];
    for outcome in &outcomes {
        if let Err(error) = outcome {
            assert!(matches!(error, Error::Refused(Refusal::NotPermitted { .. })), "{error:?}");
        }
    }
    let allowed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(allowed == 0 || allowed == outcomes.len(), "{outcomes:?}");
    allowed > 0
}

#[test]
fn changes_are_for_root_and_the_group() {
    if !root() {
        return;
    }
    let daemon = Daemon::with(Limits::default(), Rights { group: Some(GROUP) }, answer);
    let client = daemon.client();
    let many: Vec<_> = (10_000..11_000).chain([GROUP]).collect();
    thread::scope(|scope| {
        assert!(may(&client));
        assert!(!as_user(scope, NOBODY, &[], || may(&client)).join().unwrap());
        assert!(!as_user(scope, NOBODY, &[0, 27], || may(&client)).join().unwrap());
        assert!(as_user(scope, NOBODY, &[27, GROUP], || may(&client)).join().unwrap());
        // More groups than are asked for at first.
        assert!(as_user(scope, NOBODY, &many, || may(&client)).join().unwrap());
        // Its own group, not a supplementary one.
        assert!(as_user(scope, GROUP, &[], || may(&client)).join().unwrap());
    });
    // Those refused did not come through to the handler.
    assert_eq!(daemon.asked().len(), 4 * 3);
}

#[test]
fn without_the_group_only_root_may() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    let client = daemon.client();
    thread::scope(|scope| {
        assert!(may(&client));
        assert!(!as_user(scope, NOBODY, &[0, GROUP], || may(&client)).join().unwrap());
    });
}

#[test]
fn reading_is_for_everybody() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    let client = daemon.client();
    thread::scope(|scope| {
        let reads = || (client.status(None).is_ok(), client.allowlist("nginx.service".into()).is_ok());
        assert_eq!(as_user(scope, NOBODY, &[], reads).join().unwrap(), (true, true));
    });
}

#[test]
fn every_change_is_in_the_log_and_readings_are_not() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(|request| match request {
        Request::Stop { .. } => Err(Refusal::NoSuchUnit { unit: "b\n.service".into() }),
        other => answer(other),
    });
    let client = daemon.client();
    client.status(None).unwrap();
    client.start(vec!["a.service".into(), "evil\n uid=0".into()], false).unwrap();
    client.stop(vec!["b".into()]).unwrap_err();
    thread::scope(|scope| {
        as_user(scope, NOBODY, &[], || client.snapshot(vec!["c".into()]).unwrap_err()).join().unwrap();
    });
    let log = daemon.log();
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    let pid = format!("uid=0 pid={} method=\"Start\"", std::process::id());
    assert!(lines[0].contains(&pid) && lines[0].contains("a.service evil\\\\u{a} uid=0"), "{log}");
    assert!(lines[0].contains("outcome=\"done\""), "{log}");
    assert!(lines[1].contains("method=\"Stop\"") && lines[1].contains("no such unit"), "{log}");
    assert!(lines[2].contains(&format!("uid={NOBODY}")) && lines[2].contains("not permitted"), "{log}");
}

/// As it comes out at the terminal.
#[test]
fn the_refusal_says_who_may_and_what_to_do() {
    if !root() {
        return;
    }
    let daemon = Daemon::with(Limits::default(), Rights { group: Some(GROUP) }, answer);
    let client = daemon.client();
    let said = thread::scope(|scope| {
        as_user(scope, NOBODY, &[], || client.start(vec!["a".into()], false).unwrap_err()).join().unwrap()
    });
    insta::assert_snapshot!(said.to_string());
}
