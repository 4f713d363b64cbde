//! The crates that are linked into the program, the kernel's side too: a list for machines, and their licences.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    program::{Libc, Target},
    texts,
};
use crate::shell::{cargo, output, root, run};

/// Name and version.
pub(super) type Id = (String, String);

/// What cargo tells.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Writes both texts, and that of Rust's own library.
pub(super) fn write(folder: &Path, target: Target) -> Result<()> {
    let metadata = output(&mut cargo(&["metadata", "--locked", "--offline", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    let linked = linked(target)?;
    let packages: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| linked.contains(&(package.name.clone(), package.version.clone())))
        .collect();
    ensure!(packages.len() == linked.len(), "cargo tree and cargo metadata do not know the same crates");
    let bom = bom(&packages, &metadata.resolve.nodes)?;
    fs::write(folder.join("sbom.cdx.json"), format!("{bom:#}\n"))?;
    let text = folder.join("crates.txt");
    fs::write(&text, licences(&packages, target.libc)?)?;
    let library = folder.join("rust-library.html");
    fs::copy(rust_library()?, &library)?;
    run(Command::new("gzip").args(["--best", "--no-name", "--force"]).args([text, library]))
}

/// What is linked into the program, the kernel's side as well.
fn linked(target: Target) -> Result<BTreeSet<Id>> {
    let mut all = linked_into("recorder-daemon", &target.triple())?;
    all.append(&mut linked_into("recorder-ebpf", "bpfel-unknown-none")?);
    Ok(all)
}

/// What cargo links: neither procedural macros nor what build scripts need.
pub(super) fn linked_into(package: &str, target: &str) -> Result<BTreeSet<Id>> {
    let words = ["--package", package, "--target", target, "--edges", "normal,no-proc-macro"];
    let form = ["--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let said = output(cargo(&["tree", "--locked", "--offline"]).args(words).args(form))?;
    let id = |line: &str| {
        let mut words = line.split(' ');
        let (name, version) = words.next().zip(words.next()?.strip_prefix('v'))?;
        Some((name.to_owned(), version.to_owned()))
    };
    said.lines().map(|line| id(line).with_context(|| format!("cargo tree says `{line}`"))).collect()
}

/// The bill of materials, in CycloneDX's form.
fn bom(packages: &[&Package], nodes: &[Node]) -> Result<Value> {
    let lock: Lock = toml::from_str(&fs::read_to_string(root().join("Cargo.lock"))?)?;
    let sums: BTreeMap<_, _> =
        lock.package.into_iter().map(|one| ((one.name, one.version), one.checksum)).collect();
    let date = format!("@{}", texts::last_change()?);
    let date = output(Command::new("date").args(["--utc", "+%Y-%m-%dT%H:%M:%SZ", "--date", &date]))?;
    let component = |package: &&Package| {
        let mut component = json!({
            "type": "library",
            "bom-ref": purl(package),
            "name": package.name,
            "version": package.version,
            "licenses": [{ "expression": expression(package) }],
            "purl": purl(package),
        });
        if let Some(Some(sum)) = sums.get(&(package.name.clone(), package.version.clone())) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        component
    };
    let (own, rest): (Vec<&Package>, Vec<&Package>) =
        packages.iter().copied().partition(|package| package.name == "recorder-daemon");
    let own = own.first().context("recorder-daemon is not among its own crates")?;
    let mut program = component(own);
    program["type"] = json!("application");
    let known: BTreeMap<_, _> = packages.iter().map(|package| (&*package.id, purl(package))).collect();
    let mut dependencies: BTreeMap<_, _> = nodes
        .iter()
        .filter_map(|node| {
            let needed = node.dependencies.iter().filter_map(|id| known.get(&**id));
            Some((known.get(&*node.id)?, needed.collect::<BTreeSet<_>>()))
        })
        .collect();
    // The program carries the kernel's side as a file, which cargo does not know of.
    let kernel = packages.iter().find(|package| package.name == "recorder-ebpf").map(|package| purl(package));
    if let Some((needed, kernel)) = dependencies.get_mut(&purl(own)).zip(kernel.as_ref()) {
        needed.insert(kernel);
    }
    let dependencies: Vec<_> =
        dependencies.iter().map(|(from, to)| json!({ "ref": from, "dependsOn": to })).collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "timestamp": date.trim(), "component": program },
        "components": rest.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    }))
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// SPDX's form. Old manifests have a slash for `OR`.
fn expression(package: &Package) -> String {
    package.license.as_deref().unwrap_or("NOASSERTION").replace('/', " OR ")
}

