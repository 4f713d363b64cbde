//! The tables of this host's own systemd: its version, its sets, and the libseccomp that resolves names for it.

use std::{
    env::consts::ARCH,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::systemd::number;

/// What the host's systemd goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Its version's number: "252".
    pub systemd: String,
    /// What `systemd-analyze syscall-filter` prints.
    pub sets: String,
    /// The version of libseccomp: "2.5.4". None where its file does not say one.
    pub libseccomp: Option<String>,
}

impl Tables {
    /// Those of this host; None where there is no `systemd-analyze`. It needs neither root nor a running systemd.
    #[must_use]
    pub fn find() -> Option<Self> {
        let version = analyze(&["--version"])?;
        let systemd = number(version.lines().next()?)?;
        let sets = analyze(&["--no-pager", "syscall-filter"])?;
        Some(Self { systemd, sets, libseccomp: libseccomp() })
    }
}

fn analyze(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    // Colours and words are as no one's terminal and language.
    let output = command.env("SYSTEMD_COLORS", "0").env("LC_ALL", "C").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The library's file has its version in its name, and to load it would be to run it.
fn libseccomp() -> Option<String> {
    let multiarch = format!("/usr/lib/{ARCH}-linux-gnu");
    let folders = [&*multiarch, &*multiarch.replacen("/usr", "", 1), "/usr/lib64", "/lib64", "/usr/lib"];
    folders.into_iter().find_map(|folder| version_in(Path::new(folder)))
}

fn version_in(folder: &Path) -> Option<String> {
    // The link says which of two is in use.
    let name = fs::canonicalize(folder.join("libseccomp.so.2")).ok()?;
    let version = name.file_name()?.to_str()?.strip_prefix("libseccomp.so.")?;
    version.starts_with("2.").then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_librarys_version_is_in_its_files_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(version_in(folder.path()), None);
        fs::write(folder.path().join("libseccomp.so.2.5.4"), "").unwrap();
        symlink("libseccomp.so.2.5.4", folder.path().join("libseccomp.so.2")).unwrap();
        assert_eq!(version_in(folder.path()).as_deref(), Some("2.5.4"));
    }
}
