//! Where it is measured: a folder, a bpffs and cgroups of the bench's own, and daemons in them.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    demo::cgroup_mount,
    nginx::wait_for,
    shell::{output, root, run},
};

/// Removed, with all that is in it, when dropped.
pub(crate) struct Place {
    folder: PathBuf,
    slice: PathBuf,
    tag: String,
    /// Where the programs are that are measured.
    pub(crate) built: PathBuf,
    services: usize,
}

impl Place {
    /// `built`: the folder of cargo's that holds the binary.
    pub(crate) fn new(built: PathBuf) -> Result<Self> {
        let tag = format!("srbench{}", std::process::id());
        let folder = std::env::temp_dir().join(&tag);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let slice = cgroup_mount()?.join(format!("{tag}.slice"));
        let mut place = Self { folder, slice, tag, built, services: 0 };
        for below in ["state", "run", "pins"] {
            fs::create_dir(place.path(below))?;
        }
        // Readable for those that drop their rights.
        run(Command::new("chmod").arg("755").arg(&place.folder))?;
        run(Command::new("mount").args(["-t", "bpf", "none"]).arg(place.path("pins")))?;
        fs::create_dir(&place.slice)?;
        place.make_services(1)?;
        fs::create_dir(place.outside())?;
        let source = root().join("xtask/src/bench/workload.c");
        run(Command::new("cc").args(["-O2", "-pthread", "-o"]).arg(place.path("workload")).arg(source))?;
        Ok(place)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// The cgroup of a service.
    pub(crate) fn service(&self, number: usize) -> PathBuf {
        self.slice.join(self.name(number))
    }

    /// A cgroup that nobody records.
    pub(crate) fn outside(&self) -> PathBuf {
        self.slice.join("outside.scope")
    }

    pub(crate) fn name(&self, number: usize) -> String {
        format!("{}-{number}.service", self.tag)
    }

    /// Makes the cgroups of the first so many services, where they are not there.
    pub(crate) fn make_services(&mut self, many: usize) -> Result<()> {
        for number in self.services..many {
            fs::create_dir(self.service(number))?;
            self.services = number + 1;
        }
        Ok(())
    }

    /// Forgets what daemons have recorded.
    pub(crate) fn forget(&self) -> Result<()> {
        for below in ["state", "run"] {
            fs::remove_dir_all(self.path(below))?;
            fs::create_dir(self.path(below))?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::write(self.slice.join("cgroup.kill"), "1");
        let begun = Instant::now();
        let left = |path: &Path| path.exists() && begun.elapsed() < Duration::from_secs(10);
        let services = (0..self.services).map(|number| self.service(number));
        for cgroup in services.chain([self.outside(), self.slice.clone()]) {
            while fs::remove_dir(&cgroup).is_err() && left(&cgroup) {
                sleep(Duration::from_millis(10));
            }
        }
        let _ = Command::new("umount").arg(self.path("pins")).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process that is ended when dropped, the way it ends well.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts what says `word` on its standard output as soon as it is ready.
    pub(crate) fn until_it_says(command: &mut Command, word: &str) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut running =
            Self(child.with_context(|| format!("cannot start {}", command.get_program().display()))?);
        let mut said = BufReader::new(running.0.stdout.take().context("it has a pipe")?);
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            ensure!(said.read_line(&mut line)? > 0, "{} ended early", command.get_program().display());
        }
        // What else it says goes nowhere, and must not end it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = Command::new("kill").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        let ended = wait_for("a process to end", || self.0.try_wait().ok().flatten());
        if ended.is_err() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// The real daemon, which records the first so many services of the place.
pub(crate) struct Daemon {
    running: Running,
    /// From its start to its READY=1.
    pub(crate) ready: Duration,
}

impl Daemon {
    pub(crate) fn start(place: &Place, units: usize) -> Result<Self> {
        ensure!(units <= place.services, "there are not so many services");
        let (config, socket) = (place.path("config.toml"), place.path("notify"));
        let names: Vec<_> = (0..units).map(|number| format!("\"{}\"", place.name(number))).collect();
        let at = |below: &str| place.path(below).display().to_string();
        let text = format!(
            "units = [{}]\nstate_directory = \"{}\"\nruntime_directory = \"{}\"\npin_directory = \"{}\"\n",
            names.join(", "),
            at("state"),
            at("run"),
            at("pins/recorder")
        );
        fs::write(&config, text)?;
        let _ = fs::remove_file(&socket);
        let told = UnixDatagram::bind(&socket)?;
        told.set_read_timeout(Some(Duration::from_mins(1)))?;
        let log = fs::File::create(place.path("daemon.log"))?;
        let mut command = Command::new(place.built.join("syscall-recorder"));
        command.args(["daemon", "--config"]).arg(&config).env("NOTIFY_SOCKET", &socket);
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let running = Running(child.context("cannot start the daemon")?);
        let mut message = [0; 4096];
        loop {
            let Ok(length) = told.recv(&mut message) else {
                bail!("the daemon is not ready: {}", fs::read_to_string(place.path("daemon.log"))?);
            };
            if message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                return Ok(Self { running, ready: begun.elapsed() });
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Asks it something.
    pub(crate) fn ask(place: &Place, words: &[&str]) -> Result<String> {
        let mut command = Command::new(place.built.join("syscall-recorder"));
        command.args(words).arg("--socket").arg(place.path("run/control.socket"));
        output(command.arg("--state").arg(place.path("state")))
    }
}