/// Who is linked under which licence, and the licences' texts, each once.
fn licences(packages: &[&Package], libc: Libc) -> Result<String> {
    let mut list =
        "The program is linked from these crates. The texts of their licences follow, by number.\n\n"
            .to_owned();
    let mut texts: Vec<(String, String)> = Vec::new();
    for package in packages {
        let mut numbers = Vec::new();
        for file in licence_files(package, packages)? {
            let text = String::from_utf8_lossy(&fs::read(&file)?).into_owned();
            // The same words in other lines are the same text.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let at = texts.iter().position(|(known, _)| *known == words).unwrap_or_else(|| {
                texts.push((words, text));
                texts.len() - 1
            });
            numbers.push((at + 1).to_string());
        }
        writeln!(
            list,
            "{} {}: {}; {}",
            package.name,
            package.version,
            expression(package),
            numbers.join(", ")
        )?;
    }
    list.push_str("\nRust's own library is linked too: rust-library.html has its licences.\n");
    if libc == Libc::Musl {
        list.push_str("So is musl, Copyright (c) 2005-2020 Rich Felker, et al., under the MIT licence.\n");
    }
    for ((_, text), number) in texts.iter().zip(1..) {
        write!(list, "\n======== {number}\n\n{}\n", text.trim_matches('\n'))?;
    }
    Ok(list)
}

/// The texts of a crate's licences. Where it has none with it, those of another from the same repository under the same
/// licences.
fn licence_files(package: &Package, all: &[&Package]) -> Result<Vec<PathBuf>> {
    let sibling = |other: &&&Package| {
        (other.license == package.license)
            && (package.repository.is_some() && other.repository == package.repository)
    };
    for candidate in [package].into_iter().chain(all.iter().filter(sibling).copied()) {
        let files = licences_in(candidate)?;
        if !files.is_empty() {
            return Ok(files);
        }
    }
    bail!("neither {} nor another crate of its repository has the text of its licence", package.name)
}

fn licences_in(package: &Package) -> Result<Vec<PathBuf>> {
    let own = package.manifest_path.parent().context("a manifest without a folder")?;
    // The project's are above its crates.
    let folder = if package.source.is_some() { own.to_owned() } else { root() };
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let begins = ["licen", "copying", "copyright", "unlicense", "notice"];
        file.is_file() && begins.iter().any(|begin| name.starts_with(begin))
    });
    files.sort();
    Ok(files)
}

/// What the compiler says of the licences of its library.
fn rust_library() -> Result<PathBuf> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
    let file = Path::new(sysroot.trim()).join("share/doc/rust/COPYRIGHT-library.html");
    ensure!(
        file.exists(),
        "this Rust has no {}, so the licences of its library are not known",
        file.display()
    );
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linked_crate_is_listed_with_its_licence() {
        let folder = std::env::temp_dir().join(format!("xtask-crates-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        write(&folder, Target::host().unwrap()).unwrap();
        let bom: Value = serde_json::from_slice(&fs::read(folder.join("sbom.cdx.json")).unwrap()).unwrap();
        let text = output(Command::new("zcat").arg(folder.join("crates.txt.gz"))).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let components = bom["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|one| one["name"] == name);
        // The kernel's side, and what it is linked from, are in the program too.
        for name in ["aya", "aya-ebpf", "recorder-ebpf", "tokio"] {
            let version = named(name).unwrap()["version"].as_str().unwrap();
            assert!(text.contains(&format!("\n{name} {version}: ")), "{name}");
        }
        assert!(named("aya").unwrap()["hashes"][0]["content"].as_str().unwrap().len() == 64);
        // Neither is: a procedural macro, and a test's.
        for name in ["serde_derive", "proptest"] {
            assert_eq!(named(name), None);
        }
        assert!(text.contains("\n======== 1\n"));
        assert!(text.contains("Permission is hereby granted"));
    }
}
