//! The kernel side outlives this process: maps, programs and links are pinned in a folder of a bpffs, and the next
//! process takes over.
//!
//! The folder holds `layout-N`, with every map by its name; in it `programs-GENERATION-HASH`, with the programs and
//! their links. HASH is of the object that they came from. What is called otherwise has ended, and is removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::{
    programs::{BtfTracePoint, links::PinnedLink},
    sys::SyscallError,
};
use recorder_common::LAYOUT;
use rustix::fs::statfs;

use super::Error;

/// The magic number of a bpffs, from linux/magic.h.
pub(super) const BPF_FS_MAGIC: u64 = 0xcafe_4a11;

/// What a version's folder is called, with the number of its layout behind it.
const LAYOUTS: &str = "layout-";

/// What a folder is called that is being removed.
const ENDED: &str = "ended-";

/// What a program's link is called beside it.
const LINK: &str = "link-";

/// A folder of pins.
pub(super) struct Pins {
    folder: PathBuf,
}

/// Programs that are pinned.
pub(super) struct Programs {
    /// Tells them from others.
    pub(super) generation: u32,
    folder: PathBuf,
    hash: String,
}

impl Pins {
    /// Uses a folder, which must be in a bpffs. Makes what is in it.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Pin { path: folder.to_owned(), source };
        let kind = statfs(folder).map_err(|error| failed(error.into()))?.f_type;
        if u64::try_from(kind).ok() != Some(BPF_FS_MAGIC) {
            return Err(failed(io::Error::other(
                "it is in no bpffs; mount -t bpf none /sys/fs/bpf makes one",
            )));
        }
        let pins = Self { folder: folder.to_owned() };
        match fs::create_dir(pins.layout()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(pins),
        }
    }

    /// Where a map is pinned.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.layout().join(name)
    }

    /// All programs that are pinned here, whole or not.
    pub(super) fn programs(&self) -> Vec<Programs> {
        let programs = |name: &str| {
            let (generation, hash) = name.strip_prefix("programs-")?.split_once('-')?;
            let folder = self.layout().join(name);
            Some(Programs { generation: generation.parse().ok()?, folder, hash: hash.to_owned() })
        };
        names_in(&self.layout()).iter().filter_map(|name| programs(name)).collect()
    }

    /// A place for new programs.
    pub(super) fn place(&self, generation: u32, object: &[u8]) -> Result<Programs, Error> {
        let hash = hash(object);
        let folder = self.layout().join(format!("programs-{generation}-{hash}"));
        fs::create_dir(&folder).map_err(|source| Error::Pin { path: folder.clone(), source })?;
        Ok(Programs { generation, folder, hash })
    }

    /// Removes what other versions with other layouts have left, and what was being removed. Their programs end with
    /// that.
    pub(super) fn remove_others(&self) {
        let own = self.layout();
        let ours = |name: &String| [LAYOUTS, ENDED].iter().any(|prefix| name.starts_with(prefix));
        let folders = names_in(&self.folder).into_iter().filter(ours).map(|name| self.folder.join(name));
        folders.filter(|folder| *folder != own).for_each(|folder| remove(&folder));
    }

    /// Removes everything. What nobody holds open is freed by that: programs are detached, counts are gone.
    pub(super) fn remove(&self) -> Result<(), Error> {
        // In one step: what is half removed must not be taken over by anybody.
        let (layout, ended) = (self.layout(), self.folder.join(format!("{ENDED}{}", std::process::id())));
        let moved = fs::rename(&layout, &ended);
        self.remove_others();
        moved.map_err(|source| Error::Pin { path: layout, source })
    }

    fn layout(&self) -> PathBuf {
        self.folder.join(format!("{LAYOUTS}{LAYOUT}"))
    }
}

impl Programs {
    /// Whether they came from this object, and every one of them is attached.
    pub(super) fn are_of(&self, object: &[u8], hooks: &[&'static str]) -> bool {
        let attached = |hook: &&str| PinnedLink::from_pin(self.link(hook)).is_ok();
        self.hash == hash(object) && hooks.iter().all(attached) && self.programs(hooks).is_ok()
    }

    /// The programs.
    pub(super) fn programs(&self, hooks: &[&'static str]) -> Result<Vec<BtfTracePoint>, Error> {
        let pinned = |hook: &&'static str| {
            BtfTracePoint::from_pin(self.program(hook)).map_err(|error| Error::program(hook, error))
        };
        hooks.iter().map(pinned).collect()
    }

    /// Where a program is pinned.
    pub(super) fn program(&self, hook: &str) -> PathBuf {
        self.folder.join(hook)
    }

    /// Where the link of a program is pinned.
    pub(super) fn link(&self, hook: &str) -> PathBuf {
        self.folder.join(format!("{LINK}{hook}"))
    }

    /// Detaches them.
    pub(super) fn remove(&self) {
        remove(&self.folder);
    }
}

/// A folder with all in it. What cannot be removed is said.
fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %folder.display(), %error, "a pin is left behind");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// FNV-1a of 64 bits: the same in every build.
fn hash(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// aya's error for a pin, with what the kernel said.
pub(super) fn pin_error(path: PathBuf) -> impl FnOnce(aya::pin::PinError) -> Error {
    move |error| {
        let source = match error {
            aya::pin::PinError::SyscallError(SyscallError { io_error, .. }) => io_error,
            other => io::Error::other(other.to_string()),
        };
        Error::Pin { path, source }
    }
}
