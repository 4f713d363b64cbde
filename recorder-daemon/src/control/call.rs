//! One message from a peer, as far as it can be understood, and the messages that answer it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::wire::Request;

/// The interface of our own methods.
const CONTROL: &str = "org.syscall-recorder.Control";
/// The interface that every varlink service has.
const SERVICE: &str = "org.varlink.service";

/// The interfaces, and what `GetInterfaceDescription` says of them.
const INTERFACES: [(&str, &str); 2] = [
    (SERVICE, include_str!("org.varlink.service.varlink")),
    (CONTROL, include_str!("org.syscall-recorder.Control.varlink")),
];

/// A message in varlink's outer form. `more` and `upgrade` change nothing: every answer is one message.
#[derive(Deserialize)]
struct Message {
    method: String,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
    #[serde(default)]
    oneway: Option<bool>,
}

/// A call, and whether it wants an answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) asked: Result<Asked, Fault>,
    pub(super) oneway: bool,
}

/// What a peer may ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What the daemon is for.
    Request(Request),
    /// What the varlink service itself answers, already as parameters of a reply.
    Service(Value),
}

/// What is wrong with a call, as varlink has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "parameters")]
pub(super) enum Fault {
    #[error("it does not know the method {method}")]
    #[serde(rename = "org.varlink.service.MethodNotFound")]
    MethodNotFound { method: String },
    #[error("it does not know the interface {interface}")]
    #[serde(rename = "org.varlink.service.InterfaceNotFound")]
    InterfaceNotFound { interface: String },
    #[error("it does not take the parameter {parameter}")]
    #[serde(rename = "org.varlink.service.InvalidParameter")]
    InvalidParameter { parameter: String },
}

impl Call {
    /// Reads one message. An error means that it is none: then nothing that follows can be trusted.
    pub(super) fn parse(frame: &[u8]) -> Result<Self, serde_json::Error> {
        // Nesting is bounded by serde_json itself, at 128.
        let message: Message = serde_json::from_slice(frame)?;
        let parameters = Parameters(message.parameters.unwrap_or_default());
        Ok(Self { asked: asked(message.method, parameters), oneway: message.oneway == Some(true) })
    }
}

fn asked(method: String, mut given: Parameters) -> Result<Asked, Fault> {
    let asked = match method.rsplit_once('.') {
        Some((SERVICE, "GetInfo")) => Asked::Service(info()),
        Some((SERVICE, "GetInterfaceDescription")) => Asked::Service(description(given.take("interface")?)?),
        Some((CONTROL, name)) => Asked::Request(match name {
            "Start" => Request::Start { requests: given.take("requests")?, cgroup: given.take("cgroup")? },
            "Stop" => Request::Stop { requests: given.take("requests")? },
            "Status" => Request::Status { unit: given.take("unit")? },
            "Watch" => Request::Watch {
                unit: given.take("unit")?,
                shown: given.take("shown")?,
                after: given.take("after")?,
            },
            "Metrics" => Request::Metrics {},
            "Snapshot" => Request::Snapshot { units: given.take("units")? },
            "Allowlist" => Request::Allowlist { unit: given.take("unit")? },
            _ => return Err(Fault::MethodNotFound { method }),
        }),
        _ => return Err(Fault::MethodNotFound { method }),
    };
    given.nothing_else()?;
    Ok(asked)
}

/// What a call brings along. Taken one by one, so that the answer can name the one that is wrong.
struct Parameters(Map<String, Value>);

impl Parameters {
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Fault> {
        // One that is not there is null, which only what may be left out can be read from.
        let value = self.0.remove(name).unwrap_or_default();
        serde_json::from_value(value).map_err(|_| Fault::InvalidParameter { parameter: name.to_owned() })
    }

    fn nothing_else(self) -> Result<(), Fault> {
        match self.0.into_iter().next() {
            Some((parameter, _)) => Err(Fault::InvalidParameter { parameter }),
            None => Ok(()),
        }
    }
}

fn info() -> Value {
    json!({
        "vendor": "syscall-recorder",
        "product": "syscall-recorder",
        "version": env!("CARGO_PKG_VERSION"),
        "url": "",
        "interfaces": INTERFACES.map(|(name, _)| name),
    })
}

fn description(interface: String) -> Result<Value, Fault> {
    match INTERFACES.iter().find(|(name, _)| *name == interface) {
        Some((_, description)) => Ok(json!({ "description": description })),
        None => Err(Fault::InterfaceNotFound { interface }),
    }
}

/// The message that carries an answer.
pub(super) fn reply(parameters: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Reply<'a, T> {
        parameters: &'a T,
    }
    text(&Reply { parameters })
}

/// The text of a request, a reply, a refusal or a fault.
pub(super) fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("strings, numbers and maps of strings always have a JSON form")
}
