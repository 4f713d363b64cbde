//! The program as packages carry it: the same bytes wherever the same commit is built, with the names of its crates
//! inside.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::crates;
use crate::{
    setup,
    shell::{output, root, run, step},
    target::Arch,
};

/// The newest glibc that a program may ask for: Enterprise Linux 9's. Where it is older (Debian 11) the archive serves.
const GLIBC: (u32, u32) = (2, 34);

/// The C library that a program is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Libc {
    /// The host's, glibc, as that is when the program starts.
    Glibc,
    /// musl, inside the program: it asks nothing of a host but the kernel.
    Musl,
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) arch: Arch,
    pub(crate) libc: Libc,
}

impl Target {
    /// This machine.
    pub(crate) fn host() -> Result<Self> {
        Ok(Self { arch: Arch::host()?, libc: Libc::Glibc })
    }

    /// As Rust calls it.
    pub(super) fn triple(self) -> String {
        match self.libc {
            Libc::Glibc => self.arch.triple().to_owned(),
            Libc::Musl => self.arch.triple().replace("-gnu", "-musl"),
        }
    }

    /// Where cargo puts what it builds for it.
    fn folder(self) -> Result<PathBuf> {
        match self.libc {
            Libc::Glibc => self.arch.built("release"),
            Libc::Musl => Ok(root().join("target").join(self.triple()).join("release")),
        }
    }

    /// Builds the program, and says where it is.
    pub(crate) fn build(self) -> Result<PathBuf> {
        setup::package::CARGO_AUDITABLE.install()?;
        self.arch.prepare()?;
        step("release build");
        let mut build = Command::new(setup::package::CARGO_AUDITABLE.program());
        build
            .args(["auditable", "build", "--release", "--locked", "--package", "recorder-daemon"])
            .current_dir(root())
            .env("CARGO_ENCODED_RUSTFLAGS", flags())
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
        if self != Self::host()? {
            setup::library(&self.triple())?;
            let variable = self.triple().to_uppercase().replace('-', "_");
            build.args(["--target", &self.triple()]);
            build.env(format!("CARGO_TARGET_{variable}_LINKER"), self.arch.cc()?);
        }
        run(&mut build)?;
        Ok(self.folder()?.join("syscall-recorder"))
    }
}

/// Looks it over: the crates that it names, and that it names no folder of this machine's.
pub(super) fn check(program: &Path, target: Target) -> Result<()> {
    step("what the program says of itself");
    let named = auditable_info::audit_info_from_file(program, auditable_info::Limits::default())
        .with_context(|| format!("{} names no crates", program.display()))?;
    let named: BTreeSet<_> =
        named.packages.into_iter().map(|package| (package.name, package.version.to_string())).collect();
    let linked = crates::linked_into("recorder-daemon", &target.triple())?;
    let missing: Vec<_> = linked.difference(&named).collect();
    ensure!(missing.is_empty(), "it is linked from these and does not name them: {missing:?}");
    println!("names {} crates, the {} that are linked among them", named.len(), linked.len());
    let bytes = fs::read(program)?;
    for folder in own_folders().map(|(folder, _)| folder) {
        let name = folder.as_os_str().as_bytes();
        ensure!(
            !bytes.windows(name.len()).any(|window| window == name),
            "the program names {}, so it would be another one elsewhere",
            folder.display()
        );
    }
    println!("names no folder of this machine's");
    Ok(())
}

/// Whether a program asks for no glibc that is too new.
pub(super) fn old_enough(program: &Path) -> Result<()> {
    let said = output(Command::new("readelf").args(["--wide", "--version-info"]).arg(program))?;
    let newest = said.split_whitespace().filter_map(glibc).max().context("the program asks for no glibc")?;
    ensure!(newest <= GLIBC, "the program asks for glibc {newest:?}, and is to do with {GLIBC:?}");
    println!("glibc {}.{} will do", newest.0, newest.1);
    Ok(())
}

/// The version in `GLIBC_2.34`.
fn glibc(word: &str) -> Option<(u32, u32)> {
    let mut parts = word.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// No folder of this machine's is in the program: messages of a panic would name it.
fn flags() -> String {
    own_folders().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).join("\x1f")
}

/// The folders of this machine's that sources are in, and what they are called in the program.
fn own_folders() -> [(PathBuf, &'static str); 2] {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cargo");
    let cargo = env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from);
    [(root(), "/syscall-recorder"), (cargo, "/cargo")]
}

#[cfg(test)]
mod tests {
    use super::glibc;

    #[test]
    fn a_glibc_is_read_from_what_readelf_says() {
        let said =
            "  0x0010:   Name: GLIBC_2.34  Flags: none  Version: 5\n Name: GLIBC_2.2.5 GCC_4.2.0 GLIBC_2.4";
        assert_eq!(said.split_whitespace().filter_map(glibc).max(), Some((2, 34)));
    }
}
