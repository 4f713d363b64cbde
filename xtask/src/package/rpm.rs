//! The package for Fedora, its relatives and openSUSE, with the same files as Debian's.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::{
    files::{self, File},
    program::{self, Libc, Target},
    texts,
};
use crate::{
    setup,
    shell::{as_root, output, root, run, step},
    target::Arch,
};

/// What of its metadata is not in Cargo.toml: what it shares with Debian's, and its scripts.
#[derive(Serialize)]
struct Metadata {
    assets: Vec<Asset>,
    post_install_script: String,
    pre_uninstall_script: String,
    post_uninstall_script: String,
}

#[derive(Serialize)]
struct Asset {
    source: PathBuf,
    dest: String,
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'static str>,
    doc: bool,
}

impl From<File> for Asset {
    fn from(file: File) -> Self {
        Self {
            config: file.to.starts_with("etc/").then_some("noreplace"),
            doc: file.to.starts_with("usr/share/doc/") || file.to.starts_with("usr/share/man/"),
            dest: format!("/{}", file.to),
            mode: format!("{:o}", file.mode),
            source: file.from,
        }
    }
}

/// Builds it, and says where it is.
pub(super) fn build(arch: Arch) -> Result<PathBuf> {
    let target = Target { arch, libc: Libc::Glibc };
    let program = target.build()?;
    step("the package for rpm");
    super::prepare(&program, target)?;
    let daemon = texts::daemon()?;
    let files = files::all(&daemon["metadata"]["deb"]["assets"], &program)?;
    let script = |name: &str| fs::read_to_string(root().join("deploy/rpm").join(name));
    let metadata = Metadata {
        assets: files.into_iter().map(Asset::from).collect(),
        post_install_script: script("post")?,
        pre_uninstall_script: script("preun")?,
        post_uninstall_script: script("postun")?,
    };
    let written = root().join("target/package/rpm.toml");
    fs::write(&written, toml::to_string(&metadata)?)?;
    let version = daemon["version"].as_str().context("recorder-daemon has no version")?;
    let arch = arch.name();
    let package = super::folder().join(format!("syscall-recorder-{version}-1.{arch}.rpm"));
    run(Command::new(setup::package::CARGO_GENERATE_RPM.program())
        .args(["generate-rpm", "--package", "recorder-daemon", "--arch", arch])
        // What it wants of its host is read from the program, by rpm's own tool.
        .args(["--auto-req", "find-requires"])
        .arg("--source-date")
        .arg(texts::last_change()?)
        .arg("--metadata-overwrite")
        .arg(&written)
        .arg("--output")
        .arg(&package)
        .current_dir(root()))?;
    Ok(package)
}

