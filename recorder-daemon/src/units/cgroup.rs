//! A cgroup of our own: made for one command, followed until it is empty, and removed whatever happens.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Error, Mount};

/// What the folders are called: the prefix, then the [`Maker`].
const PREFIX: &str = "syscall-recorder-run-";

/// What reading a file of a removed cgroup gives.
const ENODEV: i32 = 19;

/// A cgroup that lives as long as this value. Dropping it moves what is still in it to the cgroup above.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    events: File,
    removed: bool,
}

/// The process that made a cgroup, as the folder's name says it.
///
/// The start time tells a maker that is gone from another process that was given its id, the namespace a
/// maker in a container, whose ids mean nothing here.
#[derive(Debug, PartialEq, Eq)]
struct Maker {
    pid_namespace: u64,
    pid: u32,
    /// In clock ticks since boot.
    started: u64,
}

impl Maker {
    fn me() -> Self {
        let pid = std::process::id();
        let started = if proc_is_ours() { start_time(pid) } else { None };
        Self { pid_namespace: pid_namespace(), pid, started: started.unwrap_or_default() }
    }

    fn folder_name(&self) -> String {
        format!("{PREFIX}{}-{}-{}", self.pid_namespace, self.pid, self.started)
    }

    fn from_folder_name(name: &str) -> Option<Self> {
        let mut fields = name.strip_prefix(PREFIX)?.split('-');
        let maker = Self {
            pid_namespace: fields.next()?.parse().ok()?,
            pid: fields.next()?.parse().ok()?,
            started: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(maker)
    }

    /// Whether it is known to be no more. Of a maker in another namespace nothing is known, nor of one that
    /// could not tell when it was started.
    fn is_gone(&self) -> bool {
        let ours = self.started != 0 && self.pid_namespace == pid_namespace() && proc_is_ours();
        ours && start_time(self.pid) != Some(self.started)
    }
}

impl Cgroup {
    /// Makes a fresh one below the cgroup that this process is in, so that the command stays under the
    /// limits of whoever started it.
    pub fn create(mount: &Mount) -> Result<Self, Error> {
        let path = mount.own()?.join(Maker::me().folder_name());
        fs::create_dir(&path).map_err(Error::io("make the cgroup", &path))?;
        let events = path.join("cgroup.events");
        match File::open(&events) {
            Ok(events) => Ok(Self { path, events, removed: false }),
            Err(source) => {
                let _ = fs::remove_dir(&path);
                Err(Error::Io { action: "open", path: events, source })
            }
        }
    }

    /// Its id, by which the kernel side knows it: the inode number of its folder.
    pub fn id(&self) -> Result<u64, Error> {
        Ok(fs::metadata(&self.path).map_err(Error::io("read", &self.path))?.ino())
    }

    /// The file by which a process enters it: whoever writes `0` to it moves itself.
    pub fn entrance(&self) -> Result<File, Error> {
        let path = self.path.join("cgroup.procs");
        OpenOptions::new().write(true).open(&path).map_err(Error::io("open", path))
    }

    /// The file that polls as ready (POLLPRI) when the cgroup fills or empties.
    #[must_use]
    pub fn events(&self) -> &File {
        &self.events
    }

    /// Whether a live process is in it or below it.
    pub fn populated(&mut self) -> Result<bool, Error> {
        let mut text = String::new();
        match self.events.rewind().and_then(|()| self.events.read_to_string(&mut text)) {
            Ok(_) => Ok(text.lines().any(|line| line == "populated 1")),
            // The recorded command has removed it, which only an empty one can be.
            Err(error) if error.raw_os_error() == Some(ENODEV) => Ok(false),
            Err(source) => Err(Error::Io { action: "read", path: self.path.join("cgroup.events"), source }),
        }
    }

    /// The processes in it and below it.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        tree(&self.path).iter().flat_map(|folder| processes(folder)).collect()
    }

