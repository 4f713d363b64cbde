//! What our own code takes, in instructions as callgrind counts them: a figure that no other load changes.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::costs;
use crate::shell::{cargo, output, root, run};

/// Files that are merged.
const FILES: usize = 50;

/// What there is now in the profile of the tests, and a fifth more: who adds more than that should know it.
const MERGE: u64 = 2_660_000_000;
/// A thousand readings of a hundred calls, and fifty times their file.
const READINGS: u64 = 1_640_000_000;

/// Fails where one of them takes more than its bound.
pub(crate) fn check() -> Result<()> {
    run(&mut cargo(&[
        "build",
        "--quiet",
        "--package",
        "recorder-daemon",
        "--bins",
        "--example",
        "readings",
    ]))?;
    let folder = std::env::temp_dir().join(format!("syscall-recorder-guard-{}", std::process::id()));
    let files = folder.join("files");
    fs::create_dir_all(&files)?;
    for file in 0..FILES {
        fs::write(files.join(format!("{file}.toml")), costs::allowlist(file)?)?;
    }
    let built = root().join("target/debug");
    let merged = folder.join("merged.toml");
    let merge = [Path::new("merge"), &files, Path::new("-o"), &merged];
    let counted = count(&built.join("syscall-recorder"), &merge, &folder).and_then(|merge| {
        Ok((merge, count(&built.join("examples/readings"), &[&folder.join("state")], &folder)?))
    });
    fs::remove_dir_all(&folder)?;
    let (merge, readings) = counted?;
    println!("a merge of {FILES} files: {merge} instructions, of at most {MERGE}");
    println!("a thousand readings: {readings} instructions, of at most {READINGS}");
    ensure!(merge <= MERGE && readings <= READINGS, "something takes more instructions than before");
    Ok(())
}

fn count(program: &Path, words: &[&Path], folder: &Path) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(format!("--log-file={}", folder.join("log").display())).arg(program).args(words);
    output(&mut valgrind)?;
    let log = fs::read_to_string(folder.join("log"))?;
    let collected = log.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.with_context(|| format!("callgrind counted nothing: {log}"))
}
