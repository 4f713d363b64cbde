//! Which cgroups there are, and which of them are units.
//!
//! Cgroups appear and vanish while one looks, so what has gone by the time it is looked at is passed over: it
//! is never an error, and what is given may be gone, too.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Error, Kind, Mount, PathError, UnitName, path::checked};

/// What reading in a removed cgroup gives, beside "not found".
const ENODEV: i32 = 19;

/// A unit that has a cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The unit.
    pub name: UnitName,
    /// Its cgroup's folder.
    pub path: PathBuf,
    /// Its cgroup's id.
    pub cgroup: u64,
}

/// Every unit of the system that has a cgroup, slices before what is in them.
///
/// A cgroup is a unit's if its name says so and every cgroup above it is a slice. That makes it one that
/// systemd has made: whoever is given a part of the hierarchy for his own (a user's manager, a container, a
/// service with `Delegate=`) has it below a service or a scope, so whatever he calls his cgroups, none of
/// them can pose as a unit of the system.
pub fn units(mount: &Mount) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let mut slices = vec![mount.point.clone()];
    while let Some(slice) = slices.pop() {
        for folder in folders(&slice)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(UnitName::from_cgroup_name) else { continue };
            let Some(cgroup) = id(&folder)? else { continue };
            if name.kind() == Kind::Slice {
                slices.push(folder.clone());
            }
            found.push(Found { name, path: folder, cgroup });
        }
    }
    Ok(found)
}

/// The unit of that name, if it has a cgroup.
pub fn find(mount: &Mount, name: &UnitName) -> Result<Option<Found>, Error> {
    Ok(units(mount)?.into_iter().find(|found| found.name == *name))
}

/// The ids of all cgroups below one, each before those below it. Empty where it is gone.
///
/// What is made below while this looks may not be among them; to whoever has armed a cgroup, the kernel
/// tells of those.
pub fn descendants(path: &Path) -> Result<Vec<u64>, Error> {
    let mut ids = Vec::new();
    let mut next = folders(path)?;
    while let Some(folder) = next.pop() {
        let Some(id) = id(&folder)? else { continue };
        ids.push(id);
        next.extend(folders(&folder)?);
    }
    Ok(ids)
}

/// Whether a live process is in the cgroup or below it. None is in one that is gone.
pub fn populated(path: &Path) -> Result<bool, Error> {
    let events = path.join("cgroup.events");
    let text = unless_gone(fs::read_to_string(&events)).map_err(Error::io("read", events))?;
    Ok(text.is_some_and(|text| text.lines().any(|line| line == "populated 1")))
}

/// The path within the hierarchy of a cgroup that a person names by that, or by its folder below the mount
/// point. It is there.
pub fn resolve(mount: &Mount, text: &str) -> Result<String, PathError> {
    let root = |path: &str| PathError::Root { path: path.to_owned() };
    let path = checked(text)?;
    // Below the mount point, the mount's own part of the hierarchy is at its top.
    let path = match Path::new(&path).strip_prefix(&mount.point) {
        Ok(below) if below.as_os_str().is_empty() => return Err(root(text)),
        Ok(below) => mount.within(below),
        Err(_) => path,
    };
    let Some(folder) = mount.folder(&path) else {
        let (mount, part) = (mount.point.clone(), mount.root().to_owned());
        return Err(PathError::NotBelow { path: text.to_owned(), mount, part });
    };
    if folder == mount.point {
        return Err(root(text));
    }
    // Files of cgroupfs are below the mount point, too.
    if !folder.is_dir() {
        return Err(PathError::NotThere { path: text.to_owned(), folder, mount: mount.point.clone() });
    }
    Ok(path)
}

/// The id of a cgroup: the inode number of its folder. None where it is gone.
pub fn id(folder: &Path) -> Result<Option<u64>, Error> {
    let metadata = unless_gone(fs::metadata(folder)).map_err(Error::io("read", folder))?;
    Ok(metadata.map(|metadata| metadata.ino()))
}

