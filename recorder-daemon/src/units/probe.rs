//! How cgroups are laid out on this host.

use std::{fs, path::PathBuf};

use super::{Mount, mount::MOUNTINFO};

/// What is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchies {
    /// Where version 2 is.
    pub version2: Option<PathBuf>,
    /// Whether there is one of version 1, too.
    pub version1: bool,
    /// Whether systemd keeps its units in version 2.
    pub units: bool,
}

/// Looks at what this process can see.
#[must_use]
pub fn hierarchies() -> Hierarchies {
    of(&fs::read_to_string(MOUNTINFO).unwrap_or_default())
}

fn of(mountinfo: &str) -> Hierarchies {
    let mount = mountinfo.lines().find_map(Mount::parse);
    Hierarchies {
        version1: mountinfo.lines().any(|line| line.contains(" - cgroup ")),
        units: mount.as_ref().is_some_and(|mount| mount.point.join("system.slice").is_dir()),
        version2: mount.map(|mount| mount.point),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION1: &str = "37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n";
    const VERSION2: &str = "41 31 0:38 / /nowhere/unified rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn pure_hybrid_and_version_1_alone_are_told_apart() {
        let seen = |mountinfo: &str| {
            let found = of(mountinfo);
            (found.version2.is_some(), found.version1)
        };
        assert_eq!(seen(VERSION2), (true, false));
        assert_eq!(seen(&[VERSION1, VERSION2].concat()), (true, true));
        assert_eq!(seen(VERSION1), (false, true));
        assert_eq!(seen(""), (false, false));
        assert!(!of(VERSION2).units);
    }
}
