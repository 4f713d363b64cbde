//! All layers of tests, in the order in which they are cheap.

use std::{env, ffi::OsString, fs};

use anyhow::{Result, ensure};

use crate::{
    bench, demo, fuzz, package, setup,
    shell::{cargo, is_root, root, run, step},
    target::Arch,
    vm,
};

/// How long each fuzz target is tried. A longer search is `cargo xtask fuzz --seconds N`.
const FUZZ_SECONDS: u32 = 10;

/// Format, lints, documentation, dependencies, plain tests, fuzzing, kernel tests, the browser, the demo, the package, the
/// machine.
pub(crate) fn run_all() -> Result<()> {
    step("set-up");
    setup::all()?;
    step("format");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    step("lints");
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--exclude",
        "recorder-ebpf",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    step("lints of what is built for the other architecture");
    for arch in Arch::others()? {
        arch.prepare()?;
        let words = ["clippy", "--workspace", "--exclude", "recorder-ebpf", "--all-targets"];
        run(arch.cargo(&words)?.args(["--", "-D", "warnings"]))?;
    }
    step("lints of the kernel program");
    // It is checked for this machine: no clippy comes with the compiler that builds it for BPF.
    let target = root().join("target/ebpf-lints");
    run(cargo(&["clippy", "--quiet", "--package", "recorder-ebpf", "--target-dir"])
        .arg(target)
        .args(["--", "-D", "warnings"])
        .env("RUSTFLAGS", "-C panic=abort"))?;
    step("a build without the eBPF toolchain");
    toolchain_missing()?;
    step("documentation");
    run(cargo(&["doc", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    step("dependencies");
    // cargo-deny reads the manifests of every platform's packages, and no build here has downloaded those.
    run(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
    run(std::process::Command::new(setup::CARGO_DENY.program())
        .args(["--log-level", "error", "--offline", "check", "bans", "licenses", "sources"])
        .current_dir(root()))?;
    step("plain tests");
    run(&mut cargo(&["test", "--quiet", "--lib", "--bins"]))?;
    let plain = ["syscall_tables", "cli", "check_oracle"].map(|test| ["--test", test]).concat();
    run(&mut cargo(&[&["test", "--package", "recorder-daemon"], &*plain].concat()))?;
    step("fuzzing");
    // Always the same search: what one run has not found, the next one does not stumble over.
    fuzz::run(FUZZ_SECONDS, Some(1), &[])?;
    step("kernel tests");
    kernel()?;
    step("instructions");
    bench::guard::check()?;
    if is_root() {
        step("what a call costs, for people to read: the ratios are not asserted");
        bench::run_all(&bench::Extent { short: true, names: Vec::new(), rounds: 5 }, false, false)?;
    }
    step("the report in a browser");
    run(&mut cargo(&["test", "--package", "recorder-daemon", "--test", "browser"]))?;
    demo::run_all()?;
    package::check()?;
    vm::run("bookworm", None, &[], false)
}

/// The build must fail, and its message must name the mend.
fn toolchain_missing() -> Result<()> {
    let empty = root().join("target/no-cache");
    let output = cargo(&["check", "--quiet", "--package", "recorder-daemon"])
        .env("XDG_CACHE_HOME", empty)
        .env("PATH", path_without("bpf-linker")?)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "the build went on without a bpf-linker");
    ensure!(said.contains("run `cargo xtask setup`"), "the build does not name the mend:\n{said}");
    println!("{}", said.lines().find(|line| line.contains("cargo xtask setup")).unwrap_or_default().trim());
    Ok(())
}

/// PATH without the folders that hold `program`.
fn path_without(program: &str) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(env::split_paths(&path).filter(|folder| !folder.join(program).exists()))?)
}

/// A test that lacks a privilege says so in a file, which is shown at the end: a skipped test is never
/// silent. In CI the tests themselves fail where one is skipped for a lack.
fn kernel() -> Result<()> {
    let skipped = root().join("target/skipped-tests");
    let _ = fs::remove_file(&skipped);
    let mut tests = cargo(&["test", "--package", "recorder-daemon", "--test", "control", "--test", "kernel"]);
    tests.env("SYSCALL_RECORDER_SKIPPED", &skipped);
    if !is_root() && env::var_os("CI").is_none() {
        // Built as this user, run as root.
        let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", env::consts::ARCH.to_uppercase());
        tests.env(variable, "sudo --preserve-env=SYSCALL_RECORDER_SKIPPED,PATH");
    }
    run(&mut tests)?;
    let skipped = fs::read_to_string(skipped).unwrap_or_default();
    if skipped.is_empty() {
        println!("\nno test was skipped");
    } else {
        println!("\nskipped:\n{skipped}");
    }
    Ok(())
}
