//! A daemon of a test's own, and the commands that ask it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use rustix::process::Signal;

use super::{Allowlist, BINARY, Bench, Started, cgroup_mount, eventually};

pub(crate) struct Daemon {
    started: Option<Started>,
    folder: PathBuf,
}

impl Daemon {
    /// Starts one, and waits until it answers. `config` goes to the end of its configuration.
    pub(crate) fn start(bench: &Bench, config: &str) -> Self {
        let folder = bench.path("daemon");
        for folder in [&folder, &folder.join("state"), &folder.join("run")] {
            let _ = fs::create_dir(folder);
        }
        let mut daemon = Self { started: None, folder };
        let place = daemon.folder.display();
        let head = format!("state_directory = \"{place}/state\"\nruntime_directory = \"{place}/run\"\n");
        fs::write(daemon.folder.join("config.toml"), head + config).unwrap();
        daemon.start_again(bench);
        daemon
    }

    /// Starts it again, after it has ended.
    pub(crate) fn start_again(&mut self, bench: &Bench) {
        let mut command = bench.command(BINARY);
        command.args(["daemon", "--config"]).arg(self.folder.join("config.toml"));
        self.started = Some(Started::new(&mut command));
        let answers = || self.ask(&["status"]).status.success().then_some(());
        eventually("an answer of the daemon", answers);
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

    /// Asks it to end, as systemd does. It must end well.
    #[track_caller]
    pub(crate) fn end(&mut self) {
        let started = self.started.take().unwrap();
        started.signal(Signal::TERM);
        let output = started.finish();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let started = self.started.take().unwrap();
        started.signal(Signal::KILL);
        started.finish();
    }
}

/// A slice at the top of the hierarchy, which holds a test's services. Dropped, it is emptied and removed.
pub(crate) struct Slice {
    path: PathBuf,
    tag: String,
}

impl Slice {
    pub(crate) fn new(tag: &str) -> Self {
        let tag = format!("srtest{}{tag}", std::process::id());
        let path = cgroup_mount().join(format!("{tag}.slice"));
        fs::create_dir(&path).unwrap();
        Self { path, tag }
    }

    /// The name of a service that no other test has.
    pub(crate) fn service(&self, name: &str) -> String {
        format!("{}-{name}.service", self.tag)
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
            folders.extend(below.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()));
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
