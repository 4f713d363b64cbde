//! The second disk: all that changes from run to run.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail};

use super::{image::disk, scenarios::Scenario};
use crate::{
    package::program::{Libc, Target},
    shell::{root, run},
    target::Arch,
};

/// Builds it in a folder of its own, and gives the image.
pub(super) fn build(folder: &Path, scenarios: &[Scenario], arch: Arch, keep: bool) -> Result<PathBuf> {
    let tree = folder.join("payload");
    let _ = fs::remove_dir_all(&tree);
    let source = root().join("xtask/src/vm");
    for below in ["bin", "scenarios", "fixtures"] {
        fs::create_dir_all(tree.join(below))?;
    }
    copy_all(&source.join("scenarios"), &tree.join("scenarios"))?;
    copy_all(&source.join("guest"), &tree)?;
    for fixture in ["nginx-hand-hardened.service", "filters.txt"] {
        let from = root().join("recorder-daemon/tests/fixtures").join(fixture);
        fs::copy(from, tree.join("fixtures").join(fixture))?;
    }
    for program in files(&source.join("programs"))? {
        compile(&program, arch, &tree.join("bin"))?;
    }
    if scenarios.iter().any(|scenario| !scenario.packaged) {
        let program = Target { arch, libc: Libc::Glibc }.build()?;
        fs::copy(program, tree.join("syscall-recorder"))?;
    }
    if scenarios.iter().any(|scenario| scenario.packaged) {
        fs::copy(package(arch)?, tree.join("syscall-recorder.deb"))?;
    }
    let mut queue = String::new();
    for scenario in scenarios {
        writeln!(queue, "{} {}", scenario.name, scenario.patience.as_secs())?;
    }
    fs::write(tree.join("queue"), queue)?;
    if keep {
        fs::write(tree.join("keep"), "")?;
    }
    let image = folder.join("payload.img");
    disk(&tree, &image, "128M")?;
    Ok(image)
}

/// The newest package that there is for it.
fn package(arch: Arch) -> Result<PathBuf> {
    let folder = crate::package::folder();
    let written =
        |file: &PathBuf| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let packages = files(&folder).unwrap_or_default();
    let end = format!("_{}.deb", arch.debian());
    let packages = packages.into_iter().filter(|file| file.to_string_lossy().ends_with(&end));
    match packages.max_by_key(written) {
        Some(package) => Ok(package),
        None => bail!(
            "no package for {} in {}: make it with `cargo xtask package`",
            arch.name(),
            folder.display()
        ),
    }
}

/// Compiles a program that needs nothing of the machine that it will run on. One in assembly gets no libc: its
/// first instruction is its own.
fn compile(source: &Path, arch: Arch, into: &Path) -> Result<()> {
    let name = source.file_stem().with_context(|| format!("{} has no name", source.display()))?;
    let mut cc = Command::new(arch.cc()?);
    cc.args(["-Wall", "-Wextra", "-Werror", "-O1", "-static", "-s"]);
    if source.extension().is_some_and(|kind| kind == "S") {
        cc.arg("-nostdlib");
    }
    run(cc.arg("-o").arg(into.join(name)).arg(source))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let name = file.file_name().with_context(|| format!("{} has no name", file.display()))?;
        fs::copy(&file, to.join(name))?;
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
