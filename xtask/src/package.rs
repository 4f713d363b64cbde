//! The Debian package, and what Debian's and systemd's own tools say about it.

mod texts;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    setup,
    shell::{cargo, output, root, run, step},
};

/// How exposed systemd may find the daemon, by its own figure from 0 (safe) to 10, in tenths.
const EXPOSURE: u32 = 15;

/// Builds the package, looks it over if asked to, and says where it is.
pub(crate) fn run_all(look: bool) -> Result<()> {
    setup::ebpf()?;
    let package = if look { check()? } else { build()? };
    println!("{}", package.display());
    Ok(())
}

/// Builds the package.
pub(crate) fn build() -> Result<PathBuf> {
    step("the package");
    setup::package()?;
    run(&mut cargo(&["build", "--release", "--locked", "--package", "recorder-daemon"]))?;
    let folder = root().join("target/package");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("changelog"), texts::changelog()?)?;
    fs::write(folder.join("copyright"), texts::copyright()?)?;
    let said = output(
        Command::new(setup::CARGO_DEB.program())
            .args(["--no-build", "--locked", "--offline", "--package", "recorder-daemon"])
            .current_dir(root()),
    )?;
    let package = said.lines().last().map(PathBuf::from).context("cargo-deb names no package")?;
    ensure!(package.exists(), "cargo-deb made no {}", package.display());
    Ok(package)
}

/// Builds the package and looks it over.
pub(crate) fn check() -> Result<PathBuf> {
    let package = build()?;
    step("what lintian says of it");
    run(Command::new("lintian")
        .args(["--allow-root", "--fail-on", "error", "--tag-display-limit", "0"])
        .arg(&package))?;
    println!("no errors");
    step("what systemd says of its units");
    let tree = root().join("target/package/tree");
    let _ = fs::remove_dir_all(&tree);
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&tree))?;
    units(&tree)?;
    Ok(package)
}

/// Has systemd read the units of an unpacked package: no complaint, and little exposure.
fn units(tree: &Path) -> Result<()> {
    let packaged = tree.join("usr/lib/systemd/system");
    let units = tree.join("verify");
    fs::create_dir_all(&units)?;
    let (installed, built) = ("/usr/bin/syscall-recorder", tree.join("usr/bin/syscall-recorder"));
    for (from, to) in [
        ("syscall-recorder.service", "syscall-recorder.service"),
        ("syscall-recorder.socket", "syscall-recorder.socket"),
        ("syscall-recorder@.service", "syscall-recorder@.service"),
        ("syscall-recorder@.service", "syscall-recorder@my-app@a\\x2db.service"),
    ] {
        // It is not installed here, and systemd looks for the programs that a unit names.
        let unit = fs::read_to_string(packaged.join(from)).with_context(|| format!("no {from} in it"))?;
        fs::write(units.join(to), unit.replace(installed, &built.display().to_string()))?;
    }
    for unit in
        ["syscall-recorder.service", "syscall-recorder.socket", "syscall-recorder@my-app@a\\x2db.service"]
    {
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(Path::new(".").join(unit))
            .current_dir(&units)
            .env("SYSTEMD_UNIT_PATH", format!("{}:", units.display()))
            .output()
            .context("cannot start systemd-analyze")?;
        let said = String::from_utf8_lossy(&verified.stderr);
        let ours: Vec<_> = said.lines().filter(|line| line.contains("syscall-recorder")).collect();
        ensure!(verified.status.success() && ours.is_empty(), "systemd finds fault with {unit}:\n{said}");
        if unit.ends_with(".service") {
            let exposure = exposure(&units, unit)?;
            println!("{unit}: nothing to complain, exposure {}.{}", exposure / 10, exposure % 10);
            ensure!(exposure <= EXPOSURE, "{unit} is more exposed than {}.{}", EXPOSURE / 10, EXPOSURE % 10);
        } else {
            println!("{unit}: nothing to complain");
        }
    }
    Ok(())
}

/// How exposed systemd finds a service, in tenths.
fn exposure(units: &Path, unit: &str) -> Result<u32> {
    let said = output(
        Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager"])
            .arg(Path::new(".").join(unit))
            .current_dir(units),
    )?;
    tenths(&said).with_context(|| format!("systemd gives no exposure for {unit}:\n{said}"))
}

/// The figure in `→ Overall exposure level for syscall-recorder.service: 0.6 SAFE`, in tenths.
fn tenths(said: &str) -> Option<u32> {
    let figure = said.lines().rev().find(|line| line.contains("Overall exposure level"))?;
    let (whole, tenth) = figure.rsplit_once(": ")?.1.split_whitespace().next()?.split_once('.')?;
    Some(whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_exposure_is_read_from_what_systemd_says() {
        let said = "a table\n\n→ Overall exposure level for a@b.service: 1.6 OK 🙂\n";
        assert_eq!(super::tenths(said), Some(16));
        assert_eq!(super::tenths("→ Overall exposure level for a.service: 9.6 UNSAFE 😨"), Some(96));
        assert_eq!(super::tenths("no figure"), None);
    }
}
