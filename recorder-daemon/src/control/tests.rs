//! What is said, and that nothing that can be said breaks who listens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, time::Instant};

use super::{
    Limits,
    call::{Asked, Call, Fault, text},
    frame::{Broken, Frames},
    wire::{
        Coverage, Estimate, Event, LastNew, Line, Refusal, Reply, Request, Started, Status, Stopped, Unit,
        Watched, Written,
    },
};

const INTERFACE: &str = include_str!("org.syscall-recorder.Control.varlink");

/// The names between the brackets that follow `head`, as `name: type` each.
fn fields(head: &str) -> BTreeSet<String> {
    let (_, rest) = INTERFACE.split_once(&format!("\n{head}")).unwrap_or_else(|| panic!("no {head}"));
    let (fields, _) = rest.trim_start().trim_start_matches('(').split_once(')').unwrap();
    let names = fields.split(',').filter_map(|field| field.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn the_interface_text_and_the_types_agree() {
    let types = [
        ("Started", json_of(&Started::default())),
        ("Stopped", json_of(&Stopped::default())),
        ("Written", json_of(&Written::default())),
        // A type may not have the name of a method, as it has in Rust.
        ("State", json_of(&Status::default())),
        ("Unit", json_of(&Unit::default())),
        ("LastNew", json_of(&LastNew::default())),
        ("Coverage", json_of(&Coverage::default())),
        ("Estimate", json_of(&Estimate::default())),
        ("Watched", json_of(&Watched::default())),
        ("Line", json_of(&Line::default())),
        ("Event", json_of(&Event::default())),
    ];
    for (name, value) in types {
        assert_eq!(fields(&format!("type {name} ")), keys(&value), "{name}");
    }
    let members = INTERFACE.lines().filter_map(|line| {
        let (kind, rest) = line.split_once(' ')?;
        let name = rest.split(['(', ' ']).next();
        ["type", "method", "error"].contains(&kind).then_some(name).flatten()
    });
    let mut members: Vec<_> = members.collect();
    members.sort_unstable();
    assert!(members.windows(2).all(|pair| pair[0] != pair[1]), "{members:?}");
    let (requests, unit, reason) = (vec![], String::new(), String::new());
    let methods = [
        Request::Start { requests: requests.clone(), cgroup: true },
        Request::Stop { requests: requests.clone() },
        Request::Status { unit: None },
        Request::Watch { unit: None, shown: requests.clone(), after: Some(1) },
        Request::Metrics {},
        Request::Snapshot { units: requests },
        Request::Allowlist { unit: unit.clone() },
    ];
    for method in methods {
        let value = json_of(&method);
        let name = value["method"].as_str().unwrap().strip_prefix("org.syscall-recorder.Control.").unwrap();
        assert_eq!(fields(&format!("method {name}")), keys(&value["parameters"]), "{name}");
        // And what the client sends, the server understands.
        let call = Call::parse(text(&method).as_bytes()).unwrap();
        assert_eq!(call.asked, Ok(Asked::Request(method)));
    }
    let errors = [
        Refusal::NoSuchUnit { unit: unit.clone() },
        Refusal::BadRequest { request: unit.clone(), reason: reason.clone() },
        Refusal::NotRecorded { unit, reason: None },
        Refusal::NotPermitted { reason: reason.clone() },
        Refusal::Busy,
        Refusal::Failed { reason },
    ];
    for error in errors {
        let value = json_of(&error);
        let name = value["error"].as_str().unwrap().strip_prefix("org.syscall-recorder.Control.").unwrap();
        assert_eq!(fields(&format!("error {name} ")), keys(&value["parameters"]), "{name}");
        assert_eq!(serde_json::from_value::<Refusal>(value).unwrap(), error);
    }
}

/// Replies carry no tag, so they must be told apart by their fields.
#[test]
fn a_reply_is_read_as_what_it_was_written_as() {
    let last_new = Some(LastNew { name: "bind".into(), abi: "x86_64".into(), ..LastNew::default() });
    let unit = Unit { last_new, gaps: BTreeMap::from([("skipped".into(), 3)]), ..Unit::default() };
    let replies = [
        Reply::Started { started: vec![Started::default()] },
        Reply::Stopped { stopped: vec![] },
        Reply::Status { status: Status { units: vec![unit, Unit::default()], ..Status::default() } },
        Reply::Watched { watched: Watched { events: vec![Event::default()], ..Watched::default() } },
        Reply::Metrics { metrics: "# HELP a b\n".into() },
        Reply::Written { written: vec![] },
        Reply::Allowlist { text: "format = 1\n".into() },
    ];
    for reply in replies {
        assert_eq!(serde_json::from_value::<Reply>(json_of(&reply)).unwrap(), reply);
    }
}

fn fault(message: &Value) -> Fault {
    Call::parse(message.to_string().as_bytes()).unwrap().asked.unwrap_err()
}

#[test]
fn what_is_wrong_with_a_call_is_named() {
    let start = "org.syscall-recorder.Control.Start";
    let wrong = |parameters| match fault(&json!({ "method": start, "parameters": parameters })) {
        Fault::InvalidParameter { parameter } => parameter,
        other => panic!("{other:?}"),
    };
    assert_eq!(wrong(json!({ "cgroup": true })), "requests");
    assert_eq!(wrong(json!({ "requests": "nginx", "cgroup": true })), "requests");
    assert_eq!(wrong(json!({ "requests": ["nginx", 1], "cgroup": true })), "requests");
    assert_eq!(wrong(json!({ "requests": [], "cgroup": 1 })), "cgroup");
    assert_eq!(wrong(json!({ "requests": [], "cgroup": true, "force": true })), "force");
    assert_eq!(wrong(Value::Null), "requests");
    for method in ["", "Start", "org.syscall-recorder.Control.start", "org.syscall-recorder.control.Start"] {
        let unknown = Fault::MethodNotFound { method: method.to_owned() };
        assert_eq!(fault(&json!({ "method": method })), unknown);
    }
    let method = "org.varlink.service.GetInterfaceDescription";
    let interface = "org.example".to_owned();
    assert_eq!(
        fault(&json!({ "method": method, "parameters": { "interface": interface } })),
        Fault::InterfaceNotFound { interface }
    );
}

#[test]
fn what_is_no_call_at_all_is_an_error() {
    let deep = "[".repeat(60_000);
    let within = format!("{{\"method\":\"a\",\"parameters\":{{\"a\":{deep}");
    for frame in ["", "{", "[]", "null", "{}", "{\"method\":1}", "{\"method\":\"a\"} {}", &deep, &within] {
        assert!(Call::parse(frame.as_bytes()).is_err(), "{}", &frame[..frame.len().min(40)]);
    }
    assert!(Call::parse(b"{\"method\":\"\xff\"}").is_err());
}

/// Reads all frames from these bytes.
fn frames(bytes: &[u8], limits: Limits) -> (Vec<Vec<u8>>, Option<Broken>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (mut read, mut frames) = (Vec::new(), Frames::new(bytes, limits));
        loop {
            match frames.next().await {
                Ok(Some(frame)) => read.push(frame.to_vec()),
                Ok(None) => return (read, None),
                Err(broken) => return (read, Some(broken)),
            }
        }
    })
}

