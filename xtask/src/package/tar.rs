//! The archive for every Linux: a static program and all that belongs to it, as it lies below `/`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    files,
    program::{self, Libc, Target},
    texts,
};
use crate::{
    shell::{output, root, run, step},
    target::Arch,
};

/// Builds it, and says where it is.
pub(super) fn build(arch: Arch) -> Result<PathBuf> {
    let target = Target { arch, libc: Libc::Musl };
    let program = target.build()?;
    step("the archive");
    let daemon = texts::daemon()?;
    super::prepare(&program, target)?;
    let files = files::all(&daemon["metadata"]["deb"]["assets"], &program)?;
    let tree = root().join("target/package/archive");
    files::lay_out(&files, &tree)?;
    let version = daemon["version"].as_str().context("recorder-daemon has no version")?;
    let archive = super::folder().join(format!("syscall-recorder-{version}-{}-static.tar.gz", arch.name()));
    let names = root().join("target/package/archive.names");
    // Folders are left out: those that a host has keep their modes.
    fs::write(
        &names,
        files.iter().fold(String::new(), |mut list, file| {
            let _ = writeln!(list, "{}", file.to);
            list
        }),
    )?;
    run(Command::new("tar")
        .args(["--create", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", texts::last_change()?))
        .args(["--use-compress-program", "gzip -9n"])
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(&tree)
        .arg("--files-from")
        .arg(&names))?;
    Ok(archive)
}

/// Looks it over: the program needs no file of a host's, not even a loader.
pub(super) fn check(archive: &Path, arch: Arch) -> Result<()> {
    step("the archive, in an empty root");
    let tree = root().join("target/package/unpacked");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(&tree)?;
    run(Command::new("tar").arg("--extract").arg("--file").arg(archive).arg("--directory").arg(&tree))?;
    let program = tree.join("usr/bin/syscall-recorder");
    let headers = output(Command::new("readelf").args(["--wide", "--program-headers"]).arg(&program))?;
    ensure!(!headers.contains("INTERP"), "the program wants a loader:\n{headers}");
    if arch == Arch::host()? {
        let mut version = Command::new("unshare");
        version.args(["--user", "--map-root-user", "--root"]).arg(&tree);
        print!("{}", output(version.args(["/usr/bin/syscall-recorder", "--version"]))?);
    }
    program::check(&program, Target { arch, libc: Libc::Musl })
}
