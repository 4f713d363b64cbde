//! The door to systemd: what it knows of a unit, asked over D-Bus. The only user of D-Bus.
//!
//! All that is asked is open to every user under the bus's own policy, and nothing is asked that changes
//! anything: `LoadUnit` makes systemd read a unit's files, as `systemctl status` does. No answer that is late
//! or odd can hold up or bring down whoever asks.

use std::{path::Path, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::Mutex, time::timeout};
use zbus::{
    Connection, DynamicType, Message, OwnedObjectPath, OwnedVariant, Type, Variant, connection::Builder,
};

use super::{Kind, UnitName};
use crate::printable::printable;

/// How long connecting, or one answer, may take. Without a load that makes the host useless anyway, systemd
/// answers within milliseconds; while it reads all units anew it does not answer at all.
const LIMIT: Duration = Duration::from_secs(5);

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// systemd, where it runs this host.
#[derive(Debug)]
pub struct Systemd {
    /// Of the bus; None for the system's.
    address: Option<String>,
    limit: Duration,
    /// None where it was lost, or never there. The next call makes one.
    connection: Mutex<Option<Connection>>,
}

/// What systemd knows of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The unit's own name, which is also its cgroup's. It is another one than was asked for if that was an
    /// alias.
    pub name: UnitName,
    /// Whether there is such a unit.
    pub state: State,
    /// Whether it has a `SystemCallFilter=`.
    pub filter: bool,
}

/// Whether there is a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be started.
    Exists,
    /// There are no files for it.
    NotFound,
    /// It cannot be started, because it was masked.
    Masked,
    /// It cannot be started, because of its files: `bad-setting` or `error`.
    Broken(String),
}

/// Why systemd could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There is no connection to the bus.
    #[error("cannot reach systemd over D-Bus: {}; see systemctl status dbus.socket", printable(&source.to_string()))]
    Connect {
        /// Why not.
        source: zbus::Error,
    },
    /// No answer.
    #[error(
        "no answer over D-Bus within {} s to {what}; systemd may be busy or reloading, so try again",
        limit.as_secs_f32()
    )]
    TimedOut {
        /// What was asked.
        what: String,
        /// How long was waited.
        limit: Duration,
    },
    /// An error for an answer.
    #[error("systemd gave no answer to {what}: {}", printable(&source.to_string()))]
    Call {
        /// What was asked.
        what: String,
        /// What it said.
        source: zbus::Error,
    },
    /// An answer of another kind.
    #[error("systemd's answer to {what} makes no sense here: {}", printable(found))]
    Odd {
        /// What was asked.
        what: String,
        /// What was answered.
        found: String,
    },
}

impl Systemd {
    /// Connects when something is asked: at boot, the bus may not be there yet.
    #[must_use]
    pub fn find() -> Option<Self> {
        let booted = Path::new("/run/systemd/system").is_dir();
        booted.then(|| Self { address: None, limit: LIMIT, connection: Mutex::default() })
    }

    /// Its version's number: "252". None where it does not say one.
    pub async fn version(&self) -> Result<Option<String>, SystemdError> {
        let what = "its version";
        let version: String = self.property(what, PATH, MANAGER, "Version").await?;
        Ok(number(&version))
    }

    /// What it knows of a unit, which it reads the files of if need be.
    pub async fn load(&self, unit: &UnitName) -> Result<Loaded, SystemdError> {
        const UNIT: &str = "org.freedesktop.systemd1.Unit";
        let what = format!("what {unit} is");
        let path: OwnedObjectPath = match self.call(&what, PATH, MANAGER, "LoadUnit", &unit.as_str()).await {
            Err(SystemdError::Call { source: zbus::Error::MethodError(name, ..), .. })
                if name.as_str() == "org.freedesktop.systemd1.NoSuchUnit" =>
            {
                let (name, state) = (unit.clone(), State::NotFound);
                return Ok(Loaded { name, state, filter: false });
            }
            answer => answer?,
        };
        let path = path.as_str();
        let name: String = self.property(&what, path, UNIT, "Id").await?;
        let name = UnitName::parse(&name).map_err(|_| odd(&what, &name))?;
        let state: String = self.property(&what, path, UNIT, "LoadState").await?;
        let state = match state.as_str() {
            "loaded" | "merged" | "stub" => State::Exists,
            "not-found" => State::NotFound,
            "masked" => State::Masked,
            "bad-setting" | "error" => State::Broken(state),
            _ => return Err(odd(&what, &state)),
        };
        let filter = match executes(name.kind()) {
            Some(interface) => self.filter(&what, path, interface).await?,
            None => false,
        };
        Ok(Loaded { name, state, filter })
    }

