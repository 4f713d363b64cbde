//! The packages: what is in each, and what the tools of those who will install them say of it.

mod crates;
mod files;
mod look;
pub(crate) mod program;
mod rpm;
mod tar;
mod texts;
mod twice;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use program::{Libc, Target};

use crate::{
    setup,
    shell::{cargo, output, root, run, step},
    target::Arch,
};

/// A format of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For Debian and what comes of it
    Deb,
    /// For Fedora, Enterprise Linux and openSUSE
    Rpm,
    /// For any Linux: a static program and its files, as they lie below /
    Tar,
}

impl Format {
    fn build(self, arch: Arch) -> Result<PathBuf> {
        setup::package::tools(self)?;
        match self {
            Self::Deb => deb(arch),
            Self::Rpm => rpm::build(arch),
            Self::Tar => tar::build(arch),
        }
    }

    fn check(self, package: &Path, arch: Arch) -> Result<()> {
        match self {
            Self::Deb => look::deb(package, arch),
            Self::Rpm => rpm::check(package, &Self::Deb.build(arch)?, arch),
            Self::Tar => tar::check(package, arch),
        }
    }
}

/// Builds packages, looks them over if asked to, and says where they are.
pub(crate) fn run_all(formats: &[Format], arch: Option<Arch>, look: bool, twice: bool) -> Result<()> {
    let arch = arch.map_or_else(Arch::host, Ok)?;
    if twice {
        return twice::run_all(formats, arch);
    }
    setup::ebpf()?;
    // What makes packages reads the manifests of all crates, and asks no registry itself.
    run(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
    let mut packages = Vec::new();
    for format in formats {
        let package = format.build(arch)?;
        if look {
            format.check(&package, arch)?;
        }
        packages.push(package);
    }
    for package in packages {
        println!("{}", package.display());
    }
    Ok(())
}

/// Builds the packages that are made of one program, and looks them over.
pub(crate) fn check() -> Result<()> {
    let arch = Arch::host()?;
    let package = Format::Deb.build(arch)?;
    look::deb(&package, arch)?;
    rpm::check(&Format::Rpm.build(arch)?, &package, arch)
}

/// Where packages are put.
pub(crate) fn folder() -> PathBuf {
    root().join("target/packages")
}

/// Makes what a package holds beside the program and what lies in the tree.
fn prepare(program: &Path, target: Target) -> Result<()> {
    let folder = root().join("target/package");
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(self::folder())?;
    fs::write(folder.join("changelog"), texts::changelog()?)?;
    fs::write(folder.join("copyright"), texts::copyright()?)?;
    crates::write(&folder, target)?;
    let manuals = folder.join("manuals");
    let _ = fs::remove_dir_all(&manuals);
    let date = texts::last_change()?;
    // They are the same whatever the program is for, and this machine must run what writes them.
    let mut writer = if target.arch == Arch::host()? {
        Command::new(program)
    } else {
        cargo(&["run", "--quiet", "--package", "recorder-daemon", "--"])
    };
    run(writer.arg("manuals").arg(&manuals).env("SOURCE_DATE_EPOCH", date))?;
    run(Command::new("gzip").args(["--best", "--no-name", "--keep"]).args(look::pages(&manuals)?))
}

/// Builds Debian's package.
fn deb(arch: Arch) -> Result<PathBuf> {
    let target = Target { arch, libc: Libc::Glibc };
    let program = target.build()?;
    step("the package for Debian");
    prepare(&program, target)?;
    let foreign = if arch == Arch::host()? {
        Vec::new()
    } else {
        program::old_enough(&program)?;
        vec!["--target", arch.triple(), "--variant", "foreign"]
    };
    let said = output(
        Command::new(setup::package::CARGO_DEB.program())
            .args(["--no-build", "--no-strip", "--locked", "--offline", "--package", "recorder-daemon"])
            .args(foreign)
            .arg("--output")
            .arg(folder())
            .env("SOURCE_DATE_EPOCH", texts::last_change()?)
            .current_dir(root()),
    )?;
    let package = said.lines().last().map(PathBuf::from).context("cargo-deb names no package")?;
    ensure!(package.exists(), "cargo-deb made no {}", package.display());
    Ok(package)
}
