//! The main job, end to end: a real nginx is recorded under real requests.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    nginx::{Nginx, wait_for},
    package::program::Target,
    setup,
    shell::{is_root, output, root, run, step},
};

/// The list of the hand-hardened unit that this project is to replace, read as kindly as can be: systemd
/// takes `epoll_wait,recvfrom,…` for one unknown name and drops the line whole.
const BY_HAND: &[&str] =
    &["epoll_wait", "recvfrom", "newfstatat", "openat", "fstat", "writev", "write", "close"];

/// What an nginx that serves cannot do without; the demo fails where one is not recorded.
const EXPECTED: &[&str] = &[
    "accept4",
    "bind",
    "listen",
    "epoll_wait",
    "recvfrom",
    "writev",
    "sendfile",
    "openat",
    "setuid",
    "setgid",
    "exit_group",
    "execve",
];

/// Sets up, builds, and does the main job; asks for root by sudo where it is not root.
pub(crate) fn run_all() -> Result<()> {
    step("set-up");
    setup::ebpf()?;
    setup::tools(setup::DEMO)?;
    Target::host()?.build()?;
    if is_root() {
        return main_job();
    }
    step("recording needs root: asking sudo");
    run(Command::new("sudo").arg(std::env::current_exe()?).arg("demo-job"))
}

/// What needs root.
pub(crate) fn main_job() -> Result<()> {
    let binary = root().join("target/release/syscall-recorder");
    let folder = scratch()?;
    let allowlist = record(&binary, &folder, Duration::ZERO)?;

    step("what was seen");
    run(Command::new(&binary).arg("show").arg(&allowlist))?;
    let drop_in = folder.join("nginx.service.d/syscalls.conf");
    fs::create_dir_all(folder.join("nginx.service.d"))?;
    run(Command::new(&binary)
        .arg("export")
        .arg(&allowlist)
        .args(["--format", "systemd", "-o"])
        .arg(&drop_in))?;
    step("the drop-in");
    print!("{}", fs::read_to_string(&drop_in)?);
    compare(&binary, &allowlist)?;
    step("done");
    println!("allowlist: {}\ndrop-in:   {}", allowlist.display(), drop_in.display());
    Ok(())
}

/// Records a real nginx, as root, with a pause after each step. Gives the allowlist's file.
pub(crate) fn record(binary: &Path, folder: &Path, pause: Duration) -> Result<PathBuf> {
    let nginx = Nginx::prepare(folder)?;
    let allowlist = folder.join("nginx.service.toml");

    step("recording nginx");
    let mut recorder = Recorder(
        Command::new(binary)
            .args(["run", "--unit", "nginx.service", "-o"])
            .arg(&allowlist)
            .arg("--")
            .args(nginx.command(&[]))
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?,
    );
    let cgroup = cgroup_of(nginx.wait()?)?;
    // What systemd would start beside the service, started as systemd would: ExecStartPre=, ExecReload=.
    run(&mut inside(&cgroup, &nginx.command(&["-t", "-q"]))?)?;
    nginx.request()?;
    sleep(pause);
    run(&mut inside(&cgroup, &nginx.command(&["-s", "reload"]))?)?;
    println!("reloaded");
    sleep(pause);
    nginx.wait()?;
    nginx.request()?;
    sleep(pause);
    nginx.rotate_log()?;
    run(&mut inside(&cgroup, &nginx.command(&["-s", "reopen"]))?)?;
    nginx.wait_for_log()?;
    println!("log rotated and opened anew");
    sleep(pause);
    nginx.request()?;
    run(&mut inside(&cgroup, &nginx.command(&["-s", "quit"]))?)?;
    println!("asked to quit when its connections are done");
    recorder.wait()?;
    Ok(allowlist)
}

/// An empty folder. nginx's workers must be able to read it, so it is not below a home.
pub(crate) fn scratch() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("syscall-recorder-demo-{}", std::process::id()));
    // Not create_dir_all: what another user has put there under this name must not be taken.
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The recorder, ended with its nginx if the demo fails on the way.
struct Recorder(Child);

impl Recorder {
    fn wait(&mut self) -> Result<()> {
        let status = wait_for("the recording to end", || self.0.try_wait().ok().flatten())?;
        ensure!(status.success(), "the recorder ended with {status}");
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Two interrupts end a recording; the first one goes to nginx, which ends by it.
        while matches!(self.0.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
            sleep(Duration::from_millis(500));
        }
    }
}

/// The folder of the cgroup that a process is in.
fn cgroup_of(pid: u32) -> Result<PathBuf> {
    let table = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    let path =
        table.lines().find_map(|line| line.strip_prefix("0::/")).context("no cgroup2 on this machine")?;
    Ok(cgroup_mount()?.join(path))
}

/// Where version 2 of cgroups is mounted.
pub(crate) fn cgroup_mount() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mount = mounts
        .lines()
        .find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let point = fields.next()?;
            (fields.next()? == "cgroup2").then_some(point)
        })
        .context("no cgroup2 is mounted")?;
    Ok(PathBuf::from(mount))
}

/// A command that joins the cgroup as its last act before execve, as a child of systemd's does.
pub(crate) fn inside(cgroup: &Path, words: &[String]) -> Result<Command> {
    let procs = cgroup.join("cgroup.procs");
    let mut entrance: File =
        OpenOptions::new().write(true).open(&procs).with_context(|| procs.display().to_string())?;
    let mut command = Command::new(setup::path_of(&words[0]));
    command.arg0(&words[0]).args(&words[1..]);
    // SAFETY: between fork and execve only async-signal-safe calls are allowed; write(2) is one.
    unsafe {
        command.pre_exec(move || entrance.write_all(b"0"));
    }
    Ok(command)
}

/// What the list written by hand would have denied.
fn compare(binary: &Path, allowlist: &Path) -> Result<()> {
    let json = output(Command::new(binary).arg("show").arg(allowlist).arg("--json"))?;
    let report: serde_json::Value = serde_json::from_str(&json)?;
    let calls = report["calls"].as_array().context("show --json has no calls")?;
    let named = |call: &serde_json::Value| call["name"].as_str().unwrap_or_default().to_owned();
    for name in EXPECTED {
        ensure!(
            calls.iter().any(|call| named(call) == *name),
            "{name} was not recorded, but nginx cannot do without"
        );
    }
    ensure!(report["complete"] == true, "the recording has gaps");
    let by_default = |call: &serde_json::Value| {
        call["sets"].as_array().is_some_and(|sets| sets.iter().any(|set| set == "@default"))
    };
    let denied: Vec<_> = calls
        .iter()
        .filter(|call| !by_default(call) && !BY_HAND.contains(&named(call).as_str()))
        .map(named)
        .collect();
    step("beside it, a list written by hand");
    println!("    SystemCallFilter={}", BY_HAND.join(","));
    println!("systemd takes that for one unknown name and is left with its own @default.");
    println!(
        "With blanks for commas it would still have denied {} of the {} calls that nginx makes:",
        denied.len(),
        calls.len()
    );
    for line in denied.chunks(8) {
        println!("    {}", line.join(" "));
    }
    Ok(())
}
