//! Finds or installs what building, the demo and the tests need. Saying it twice does nothing twice.

pub(crate) mod package;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    browser,
    package::Format,
    shell::{as_root, cargo, output, root, run, step},
    toolchain::{BPF_LINKER, Compiler, Missing, Toolchain, cache, on_path},
};

/// A program that something here runs, and the Debian package that it comes in.
pub(crate) struct Tool(&'static str, &'static str);

impl Tool {
    /// As it is called.
    pub(crate) fn program(&self) -> &'static str {
        self.0
    }
}

/// What the demo runs.
pub(crate) const DEMO: &[Tool] = &[Tool("nginx", "nginx-light"), Tool("curl", "curl")];

/// What builds a virtual machine.
pub(crate) const VM: &[Tool] =
    &[Tool("mmdebstrap", "mmdebstrap"), Tool("mke2fs", "e2fsprogs"), Tool("cc", "gcc")];

/// What runs one, of x86-64.
pub(crate) const QEMU_X86_64: &[Tool] = &[Tool("qemu-system-x86_64", "qemu-system-x86")];

/// What runs one of aarch64, and compiles what is 32-bit in it.
pub(crate) const QEMU_AARCH64: &[Tool] = &[
    Tool("qemu-system-aarch64", "qemu-system-arm"),
    Tool("arm-linux-gnueabihf-gcc", "gcc-arm-linux-gnueabihf"),
];

/// What else builds one of another architecture than this machine's: its programs are run there.
pub(crate) const FOREIGN: &[Tool] = &[
    Tool("qemu-aarch64-static", "qemu-user-static"),
    Tool("update-binfmts", "binfmt-support"),
    Tool("arch-test", "arch-test"),
];

/// What generates the tables.
pub(crate) const TABLES: &[Tool] = &[
    Tool("python3", "python3"),
    Tool("pip3", "python3-pip"),
    Tool("dpkg-deb", "dpkg"),
    Tool("rustfmt", "rustfmt"),
];

/// What the tests run, beside the demo's.
const TEST: &[Tool] = &[
    Tool("strace", "strace"),
    Tool("git", "git"),
    Tool("python3", "python3"),
    Tool("perl", "perl"),
    Tool("openssl", "openssl"),
    Tool("sqlite3", "sqlite3"),
    Tool("redis-server", "redis-server"),
    Tool("unshare", "util-linux"),
    Tool("mount", "mount"),
    Tool("hostname", "hostname"),
    Tool("cc", "gcc"),
    Tool("c++", "g++"),
    Tool("dbus-daemon", "dbus-daemon"),
    Tool("crun", "crun"),
    Tool("runc", "runc"),
    Tool("tmux", "tmux"),
    Tool("valgrind", "valgrind"),
    Tool("promtool", "prometheus"),
    Tool("systemd-analyze", "systemd"),
];

/// What measures what one call costs.
pub(crate) const BENCH_SHORT: &[Tool] = &[Tool("cc", "gcc"), Tool("mount", "mount")];

/// What else is measured, and what it is measured with.
pub(crate) const BENCH: &[Tool] = &[
    Tool("cc", "gcc"),
    Tool("mount", "mount"),
    Tool("unshare", "util-linux"),
    Tool("nginx", "nginx-light"),
    Tool("wrk", "wrk"),
    Tool("redis-server", "redis-server"),
    Tool("redis-benchmark", "redis-tools"),
    Tool("bpftrace", "bpftrace"),
    Tool("perf", "linux-perf"),
    Tool("strace", "strace"),
    Tool("sysdig", "sysdig"),
];

/// What draws the picture of `watch`.
pub(crate) const SCREENSHOTS: &[Tool] = &[Tool("tmux", "tmux")];

/// What looks at the report.
pub(crate) const BROWSER: &[Tool] = &[
    Tool("chromium", "chromium"),
    Tool("npm", "npm"),
    // For the validator of HTML.
    Tool("java", "default-jre-headless"),
];

