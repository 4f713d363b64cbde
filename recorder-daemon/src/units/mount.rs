//! Where the cgroup2 file system is mounted, alone (pure) or beside version 1 (hybrid).

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::Error;

pub(super) const MOUNTINFO: &str = "/proc/self/mountinfo";
const OWN: &str = "/proc/self/cgroup";

/// A mounted cgroup2 file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// What part of the hierarchy is mounted there; `/` but in some containers.
    root: String,
}

impl Mount {
    /// The first one in mountinfo.
    pub fn find() -> Result<Self, Error> {
        let table = fs::read_to_string(MOUNTINFO).map_err(Error::io("read", MOUNTINFO))?;
        table.lines().find_map(Self::parse).ok_or(Error::NoCgroup2 { path: MOUNTINFO })
    }

    /// One line of mountinfo, as proc(5) has it: id, parent, device, root, mount point, options, any
    /// number of tags, a hyphen, type, source, options.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        if filesystem.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        Some(Self { point: unescape(point).into(), root: unescape(root) })
    }

    /// The folder of the cgroup that this process is in.
    pub fn own(&self) -> Result<PathBuf, Error> {
        let table = fs::read_to_string(OWN).map_err(Error::io("read", OWN))?;
        let cgroup = table.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
        self.folder(cgroup)
            .filter(|folder| folder.is_dir())
            .ok_or_else(|| Error::NotBelow { cgroup: cgroup.to_owned(), mount: self.point.clone() })
    }

    /// The folder of a cgroup given by its path in the hierarchy. None where it is in no part that is mounted.
    #[must_use]
    pub fn folder(&self, cgroup: &str) -> Option<PathBuf> {
        let below = Path::new(cgroup).strip_prefix(&self.root).ok()?;
        // From within a namespace of cgroups, those outside of it begin with `/..`.
        if below.components().any(|step| !matches!(step, Component::Normal(_))) {
            return None;
        }
        // Joined with nothing, a path would get a slash at its end.
        Some(if below.as_os_str().is_empty() { self.point.clone() } else { self.point.join(below) })
    }

    /// The path in the hierarchy of what is `below` the mount point.
    pub(super) fn within(&self, below: &Path) -> String {
        Path::new(&self.root).join(below).display().to_string()
    }

    /// What part of the hierarchy is mounted.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// Any folder as if it were one.
    #[cfg(test)]
    pub(super) fn at(point: &Path, root: &str) -> Self {
        Self { point: point.to_owned(), root: root.to_owned() }
    }
}

/// mountinfo writes blanks and backslashes in octal.
fn unescape(field: &str) -> String {
    field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_pure_and_a_hybrid_mount() {
        let pure = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(Mount::parse(pure).unwrap().point, Path::new("/sys/fs/cgroup"));
        assert_eq!(Mount::parse(hybrid).unwrap().point, Path::new("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn passes_over_version_1_and_other_file_systems() {
        for line in [
            "37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer",
            "31 23 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
            "",
            "cgroup2",
        ] {
            assert_eq!(Mount::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_part_of_the_hierarchy_may_be_mounted() {
        let mount = Mount::parse("1 2 0:3 /docker/a /sys/fs/my\\040group ro - cgroup2 none rw").unwrap();
        assert_eq!(mount.folder("/docker/a/b").unwrap(), Path::new("/sys/fs/my group/b"));
        assert_eq!(mount.folder("/docker/other"), None);
        assert_eq!(mount.folder("/docker/a/../other"), None);
    }
}
