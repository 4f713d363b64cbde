//! Finds what builds the eBPF object: a compiler that can build `core` for BPF, and a bpf-linker made with
//! the same LLVM. Used by recorder-daemon's build script too, so std only.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

/// The bpf-linker that set-up builds.
pub(crate) const BPF_LINKER: &str = "0.13.0";

/// Where a compiler that can build `core` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Debian's rustc-web (or rustc), cargo-web and rust-web-src: a release that is let build core.
    Debian,
    /// A rustup nightly with its rust-src component.
    Nightly,
}

/// A compiler that can build `core` for BPF.
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Its rustc version, as `1.96.0`.
    pub(crate) release: String,
    /// The major version of its LLVM.
    pub(crate) llvm: u32,
}

/// All that builds the eBPF object.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// The compiler.
    pub(crate) compiler: Compiler,
    /// The bpf-linker's path.
    pub(crate) linker: PathBuf,
}

/// What is not there.
#[derive(Debug)]
pub(crate) enum Missing {
    /// No compiler that can build core.
    Compiler,
    /// A compiler, but no bpf-linker for its LLVM.
    Linker(Compiler),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compiler => write!(f, "no Rust compiler that can build core for BPF was found"),
            Self::Linker(compiler) => {
                write!(f, "{compiler} was found, but no bpf-linker for its LLVM {}", compiler.llvm)
            }
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            Origin::Debian => "Debian's rustc",
            Origin::Nightly => "rustup's nightly rustc",
        };
        write!(f, "{origin} {} (LLVM {})", self.release, self.llvm)
    }
}

impl Compiler {
    /// The first one found: Debian's, then rustup's.
    pub(crate) fn find() -> Option<Self> {
        [Origin::Debian, Origin::Nightly].into_iter().find_map(Self::of)
    }

    /// The one from `origin`, if it is there with the sources of core.
    pub(crate) fn of(origin: Origin) -> Option<Self> {
        let sysroot = output(origin.rustc().args(["--print", "sysroot"]))?;
        if !Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs").exists() {
            return None;
        }
        let version = output(origin.rustc().arg("-vV"))?;
        let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let release = field("release:")?.to_owned();
        let llvm = field("LLVM version:")?.split('.').next()?.parse().ok()?;
        // Debian's ordinary rustc is years older than the crates here need; rustc-web takes its place.
        let minor: u32 = release.split('.').nth(1)?.parse().ok()?;
        (minor >= 95).then_some(Self { origin, release, llvm })
    }

    /// Where set-up puts the bpf-linker for this compiler. Outside the target folder: it takes a minute to
    /// build and outlives `cargo clean`.
    pub(crate) fn linker_root(&self) -> PathBuf {
        cache().join(format!("bpf-linker-{BPF_LINKER}-llvm-{}", self.llvm))
    }
}

impl Origin {
    fn rustc(self) -> Command {
        match self {
            Self::Debian => Command::new("/usr/bin/rustc"),
            Self::Nightly => {
                let mut command = Command::new("rustup");
                command.args(["run", "nightly", "rustc"]).env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        }
    }
}

impl Toolchain {
    /// What is there.
    ///
    /// # Errors
    /// What is not.
    pub(crate) fn find() -> Result<Self, Missing> {
        let compiler = Compiler::find().ok_or(Missing::Compiler)?;
        let own = Some(compiler.linker_root().join("bin/bpf-linker")).filter(|own| own.exists());
        // Which LLVM a linker on PATH was made with it does not say; whoever has rustup's nightly for eBPF
        // has it for that one.
        let linker = own.or_else(|| match compiler.origin {
            Origin::Debian => None,
            Origin::Nightly => on_path("bpf-linker"),
        });
        match linker {
            Some(linker) => Ok(Self { compiler, linker }),
            None => Err(Missing::Linker(compiler)),
        }
    }
}

/// What this project keeps between builds: `$XDG_CACHE_HOME/syscall-recorder`.
pub(crate) fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache");
    env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("syscall-recorder")
}

/// The file that a shell would run for `program`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