/// The cgroups right below one.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = || Error::io("list", path);
    let Some(entries) = unless_gone(fs::read_dir(path)).map_err(failed())? else { return Ok(Vec::new()) };
    let mut folders = Vec::new();
    for entry in entries {
        let Some(entry) = unless_gone(entry).map_err(failed())? else { break };
        // cgroupfs says with the name what it is, so this asks nobody.
        let kind = unless_gone(entry.file_type()).map_err(failed())?;
        if kind.is_some_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ENODEV) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tempfile::TempDir;

    use super::*;

    /// Plain folders: all that this reads of cgroupfs is names, inode numbers and one file.
    fn host(folders: &[&str]) -> (TempDir, Mount) {
        let folder = tempfile::tempdir().unwrap();
        for path in folders {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let mount = Mount::at(folder.path(), "/");
        (folder, mount)
    }

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).unwrap()
    }

    #[test]
    fn units_are_those_below_slices_only() {
        let (_host, mount) = host(&[
            "init.scope",
            "system.slice/nginx.service/inner",
            "system.slice/_cpu.service",
            "system.slice/system-getty.slice/getty@tty1.service",
            "user.slice/user-1000.slice/session-1.scope",
            // A user's own manager, and the units it says it has.
            "user.slice/user-1000.slice/user@1000.service/app.slice/evil.service",
            "user.slice/user-1000.slice/user@1000.service/init.scope",
            // A container with a systemd of its own.
            "machine.slice/machine-a.scope/system.slice/evil.service",
            "docker/abc/system.slice/evil.service",
            "system.slice/_evil.service",
        ]);
        fs::write(mount.point.join("file.service"), "").unwrap();
        let found = units(&mount).unwrap();
        let names: BTreeSet<_> = found.iter().map(|found| found.name.to_string()).collect();
        let expected = [
            "cpu.service",
            "getty@tty1.service",
            "init.scope",
            "machine-a.scope",
            "machine.slice",
            "nginx.service",
            "session-1.scope",
            "system-getty.slice",
            "system.slice",
            "user-1000.slice",
            "user.slice",
            "user@1000.service",
        ];
        assert_eq!(names, expected.map(str::to_owned).into());
        assert_eq!(found.len(), expected.len());
        let cpu = find(&mount, &name("cpu")).unwrap().unwrap();
        assert_eq!(cpu.path, mount.point.join("system.slice/_cpu.service"));
        assert_eq!(cpu.cgroup, fs::metadata(&cpu.path).unwrap().ino());
        assert_eq!(find(&mount, &name("evil")).unwrap(), None);
    }

    #[test]
    fn descendants_are_all_below() {
        let (_host, mount) = host(&["a/b/c", "a/d", "e"]);
        let ids = descendants(&mount.point.join("a")).unwrap();
        let [b, c, d] = ["a/b", "a/b/c", "a/d"].map(|path| id(&mount.point.join(path)).unwrap().unwrap());
        assert_eq!(ids.len(), 3);
        assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([b, c, d]));
        let place = |of: u64| ids.iter().position(|id| *id == of);
        assert!(place(b) < place(c), "each before those below it");
        assert!(descendants(&mount.point.join("gone")).unwrap().is_empty());
    }

    #[test]
    fn what_is_gone_is_not_populated() {
        let (_host, mount) = host(&["a", "b", "c"]);
        for (folder, text) in [("a", "populated 1\nfrozen 0\n"), ("b", "populated 0\nfrozen 0\n")] {
            fs::write(mount.point.join(folder).join("cgroup.events"), text).unwrap();
        }
        let populated = ["a", "b", "c", "gone"].map(|path| populated(&mount.point.join(path)).unwrap());
        assert_eq!(populated, [true, false, false, false]);
    }

    #[test]
    fn a_cgroup_is_named_by_its_path_or_by_its_folder() {
        let (_host, mount) = host(&["docker/a"]);
        let point = mount.point.display().to_string();
        for text in
            ["/docker/a", "/docker//a/.", &format!("{point}/docker/a"), &format!("{point}//docker/a/")]
        {
            assert_eq!(resolve(&mount, text).as_deref(), Ok("/docker/a"), "{text}");
        }
    }

    #[test]
    fn a_part_of_the_hierarchy_is_named_by_its_whole_path() {
        let (_host, mount) = host(&["x/y"]);
        let part = Mount::at(&mount.point.join("x"), "/docker");
        let folder = part.point.join("y").display().to_string();
        assert_eq!(resolve(&part, &folder).as_deref(), Ok("/docker/y"));
        assert_eq!(resolve(&part, "/docker/y").as_deref(), Ok("/docker/y"));
        assert!(matches!(resolve(&part, "/other/y"), Err(PathError::NotBelow { .. })));
        assert!(matches!(resolve(&part, "/docker"), Err(PathError::Root { .. })));
    }

    #[test]
    fn every_refusal_is_one_clear_line() {
        let (_host, mount) = host(&["docker/a"]);
        fs::write(mount.point.join("docker/cgroup.procs"), "").unwrap();
        let point = mount.point.display().to_string();
        let folder = |path: &str| format!("{point}/{path}");
        let texts = [
            "/docker/b".to_owned(),
            "/docker/../docker/a".to_owned(),
            "/".to_owned(),
            "docker/a".to_owned(),
            "/docker/cgroup.procs".to_owned(),
            folder(""),
            folder("docker/b"),
            folder("../x"),
        ];
        let lines = texts.map(|text| resolve(&mount, &text).unwrap_err().to_string());
        insta::assert_snapshot!(lines.join("\n").replace(&point, "[MOUNT]"));
    }
}
