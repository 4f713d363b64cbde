//! Whether a service can be reloaded, and when it was.

use zbus::OwnedObjectPath;

use super::{Kind, MANAGER, PATH, Systemd, SystemdError, UnitName, executes};

/// What systemd knows of a unit's `ExecReload=`. It forgets at the next start when it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload {
    /// When the latest run began, in seconds since 1970.
    pub last: Option<u64>,
}

/// One command of a unit, as systemd tells it: path, words, whether its failure is ignored; begin and end, each by the
/// wall clock and by the boot's, in microseconds; process, how it ended, and with what.
type Exec = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);

impl Systemd {
    /// None for what has no `ExecReload=`.
    pub async fn reload(&self, unit: &UnitName) -> Result<Option<Reload>, SystemdError> {
        let (Kind::Service, Some(interface)) = (unit.kind(), executes(unit.kind())) else { return Ok(None) };
        let what = format!("the reloads of {unit}");
        let path: OwnedObjectPath = self.call(&what, PATH, MANAGER, "LoadUnit", &unit.as_str()).await?;
        let commands: Vec<Exec> = self.property(&what, path.as_str(), interface, "ExecReload").await?;
        let last = commands.iter().map(|command| command.3 / 1_000_000).max();
        Ok(last.map(|last| Reload { last: Some(last).filter(|at| *at > 0) }))
    }
}
