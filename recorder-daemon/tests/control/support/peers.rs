//! Peers that say what they want, and who they want to be.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    thread::{Scope, ScopedJoinHandle},
    time::Duration,
};

use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use serde_json::{Value, json};

use super::Daemon;

/// Who has no rights anywhere.
pub(crate) const NOBODY: u32 = 65534;

/// Does something as another user, in a thread: on Linux each has credentials of its own, and what the
/// kernel tells of a peer are those of the thread that connected.
pub(crate) fn as_user<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    uid: u32,
    groups: &'scope [u32],
    does: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    scope.spawn(move || {
        let groups: Vec<_> = groups.iter().map(|&group| Gid::from_raw(group)).collect();
        set_thread_groups(&groups).unwrap();
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
        set_thread_res_gid(gid, gid, gid).unwrap();
        set_thread_res_uid(uid, uid, uid).unwrap();
        does()
    })
}

/// A call in varlink's form.
pub(crate) fn call(method: &str, parameters: &Value) -> String {
    json!({ "method": method, "parameters": parameters }).to_string() + "\0"
}

/// A connection over which anything can be said.
pub(crate) struct Peer(UnixStream);

impl Peer {
    pub(crate) fn connect(daemon: &Daemon) -> Self {
        let stream = UnixStream::connect(daemon.socket()).unwrap();
        // So that a test fails instead of waiting for ever.
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
        Self(stream)
    }

    /// Whether all of it was taken.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref())
    }

    /// The next message; nothing where the daemon has hung up.
    pub(crate) fn hear(&mut self) -> Option<Value> {
        let mut message = Vec::new();
        let mut byte = [0];
        loop {
            match self.0.read(&mut byte) {
                Ok(1) if byte == [0] => return Some(serde_json::from_slice(&message).unwrap()),
                Ok(1) => message.extend(byte),
                Ok(_) => break,
                // It had something of ours that it did not read.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(message.is_empty(), "half a message");
        None
    }

    /// Says nothing any more, and can still hear.
    pub(crate) fn finish(&self) {
        self.0.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Asks and hears.
    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.say(call(method, parameters)).unwrap();
        self.hear().unwrap()
    }
}