/// What builds for aarch64 elsewhere: the compiler, and the C library's files that it needs to link.
pub(crate) const CROSS_AARCH64: &[Tool] = &[
    Tool("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    Tool("/usr/aarch64-linux-gnu/include/stdio.h", "libc6-dev-arm64-cross"),
];

/// What builds for x86-64 elsewhere.
pub(crate) const CROSS_X86_64: &[Tool] = &[
    Tool("x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu"),
    Tool("/usr/x86_64-linux-gnu/include/stdio.h", "libc6-dev-amd64-cross"),
];

/// A program from crates.io, of one version, that set-up builds for this project alone.
pub(crate) struct Crate(&'static str, &'static str);

/// What looks over the dependencies.
pub(crate) const CARGO_DENY: Crate = Crate("cargo-deny", "0.20.2");

impl Crate {
    fn root(&self) -> PathBuf {
        cache().join(format!("{}-{}", self.0, self.1))
    }

    /// The program itself.
    pub(crate) fn program(&self) -> PathBuf {
        self.root().join("bin").join(self.0)
    }

    /// Builds it, if it is not there.
    pub(crate) fn install(&self) -> Result<()> {
        let Self(name, version) = self;
        if !self.program().exists() {
            step(&format!("installing {name} {version} for this project alone (some minutes)"));
            run(cargo(&["install", name, "--locked", "--version", version, "--root"]).arg(self.root()))?;
        }
        println!("found: {name} {version}");
        Ok(())
    }
}

/// Everything.
pub(crate) fn all() -> Result<()> {
    ebpf()?;
    tools(DEMO)?;
    tests()
}

/// What `cargo xtask test` needs beside what the demo needs.
pub(crate) fn tests() -> Result<()> {
    tools(TEST)?;
    browser::install()?;
    CARGO_DENY.install()?;
    package::tools(Format::Deb)?;
    package::tools(Format::Rpm)
}

/// Rust's library for a target.
pub(crate) fn library(triple: &str) -> Result<()> {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir", "--target", triple]))?;
    if !Path::new(folder.trim()).exists() {
        if on_path("rustup").is_none() {
            bail!("this Rust has no library for {triple}, and rustup is not here to add it");
        }
        step(&format!("installing Rust's library for {triple}"));
        run(Command::new("rustup").args(["target", "add", triple]).current_dir(root()))?;
    }
    println!("found: Rust's library for {triple}");
    Ok(())
}

/// What builds the eBPF object.
pub(crate) fn ebpf() -> Result<()> {
    if let Err(Missing::Compiler) = Toolchain::find() {
        if !is_debian() {
            bail!("no Rust compiler that can build core for BPF was found, and {}", by_hand());
        }
        install("the compiler for the eBPF program", &["rustc-web", "cargo-web", "rust-web-src"])?;
    }
    let found = match Toolchain::find() {
        Err(Missing::Linker(compiler)) => {
            install_linker(&compiler)?;
            Toolchain::find()
        }
        other => other,
    };
    match found {
        Ok(toolchain) => {
            println!("found: {}, bpf-linker at {}", toolchain.compiler, toolchain.linker.display());
            Ok(())
        }
        Err(missing) => bail!("{missing}, after all that was installed; {}", by_hand()),
    }
}

/// bpf-linker must be made with the compiler's own LLVM, or it cannot read what the compiler wrote.
fn install_linker(compiler: &Compiler) -> Result<()> {
    let llvm = compiler.llvm;
    let config = format!("/usr/lib/llvm-{llvm}/bin/llvm-config");
    if !Path::new(&config).exists() {
        if !is_debian() {
            bail!("{compiler} was found, but no bpf-linker for it, and {}", by_hand());
        }
        let package = format!("llvm-{llvm}-dev");
        install("the LLVM that bpf-linker is made with", &[&package, "gcc", "libc6-dev", "zlib1g-dev"])?;
    }
    step(&format!("installing bpf-linker {BPF_LINKER} for LLVM {llvm}, for this project alone (a minute)"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        [format!("/usr/lib/llvm-{llvm}/bin").into()].into_iter().chain(std::env::split_paths(&path));
    let mut command = cargo(&["install", "bpf-linker", "--version", BPF_LINKER, "--no-default-features"]);
    command.arg("--features").arg(format!("llvm-{llvm}")).arg("--root").arg(compiler.linker_root());
    run(command.env("PATH", std::env::join_paths(folders)?))
}

/// Installs the packages of those tools that are not there.
pub(crate) fn tools(tools: &[Tool]) -> Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| !is_there(tool.0)).collect();
    if !missing.is_empty() {
        let packages: Vec<_> = missing.iter().map(|tool| tool.1).collect();
        if !is_debian() {
            let commands: Vec<_> = missing.iter().map(|tool| tool.0).collect();
            bail!(
                "not found: {}; install them by hand, Debian's packages are {}",
                commands.join(" "),
                packages.join(" ")
            );
        }
        install("what the demo and the tests run", &packages)?;
    }
    let there: Vec<_> = tools.iter().map(|tool| tool.0).collect();
    // Not among what a command gives to machines.
    eprintln!("found: {}", there.join(" "));
    Ok(())
}

/// Where a tool is. Users that are not root have no sbin on their PATH.
pub(crate) fn path_of(program: &str) -> PathBuf {
    on_path(program).unwrap_or_else(|| Path::new("/usr/sbin").join(program))
}

fn is_there(program: &str) -> bool {
    path_of(program).exists()
}

fn install(what: &str, packages: &[&str]) -> Result<()> {
    step(&format!("installing {what}: {}", packages.join(" ")));
    // The lists may be old or, on a fresh machine, not there.
    run(as_root("apt-get").args(["update", "-qq"]))?;
    // No questions, and no recommended extras. Debian starts a service as it installs it, nginx too.
    let mut apt: Command = as_root("env");
    apt.args([
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    run(apt.args(packages))
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |line: &str| line == "ID=debian" || line.starts_with("ID_LIKE=") && line.contains("debian");
    release.lines().any(is) && on_path("apt-get").is_some()
}

fn by_hand() -> String {
    format!(
        "this system is not Debian, so install by hand: \
         (1) `rustup toolchain install nightly --component rust-src`, \
         (2) LLVM of the version that `rustc +nightly -vV` names, with its headers, \
         (3) `cargo install bpf-linker --version {BPF_LINKER} --no-default-features --features llvm-N` \
         with that LLVM's bin folder first on PATH, N its major version"
    )
}
