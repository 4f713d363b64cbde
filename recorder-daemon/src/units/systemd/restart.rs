//! Whether systemd stops a service only to start it again.

use zbus::OwnedObjectPath;

use super::{MANAGER, PATH, Systemd, SystemdError};

impl Systemd {
    /// Whether the unit is being restarted: asked by the service itself, while it stops.
    pub async fn restarts(&self, unit: &str) -> Result<bool, SystemdError> {
        let what = format!("whether {unit} is restarted");
        let path: OwnedObjectPath = self.call(&what, PATH, MANAGER, "GetUnit", &unit).await?;
        let interface = "org.freedesktop.systemd1.Unit";
        let (id, job): (u32, OwnedObjectPath) = self.property(&what, path.as_str(), interface, "Job").await?;
        if id == 0 {
            // By itself, or by a signal from somebody else.
            return Ok(false);
        }
        let interface = "org.freedesktop.systemd1.Job";
        let kind: String = self.property(&what, job.as_str(), interface, "JobType").await?;
        // A job to restart becomes one to start once the unit has stopped.
        Ok(matches!(kind.as_str(), "restart" | "try-restart" | "start"))
    }
}