    /// Whether the unit has a `SystemCallFilter=`: whether it is an allowlist, and its entries.
    async fn filter(&self, what: &str, path: &str, interface: &str) -> Result<bool, SystemdError> {
        let value = self.value(what, path, interface, "SystemCallFilter").await?;
        match &value {
            Variant::Structure(fields) => match fields.fields() {
                // An allowlist without an entry allows next to nothing.
                [Variant::Bool(allows), Variant::Array(entries)] => Ok(*allows || !entries.is_empty()),
                _ => Err(odd(what, &value.to_string())),
            },
            _ => Err(odd(what, &value.to_string())),
        }
    }

    async fn property<T>(
        &self,
        what: &str,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<T, SystemdError>
    where
        T: TryFrom<Variant<'static>>,
    {
        let value = self.value(what, path, interface, name).await?;
        let found = value.to_string();
        T::try_from(value).map_err(|_| odd(what, &found))
    }

    async fn value(
        &self,
        what: &str,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<Variant<'static>, SystemdError> {
        const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
        let value: OwnedVariant = self.call(what, path, PROPERTIES, "Get", &(interface, name)).await?;
        Ok(value.into())
    }

    async fn call<T>(
        &self,
        what: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<T, SystemdError>
    where
        T: DeserializeOwned + Type,
    {
        let answer = self.message(what, path, interface, method, body).await?;
        answer.body().deserialize().map_err(|error| odd(what, &error.to_string()))
    }

    /// Asks once, and once more if the connection turns out to be lost: all that is asked here may be asked
    /// twice.
    async fn message(
        &self,
        what: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<Message, SystemdError> {
        let mut again = true;
        loop {
            let connection = self.connection().await?;
            let call = connection.call_method(Some(NAME), path, Some(interface), method, body);
            let what = || what.to_owned();
            let source = match timeout(self.limit, call).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(source)) => source,
                Err(_) => return Err(SystemdError::TimedOut { what: what(), limit: self.limit }),
            };
            let lost = connection.is_closed() || matches!(source, zbus::Error::InputOutput(_));
            if !lost {
                return Err(SystemdError::Call { what: what(), source });
            }
            *self.connection.lock().await = None;
            if !again {
                return Err(SystemdError::Connect { source });
            }
            again = false;
        }
    }

    /// The connection, or a new one where there is none or it was lost.
    async fn connection(&self) -> Result<Connection, SystemdError> {
        // Who comes meanwhile waits for this attempt, which has a limit, and makes no second connection.
        let mut connection = self.connection.lock().await;
        if let Some(there) = connection.as_ref().filter(|there| !there.is_closed()) {
            return Ok(there.clone());
        }
        let builder = self.address.as_deref().map_or_else(Builder::system, Builder::address);
        let Ok(made) = timeout(self.limit, builder.build()).await else {
            let what = "the request for a connection".to_owned();
            return Err(SystemdError::TimedOut { what, limit: self.limit });
        };
        let made = made.map_err(|source| SystemdError::Connect { source })?;
        *connection = Some(made.clone());
        Ok(made)
    }
}

/// Whether this systemd starts commands through its executor, as 255 and later do.
#[must_use]
pub fn has_executor() -> bool {
    ["/usr/lib/systemd/systemd-executor", "/lib/systemd/systemd-executor"]
        .iter()
        .any(|path| Path::new(path).exists())
}

/// The D-Bus interface of what a unit executes. Scopes and slices execute nothing.
fn executes(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Service => Some("org.freedesktop.systemd1.Service"),
        Kind::Socket => Some("org.freedesktop.systemd1.Socket"),
        Kind::Mount => Some("org.freedesktop.systemd1.Mount"),
        Kind::Swap => Some("org.freedesktop.systemd1.Swap"),
        Kind::Scope | Kind::Slice => None,
    }
}

/// `252.38-1~deb12u1` is 252, `v256~rc1` is 256.
pub(super) fn number(version: &str) -> Option<String> {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    Some(digits[..end].to_owned()).filter(|number| !number.is_empty())
}

fn odd(what: &str, found: &str) -> SystemdError {
    SystemdError::Odd { what: what.to_owned(), found: found.chars().take(100).collect() }
}

mod files;
mod reload;
mod restart;
mod rights;

pub use reload::Reload;
pub use rights::ServiceRights;

#[cfg(test)]
mod tests;
