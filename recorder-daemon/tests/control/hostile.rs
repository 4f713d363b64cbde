//! Peers that mean it no good, while others are served.
//!
//! They are another user than the good one wherever the test may become one: a user can get in its own way.

use std::{collections::VecDeque, os::unix::net::UnixStream, thread, time::Duration};

use recorder_daemon::control::{
    Limits, Rights,
    wire::{Reply, Request},
};
use serde_json::json;

use super::support::{Daemon, NOBODY, Peer, answer, as_user, call, root, status};

const STATUS: &str = "org.syscall-recorder.Control.Status";

/// Those that an honest peer never comes near, so that a test need not wait for them.
fn short() -> Limits {
    let soon = Duration::from_millis(300);
    Limits { message: soon, idle: soon, ..Limits::default() }
}

/// Does as a hostile user what `does` says, while a good one asks and must be answered every time.
fn besieged(daemon: &Daemon, does: impl FnOnce() + Send) {
    let client = daemon.client();
    thread::scope(|scope| {
        let siege = as_user(scope, NOBODY, &[], does);
        while !siege.is_finished() {
            assert_eq!(client.status(None).unwrap(), status());
        }
        siege.join().unwrap();
    });
    assert_eq!(client.status(None).unwrap(), status());
}

/// As many descriptors as a test may take that is not alone in its process.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(65_536);
    usize::try_from(limit / 4).unwrap().min(1_000)
}

#[test]
fn ten_thousand_connections_that_each_begin_a_request() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    besieged(&daemon, || {
        let (most, mut open) = (descriptors(), VecDeque::new());
        for _ in 0..10_000 {
            let mut peer = Peer::connect(&daemon);
            // It may have been turned away already.
            let _ = peer.say("{\"method\":");
            open.push_back(peer);
            if open.len() > most {
                open.pop_front();
            }
        }
    });
}

#[test]
fn ten_thousand_connections_that_hang_up() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    besieged(&daemon, || (0..10_000).for_each(|_| drop(UnixStream::connect(daemon.socket()).unwrap())));
}

#[test]
fn a_request_that_comes_byte_by_byte_is_cut_off() {
    if !root() {
        return;
    }
    let daemon = Daemon::with(short(), Rights::default(), answer);
    besieged(&daemon, || {
        let mut peers: Vec<_> = (0..16).map(|_| Peer::connect(&daemon)).collect();
        // Each byte in time, and no end.
        while peers.iter_mut().all(|peer| peer.say("[").is_ok()) {
            thread::sleep(Duration::from_millis(20));
        }
        for mut peer in peers {
            let last = peer.hear().unwrap();
            assert!(last["parameters"]["reason"].as_str().unwrap().contains("not complete within"), "{last}");
            assert_eq!(peer.hear(), None);
        }
    });
}

#[test]
fn who_says_nothing_is_let_go() {
    let daemon = Daemon::with(short(), Rights::default(), answer);
    let mut peer = Peer::connect(&daemon);
    assert!(peer.ask(STATUS, &json!({}))["parameters"].is_object());
    assert_eq!(peer.hear(), None);
    assert_eq!(daemon.client().status(None).unwrap(), status());
}

#[test]
fn who_does_not_take_its_answers_is_cut_off() {
    if !root() {
        return;
    }
    let large = "x".repeat(4 << 20);
    let daemon = Daemon::with(short(), Rights::default(), move |request| match request {
        Request::Allowlist { .. } => Ok(Reply::Allowlist { text: large.clone() }),
        other => answer(other),
    });
    besieged(&daemon, || {
        let mut peers: Vec<_> = (0..8).map(|_| Peer::connect(&daemon)).collect();
        let asks = call("org.syscall-recorder.Control.Allowlist", &json!({ "unit": "a" })).repeat(100);
        for peer in &mut peers {
            peer.say(&asks).unwrap();
        }
        // Until it is not there any more to be asked.
        for peer in &mut peers {
            while peer.say("\0").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    assert!(daemon.asked().iter().filter(|asked| matches!(asked, Request::Allowlist { .. })).count() < 100);
}

#[test]
fn giant_frames_are_cut_off_and_told_why() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    besieged(&daemon, || {
        for byte in [b'a', b'[', b'{', b'"', 0xff] {
            let mut peer = Peer::connect(&daemon);
            assert!(peer.say(vec![byte; 100 << 20]).is_err());
            let last = peer.hear().unwrap();
            assert!(last["parameters"]["reason"].as_str().unwrap().contains("65536 bytes"), "{last}");
            assert_eq!(peer.hear(), None);
        }
    });
}

#[test]
fn deep_json_is_no_request() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    besieged(&daemon, || {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(9_000), close.repeat(9_000));
            let within = format!("{{\"method\":\"{STATUS}\",\"parameters\":{{\"unit\":{deep}}}}}");
            for (message, reason) in [(deep, "no varlink call"), (within, "recursion limit")] {
                let mut peer = Peer::connect(&daemon);
                peer.say(message + "\0").unwrap();
                let last = peer.hear().unwrap();
                assert!(last["parameters"]["reason"].as_str().unwrap().contains(reason), "{last}");
                assert_eq!(peer.hear(), None);
            }
        }
    });
}

/// The same bytes every time: a test that fails must fail again.
#[test]
fn garbage_is_no_request() {
    if !root() {
        return;
    }
    let daemon = Daemon::new(answer);
    besieged(&daemon, || {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200 {
            let mut garbage: Vec<_> = (0..400).flat_map(|_| next().to_le_bytes()).collect();
            garbage.push(0);
            let mut peer = Peer::connect(&daemon);
            let _ = peer.say(&garbage);
            let last = peer.hear().unwrap();
            assert!(last["parameters"]["reason"].as_str().unwrap().contains("no varlink call"), "{last}");
            assert_eq!(peer.hear(), None);
        }
    });
}

/// What one user asks too fast is dammed up, and not what others ask.
#[test]
fn a_flood_of_requests_is_answered_in_its_time() {
    if !root() {
        return;
    }
    let limits = Limits { rate: 1_000, ..Limits::default() };
    let daemon = Daemon::with(limits, Rights::default(), answer);
    besieged(&daemon, || {
        let mut peers: Vec<_> = (0..8).map(|_| Peer::connect(&daemon)).collect();
        for peer in &mut peers {
            peer.say(call(STATUS, &json!({})).repeat(400)).unwrap();
            peer.finish();
        }
        for peer in &mut peers {
            (0..400).for_each(|_| assert!(peer.hear().unwrap()["parameters"].is_object()));
            assert_eq!(peer.hear(), None);
        }
    });
}
