//! The same commit makes the same packages: shown by building it here and in another place.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::{Format, texts};
use crate::{
    shell::{cargo, output, root, run, step},
    target::Arch,
};

/// The kernel's object, below the target folder.
const OBJECT: &str = "ebpf/bpfel-unknown-none/release/recorder";

/// Builds what is committed here and elsewhere, and compares.
pub(super) fn run_all(formats: &[Format], arch: Arch) -> Result<()> {
    let changed = output(Command::new("git").args(["status", "--porcelain"]).current_dir(root()))?;
    ensure!(
        changed.is_empty(),
        "only what is committed can be built twice, and here are changes:\n{changed}"
    );
    let packages = formats.iter().map(|format| format.build(arch)).collect::<Result<Vec<_>>>()?;
    let here = sums(&root().join("target"), &packages)?;
    // Another depth, and a name of another length.
    let place = root().join("target/twice/another-place/of-a-longer-name");
    step(&format!("the same in {}", place.display()));
    let packages = elsewhere(&place, formats, arch)?;
    let there = sums(&place.join("target"), &packages)?;
    step("what was built");
    for (name, sum) in &here {
        println!("{sum}  {name}");
    }
    ensure!(here == there, "built elsewhere it is not the same: {there:#?}");
    println!("twice the same");
    Ok(())
}

/// Builds in a folder that begins empty, and says where the packages are.
fn elsewhere(place: &Path, formats: &[Format], arch: Arch) -> Result<Vec<PathBuf>> {
    let _ = fs::remove_dir_all(place);
    fs::create_dir_all(place)?;
    let sources = place.join("sources.tar");
    run(Command::new("git").args(["archive", "--output"]).arg(&sources).arg("HEAD").current_dir(root()))?;
    run(Command::new("tar").arg("--extract").arg("--file").arg(&sources).arg("--directory").arg(place))?;
    let mut package = cargo(&["xtask", "package", "--arch", arch.name()]);
    for value in formats.iter().filter_map(Format::to_possible_value) {
        package.arg("--format").arg(value.get_name());
    }
    run(package.current_dir(place).env("SOURCE_DATE_EPOCH", texts::last_change()?))?;
    let folder = fs::read_dir(place.join("target/packages"))?;
    folder.map(|entry| Ok(entry?.path())).collect()
}

/// By name the sums of the packages, and of the kernel's object.
fn sums(target: &Path, packages: &[PathBuf]) -> Result<BTreeMap<String, String>> {
    let object = target.join(OBJECT);
    let mut sums = BTreeMap::new();
    for file in packages.iter().chain([&object]) {
        let name = file.file_name().context("a file without a name")?.to_string_lossy().into_owned();
        let said = output(Command::new("sha256sum").arg("--binary").arg(file))?;
        sums.insert(name, said.split(' ').next().unwrap_or_default().to_owned());
    }
    Ok(sums)
}
