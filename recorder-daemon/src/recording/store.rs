//! Recordings on disk, one file a unit.
//!
//! What it guarantees: when [`Store::save`] returns, the recording is durable; whatever happens meanwhile, the file is
//! the old or the new one, never torn. A file only grows: what is there is read and merged before it is replaced, and
//! what cannot be read now is not replaced. A file that is not one of ours, or not whole, is set aside under another
//! name and said; it is never overwritten, and never in the way of other units.

mod file;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use atomic_write_file::AtomicWriteFile;
use rustix::fs::{Mode, OFlags, fstat, lstat, open};

use super::Recording;
use crate::{file_name::file_name, printable::printable};

/// The folder with the recordings, below that of the allowlists.
const RECORDINGS: &str = "recordings";

/// Bytes of one recording at the most: it is read whole. Ten years of daily boots take less.
const LARGEST: u64 = 64 << 20;

/// A folder with recordings and allowlists.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Bytes that all files together may take.
    most: u64,
    /// Bytes that they took when last looked at.
    used: AtomicU64,
}

/// Why something cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error("{}: recordings cannot be kept there: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be written; what was there before is there still.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not written, for all together would take too much.
    #[error(
        "{}: not written, for all files there may take {} MiB at the most: raise max_state_mib in the configuration \
         and restart, or remove what nobody needs",
        path.display(), most >> 20
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// The bound in bytes.
        most: u64,
    },
    /// A recording has grown too large.
    #[error("{}: not written, for a recording may take {} MiB at the most", path.display(), LARGEST >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file is no recording of that unit.
    #[error(
        "{}: {}; it is set aside as {}",
        printable(&path.display().to_string()),
        printable(reason),
        printable(&aside.display().to_string())
    )]
    SetAside {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What it is called now.
        aside: PathBuf,
    },
}

impl Store {
    /// Uses a folder, in which all may take `most` bytes together, and makes what is to be in it. What a writer that
    /// was killed has left is removed.
    pub fn open(folder: &Path, most: u64) -> Result<Self, StoreError> {
        let store = Self { folder: folder.to_owned(), most, used: AtomicU64::new(0) };
        fs::create_dir_all(store.recordings())
            .map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        for folder in store.folders() {
            sweep(&folder, None);
        }
        store.measure();
        Ok(store)
    }

    /// Looks anew how much space is taken: others may have made some.
    pub fn measure(&self) {
        let entries = self.folders().into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
        let used = sizes.filter(fs::Metadata::is_file).map(|file| file.len()).sum();
        self.used.store(used, Ordering::Relaxed);
    }

    /// Looks at every recording, and sets aside what is none. Gives what was found wrong.
    #[must_use]
    pub fn check(&self) -> Vec<StoreError> {
        let entries = fs::read_dir(self.recordings()).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
        files.filter_map(|path| self.read(&path, None).err()).collect()
    }

    /// The recording of a unit; None where there is none.
    pub fn read_recording(&self, unit: &str) -> Result<Option<Recording>, StoreError> {
        self.read(&self.path(unit), Some(unit))
    }

    /// Puts a recording on disk. It takes in what is there already; what is there and cannot be read at the moment is
    /// left alone, and nothing is written.
    pub fn save(&self, recording: &mut Recording) -> Result<(), StoreError> {
        match self.read_recording(&recording.unit) {
            Ok(earlier) => earlier.into_iter().for_each(|earlier| recording.merge(&earlier)),
            Err(aside @ StoreError::SetAside { .. }) => tracing::warn!(unit = recording.unit, "{aside}"),
            Err(error) => return Err(error),
        }
        let (path, text) = (self.path(&recording.unit), file::text(recording));
        if text.len() as u64 > LARGEST {
            return Err(StoreError::TooLarge { path });
        }
        self.write(&path, &text)
    }

    /// Writes the text of a unit's allowlist. Gives its path.
    pub fn write_allowlist(&self, unit: &str, text: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(file_name(unit) + ".toml");
        self.write(&path, text)?;
        Ok(path)
    }

