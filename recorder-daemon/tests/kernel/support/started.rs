//! Processes that were started, and that are gone when the test is.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// After this something hangs. Nothing is measured by it.
const HANGS: Duration = Duration::from_mins(2);

/// A process with all that it writes. Dropped before its end it is killed, with what it recorded.
pub(crate) struct Started {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    stdin: Option<ChildStdin>,
    lines: Option<Receiver<String>>,
}

impl Started {
    /// Starts it. What it writes is kept.
    pub(crate) fn new(command: &mut Command) -> Self {
        Self::start(command, false)
    }

    /// Starts it with a standard input to write to. Its standard output is read by [`Self::line`].
    pub(crate) fn talking(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::piped()), true)
    }

    fn start(command: &mut Command, talking: bool) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stdin = child.stdin.take();
        let (lines, stdout) = if talking {
            (Some(lines_of(stdout)), None)
        } else {
            let read = move || {
                let mut bytes = Vec::new();
                stdout.read_to_end(&mut bytes).unwrap();
                bytes
            };
            (None, Some(thread::spawn(read)))
        };
        let read = move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).unwrap();
            bytes
        };
        Self { child, stdout, stderr: Some(thread::spawn(read)), stdin, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.id(), signal);
    }

    /// Writes to its standard input.
    pub(crate) fn tell(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).and_then(|()| stdin.flush()).unwrap();
    }

    /// Ends its standard input.
    pub(crate) fn tell_end(&mut self) {
        self.stdin = None;
    }

    /// The next line of its standard output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.as_ref().unwrap().recv_timeout(HANGS).expect("a line on standard output")
    }

    /// The folder of the one cgroup that it has made.
    pub(crate) fn cgroup(&self) -> PathBuf {
        eventually("a cgroup", || cgroups_of(self.id()).pop())
    }

    /// Waits for its end. Of a talking one, standard output is what nobody has read.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        self.stdin = None;
        let status = eventually("an end", || self.child.try_wait().unwrap());
        let join = |reader: Option<JoinHandle<Vec<u8>>>| reader.map(|reader| reader.join().unwrap());
        let rest = || self.lines.iter().flatten().collect::<Vec<_>>().join("\n").into_bytes();
        let stdout = join(self.stdout.take()).unwrap_or_else(rest);
        Output { status, stdout, stderr: join(self.stderr.take()).unwrap_or_default() }
    }

    /// Waits for its end, and leaves its standard input and output open to what it has left behind. Gives
    /// its status.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Option<i32> {
        eventually("an end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        put_an_end_to(&mut self.child);
    }
}

/// Ends a recorder, or any other process, that a failed test has left, with what it recorded.
pub(crate) fn put_an_end_to(child: &mut Child) {
    let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
    if ended(child) {
        return;
    }
    let cgroups = cgroups_of(child.id());
    for cgroup in &cgroups {
        let _ = fs::write(cgroup.join("cgroup.kill"), "1");
    }
    // A recorder whose cgroup is empty ends by itself, and removes it.
    for _ in 0..100 {
        if cgroups.is_empty() || ended(child) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// A process that the recorder has left behind. Dropped, it is killed.
pub(crate) struct Stray(pub(crate) u32);

impl Drop for Stray {
    fn drop(&mut self) {
        kill(self.0, Signal::KILL);
        eventually("the end of a stray process", || (!alive(self.0)).then_some(()));
    }
}

/// The lines that come from somewhere, as they come.
pub(crate) fn lines_of(source: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    thread::spawn(move || {
        // A terminal whose last user is gone reads as an error; either way there is no more.
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Sends a signal. To a process that is gone, none.
pub(crate) fn kill(process: u32, signal: Signal) {
    let _ = kill_process(pid(process), signal);
}

/// Whether a process is there and no zombie.
pub(crate) fn alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    test_kill_process(pid(process)).is_ok() && !matches!(state, Some(Some('Z' | 'X')) | None)
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap()).unwrap()
}

/// Asks again and again until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < HANGS, "still no {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The cgroups that a recorder, by its process id, has made and not removed.
pub(super) fn cgroups_of(recorder: u32) -> Vec<PathBuf> {
    // syscall-recorder-run-NAMESPACE-PID-START
    let is = |name: &str| {
        name.strip_prefix("syscall-recorder-run-")
            .is_some_and(|rest| rest.split('-').nth(1) == Some(&recorder.to_string()))
    };
    let below = fs::read_dir(own_cgroup()).unwrap().flatten();
    below.filter(|entry| entry.file_name().to_str().is_some_and(is)).map(|entry| entry.path()).collect()
}

/// The folder of the cgroup that this process is in, in which recorders make theirs.
pub(crate) fn own_cgroup() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).unwrap();
    let table = fs::read_to_string("/proc/self/cgroup").unwrap();
    let cgroup = table.lines().find_map(|line| line.strip_prefix("0::/")).unwrap();
    Path::new(mount.split(' ').nth(4).unwrap()).join(cgroup)
}
