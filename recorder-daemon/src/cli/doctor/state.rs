//! The state directory.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{StatVfsMountFlags, statvfs};

/// The user that the package's service runs as.
pub(super) const USER: &str = "syscall-recorder";

/// The state directory, and whose it should be.
pub(super) struct State {
    pub(super) path: PathBuf,
    pub(super) found: Found,
    /// The id of [`USER`], where there is one.
    pub(super) user: Option<u32>,
}

/// What is at the path.
pub(super) enum Found {
    Nothing,
    /// Not a folder, or not to be looked at.
    Unusable(String),
    Folder {
        owner: u32,
        mode: u32,
        read_only: bool,
        free: u64,
    },
}

pub(super) fn look(path: &Path) -> State {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    State { path: path.to_owned(), found: found(path), user: user(&passwd) }
}

fn found(path: &Path) -> Found {
    let folder = match fs::metadata(path) {
        Ok(folder) if folder.is_dir() => folder,
        Ok(_) => return Found::Unusable("it is no folder".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => return Found::Unusable(error.to_string()),
    };
    match statvfs(path) {
        Ok(system) => Found::Folder {
            owner: folder.uid(),
            mode: folder.mode() & 0o7777,
            read_only: system.f_flag.contains(StatVfsMountFlags::RDONLY),
            free: system.f_bavail.saturating_mul(system.f_frsize),
        },
        Err(error) => Found::Unusable(error.to_string()),
    }
}

/// The user's id by /etc/passwd, where the package puts it.
fn user(passwd: &str) -> Option<u32> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(USER)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_found_by_its_whole_name() {
        assert_eq!(user("syscall-recorder2:x:1:1::/:\nsyscall-recorder:x:998:997::/:/x\n"), Some(998));
        assert_eq!(user("root:x:0:0::/:\n"), None);
    }

    #[test]
    fn a_folder_a_file_and_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(found(folder.path()), Found::Folder { read_only: false, .. }));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(found(&file), Found::Unusable(_)));
        assert!(matches!(found(&folder.path().join("none")), Found::Nothing));
    }
}
