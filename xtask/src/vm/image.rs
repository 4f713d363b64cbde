//! The disk that a machine boots from: built once for each release and recipe, then kept.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{System, foreign, hardware::Hardware};
use crate::{
    shell::{as_root, output, run},
    toolchain::cache,
};

/// What a machine must have beside the essential packages: itself, then what is recorded, then what uses it. The
/// kernel's package has the architecture in its name.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,linux-image-ARCH,udev,kmod,initramfs-tools,\
     nginx-light,dnsmasq,redis-server,memcached,fcgiwrap,haproxy,chrony,\
     curl,strace,logrotate,procps,libfcgi-bin,ldnsutils";

/// The unit that runs what the second disk brings.
const UNIT: &str = include_str!("guest/machine.service");

/// Makes the tree a machine that boots fast and does nothing by itself.
const PREPARE: &str = include_str!("guest/prepare.sh");

/// Bytes of the disk.
const SIZE: &str = "2G";

/// A kernel, its initrd and a disk.
pub(super) struct Image {
    folder: PathBuf,
}

impl Image {
    pub(super) fn kernel(&self) -> PathBuf {
        self.folder.join("kernel")
    }

    pub(super) fn initrd(&self) -> PathBuf {
        self.folder.join("initrd")
    }

    pub(super) fn disk(&self) -> PathBuf {
        self.folder.join("disk.img")
    }
}

/// The one in the cache, or a new one.
pub(super) fn find(system: System<'_>) -> Result<Image> {
    let recipe = Recipe::of(system);
    let mut hash = DefaultHasher::new();
    (system.release, &recipe.packages, &recipe.unit, &recipe.prepare, SIZE).hash(&mut hash);
    let image = Image { folder: cache().join(format!("vm-{}-{:016x}", system.release, hash.finish())) };
    if image.disk().exists() {
        println!("found: the machine in {}", image.folder.display());
        return Ok(image);
    }
    fs::create_dir_all(&image.folder)?;
    // Another checkout may be building the same one, in the same place.
    let lock = File::create(image.folder.join("lock"))?;
    lock.lock().context("cannot lock the machine's folder")?;
    if !image.disk().exists() {
        println!("building the machine (some minutes), kept in {}", image.folder.display());
        build(system, &recipe, &image)?;
    }
    Ok(image)
}

/// What the words of this file come to for one machine.
struct Recipe {
    packages: String,
    unit: String,
    prepare: String,
}

impl Recipe {
    fn of(system: System<'_>) -> Self {
        let tty = Hardware::of(system.arch).tty;
        Self {
            packages: PACKAGES.replace("ARCH", system.arch.debian()),
            unit: UNIT.replace("TTY0", tty),
            prepare: PREPARE.replace("TTY0", tty),
        }
    }
}

fn build(system: System<'_>, recipe: &Recipe, image: &Image) -> Result<()> {
    foreign::prepare(system.arch)?;
    let tree = Tree(image.folder.join("tree"));
    let _ = as_root("rm").arg("-rf").arg(&tree.0).status();
    let (unit, prepare) = (image.folder.join("machine.service"), image.folder.join("prepare.sh"));
    fs::write(&unit, &recipe.unit)?;
    fs::write(&prepare, &recipe.prepare)?;
    let hook = |when: &str| format!("--{when}-hook=sh {} {when} \"$1\"", prepare.display());
    run(as_root("mmdebstrap")
        .args(["--quiet", "--variant=minbase", "--include", &recipe.packages])
        .args(["--architectures", system.arch.debian()])
        // A mirror's copy of sid may be older than its index says that it can be.
        .arg("--aptopt=Acquire::Check-Valid-Until \"false\"")
        .args([hook("setup"), hook("customize")])
        .arg(format!("--customize-hook=copy-in {} /etc/systemd/system", unit.display()))
        .arg(system.release)
        .arg(&tree.0))?;
    for (kind, file) in [("vmlinuz-", image.kernel()), ("initrd.img-", image.initrd())] {
        let boot = output(as_root("ls").arg(tree.0.join("boot")))?;
        let found = boot.lines().find(|file| file.starts_with(kind)).context("the machine has no kernel")?;
        run(as_root("install").args(["-m", "644"]).arg(tree.0.join("boot").join(found)).arg(file))?;
    }
    // Under another name first: an image that is there is whole.
    let unfinished = image.folder.join("disk.unfinished");
    disk(&tree.0, &unfinished, SIZE)?;
    fs::rename(&unfinished, image.disk())?;
    Ok(())
}

/// Makes an ext4 image with the files of a folder.
pub(super) fn disk(tree: &Path, image: &Path, size: &str) -> Result<()> {
    let _ = fs::remove_file(image);
    run(as_root("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(tree).arg(image).arg(size))?;
    run(as_root("chmod").arg("644").arg(image))
}

/// The machine's files, gone once they are in the image.
struct Tree(PathBuf);

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = as_root("rm").arg("-rf").arg(&self.0).status();
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::target::Arch;

    #[test]
    fn a_recipe_is_for_one_architecture() {
        for &arch in Arch::value_variants() {
            let (recipe, tty) = (Recipe::of(System { release: "sid", arch }), Hardware::of(arch).tty);
            assert!(recipe.packages.contains(&format!(",linux-image-{},", arch.debian())));
            assert!(recipe.unit.contains(&format!("TTYPath=/dev/{tty}\n")));
            assert!(recipe.prepare.contains(&format!("serial-getty@{tty}.service")));
        }
    }
}
