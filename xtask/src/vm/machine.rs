//! A running machine: QEMU, and the watch over its console.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{hardware::Hardware, image::Image, scenarios::Verdicts};

/// How long boot, reboots and power-off may take together. An emulated machine is twenty times slower than a
/// real one, and other programs may want the processors too.
const BOOTS: Duration = Duration::from_secs(400);

/// What the kernel is told. Mitigations cost much and protect nobody here.
const APPEND: &str = "root=/dev/vda rw quiet mitigations=off";

/// Where a machine's console goes.
pub(super) struct Console {
    /// All that it showed.
    log: PathBuf,
    /// Where one can type.
    socket: PathBuf,
}

impl Console {
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        Self { log: folder.join(format!("{name}.log")), socket: folder.join(format!("{name}.console")) }
    }
}

/// Boots, shows the console, and waits for the machine to switch itself off.
pub(super) fn boot(
    image: &Image,
    hardware: &Hardware,
    payload: &Path,
    console: &Console,
    patience: Duration,
    keep: bool,
) -> Result<Verdicts> {
    let _ = fs::remove_file(&console.log);
    let _ = fs::remove_file(&console.socket);
    let drive = |file: &Path| format!("file={},if=virtio,format=raw,snapshot=on", file.display());
    let (socket, log) = (console.socket.display(), console.log.display());
    let mut qemu = Command::new(hardware.qemu());
    // TCG: it works without KVM, and inside other virtual machines.
    qemu.args(hardware.words)
        .args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "2048"])
        .args(["-nodefaults", "-display", "none", "-nic", "none", "-device", "virtio-rng-pci"])
        .args(["-chardev", &format!("socket,id=console,path={socket},server=on,wait=off,logfile={log}")])
        .args(["-serial", "chardev:console", "-append", &format!("console={} {APPEND}", hardware.tty)])
        .arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.initrd())
        .args(["-drive", &drive(&image.disk()), "-drive", &drive(payload)])
        .stdin(Stdio::null());
    let mut qemu = Qemu(qemu.spawn().with_context(|| format!("cannot start {}", hardware.qemu()))?);
    if keep {
        println!("kept at its end; a shell will be at: socat -,raw,echo=0 UNIX-CONNECT:{socket}");
    }
    let mut watch = Watch::default();
    let patience = patience + BOOTS;
    loop {
        let ended = qemu.0.try_wait()?;
        watch.read(&console.log)?;
        if let Some(status) = ended {
            ensure!(status.success(), "QEMU ended with {status}; the console is in {log}");
            ensure!(watch.verdicts.done || keep, "the machine broke off; its console is in {log}");
            println!("the console is kept in {log}");
            return Ok(watch.verdicts);
        }
        if watch.panicked {
            bail!("the machine's kernel panicked; its console is in {log}");
        }
        if watch.begun.elapsed() > patience && !keep {
            bail!("the machine did not switch itself off in {patience:?}; its console is in {log}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Shows what comes on a console, and draws what is to be drawn from it.
struct Watch {
    begun: Instant,
    log: Option<File>,
    /// The line that is not yet whole.
    line: Vec<u8>,
    verdicts: Verdicts,
    panicked: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            log: None,
            line: Vec::new(),
            verdicts: Verdicts::default(),
            panicked: false,
        }
    }
}

impl Watch {
    /// Takes what is new.
    fn read(&mut self, log: &Path) -> Result<()> {
        if self.log.is_none() {
            self.log = File::open(log).ok();
        }
        let Some(log) = &mut self.log else { return Ok(()) };
        let mut news = Vec::new();
        log.read_to_end(&mut news)?;
        std::io::stdout().write_all(&news)?;
        for byte in news {
            self.line.push(byte);
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.line);
                self.verdicts.line(&line, self.begun.elapsed());
                self.panicked |= line.contains("Kernel panic");
                self.line.clear();
            }
        }
        Ok(())
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
