//! The real client and the real server.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use recorder_daemon::control::{
    Error, Limits, Rights,
    wire::{Refusal, Reply, Request},
};
use serde_json::json;

use super::support::{Daemon, Peer, answer, root, status};

#[test]
fn every_method_there_and_back() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    let client = daemon.client();
    let started = client.start(vec!["a.service".into(), "b.service".into()], true).unwrap();
    assert_eq!(started[1].units, ["b.service"]);
    let stopped = client.stop(vec!["a.service".into()]).unwrap();
    assert_eq!(stopped[0].written[0].path, "/var/lib/syscall-recorder/a.service.toml");
    assert_eq!(client.status(None).unwrap(), status());
    assert_eq!(client.status(Some("nginx.service".into())).unwrap().units, status().units[..1]);
    assert_eq!(client.snapshot(vec!["a.service".into()]).unwrap(), stopped[0].written);
    assert!(client.allowlist("nginx.service".into()).unwrap().contains("\nformat = 1\n"));
    let requests = vec!["a.service".to_owned(), "b.service".to_owned()];
    assert_eq!(daemon.asked()[0], Request::Start { requests, cgroup: true });
    assert_eq!(daemon.asked().len(), 6);
}

#[test]
fn every_refusal_there_and_back() {
    let (unit, reason) = ("a.service".to_owned(), "because".to_owned());
    let refusals = [
        Refusal::NoSuchUnit { unit: unit.clone() },
        Refusal::BadRequest { request: unit.clone(), reason: reason.clone() },
        Refusal::NotRecorded { unit: unit.clone(), reason: None },
        Refusal::NotRecorded { unit: unit.clone(), reason: Some(reason.clone()) },
        Refusal::NotPermitted { reason: reason.clone() },
        Refusal::Failed { reason },
    ];
    for refusal in refusals {
        let expected = refusal.clone();
        let daemon = Daemon::new(move |_| Err(refusal.clone()));
        let refused = daemon.client().allowlist(unit.clone());
        assert!(matches!(&refused, Err(Error::Refused(refusal)) if *refusal == expected), "{refused:?}");
    }
}

#[test]
fn a_large_answer_comes_through() {
    let text = "x".repeat(5 << 20);
    let expected = text.clone();
    let daemon = Daemon::new(move |_| Ok(Reply::Allowlist { text: text.clone() }));
    assert_eq!(daemon.client().allowlist("a".into()).unwrap(), expected);
}

#[test]
fn who_does_not_listen_is_not_running() {
    let mut daemon = Daemon::new(answer);
    daemon.stop();
    daemon.wait();
    // The socket file is still there, and then it is not.
    assert!(matches!(daemon.client().status(None), Err(Error::NotRunning { .. })));
    std::fs::remove_file(daemon.socket()).unwrap();
    assert!(matches!(daemon.client().status(None), Err(Error::NotRunning { .. })));
}

#[test]
fn at_the_end_what_is_under_way_is_answered() {
    let meet = Arc::new(Barrier::new(2));
    let (both, answered) = (Arc::clone(&meet), Arc::new(AtomicBool::new(false)));
    let mut daemon = Daemon::new(move |request| {
        both.wait();
        both.wait();
        answer(request)
    });
    let silent = Peer::connect(&daemon);
    let (client, done) = (daemon.client(), Arc::clone(&answered));
    let asking = thread::spawn(move || {
        client.status(None).unwrap();
        done.store(true, Ordering::SeqCst);
    });
    meet.wait();
    daemon.stop();
    assert!(!answered.load(Ordering::SeqCst));
    meet.wait();
    asking.join().unwrap();
    // And who asks nothing does not hold it up.
    daemon.wait();
    drop(silent);
}

#[test]
fn a_bug_in_one_request_is_not_the_end_of_the_others() {
    let daemon = Daemon::new(|request| match request {
        Request::Status { unit: Some(_) } => panic!("as the test wants"),
        other => answer(other),
    });
    let mut peer = Peer::connect(&daemon);
    peer.say(super::support::call("org.syscall-recorder.Control.Status", &json!({ "unit": "a" }))).unwrap();
    assert_eq!(peer.hear(), None);
    assert_eq!(daemon.client().status(None).unwrap(), status());
    assert!(daemon.log().contains("a control connection failed"), "{}", daemon.log());
}

#[test]
fn more_connections_than_there_are_places_are_told_so() {
    let limits = Limits { connections: 2, members: 2, strangers: 2, user: 2, ..Limits::default() };
    let daemon = Daemon::with(limits, Rights::default(), answer);
    let mut peers = [Peer::connect(&daemon), Peer::connect(&daemon)];
    for peer in &mut peers {
        peer.ask("org.varlink.service.GetInfo", &json!({}));
    }
    let mut third = Peer::connect(&daemon);
    assert_eq!(third.hear().unwrap()["error"], "org.syscall-recorder.Control.Busy");
    assert_eq!(third.hear(), None);
    assert!(matches!(daemon.client().status(None), Err(Error::Refused(Refusal::Busy))));
    drop(peers);
    // The client asks again by itself, in case that this is not seen at once.
    assert_eq!(daemon.client().status(None).unwrap(), status());
}