#[test]
fn a_frame_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let limits = Limits::default();
    let most = vec![b'a'; limits.frame];
    let (read, broken) = frames(&[&most[..], &[0], &most, &[0]].concat(), limits);
    assert_eq!((read.len(), broken.is_none()), (2, true));
    let (read, broken) = frames(&[&most[..], b"a\0b\0"].concat(), limits);
    assert!(read.is_empty() && matches!(broken, Some(Broken::TooLarge)), "{broken:?}");
}

#[tokio::test]
async fn an_endless_frame_does_not_take_endless_memory() {
    let limits = Limits::default();
    let mut frames = Frames::new(tokio::io::repeat(b'a'), limits);
    assert!(matches!(frames.next().await, Err(Broken::TooLarge)));
    assert!(frames.capacity() <= 3 * limits.frame, "{}", frames.capacity());
}

/// Time is the test's own: it moves on when all wait.
#[tokio::test(start_paused = true)]
async fn bytes_that_come_in_time_do_not_make_a_frame_that_does() {
    let (mut peer, daemon) = tokio::io::duplex(64);
    let mut frames = Frames::new(daemon, Limits::default());
    let begun = Instant::now();
    let read = tokio::spawn(async move { (frames.next().await, begun.elapsed()) });
    let mut bytes = 0;
    while peer.write_all(b"a").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bytes += 1;
        assert!(bytes < 100, "it is still listened to");
    }
    let (read, took) = read.await.unwrap();
    assert!(matches!(read, Err(Broken::TooSlow)));
    assert_eq!(took.as_secs(), Limits::default().message.as_secs());
}

/// The time for a frame begins with its first byte, not with the last one's end.
#[tokio::test(start_paused = true)]
async fn who_is_silent_between_two_frames_has_longer() {
    let (mut peer, daemon) = tokio::io::duplex(64);
    let mut frames = Frames::new(daemon, Limits::default());
    let both = tokio::spawn(async move { (frames.next().await, frames.next().await, frames.next().await) });
    for frame in [b"a\0", b"b\0"] {
        tokio::time::sleep(Duration::from_secs(55)).await;
        peer.write_all(frame).await.unwrap();
    }
    // The last one is awaited, and does not come.
    let silent = Instant::now();
    let (first, second, third) = both.await.unwrap();
    assert_eq!((first.unwrap().unwrap(), second.unwrap().unwrap()), ("a".into(), "b".into()));
    assert!(matches!(third, Ok(None)));
    assert_eq!(silent.elapsed().as_secs(), Limits::default().idle.as_secs());
}

proptest! {
    /// No bytes make it panic, and frames are cut where the NULs are.
    #[test]
    fn any_bytes_are_cut_at_the_nuls(bytes in prop::collection::vec(any::<u8>().prop_map(|byte| byte % 8), 0..300)) {
        let limits = Limits { frame: 20, ..Limits::default() };
        let (read, broken) = frames(&bytes, limits);
        let mut whole: Vec<_> = bytes.split(|&byte| byte == 0).collect();
        // What comes after the last NUL is no frame.
        let rest = whole.pop().unwrap_or_default();
        let good = whole.iter().take_while(|frame| frame.len() <= 20).count();
        prop_assert_eq!(&read[..], &whole[..good]);
        prop_assert_eq!(broken.is_some(), good < whole.len() || rest.len() > 20);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Call::parse(&bytes);
    }

    /// Nearly right messages come further than arbitrary bytes.
    #[test]
    fn no_parameters_make_the_parser_panic(
        method in "(org\\.(varlink\\.service|syscall-recorder\\.Control)\\.)?(Start|Stop|Status|GetInfo|.{0,9})",
        key in "(requests|cgroup|unit|units|.{0,5})",
        value in "(null|true|-?[0-9]{1,30}|\"[a-z]{0,4}\"|\\[(\"a\",?)*\\]|\\{\\})",
    ) {
        let method = Value::String(method);
        let key = Value::String(key);
        let message = format!("{{\"method\":{method},\"parameters\":{{{key}:{value}}},\"more\":true}}");
        let _ = Call::parse(message.as_bytes());
    }
}
