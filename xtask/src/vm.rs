//! A Debian machine with its own kernel and systemd, emulated by QEMU, in which a scenario runs as an
//! administrator would type it.
//!
//! The image is built once and kept; what changes (the binary, the scenario) comes on a second disk, and a
//! run writes nothing back.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    setup,
    shell::{as_root, cargo, output, root, run, step},
    toolchain::cache,
};

/// What a machine must have beside the essential packages.
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,linux-image-amd64,udev,kmod,initramfs-tools,nginx-light,curl,strace";

/// The unit that runs what the second disk brings, shows it on the console, and switches the machine off.
const UNIT: &str = include_str!("vm/scenario.service");

/// What an administrator would type, with a check after each step.
const SCENARIO: &str = include_str!("vm/scenario.sh");

/// The scenario's last line, if all went well.
const PASSED: &str = "SCENARIO PASSED";

/// An emulated machine is twenty times slower than a real one; a scenario takes a minute.
const PATIENCE: Duration = Duration::from_secs(400);

/// Runs the scenario on a Debian release. The console is kept, whatever happens.
pub(crate) fn run_release(release: &str) -> Result<()> {
    step(&format!("the scenario in a machine with Debian {release}"));
    setup::tools(setup::VM)?;
    run(&mut cargo(&["build", "--release", "--package", "recorder-daemon"]))?;
    let machine = Machine::build(release)?;
    let folder = root().join("target/vm").join(release);
    fs::create_dir_all(&folder)?;
    let payload = payload(&folder)?;
    let console = folder.join("console.log");
    machine.boot(&payload, &console)?;
    let said = fs::read(&console)?;
    ensure!(
        String::from_utf8_lossy(&said).lines().any(|line| line.trim_end() == PASSED),
        "the scenario failed on {release}; the console is kept in {}",
        console.display()
    );
    Ok(())
}

/// A kernel, its initrd and a disk.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    /// The one in the cache, or a new one.
    fn build(release: &str) -> Result<Self> {
        let mut recipe = DefaultHasher::new();
        (release, PACKAGES, UNIT).hash(&mut recipe);
        let folder = cache().join(format!("vm-{release}-{:016x}", recipe.finish()));
        if folder.join("disk.img").exists() {
            println!("found: the machine in {}", folder.display());
            return Ok(Self { folder });
        }
        println!("building the machine (two minutes), kept in {}", folder.display());
        fs::create_dir_all(&folder)?;
        let tree = Tree(folder.join("tree"));
        let _ = as_root("rm").arg("-rf").arg(&tree.0).status();
        run(as_root("mmdebstrap")
            .args(["--quiet", "--variant=minbase", "--include", PACKAGES, release])
            .arg(&tree.0))?;
        let unit = folder.join("scenario.service");
        fs::write(&unit, UNIT)?;
        run(as_root("install").args(["-m", "644"]).arg(&unit).arg(tree.0.join("etc/systemd/system/")))?;
        run(as_root("mkdir").arg(tree.0.join("payload")))?;
        run(as_root("ln")
            .args(["-s", "/etc/systemd/system/scenario.service"])
            .arg(tree.0.join("etc/systemd/system/multi-user.target.wants/")))?;
        for (kind, name) in [("vmlinuz-", "kernel"), ("initrd.img-", "initrd")] {
            let boot = output(as_root("ls").arg(tree.0.join("boot")))?;
            let file =
                boot.lines().find(|file| file.starts_with(kind)).context("the machine has no kernel")?;
            run(as_root("install")
                .args(["-m", "644"])
                .arg(tree.0.join("boot").join(file))
                .arg(folder.join(name)))?;
        }
        // Under another name first: an image that is there is whole.
        let unfinished = folder.join("disk.unfinished");
        disk(&tree.0, &unfinished, "2G")?;
        fs::rename(&unfinished, folder.join("disk.img"))?;
        Ok(Self { folder })
    }

    /// Boots, shows the console, and waits for the machine to switch itself off.
    fn boot(&self, payload: &Path, console: &Path) -> Result<()> {
        let drive = |file: &Path| format!("file={},if=virtio,format=raw,snapshot=on", file.display());
        let append = "console=ttyS0 root=/dev/vda rw panic=-1 quiet systemd.mask=serial-getty@ttyS0.service";
        let mut qemu = Command::new("qemu-system-x86_64");
        // TCG: it works without KVM, and inside other virtual machines.
        qemu.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048"])
            .args(["-nographic", "-no-reboot", "-append", append])
            .arg("-kernel")
            .arg(self.folder.join("kernel"))
            .arg("-initrd")
            .arg(self.folder.join("initrd"))
            .args(["-drive", &drive(&self.folder.join("disk.img")), "-drive", &drive(payload)])
            .stdin(Stdio::null())
            .stdout(File::create(console)?);
        let mut machine = Qemu(qemu.spawn().context("cannot start qemu-system-x86_64")?);
        let mut shown = File::open(console)?;
        let begun = Instant::now();
        loop {
            let ended = machine.0.try_wait()?;
            let mut news = Vec::new();
            shown.read_to_end(&mut news)?;
            std::io::stdout().write_all(&news)?;
            if let Some(status) = ended {
                ensure!(status.success(), "QEMU ended with {status}");
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!(
                    "the machine did not switch itself off in {PATIENCE:?}; its console is in {}",
                    console.display()
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The second disk: the binary and the scenario.
fn payload(folder: &Path) -> Result<PathBuf> {
    let tree = folder.join("payload");
    fs::create_dir_all(&tree)?;
    fs::copy(root().join("target/release/syscall-recorder"), tree.join("syscall-recorder"))?;
    fs::write(tree.join("scenario.sh"), SCENARIO)?;
    let image = folder.join("payload.img");
    disk(&tree, &image, "64M")?;
    Ok(image)
}

/// Makes an ext4 image with the files of a folder.
fn disk(tree: &Path, image: &Path, size: &str) -> Result<()> {
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

/// A machine that does not outlive us.
struct Qemu(Child);

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
