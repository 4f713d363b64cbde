//! The second disk: all that changes from run to run.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail};

use super::{hardware::cc32, image::disk, scenarios::Scenario};
use crate::{
    package::program::{Libc, Target},
    shell::{root, run},
    target::Arch,
};

/// Builds it in a folder of its own, and gives the image.
pub(super) fn build(folder: &Path, scenarios: &[Scenario], target: Target, keep: bool) -> Result<PathBuf> {
    let arch = target.arch;
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
    let bin = tree.join("bin");
    for program in files(&source.join("programs"))? {
        compile(&mut Command::new(arch.cc()?), &program, &bin)?;
    }
    let bare = source.join("bare");
    for program in ["call.c", "error.c", "first.c"] {
        compile(Command::new(arch.cc()?).args(BARE), &bare.join(program), &bin)?;
    }
    fs::create_dir(bin.join("32"))?;
    compile(cc32(arch)?.args(BARE), &bare.join("call.c"), &bin.join("32"))?;
    numbers(arch, &tree.join("numbers"))?;
    if scenarios.iter().any(|scenario| !scenario.packaged) {
        fs::copy(target.build()?, tree.join("syscall-recorder"))?;
    }
    if scenarios.iter().any(|scenario| scenario.packaged) {
        let (package, name) = package(target)?;
        fs::copy(package, tree.join(name))?;
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

/// The newest package that there is for it, and what the scenarios call it.
fn package(target: Target) -> Result<(PathBuf, &'static str)> {
    let Target { arch, libc } = target;
    let folder = crate::package::folder();
    let written =
        |file: &PathBuf| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let packages = files(&folder).unwrap_or_default();
    let (format, end, name) = match libc {
        Libc::Glibc => ("deb", format!("_{}.deb", arch.debian()), "syscall-recorder.deb"),
        Libc::Musl => ("tar", format!("-{}-static.tar.gz", arch.name()), "syscall-recorder.tar.gz"),
    };
    let packages = packages.into_iter().filter(|file| file.to_string_lossy().ends_with(&end));
    match packages.max_by_key(written) {
        Some(package) => Ok((package, name)),
        None => bail!(
            "no package for {} in {}: make it with `cargo xtask package --format {format}`",
            arch.name(),
            folder.display()
        ),
    }
}

/// What makes a program that has no libc: its first instruction is its own.
const BARE: &[&str] = &["-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie"];

/// Compiles a program that needs nothing of the machine that it will run on.
fn compile(cc: &mut Command, source: &Path, into: &Path) -> Result<()> {
    let name = source.file_stem().with_context(|| format!("{} has no name", source.display()))?;
    cc.args(["-Wall", "-Wextra", "-Werror", "-O1", "-static", "-s"]);
    run(cc.arg("-o").arg(into.join(name)).arg(source))
}

/// The numbers of an architecture's calls, by the kernel's own headers: no table of this project's.
fn numbers(arch: Arch, file: &Path) -> Result<()> {
    let words = ["-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null", "-o"];
    run(Command::new(arch.cc()?).args(words).arg(file))
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
