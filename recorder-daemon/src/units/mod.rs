//! The doors to cgroupfs and to systemd: where cgroups are, making one, following it, emptying it; what units
//! there are, and what they are called.

mod cgroup;
mod files;
#[cfg(test)]
mod fuzz;
mod mount;
mod name;
mod path;
mod probe;
mod request;
mod systemd;
mod tables;
mod tree;

pub use cgroup::{Cgroup, sweep};
pub use files::Files;
pub use mount::Mount;
pub use name::{Kind, NameError, UnitName};
pub use path::PathError;
pub use probe::{Hierarchies, hierarchies};
pub use request::{Reason, Request, RequestError};
pub use systemd::{Loaded, Reload, ServiceRights, State, Systemd, SystemdError, has_executor};
pub use tables::Tables;
pub use tree::{Found, descendants, find, id, populated, resolve, units};

pub use crate::file_name::file_name;

use std::{io, path::PathBuf};

/// Why a cgroup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No cgroup2 file system is mounted.
    #[error(
        "no cgroup2 file system is mounted (looked in {path}); mount one: \
         mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1"
    )]
    NoCgroup2 {
        /// The table that was read.
        path: &'static str,
    },
    /// The process's own cgroup is not below the mount.
    #[error("this process's cgroup {cgroup:?} cannot be seen below {}", mount.display())]
    NotBelow {
        /// As /proc/self/cgroup says it.
        cgroup: String,
        /// Where cgroup2 is mounted.
        mount: PathBuf,
    },
    /// A file or folder of cgroupfs cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A cgroup is still there although nothing is in it.
    #[error("the cgroup {} could not be emptied; remove it by hand with rmdir once its processes are gone", path.display())]
    NotEmptied {
        /// The cgroup.
        path: PathBuf,
    },
}

impl Error {
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Whether root would have been allowed to.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}