    /// Writes beside it, syncs, renames, and syncs the folder: that is what the crate does.
    fn write(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let (old, new) = (path.symlink_metadata().map_or(0, |file| file.len()), text.len() as u64);
        // Taken before it is filled: several may write at once.
        let grows = new.saturating_sub(old);
        let take = |used: u64| used.checked_add(grows).filter(|used| grows == 0 || *used <= self.most);
        let give_back = |bytes| {
            // Others may have measured meanwhile, when it had its new size already.
            let less = |used: u64| Some(used.saturating_sub(bytes));
            let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        };
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(StoreError::Full { path: path.to_owned(), most: self.most });
        }
        let write = || {
            let mut file = AtomicWriteFile::open(path)?;
            file.write_all(text.as_bytes())?;
            file.commit()
        };
        write().map_err(|source| {
            give_back(grows);
            // What fails between the two names of a file leaves the first, at each attempt another one.
            if let Some(folder) = path.parent() {
                sweep(folder, path.file_name());
            }
            StoreError::Write { path: path.to_owned(), source }
        })?;
        give_back(old.saturating_sub(new));
        Ok(())
    }

    fn read(&self, path: &Path, unit: Option<&str>) -> Result<Option<Recording>, StoreError> {
        let failed = |source| StoreError::Read { path: path.to_owned(), source };
        // No link is followed: whoever could put one there would choose what is read. Nothing is waited for: a pipe
        // may have no other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match open(path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(self.set_aside(path, None, "it is a symbolic link")),
            Err(error) => return Err(failed(error.into())),
        };
        let aside = |reason: &str| self.set_aside(path, Some(&file), reason);
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(aside("it is no regular file"));
        }
        let length = metadata.len().min(LARGEST);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
        (&file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(aside("it is too large for a recording"));
        }
        let recording = file::parse(&bytes).map_err(|error| aside(&error.to_string()))?;
        let ours = unit.is_none_or(|unit| recording.unit == unit) && self.path(&recording.unit) == path;
        if ours { Ok(Some(recording)) } else { Err(aside("it is of another unit")) }
    }

    /// Gives a file another name, which nothing has yet: the one that was read, and not what has been put in its place
    /// since.
    fn set_aside(&self, path: &Path, read: Option<&File>, reason: &str) -> StoreError {
        let failed = |source| StoreError::Write { path: path.to_owned(), source };
        let is = |file: &File| Ok((fstat(file)?.st_ino, lstat(path)?.st_ino));
        match read.map_or(Ok((0, 0)), is) {
            Ok((read, there)) if read == there => {}
            Ok(_) => {
                return StoreError::Read {
                    path: path.to_owned(),
                    source: io::Error::other("it has just been replaced"),
                };
            }
            Err(error) => return failed(rustix::io::Errno::into(error)),
        }
        let free = |aside: &PathBuf| aside.symlink_metadata().is_err();
        let mut asides = (1_u32..).map(|n| path.with_added_extension(format!("set-aside-{n}")));
        let aside = asides.find(free).unwrap_or_else(|| self.recordings());
        match fs::rename(path, &aside) {
            Ok(()) => StoreError::SetAside { path: path.to_owned(), reason: reason.to_owned(), aside },
            Err(source) => failed(source),
        }
    }

    fn folders(&self) -> [PathBuf; 2] {
        [self.folder.clone(), self.recordings()]
    }

    fn recordings(&self) -> PathBuf {
        self.folder.join(RECORDINGS)
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.recordings().join(file_name(unit) + ".json")
    }
}

/// Removes what was to become a file, `name` or any. What cannot be removed is in nobody's way.
fn sweep(folder: &Path, name: Option<&OsStr>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let of = temporary(&found);
        if of.is_some_and(|of| name.is_none_or(|name| name == of))
            && entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The file that a temporary one was to become: the crate calls it `.NAME` and six letters and digits.
fn temporary(name: &OsStr) -> Option<&str> {
    let (name, random) = name.to_str()?.strip_prefix('.')?.rsplit_once('.')?;
    let is = random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ours = matches!(name.rsplit_once('.'), Some((_, "json" | "toml")));
    (is && ours).then_some(name)
}
