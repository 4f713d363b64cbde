//! systemd, and the service as it has it.

use crate::units::{ServiceRights, Systemd, SystemdError};

/// The daemon's unit.
const UNIT: &str = "syscall-recorder.service";

/// What systemd says.
pub(super) enum Service {
    /// This host does not run under it.
    NoSystemd,
    /// It does not answer.
    Silent(String),
    Known {
        version: Option<String>,
        rights: ServiceRights,
    },
}

pub(super) fn look() -> Service {
    let Some(systemd) = Systemd::find() else { return Service::NoSystemd };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Service::Silent(error.to_string()),
    };
    let ask = async {
        let version = systemd.version().await?;
        Ok::<_, SystemdError>(Service::Known { version, rights: systemd.rights(UNIT).await? })
    };
    runtime.block_on(ask).unwrap_or_else(|error| Service::Silent(error.to_string()))
}
