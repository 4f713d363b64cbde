//! Faults, by real means: strace fails or kills at a system call, a file system is full or read-only.

use std::{fs, path::PathBuf, process::Command};

use rustix::process::Signal;

use super::{Bench, Started, eventually};

/// A strace that does something to a process. Ended, the process goes on unharmed.
pub(crate) struct Tampered(Started);

impl Tampered {
    /// To all threads of a process; with a path, only to what is about that.
    pub(crate) fn process(bench: &Bench, process: u32, inject: &str, path: Option<&str>) -> Self {
        let mut strace = bench.command("strace");
        strace.args(["-f", "-o", "/dev/null", "-p", &process.to_string()]);
        strace.arg("-e").arg(format!("inject={inject}"));
        path.inspect(|path| _ = strace.args(["-P", path]));
        let strace = Self(Started::new(&mut strace));
        let threads = || fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
        let traced = |name: &str| name.parse().is_ok_and(|thread| tracer(thread).is_some());
        eventually("strace", || {
            threads().all(|entry| entry.file_name().to_str().is_some_and(traced)).then_some(())
        });
        strace
    }

    /// Lets the process go.
    pub(crate) fn end(self) {
        // The kernel lets go of what a tracer that is gone has traced; strace itself may wait for a thread's next stop.
        self.0.signal(Signal::KILL);
        self.finish();
    }

    /// Waits until there is nothing left to trace.
    pub(crate) fn finish(self) {
        self.0.finish();
    }
}

/// Who traces a thread.
pub(crate) fn tracer(thread: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok()?;
    (tracer != 0).then_some(tracer)
}

/// A file system that is there as long as this is.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    pub(crate) fn tmpfs(at: PathBuf, options: &str) -> Self {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&at).status();
        assert!(status.unwrap().success());
        Self(at)
    }

    /// `ro` or `rw`.
    #[track_caller]
    pub(crate) fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