/// Has rpm look it over, and holds it against Debian's.
pub(super) fn check(package: &Path, debian: &Path, arch: Arch) -> Result<()> {
    step("what rpm says of it");
    let rpm = |words: &[&str]| output(Command::new("rpm").args(words).arg(package));
    print!("{}", rpm(&["--checksig", "--nosignature"])?);
    print!("{}", rpm(&["--query", "--package", "--requires"])?);
    program::old_enough(&Target { arch, libc: Libc::Glibc }.build()?)?;
    let configs = rpm(&["--query", "--package", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]"])?;
    ensure!(
        configs.lines().any(|line| line == "/etc/syscall-recorder/config.toml cn"),
        "the configuration would not be kept:\n{configs}"
    );
    same_files(package, debian)?;
    if arch == Arch::host()? { in_a_root(package) } else { Ok(()) }
}

/// Both have the same files, with the same bytes and modes, but for what `files` says.
fn same_files(package: &Path, debian: &Path) -> Result<()> {
    let said = output(
        Command::new("rpm")
            .args(["--query", "--package", "--queryformat"])
            .arg("[%{FILENAMES} %{FILEMODES:octal} %{FILEDIGESTS} %{FILEUSERNAME} %{FILEGROUPNAME}\n]")
            .arg(package),
    )?;
    let mut theirs: BTreeMap<String, String> = BTreeMap::new();
    for line in said.lines() {
        let (name, rest) = line.split_once(' ').with_context(|| format!("rpm says `{line}`"))?;
        theirs.insert(name.trim_start_matches('/').to_owned(), rest.to_owned());
    }
    let tree = root().join("target/package/debian");
    let _ = fs::remove_dir_all(&tree);
    run(Command::new("dpkg-deb").arg("--extract").arg(debian).arg(&tree))?;
    let found =
        output(Command::new("find").args([".", "-type", "f", "-printf", "%P %m\n"]).current_dir(&tree))?;
    let mut ours = BTreeMap::new();
    for line in found.lines() {
        let (name, mode) = line.split_once(' ').with_context(|| format!("find says `{line}`"))?;
        let Some(to) = files::elsewhere(name) else { continue };
        let sum = output(Command::new("sha256sum").arg("--binary").arg(tree.join(name)))?;
        let sum = sum.split(' ').next().unwrap_or_default();
        ours.insert(to, format!("100{mode} {sum} root root"));
    }
    // The same licences in other forms.
    let doc = "usr/share/doc/syscall-recorder/";
    for name in ["changelog.Debian.gz", "copyright"] {
        ensure!(ours.remove(&format!("{doc}{name}")).is_some(), "Debian's package has no {name}");
    }
    for name in files::LICENCES {
        ensure!(theirs.remove(&format!("{doc}{name}")).is_some(), "the rpm has no {name}");
    }
    let differ: Vec<_> = ours
        .keys()
        .chain(theirs.keys())
        .filter(|name| ours.get(*name) != theirs.get(*name))
        .map(|name| format!("{name}: Debian's {:?}, rpm's {:?}", ours.get(name), theirs.get(name)))
        .collect();
    ensure!(differ.is_empty(), "the packages differ:\n{}", differ.join("\n"));
    println!("{} files, the same as Debian's", theirs.len());
    Ok(())
}

/// Installs it into a root of its own, upgrades and erases it. What its scripts call there only keeps a log.
fn in_a_root(package: &Path) -> Result<()> {
    step("what rpm makes of it in a root of its own");
    let place = root().join("target/package/rpm-root");
    run(as_root("rm").arg("-rf").arg(&place))?;
    for folder in ["dev", "usr/bin", "run/systemd/system", "run/syscall-recorder", "var/lib/syscall-recorder"]
    {
        fs::create_dir_all(place.join(folder))?;
    }
    symlink("usr/bin", place.join("bin"))?;
    for program in ["sh", "rm", "rmdir"].map(setup::path_of) {
        let name = program.file_name().context("a program without a name")?;
        fs::copy(&program, place.join("usr/bin").join(name))?;
        let libraries = output(Command::new("ldd").arg(&program))?;
        for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = place.join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().context("a library without a folder")?)?;
            fs::copy(library, to)?;
        }
    }
    for name in ["systemctl", "systemd-sysusers", "systemd-tmpfiles"] {
        let stub = place.join("usr/bin").join(name);
        fs::write(&stub, "#!/bin/sh\necho \"${0##*/} $*\" >> /called\n")?;
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755))?;
    }
    let rpm = |words: &[&str]| {
        let mut rpm = as_root("rpm");
        rpm.arg("--root").arg(&place).args(words);
        rpm
    };
    let called = place.join("called");
    let calls = || {
        let said = fs::read_to_string(&called).unwrap_or_default();
        let _ = run(as_root("rm").arg("-f").arg(&called));
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let none = rpm(&["--install", "--test"]).arg(package).output()?;
    ensure!(!none.status.success(), "it installs where there is no glibc and no systemd");
    run(rpm(&["--install", "--nodeps"]).arg(package))?;
    ensure!(place.join("usr/bin/syscall-recorder").exists(), "rpm has installed no program");
    expect(
        "at installation",
        &calls(),
        &[
            "systemd-sysusers syscall-recorder.conf",
            "systemctl --no-reload preset syscall-recorder.socket syscall-recorder.service",
            "systemd-tmpfiles --create syscall-recorder.conf",
            "systemctl daemon-reload",
        ],
    )?;
    let config = place.join("etc/syscall-recorder/config.toml");
    let changed = "# changed by an administrator\n";
    run(as_root("sh").arg("-c").arg("printf '%s' \"$1\" > \"$2\"").arg("sh").arg(changed).arg(&config))?;
    run(rpm(&["--upgrade", "--nodeps", "--force"]).arg(package))?;
    ensure!(fs::read_to_string(&config)? == changed, "an upgrade takes the configuration away");
    expect(
        "at an upgrade",
        &calls(),
        &[
            "systemd-sysusers syscall-recorder.conf",
            "systemd-tmpfiles --create syscall-recorder.conf",
            "systemctl daemon-reload",
            "systemctl daemon-reload",
            "systemctl try-restart syscall-recorder.service",
        ],
    )?;
    run(&mut rpm(&["--erase", "--nodeps", "syscall-recorder"]))?;
    expect(
        "when it goes",
        &calls(),
        &[
            "systemctl stop syscall-recorder@*.service",
            "systemctl stop syscall-recorder.service syscall-recorder.socket",
            "systemctl --no-reload disable syscall-recorder.service syscall-recorder.socket syscall-recorder@.service",
            "systemctl daemon-reload",
        ],
    )?;
    let left = output(Command::new("find").args([".", "-name", "*syscall-recorder*"]).current_dir(&place))?;
    let mut left: Vec<_> = left.lines().collect();
    left.sort_unstable();
    // The configuration is there as config.toml.rpmsave.
    ensure!(left == ["./etc/syscall-recorder", "./var/lib/syscall-recorder"], "left behind: {left:?}");
    println!("installed, upgraded and erased; left are {}", left.join(" and "));
    Ok(())
}

fn expect(when: &str, calls: &[String], wanted: &[&str]) -> Result<()> {
    ensure!(calls == wanted, "{when} its scripts call\n{}\nand not\n{}", calls.join("\n"), wanted.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configuration_is_kept() {
        let asset = |to: &str| Asset::from(File { to: to.to_owned(), from: PathBuf::new(), mode: 0o644 });
        assert_eq!(asset("etc/syscall-recorder/config.toml").config, Some("noreplace"));
        assert_eq!(asset("usr/share/doc/syscall-recorder/README.md").config, None);
        assert_eq!(asset("usr/bin/syscall-recorder").dest, "/usr/bin/syscall-recorder");
    }
}
