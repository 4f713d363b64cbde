//! `cargo xtask tables`: writes the syscall tables and systemd's sets that recorder-daemon is built with.
//!
//! They are checked in, so that a build needs neither network nor systemd; a review sees what changed.

mod kernel;
mod retired;
mod systemd;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    setup,
    shell::{output, root},
};

/// Fetches both sources and rewrites everything in `recorder-daemon/src/syscalls/tables`.
pub(crate) fn run() -> Result<()> {
    setup::tools(setup::TABLES)?;
    let root = root();
    let scratch = Scratch::new()?;
    let mut files = kernel::files(&scratch.0)?;
    let names = files.iter().flat_map(|file| names(&file.text)).collect();
    files.extend(systemd::files(&scratch.0, &names)?);

    let tables = root.join("recorder-daemon/src/syscalls/tables");
    fs::create_dir_all(&tables).with_context(|| format!("cannot create {}", tables.display()))?;
    for file in &files {
        let path = tables.join(&file.name);
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}: {}", file.name, file.holds);
    }
    // A list is broken into lines as rustfmt sees fit, and only it knows how. One file is enough to name: it
    // follows the `mod` lines to the others.
    let mut format = Command::new("rustfmt");
    format.args(["--edition", "2024", "--config-path"]).arg(root);
    output(format.arg(tables.join("mod.rs")))?;
    Ok(())
}

/// All that stands in quotes and could be a syscall's name.
fn names(text: &str) -> impl Iterator<Item = String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let quoted = text.split('"').skip(1).step_by(2);
    quoted.filter(move |word| word.chars().all(plain)).map(str::to_owned)
}

/// One generated file of recorder-daemon's `syscalls/tables`.
struct File {
    name: String,
    text: String,
    /// What is in it, for the person who ran the command.
    holds: String,
}

/// A directory that is gone when the command is done, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let made = output(Command::new("mktemp").args(["--directory"]))?;
        Ok(Self(made.trim_end().into()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}
