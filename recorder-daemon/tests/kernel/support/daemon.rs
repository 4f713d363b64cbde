//! A daemon of a test's own, and the commands that ask it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::Signal;

use super::{Allowlist, BINARY, Bench, Started, cgroup_mount, eventually};

pub(crate) struct Daemon {
    started: Option<Started>,
    folder: PathBuf,
    mounted: bool,
}

impl Daemon {
    /// Starts one, and waits until it answers. `config` goes to the end of its configuration.
    pub(crate) fn start(bench: &Bench, config: &str) -> Self {
        Self::new(bench, config, false)
    }

    /// The same, with a bpffs of its own to pin in.
    pub(crate) fn pinned(bench: &Bench, config: &str) -> Self {
        Self::new(bench, config, true)
    }

    fn new(bench: &Bench, config: &str, mounted: bool) -> Self {
        let folder = bench.path("daemon");
        for folder in ["", "state", "run", "pins"] {
            fs::create_dir_all(bench.path("daemon").join(folder)).unwrap();
        }
        let mut daemon = Self { started: None, folder, mounted };
        if mounted {
            let mount = Command::new("mount").args(["-t", "bpf", "none"]).arg(daemon.pins()).status();
            assert!(mount.unwrap().success());
        }
        daemon.configure(config);
        daemon.start_again(bench);
        daemon
    }

    /// Writes its configuration anew.
    pub(crate) fn configure(&self, config: &str) {
        let place = self.folder.display();
        let head = format!(
            "state_directory = \"{place}/state\"\nruntime_directory = \"{place}/run\"\n\
             pin_directory = \"{place}/pins\"\n"
        );
        fs::write(self.folder.join("config.toml"), head + config).unwrap();
    }

    /// Starts it again, after it has ended, and waits until it answers.
    pub(crate) fn start_again(&mut self, bench: &Bench) {
        self.launch(bench);
        self.answers();
    }

    /// Starts it again, and waits for nothing.
    pub(crate) fn launch(&mut self, bench: &Bench) {
        self.launch_by(bench, &[]);
    }

    /// The same, by a command that executes it.
    pub(crate) fn launch_by(&mut self, bench: &Bench, words: &[&str]) {
        let words = [words, &[BINARY]].concat();
        let mut command = bench.command(words[0]);
        command.args(&words[1..]).args(["daemon", "--config"]).arg(self.folder.join("config.toml"));
        self.started = Some(Started::new(&mut command));
    }

    /// Waits until it answers.
    pub(crate) fn answers(&self) {
        let answers = || self.ask(&["status"]).status.success().then_some(());
        eventually("an answer of the daemon", answers);
    }

    pub(crate) fn pins(&self) -> PathBuf {
        self.folder.join("pins")
    }

    pub(crate) fn id(&self) -> u32 {
        self.started.as_ref().unwrap().id()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// A command that asks this daemon.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).arg("--socket").arg(self.folder.join("run/control.socket"));
        command.arg("--state").arg(self.state());
        command
    }

    pub(crate) fn ask(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Asks what must be done. Gives standard output.
    #[track_caller]
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let output = self.ask(words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Asks what must be refused: one line, and this status. Gives the line.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str], status: i32) -> String {
        let output = self.ask(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{words:?}: {stderr}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{words:?}");
        assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
        stderr
    }

    /// The allowlist of a unit, as it is on disk.
    pub(crate) fn allowlist(&self, unit: &str) -> Allowlist {
        Allowlist::read(&self.state().join(format!("{unit}.toml")))
    }

    /// What `status` says of a unit, for machines.
    pub(crate) fn status(&self, unit: &str) -> serde_json::Value {
        let text = self.done(&["status", unit, "--json"]);
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        status["units"][0].clone()
    }

    /// Asks it to end, as systemd does. It must end well. Gives its log.
    #[track_caller]
    pub(crate) fn end(&mut self) -> String {
        self.end_with(0)
    }

    /// The same, with this status.
    #[track_caller]
    pub(crate) fn end_with(&mut self, status: i32) -> String {
        let started = self.started.take().unwrap();
        started.signal(Signal::TERM);
        let output = started.finish();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{log}");
        log
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let started = self.started.take().unwrap();
        started.signal(Signal::KILL);
        started.finish();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.started.take());
        if self.mounted {
            // What is pinned is gone with the file system.
            let _ = Command::new("umount").arg(self.pins()).status();
        }
    }
}

/// A slice at the top of the hierarchy, which holds a test's services. Dropped, it is emptied and removed.
pub(crate) struct Slice {
    path: PathBuf,
    tag: String,
}

impl Slice {
    /// `tag` is for whoever looks on. Tests run at the same time, and each slice is its own.
    pub(crate) fn new(tag: &str) -> Self {
        static SLICES: AtomicU32 = AtomicU32::new(0);
        let number = SLICES.fetch_add(1, Ordering::Relaxed);
        let tag = format!("srtest{}n{number}{tag}", std::process::id());
        let path = cgroup_mount().join(format!("{tag}.slice"));
        fs::create_dir(&path).unwrap();
        Self { path, tag }
    }

    /// The name of a service that no other test has.
    pub(crate) fn service(&self, name: &str) -> String {
        format!("{}-{name}.service", self.tag)
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the slice in the hierarchy.
    pub(crate) fn within(&self) -> String {
        format!("/{}.slice", self.tag)
    }

    /// Makes the cgroup of a service, as systemd does at each start. Gives its folder.
    pub(crate) fn make(&self, name: &str) -> PathBuf {
        let path = self.path.join(self.service(name));
        fs::create_dir(&path).unwrap();
        path
    }

    /// Removes it, as systemd does at each stop.
    pub(crate) fn remove(&self, name: &str) {
        let path = self.path.join(self.service(name));
        eventually("an empty cgroup", || fs::remove_dir(&path).ok());
    }
}

impl Drop for Slice {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        let mut folders = vec![self.path.clone()];
        let mut next = 0;
        while let Some(folder) = folders.get(next) {
            let below: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
            folders.extend(below.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()));
            next += 1;
        }
        for folder in folders.iter().rev() {
            for _ in 0..200 {
                if fs::remove_dir(folder).is_ok() || !folder.exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
}
