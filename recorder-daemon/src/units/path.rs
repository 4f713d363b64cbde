//! Paths of cgroups within the hierarchy.

use std::path::PathBuf;

use crate::printable::printable;

/// The longest path that the kernel takes (`PATH_MAX`, without the NUL).
const LONGEST: usize = 4095;

/// Why a text is no cgroup's path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PathError {
    /// Does not begin with a `/`.
    #[error(
        "a cgroup's path begins with a /, so \"{}\" is none; say for example /system.slice/nginx.service",
        printable(path)
    )]
    Relative {
        /// What was typed.
        path: String,
    },
    /// Goes up.
    #[error("\"{}\" has a .. in it; say the cgroup's own path", printable(path))]
    Up {
        /// What was typed.
        path: String,
    },
    /// What no path of a cgroup has.
    #[error(
        "\"{}\" is no cgroup's path: it has control characters, marks that turn text around or more than {LONGEST} bytes",
        printable(start)
    )]
    Odd {
        /// The beginning of what was typed.
        start: String,
    },
    /// The root.
    #[error(
        "\"{}\" is the root of all cgroups, the whole system; to record all services, say '*.service'",
        printable(path)
    )]
    Root {
        /// What was typed.
        path: String,
    },
    /// Nothing is there.
    #[error("there is no cgroup \"{}\" ({} is not there); see them with systemd-cgls or find {}", printable(path), printable(&folder.display().to_string()), mount.display())]
    NotThere {
        /// What was typed.
        path: String,
        /// Where it would be.
        folder: PathBuf,
        /// Where cgroup2 is mounted.
        mount: PathBuf,
    },
    /// Cgroups that cannot be seen from here.
    #[error("the cgroup \"{}\" cannot be seen below {}, where only {part} is mounted", printable(path), mount.display())]
    NotBelow {
        /// What was typed.
        path: String,
        /// Where cgroup2 is mounted.
        mount: PathBuf,
        /// The part of the hierarchy that is mounted there.
        part: String,
    },
}

/// The path as the hierarchy has it: from `/`, no part empty or `.`. Looks at nothing but the text.
pub(super) fn checked(text: &str) -> Result<String, PathError> {
    if text.len() > LONGEST || printable(text) != text {
        return Err(PathError::Odd { start: text.chars().take(100).collect() });
    }
    let typed = || text.to_owned();
    if !text.starts_with('/') {
        return Err(PathError::Relative { path: typed() });
    }
    let parts: Vec<_> = text.split('/').filter(|part| !["", "."].contains(part)).collect();
    if parts.contains(&"..") {
        return Err(PathError::Up { path: typed() });
    }
    if parts.is_empty() {
        return Err(PathError::Root { path: typed() });
    }
    Ok(format!("/{}", parts.join("/")))
}