    /// Moves what is still in it to the cgroup above, unharmed, and removes it with all that is below.
    pub fn remove(mut self) -> Result<(), Error> {
        self.removed = true;
        clear(&self.path).map(|_| ())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Err(error) = clear(&self.path) {
            tracing::warn!(%error, "a cgroup is left behind");
        }
    }
}

/// Removes what earlier runs left because they were killed. Gives the folders that it removed.
#[must_use]
pub fn sweep(mount: &Mount) -> Vec<PathBuf> {
    let left = tree(&mount.point).into_iter().filter(|folder| maker_is_gone(folder)).collect::<Vec<_>>();
    left.into_iter()
        .filter(|folder| match clear(folder) {
            Ok(removed) => removed,
            Err(error) => {
                tracing::warn!(%error, "an earlier run's cgroup is left behind");
                false
            }
        })
        .collect()
}

/// Whether the folder is one of ours and the process that made it is no more.
fn maker_is_gone(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.and_then(Maker::from_folder_name).is_some_and(|maker| maker.is_gone())
}

/// Empties a cgroup into the one above and removes it. A process that forks meanwhile may need a second
/// look, so a few are taken. Says whether it was there to be removed: a maker that has just ended has removed
/// its own, and another run may be sweeping too.
fn clear(path: &Path) -> Result<bool, Error> {
    const LOOKS: u32 = 200;
    let above = path.parent().unwrap_or(path).join("cgroup.procs");
    for _ in 0..LOOKS {
        for folder in tree(path).iter().rev() {
            for process in processes(folder) {
                let moved = OpenOptions::new()
                    .write(true)
                    .open(&above)
                    .and_then(|mut file| file.write_all(process.to_string().as_bytes()));
                if let Err(error) = moved {
                    tracing::debug!(process, %error, "not moved");
                }
            }
            match fs::remove_dir(folder) {
                Ok(()) if folder == path => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(Error::Io {
                        action: "remove the cgroup",
                        path: folder.clone(),
                        source: error,
                    });
                }
                _ => {}
            }
        }
        if !path.exists() {
            return Ok(false);
        }
        // A zombie holds its cgroup until its parent reaps it, which the parent is about to.
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Error::NotEmptied { path: path.to_owned() })
}

/// The folder and all below it, each before what is below it.
fn tree(path: &Path) -> Vec<PathBuf> {
    let mut folders = vec![path.to_owned()];
    let mut next = 0;
    while let Some(folder) = folders.get(next) {
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
        let below: Vec<_> = below
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        folders.extend(below);
        next += 1;
    }
    folders
}

fn processes(folder: &Path) -> Vec<u32> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// When a process started, in clock ticks since boot: field 22 of /proc/PID/stat. None where there is none.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name, in parentheses, and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether /proc shows our own PID namespace, and not that of whoever made it without mounting a new /proc.
fn proc_is_ours() -> bool {
    fs::read_link("/proc/self").is_ok_and(|name| name.as_os_str() == std::process::id().to_string().as_str())
}

/// The inode number of this process's PID namespace.
fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map(|namespace| namespace.ino()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_name_tells_its_maker() {
        let me = Maker::me();
        assert_eq!(Maker::from_folder_name(&me.folder_name()), Some(Maker::me()));
        assert!(!me.is_gone());
    }

    #[test]
    fn a_maker_is_gone_when_its_id_has_another_start() {
        let me = Maker::me();
        assert!(Maker { started: me.started + 1, ..Maker::me() }.is_gone());
        assert!(!Maker { pid_namespace: me.pid_namespace + 1, started: 1, ..me }.is_gone());
    }

    #[test]
    fn only_what_was_there_was_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("left");
        fs::create_dir_all(left.join("below/it")).unwrap();
        assert!(clear(&left).unwrap());
        assert!(!left.exists());
        assert!(!clear(&left).unwrap(), "somebody else was first");
    }

    #[test]
    fn other_folders_are_not_ours() {
        for name in
            ["system.slice", PREFIX, "syscall-recorder-run-1-2", "syscall-recorder-run-1-2-3-4", "x-1-2-3"]
        {
            assert_eq!(Maker::from_folder_name(name), None, "{name}");
        }
    }
}
