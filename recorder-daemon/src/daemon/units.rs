//! The task that asks systemd about units whose recording has begun. Nobody waits for it: systemd may take its
//! time, and a recording does not depend on what it says.

use std::sync::Arc;

use tokio::{sync::mpsc, task::JoinHandle};

use super::recordings::Ask;
use crate::units::{Systemd, UnitName};

/// What systemd is to be asked.
pub(super) enum Question {
    /// About a unit whose recording has begun.
    Begun(UnitName),
    /// Whether it was reloaded.
    Reloaded(UnitName),
}

/// Starts the task. It ends when no more units can begin.
pub(super) fn start(
    systemd: Option<Arc<Systemd>>,
    mut questions: mpsc::UnboundedReceiver<Question>,
    recordings: mpsc::Sender<Ask>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(systemd) = systemd else { return };
        match systemd.version().await {
            Ok(Some(version)) => _ = recordings.send(Ask::Systemd(version)).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "systemd's version is not known: {error}"),
        }
        while let Some(question) = questions.recv().await {
            let (Question::Begun(unit) | Question::Reloaded(unit)) = &question;
            match systemd.reload(unit).await {
                Ok(Some(reload)) => _ = recordings.send(Ask::Reloaded(unit.to_string(), reload)).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%unit, %error, "systemd cannot be asked about reloads: {error}");
                }
            }
            let Question::Begun(unit) = question else { continue };
            match systemd.load(&unit).await {
                Ok(loaded) if loaded.filter => {
                    tracing::warn!(%unit, "{unit} has a system call filter already: what that denies is not seen");
                    let _ = recordings.send(Ask::Filtered(unit.to_string())).await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%unit, %error, "systemd cannot be asked about {unit}: {error}"),
            }
        }
    })
}
