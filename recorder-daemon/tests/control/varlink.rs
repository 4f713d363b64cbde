//! The protocol, as any other program would speak it.

use serde_json::{Value, json};

use super::support::{Daemon, Peer, answer, call};

const STATUS: &str = "org.syscall-recorder.Control.Status";

#[test]
fn it_introduces_itself() {
    let daemon = Daemon::new(answer);
    let mut peer = Peer::connect(&daemon);
    let info = peer.ask("org.varlink.service.GetInfo", &json!({}));
    let interfaces = ["org.varlink.service", "org.syscall-recorder.Control"];
    assert_eq!(info["parameters"]["interfaces"], json!(interfaces));
    for interface in interfaces {
        let parameters = json!({ "interface": interface });
        let described = peer.ask("org.varlink.service.GetInterfaceDescription", &parameters);
        let text = described["parameters"]["description"].as_str().unwrap();
        assert!(text.contains(&format!("\ninterface {interface}\n")), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_said_and_the_connection_goes_on() {
    let daemon = Daemon::new(answer);
    let mut peer = Peer::connect(&daemon);
    let unknown = peer.ask("org.example.Frobnicate", &json!({}));
    assert_eq!(unknown["error"], "org.varlink.service.MethodNotFound");
    assert_eq!(unknown["parameters"]["method"], "org.example.Frobnicate");
    let wrong = peer.ask(STATUS, &json!({ "unit": 1 }));
    assert_eq!(wrong["error"], "org.varlink.service.InvalidParameter");
    assert_eq!(wrong["parameters"]["parameter"], "unit");
    assert!(peer.ask(STATUS, &json!({}))["parameters"]["status"].is_object());
    assert_eq!(daemon.asked().len(), 1);
}

/// In order, and also to a peer that has closed its end after asking.
#[test]
fn many_requests_at_once_are_answered_one_after_the_other() {
    let daemon = Daemon::new(answer);
    let mut peer = Peer::connect(&daemon);
    let names: Vec<_> = (0..20).map(|number| format!("unit-{number}.service")).collect();
    let calls =
        names.iter().map(|name| call("org.syscall-recorder.Control.Allowlist", &json!({ "unit": name })));
    peer.say(calls.collect::<String>()).unwrap();
    peer.finish();
    for name in names {
        assert_eq!(peer.hear().unwrap()["parameters"]["unit"], name);
    }
    assert_eq!(peer.hear(), None);
}

#[test]
fn a_call_that_wants_no_answer_gets_none() {
    let daemon = Daemon::new(answer);
    let mut peer = Peer::connect(&daemon);
    let oneway = json!({ "method": STATUS, "oneway": true }).to_string();
    let more = json!({ "method": STATUS, "more": true, "parameters": null }).to_string();
    peer.say(format!("{oneway}\0{more}\0")).unwrap();
    peer.finish();
    let first = peer.hear().unwrap();
    assert!(first["parameters"]["status"].is_object());
    // One answer is all that it wants, and there are no others.
    assert_eq!(first.get("continues"), None::<&Value>);
    assert_eq!(peer.hear(), None);
    assert_eq!(daemon.asked().len(), 2);
}
