//! Hierarchies of version 1, beside that of version 2. Each numbers its cgroups and their files by itself, one
//! by one, so that the ids of one come to be those of another.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    need::{self, Unsupported},
    own_cgroup,
};

/// A mounted hierarchy of version 1.
pub(crate) struct Hierarchy {
    point: PathBuf,
}

/// So many can be made in a minute or so.
const MOST: u64 = 1_000_000;

impl Hierarchy {
    /// The one that counts fastest, of those that hold no memory and so leave nothing behind when a cgroup is
    /// gone. None where there is none that can count as far as version 2 has, which has then been said.
    pub(crate) fn find() -> Option<Self> {
        Self::find_or_why().inspect_err(need::skip).ok()
    }

    fn find_or_why() -> Result<Self, Unsupported> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let found = mounts
            .lines()
            .filter(|line| line.contains(" - cgroup ") && !line.contains("memory"))
            .map(|line| Self { point: line.split(' ').nth(4).unwrap().into() })
            .filter_map(|hierarchy| Some((hierarchy.stride()?, hierarchy)));
        let (stride, fastest) = found.max_by_key(|found| found.0).ok_or(Unsupported::NoCgroup1)?;
        let apart = Folder::new(&own_cgroup()).id.abs_diff(fastest.folder().id) / stride;
        if apart > MOST { Err(Unsupported::TooFarApart(apart)) } else { Ok(fastest) }
    }

    /// A new cgroup of its own, at the top.
    pub(crate) fn folder(&self) -> Folder {
        Folder::new(&self.point)
    }

    /// Counts on until what is made next has a greater id. Gives the first whose id `wanted` wants, if there
    /// is one on the way.
    pub(crate) fn reach(&self, id: u64, wanted: impl Fn(u64) -> bool) -> Option<Folder> {
        reach(&self.point, id, wanted)
    }

    /// How far apart two ids in a row are; None where nothing can be made.
    fn stride(&self) -> Option<u64> {
        let id = || Folder::try_new(&self.point).map(|folder| folder.id).ok();
        let first = id()?;
        id()?.checked_sub(first).filter(|stride| *stride > 0)
    }
}

/// As [`Hierarchy::reach`], for the hierarchy that `place` is in.
pub(crate) fn reach(place: &Path, id: u64, wanted: impl Fn(u64) -> bool) -> Option<Folder> {
    loop {
        let folder = Folder::new(place);
        if wanted(folder.id) {
            return Some(folder);
        }
        if folder.id > id {
            return None;
        }
    }
}

/// A cgroup of either version. Dropped, it is removed.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) id: u64,
}

impl Folder {
    pub(crate) fn new(place: &Path) -> Self {
        Self::try_new(place).unwrap_or_else(|error| panic!("a cgroup in {}: {error}", place.display()))
    }

    fn try_new(place: &Path) -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = place.join(name);
        fs::create_dir(&path)?;
        let id = fs::metadata(&path)?.ino();
        Ok(Self { path, id })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            eprintln!("{} is left behind: {error}", self.path.display());
        }
    }
}
