//! The files of a unit, as systemd has read them.

use zbus::OwnedObjectPath;

use super::{MANAGER, PATH, Systemd, SystemdError};
use crate::units::{Files, UnitName};

impl Systemd {
    /// The unit's own file and its drop-ins. None where there is no such unit.
    pub async fn files(&self, unit: &UnitName) -> Result<Option<Files>, SystemdError> {
        const UNIT: &str = "org.freedesktop.systemd1.Unit";
        let what = format!("the files of {unit}");
        let path: OwnedObjectPath = match self.call(&what, PATH, MANAGER, "LoadUnit", &unit.as_str()).await {
            Err(SystemdError::Call { source: zbus::Error::MethodError(name, ..), .. })
                if name.as_str() == "org.freedesktop.systemd1.NoSuchUnit" =>
            {
                return Ok(None);
            }
            answer => answer?,
        };
        let path = path.as_str();
        let load: String = self.property(&what, path, UNIT, "LoadState").await?;
        if load == "not-found" {
            return Ok(None);
        }
        let fragment: String = self.property(&what, path, UNIT, "FragmentPath").await?;
        let drop_ins: Vec<String> = self.property(&what, path, UNIT, "DropInPaths").await?;
        let stale: bool = self.property(&what, path, UNIT, "NeedDaemonReload").await?;
        let fragment = Some(fragment).filter(|path| !path.is_empty()).map(Into::into);
        Ok(Some(Files { fragment, drop_ins: drop_ins.into_iter().map(Into::into).collect(), stale }))
    }
}
