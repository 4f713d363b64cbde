//! Builds the eBPF object, which the binary carries.

#[path = "../xtask/src/toolchain.rs"]
mod toolchain;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};
use toolchain::{Compiler, Origin, Toolchain};

fn main() {
    for name in ["css", "js"] {
        hash(name);
    }
    for watched in ["recorder-ebpf", "recorder-common", "xtask/src/toolchain.rs", "Cargo.lock"] {
        println!("cargo::rerun-if-changed=../{watched}");
    }
    for variable in ["HOME", "XDG_CACHE_HOME"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let toolchain = Toolchain::find().unwrap_or_else(|missing| {
        fail(&format!(
            "cannot build the eBPF program: {missing}; run `cargo xtask setup` to install what it needs"
        ))
    });
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // One folder for every profile of the workspace, or each would compile core anew.
    let target = shared_target(&out).join("ebpf");
    let mut build = cargo_build(&toolchain.compiler);
    build.arg("--target-dir").arg(&target).current_dir("..");
    let path = env::var_os("PATH").unwrap_or_default();
    let folder = toolchain.linker.parent().map(Path::to_owned);
    let path = env::join_paths(folder.into_iter().chain(env::split_paths(&path))).expect("PATH stays a path");
    let status = build.env("PATH", path).status();
    if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        fail(&format!("building the eBPF program by {} failed ({status:?})", toolchain.compiler));
    }
    for name in ["recorder", "floor"] {
        let object = target.join("bpfel-unknown-none/release").join(name);
        if let Err(error) = fs::copy(&object, out.join(name)) {
            fail(&format!("cannot copy {}: {error}", object.display()));
        }
    }
}

/// What the report's policy says of its style and its script: only these may be in the page.
fn hash(name: &str) {
    let path = format!("templates/report.{name}");
    println!("cargo::rerun-if-changed={path}");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| fail(&format!("cannot read {path}: {error}")));
    let hash = BASE64_STANDARD.encode(Sha256::digest(text.trim_ascii()));
    println!("cargo::rustc-env=REPORT_{}_SHA256={hash}", name.to_uppercase());
}

/// The command that builds the eBPF crate: cargo with the flags that building core takes.
fn cargo_build(compiler: &Compiler) -> Command {
    let mut build = match compiler.origin {
        Origin::Debian => Command::new("/usr/bin/cargo"),
        Origin::Nightly => {
            let mut rustup = Command::new("rustup");
            rustup.args(["run", "nightly", "cargo"]);
            rustup
        }
    };
    // The outer cargo's variables describe its own compiler and package; the inner one must not see them.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let outer = ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC", "RUSTUP_TOOLCHAIN"];
        if name != "CARGO_HOME" && outer.iter().any(|outer| name.starts_with(outer)) {
            build.env_remove(&*name);
        }
    }
    if compiler.origin == Origin::Debian {
        // A release builds core only when told that it may.
        build.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
    }
    // --btf: the kernel wants types for maps and functions. They name the sources' files, which must not make it another
    // object in another folder.
    let root = env::current_dir().expect("cargo runs this in a folder");
    let root = root.parent().expect("a package of the workspace has it above");
    let cargo = PathBuf::from(env::var_os("CARGO_HOME").expect("cargo sets CARGO_HOME"));
    let remap = |from: &Path, to| format!("--remap-path-prefix={}={to}", from.display());
    let flags = [
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        remap(root, "/syscall-recorder"),
        remap(&cargo, "/cargo"),
    ];
    build
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .args(["build", "--release", "--locked", "--quiet", "--package", "recorder-ebpf"])
        .args(["-Z", "build-std=core", "--target", "bpfel-unknown-none"]);
    build
}

/// The workspace's target folder: `OUT_DIR` is `TARGET[/TRIPLE]/PROFILE/build/PACKAGE/out`.
fn shared_target(out: &Path) -> PathBuf {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map_or_else(|| out.to_owned(), Path::to_owned)
}

/// Fails the build by the message alone: with another status cargo would wrap it into many lines.
fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(0)
}
