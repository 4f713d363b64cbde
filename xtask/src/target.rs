//! The architectures that the project is built for: this machine's, and the other one by Debian's cross compiler.
//!
//! Cargo is told of the cross compiler by the environment, not by `.cargo/config.toml`: a native build on that
//! architecture has its linker under another name.

use std::{env::consts, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{
    setup::{self, Tool},
    shell::{cargo, root},
};

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// 64-bit x86
    #[value(name = "x86_64", alias = "amd64")]
    X86_64,
    /// 64-bit ARM
    #[value(name = "aarch64", alias = "arm64")]
    Aarch64,
}

impl Arch {
    /// This machine's.
    pub(crate) fn host() -> Result<Self> {
        let all = Self::value_variants().iter().copied();
        all.into_iter()
            .find(|arch| arch.name() == consts::ARCH)
            .with_context(|| format!("on {} nothing is built: only on x86_64 and aarch64", consts::ARCH))
    }

    /// All but this machine's.
    pub(crate) fn others() -> Result<Vec<Self>> {
        let host = Self::host()?;
        Ok(Self::value_variants().iter().copied().filter(|arch| *arch != host).collect())
    }

    /// As Rust, Linux and QEMU call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// As Debian calls it.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// As Rust calls it, with Linux and glibc.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// The C compiler for it, which is also what links.
    pub(crate) fn cc(self) -> Result<&'static str> {
        Ok(if self == Self::host()? { "cc" } else { self.cross()[0].program() })
    }

    /// Debian's cross compiler for it, and the C library's files that it needs to link.
    fn cross(self) -> &'static [Tool] {
        match self {
            Self::X86_64 => setup::CROSS_X86_64,
            Self::Aarch64 => setup::CROSS_AARCH64,
        }
    }

    /// Installs what building for it needs, unless it is there. Only the other architecture's is not always needed.
    pub(crate) fn prepare(self) -> Result<()> {
        if self == Self::host()? {
            return Ok(());
        }
        setup::tools(self.cross())?;
        setup::library(self.triple())
    }

    /// Cargo, to build for it. For this machine as without: both share one folder.
    pub(crate) fn cargo(self, words: &[&str]) -> Result<Command> {
        let mut command = cargo(words);
        if self != Self::host()? {
            let triple = self.triple().to_uppercase().replace('-', "_");
            command.args(["--target", self.triple()]);
            command.env(format!("CARGO_TARGET_{triple}_LINKER"), self.cc()?);
        }
        Ok(command)
    }

    /// Where cargo puts what it builds for it, by the folder's name of the profile.
    pub(crate) fn built(self, profile: &str) -> Result<PathBuf> {
        let target = root().join("target");
        Ok(if self == Self::host()? {
            target.join(profile)
        } else {
            target.join(self.triple()).join(profile)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_other_architecture_needs_a_target_and_its_linker() {
        for arch in Arch::value_variants() {
            let command = arch.cargo(&["build"]).unwrap();
            let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
            let linker = command.get_envs().find(|(name, _)| name.to_str().unwrap().ends_with("_LINKER"));
            if *arch == Arch::host().unwrap() {
                assert_eq!((words.as_slice(), linker), (["build"].as_slice(), None));
                assert_eq!(arch.built("debug").unwrap(), root().join("target/debug"));
            } else {
                assert_eq!(words, ["build", "--target", arch.triple()]);
                let (name, linker) = linker.unwrap();
                let triple = name.to_str().unwrap().to_lowercase().replace('_', "-");
                assert!(triple.contains(&arch.name().replace('_', "-")), "{triple}");
                assert_eq!(linker.unwrap().to_str(), Some(format!("{}-linux-gnu-gcc", arch.name()).as_str()));
                assert_eq!(
                    arch.built("debug").unwrap(),
                    root().join("target").join(arch.triple()).join("debug")
                );
            }
        }
    }
}
