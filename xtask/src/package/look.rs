//! What Debian's and systemd's own tools say of the package.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::program::{self, Libc, Target};
use crate::{
    shell::{output, root, run, step},
    target::Arch,
};

/// How exposed systemd may find the daemon, by its own figure from 0 (safe) to 10, in tenths.
const EXPOSURE: u32 = 15;

/// Has Debian's and systemd's own tools look a package over.
pub(super) fn deb(package: &Path, arch: Arch) -> Result<()> {
    step("what lintian says of it");
    run(Command::new("lintian")
        .args(["--allow-root", "--fail-on", "error", "--tag-display-limit", "0"])
        .arg(package))?;
    println!("no errors");
    step("what mandoc says of its manual pages");
    manuals(&root().join("target/package/manuals"))?;
    step("what systemd says of its units");
    let tree = root().join("target/package/tree");
    let _ = fs::remove_dir_all(&tree);
    run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&tree))?;
    units(&tree)?;
    program::check(&tree.join("usr/bin/syscall-recorder"), Target { arch, libc: Libc::Glibc })
}

/// The manual pages in a folder.
pub(super) fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let pages = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let pages: Vec<_> =
        pages.into_iter().filter(|path| path.extension().is_some_and(|end| end == "1")).collect();
    ensure!(!pages.is_empty(), "there are no manual pages in {}", folder.display());
    Ok(pages)
}

/// Has mandoc read the manual pages: no complaint.
fn manuals(folder: &Path) -> Result<()> {
    let pages = pages(folder)?;
    run(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&pages))?;
    println!("{} pages, nothing to complain", pages.len());
    Ok(())
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
