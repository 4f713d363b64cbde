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
use crate::shell::{cargo, root, run};

/// Builds it in a folder of its own, and gives the image.
pub(super) fn build(folder: &Path, scenarios: &[Scenario], keep: bool) -> Result<PathBuf> {
    let tree = folder.join("payload");
    let _ = fs::remove_dir_all(&tree);
    let source = root().join("xtask/src/vm");
    for below in ["bin", "scenarios", "fixtures"] {
        fs::create_dir_all(tree.join(below))?;
    }
    copy_all(&source.join("scenarios"), &tree.join("scenarios"))?;
    copy_all(&source.join("guest"), &tree)?;
    fs::copy(
        root().join("recorder-daemon/tests/fixtures/nginx-hand-hardened.service"),
        tree.join("fixtures/nginx-hand-hardened.service"),
    )?;
    for program in files(&source.join("programs"))? {
        compile(&program, &tree.join("bin"))?;
    }
    if scenarios.iter().any(|scenario| !scenario.packaged) {
        run(&mut cargo(&["build", "--release", "--package", "recorder-daemon"]))?;
        fs::copy(root().join("target/release/syscall-recorder"), tree.join("syscall-recorder"))?;
    }
    if scenarios.iter().any(|scenario| scenario.packaged) {
        fs::copy(package()?, tree.join("syscall-recorder.deb"))?;
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

/// The newest package that there is.
fn package() -> Result<PathBuf> {
    let folder = root().join("target/debian");
    let written =
        |file: &PathBuf| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let packages = files(&folder).unwrap_or_default();
    let packages = packages.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "deb"));
    match packages.max_by_key(written) {
        Some(package) => Ok(package),
        None => bail!("no package in {}: make it with `cargo xtask package`", folder.display()),
    }
}

/// Compiles a program that needs nothing of the machine that it will run on. One in assembly gets no libc: its
/// first instruction is its own.
fn compile(source: &Path, into: &Path) -> Result<()> {
    let name = source.file_stem().with_context(|| format!("{} has no name", source.display()))?;
    let mut cc = Command::new("cc");
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
