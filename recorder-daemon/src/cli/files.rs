//! Reading allowlists and writing what a command makes.

use std::{
    borrow::Cow,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use atomic_write_file::AtomicWriteFile;

use super::{error::Error, host::Host};
use crate::{
    allowlist::Allowlist,
    control::{self, wire::Refusal},
    units::{UnitName, file_name},
};

/// The largest file that is read. An allowlist of ten thousand hosts is a quarter of that.
const LARGEST: u64 = 64 << 20;

/// Reads the allowlist of a unit, or the one in a file. What is no file's name by its looks, and names none,
/// is a unit's.
pub(super) fn read(subject: &Path, host: &Host) -> Result<Allowlist, Error> {
    let slash = subject.as_os_str().as_encoded_bytes().contains(&b'/');
    let toml = subject.extension().is_some_and(|end| end == "toml");
    match subject.to_str() {
        Some(unit) if !slash && !toml && !subject.is_file() => read_unit(unit, host),
        // A cgroup that is recorded by its path looks like a file.
        Some(path) if path.starts_with('/') && !toml && !subject.exists() => {
            read_unit(path, host).map_err(|_| Error::NoSuchFile { path: subject.to_owned() })
        }
        _ => read_allowlist(subject),
    }
}

/// From the daemon, as it is now; where it does not record the unit, as it left it.
fn read_unit(unit: &str, host: &Host) -> Result<Allowlist, Error> {
    let reason = match host.daemon().allowlist(unit.to_owned()) {
        Ok(text) => return parse(text.as_bytes(), Path::new(unit)),
        Err(control::Error::NotRunning { .. }) => {
            "the daemon is not running (start it with `systemctl start syscall-recorder`)".to_owned()
        }
        Err(control::Error::Refused(Refusal::NotRecorded { .. })) => "is not being recorded".to_owned(),
        Err(control::Error::Refused(Refusal::NoSuchUnit { .. })) => "no such unit".to_owned(),
        Err(error) => return Err(error.into()),
    };
    let name = unit.parse::<UnitName>().map_or_else(|_| unit.to_owned(), |name| name.to_string());
    let path = host.state.join(file_name(&name) + ".toml");
    match read_file(&path) {
        Err(Error::NoSuchFile { path }) => {
            Err(Error::NothingRecorded { unit: unit.to_owned(), reason, path })
        }
        read => parse(&read?, &path),
    }
}

/// The allowlist in a file.
pub(super) fn read_allowlist(path: &Path) -> Result<Allowlist, Error> {
    parse(&read_file(path)?, path)
}

/// What is in a file, if that is no more than a file of ours can be: whatever it is, it must fit into memory.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| unread(path, source);
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::TooLarge { path: path.to_owned(), largest: LARGEST >> 20 });
    }
    Ok(bytes)
}

/// Why a file cannot be read.
pub(super) fn unread(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::NoSuchFile { path: path.to_owned() },
        _ => Error::Read { path: path.to_owned(), source },
    }
}

/// `path` is where it comes from, for the message.
fn parse(bytes: &[u8], path: &Path) -> Result<Allowlist, Error> {
    // What is UTF-8 is told so much faster than what is not is mended.
    let text = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    Allowlist::from_toml(&text).map_err(|source| Error::BadFile { path: path.to_owned(), source })
}

/// A file that is there whole or not at all. It takes its place at [`Output::commit`]; dropped before, it
/// leaves nothing behind.
pub(super) struct Output {
    path: PathBuf,
    overwrite: bool,
    file: AtomicWriteFile,
}

impl Output {
    /// Makes sure that the file can be written, before the work that it is for begins.
    pub(super) fn open(path: &Path, overwrite: bool) -> Result<Self, Error> {
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let target = match path.metadata() {
            // A device or a pipe would be replaced by a file, for everybody.
            Ok(there) if !there.is_file() => return Err(failed(io::Error::other("it is no plain file"))),
            // Through a symbolic link, as any other program would write.
            Ok(_) => path.canonicalize().map_err(failed)?,
            Err(_) => path.to_owned(),
        };
        let file = AtomicWriteFile::open(&target).map_err(failed)?;
        Ok(Self { path: target, overwrite, file })
    }

    /// Writes the bytes, durably. Gives the path that it went to: another one than asked for where a file of
    /// that name has appeared meanwhile, for the work must not be lost.
    pub(super) fn commit(mut self, bytes: &(impl AsRef<[u8]> + ?Sized)) -> Result<PathBuf, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Write { path, source }
        };
        if !self.overwrite && self.path.symlink_metadata().is_ok() {
            let beside = (1..).map(|n| self.path.with_added_extension(n.to_string()));
            let free = beside.into_iter().find(|path| path.symlink_metadata().is_err());
            self.path = free.unwrap_or(self.path);
            self.file = AtomicWriteFile::open(&self.path).map_err(failed(&self.path))?;
        }
        self.file.write_all(bytes.as_ref()).map_err(failed(&self.path))?;
        self.file.commit().map_err(failed(&self.path))?;
        Ok(self.path)
    }
}

/// Writes the bytes to the file, or to standard output where none is given.
pub(super) fn write(
    path: Option<&Path>,
    overwrite: bool,
    bytes: &(impl AsRef<[u8]> + ?Sized),
) -> Result<(), Error> {
    match path {
        Some(path) => Output::open(path, overwrite)?.commit(bytes).map(|_| ()),
        None => anstream::stdout()
            .write_all(bytes.as_ref())
            .map_err(|source| Error::Write { path: "standard output".into(), source }),
    }
}
