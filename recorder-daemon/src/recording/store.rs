//! Recordings on disk, one file a unit.
//!
//! What it guarantees: when [`Store::save`] returns, the recording is durable; whatever happens meanwhile, the file is
//! the old or the new one, never torn. A file that is not one of ours, or not whole, is set aside under another name
//! and said; it is never overwritten, and never in the way of other units.

mod file;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use atomic_write_file::AtomicWriteFile;
use rustix::fs::{Mode, OFlags, open};

use super::Recording;
use crate::file_name::file_name;

/// The folder with the recordings, below that of the allowlists.
const RECORDINGS: &str = "recordings";

/// A folder with recordings and allowlists.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
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
    /// A file is no recording of that unit.
    #[error("{}: {reason}; it is set aside as {}", path.display(), aside.display())]
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
    /// Uses a folder, and makes what is to be in it. What a writer that was killed has left is removed.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder { path: folder.to_owned(), source };
        let store = Self { folder: folder.to_owned() };
        fs::create_dir_all(store.recordings()).map_err(failed)?;
        for folder in [&store.folder, &store.recordings()] {
            for entry in fs::read_dir(folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                // Its temporary files begin with a dot, and no name of ours does.
                let temporary = entry.file_name().as_encoded_bytes().starts_with(b".");
                if temporary && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    fs::remove_file(entry.path()).map_err(failed)?;
                }
            }
        }
        Ok(store)
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

    /// Puts a recording in the place of the one that is there.
    pub fn save(&self, recording: &Recording) -> Result<(), StoreError> {
        write(&self.path(&recording.unit), &file::text(recording))
    }

    /// Writes the text of a unit's allowlist. Gives its path.
    pub fn write_allowlist(&self, unit: &str, text: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(file_name(unit) + ".toml");
        write(&path, text)?;
        Ok(path)
    }

    fn read(&self, path: &Path, unit: Option<&str>) -> Result<Option<Recording>, StoreError> {
        let failed = |source| StoreError::Read { path: path.to_owned(), source };
        // No link is followed: whoever could put one there would choose what is read.
        let descriptor = match open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(self.set_aside(path, "it is a symbolic link")),
            Err(error) => return Err(failed(error.into())),
        };
        let mut bytes = Vec::new();
        File::from(descriptor).read_to_end(&mut bytes).map_err(failed)?;
        let recording = match file::parse(&bytes) {
            Ok(recording) => recording,
            Err(error) => return Err(self.set_aside(path, &error.to_string())),
        };
        let ours = unit.is_none_or(|unit| recording.unit == unit) && self.path(&recording.unit) == path;
        if ours { Ok(Some(recording)) } else { Err(self.set_aside(path, "it is of another unit")) }
    }

    /// Gives a file another name, which nothing has yet.
    fn set_aside(&self, path: &Path, reason: &str) -> StoreError {
        let free = |aside: &PathBuf| aside.symlink_metadata().is_err();
        let mut asides = (1_u32..).map(|n| path.with_added_extension(format!("set-aside-{n}")));
        let aside = asides.find(free).unwrap_or_else(|| self.recordings());
        match fs::rename(path, &aside) {
            Ok(()) => StoreError::SetAside { path: path.to_owned(), reason: reason.to_owned(), aside },
            Err(source) => StoreError::Write { path: path.to_owned(), source },
        }
    }

    fn recordings(&self) -> PathBuf {
        self.folder.join(RECORDINGS)
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.recordings().join(file_name(unit) + ".json")
    }
}

/// Writes beside it, syncs, renames, and syncs the folder: that is what the crate does.
fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { path: path.to_owned(), source };
    let mut file = AtomicWriteFile::open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.commit().map_err(failed)
}
