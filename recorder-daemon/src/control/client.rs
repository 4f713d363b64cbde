//! The commands' end. It blocks, for a command has nothing else to do, and it never waits for ever.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use serde::Deserialize;

use super::{
    call::{Fault, text},
    wire::{Refusal, Reply, Request, Started, Status, Stopped, Watched, Written},
};

/// Asks the daemon. Each request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer, or none that helps. Each reads as one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens.
    #[error("the daemon is not running ({}: {source}); start it with `systemctl start syscall-recorder`", socket.display())]
    NotRunning {
        /// Where it should.
        socket: PathBuf,
        /// What connecting gave.
        source: io::Error,
    },
    /// The socket may not be used.
    #[error("{}: {source}; run it with sudo", socket.display())]
    NotPermitted {
        /// The socket.
        socket: PathBuf,
        /// What connecting gave.
        source: io::Error,
    },
    /// Anything else that went wrong on the way.
    #[error("the daemon cannot be asked ({}: {source}); look at `systemctl status syscall-recorder`", socket.display())]
    Connection {
        /// The socket.
        socket: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// It answers, but not as it should.
    #[error(
        "the daemon's answer cannot be understood: {reason}; if it is of another version, restart it with `systemctl restart syscall-recorder`"
    )]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// It said no.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

/// How long to wait for a place in the queue, and for a request to be taken.
const CONNECT: Duration = Duration::from_secs(10);
/// How long to wait for an answer: hundreds of allowlists may have to be written first.
const ANSWER: Duration = Duration::from_mins(2);
/// The longest answer: some thousand units in a status, or an allowlist with all its evidence.
const LARGEST: usize = 64 << 20;
/// How often, and how long apart, a daemon that is busy is asked again.
const AGAIN: (u32, Duration) = (10, Duration::from_millis(200));

impl Client {
    /// Asks the daemon that listens on this socket.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Has these recorded.
    pub fn start(&self, requests: Vec<String>, cgroup: bool) -> Result<Vec<Started>, Error> {
        match self.ask(&Request::Start { requests, cgroup })? {
            Reply::Started { started } => Ok(started),
            other => Err(unexpected(&other)),
        }
    }

    /// Has these no longer recorded.
    pub fn stop(&self, requests: Vec<String>) -> Result<Vec<Stopped>, Error> {
        match self.ask(&Request::Stop { requests })? {
            Reply::Stopped { stopped } => Ok(stopped),
            other => Err(unexpected(&other)),
        }
    }

    /// What is being recorded; of one unit where it is named.
    pub fn status(&self, unit: Option<String>) -> Result<Status, Error> {
        match self.ask(&Request::Status { unit })? {
            Reply::Status { status } => Ok(status),
            other => Err(unexpected(&other)),
        }
    }

    /// What is being recorded in brief, and what has happened: see [`Request::Watch`].
    pub fn watch(
        &self,
        unit: Option<String>,
        shown: Vec<String>,
        after: Option<u64>,
    ) -> Result<Watched, Error> {
        match self.ask(&Request::Watch { unit, shown, after })? {
            Reply::Watched { watched } => Ok(watched),
            other => Err(unexpected(&other)),
        }
    }

    /// What a monitoring system wants to know, in the text format of Prometheus.
    pub fn metrics(&self) -> Result<String, Error> {
        match self.ask(&Request::Metrics {})? {
            Reply::Metrics { metrics } => Ok(metrics),
            other => Err(unexpected(&other)),
        }
    }

    /// Has the allowlists of these units written now.
    pub fn snapshot(&self, units: Vec<String>) -> Result<Vec<Written>, Error> {
        match self.ask(&Request::Snapshot { units })? {
            Reply::Written { written } => Ok(written),
            other => Err(unexpected(&other)),
        }
    }

    /// The allowlist of a unit, as the text of its file.
    pub fn allowlist(&self, unit: String) -> Result<String, Error> {
        match self.ask(&Request::Allowlist { unit })? {
            Reply::Allowlist { text } => Ok(text),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, Error> {
        let question = text(request) + "\0";
        let mut times = 1;
        loop {
            match self.exchange(question.as_bytes()).and_then(|answer| understand(&answer)) {
                Err(Error::Refused(Refusal::Busy)) if times < AGAIN.0 => {
                    times += 1;
                    sleep(AGAIN.1);
                }
                done => return done,
            }
        }
    }

    /// Sends one message and receives one.
    fn exchange(&self, question: &[u8]) -> Result<Vec<u8>, Error> {
        let mut stream = connect(&self.socket).map_err(|source| self.failed(source))?;
        // Where the daemon hangs up without reading, it may have said why before.
        let sent = stream.write_all(question);
        match (receive(&mut stream), sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(source)) | (Err(source), Ok(())) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        let socket = self.socket.clone();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Error::NotRunning { socket, source }
            }
            io::ErrorKind::PermissionDenied => Error::NotPermitted { socket, source },
            // Out of time, as the kernel says it of a socket with a time-out.
            io::ErrorKind::WouldBlock => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
                Error::Connection { socket, source }
            }
            _ => Error::Connection { socket, source },
        }
    }
}

/// Connects; std cannot do that with a time-out, and a daemon that hangs lets its queue fill up.
fn connect(socket: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let flags = SocketFlags::CLOEXEC;
    let stream = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(CONNECT))?;
    rustix::net::connect(&stream, &address)?;
    Ok(stream.into())
}

/// Reads until the NUL.
fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + ANSWER;
    let mut answer = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        stream.set_read_timeout(Some(left))?;
        let read = match stream.read(&mut chunk) {
            Ok(0) => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up without an answer"));
            }
            Ok(count) => &chunk[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Some(end) = read.iter().position(|&byte| byte == 0) {
            answer.extend_from_slice(&read[..end]);
            return Ok(answer);
        }
        answer.extend_from_slice(read);
        if answer.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its answer has no end"));
        }
    }
}

/// Any message that a daemon can answer with.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Refusal(Refusal),
    Fault(Fault),
    /// Of a later version, perhaps.
    OtherError {
        error: String,
    },
    Reply {
        parameters: Reply,
    },
}

pub(super) fn understand(answer: &[u8]) -> Result<Reply, Error> {
    match serde_json::from_slice(answer) {
        Ok(Answer::Reply { parameters }) => Ok(parameters),
        Ok(Answer::Refusal(refusal)) => Err(Error::Refused(refusal)),
        Ok(Answer::Fault(fault)) => Err(Error::Answer { reason: fault.to_string() }),
        Ok(Answer::OtherError { error }) => Err(Error::Answer { reason: error }),
        Err(error) => Err(Error::Answer { reason: error.to_string() }),
    }
}

fn unexpected(reply: &Reply) -> Error {
    let kind = match reply {
        Reply::Started { .. } => "started",
        Reply::Stopped { .. } => "stopped",
        Reply::Status { .. } => "status",
        Reply::Watched { .. } => "watched",
        Reply::Metrics { .. } => "metrics",
        Reply::Written { .. } => "written",
        Reply::Allowlist { .. } => "text",
    };
    Error::Answer { reason: format!("it tells `{kind}`, which was not asked") }
}
