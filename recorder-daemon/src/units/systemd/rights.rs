//! What a service may do.

use zbus::OwnedObjectPath;

use super::{MANAGER, PATH, Systemd, SystemdError};

/// A service as its unit file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRights {
    /// Whether there is such a unit.
    pub exists: bool,
    /// The capabilities that it starts with, as the kernel numbers their bits.
    pub capabilities: u64,
}

impl Systemd {
    /// What the service may do.
    pub async fn rights(&self, unit: &str) -> Result<ServiceRights, SystemdError> {
        const SERVICE: &str = "org.freedesktop.systemd1.Service";
        let what = format!("what {unit} may do");
        let path: OwnedObjectPath = self.call(&what, PATH, MANAGER, "LoadUnit", &unit).await?;
        let path = path.as_str();
        let state: String = self.property(&what, path, "org.freedesktop.systemd1.Unit", "LoadState").await?;
        let bounding: u64 = self.property(&what, path, SERVICE, "CapabilityBoundingSet").await?;
        let ambient: u64 = self.property(&what, path, SERVICE, "AmbientCapabilities").await?;
        let user: String = self.property(&what, path, SERVICE, "User").await?;
        // Root starts with all that it is not denied, others with what they are given.
        let given = if ["", "root", "0"].contains(&user.as_str()) { u64::MAX } else { ambient };
        Ok(ServiceRights { exists: state == "loaded", capabilities: bounding & given })
    }
}
