//! Whether a test can run here.

use std::{
    env, fmt,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    thread,
};

use super::bench::PATH;

/// What is missing.
#[derive(Debug)]
pub(super) enum Unsupported {
    NotRoot,
    NoCgroup2,
    NoBtf,
    NoTool(&'static str),
    NoCgroup1,
    /// How many cgroups would have to be made.
    TooFarApart(u64),
}

impl Unsupported {
    /// Whether a machine that runs all tests would have it. Cgroups of version 1 it need not have, and then has
    /// not what is tested with them either.
    fn is_a_lack(&self) -> bool {
        !matches!(self, Self::NoCgroup1 | Self::TooFarApart(_))
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => write!(f, "it needs root"),
            Self::NoCgroup2 => write!(f, "no cgroup2 file system is mounted"),
            Self::NoBtf => write!(f, "the kernel publishes no type information"),
            Self::NoTool(tool) => write!(f, "{tool} is not installed"),
            Self::NoCgroup1 => {
                write!(f, "no cgroup hierarchy of version 1 is mounted that can be written to")
            }
            Self::TooFarApart(cgroups) => {
                write!(f, "for the ids of the two versions to meet, {cgroups} cgroups would have to be made")
            }
        }
    }
}

fn kernel(tools: &[&'static str]) -> Result<(), Unsupported> {
    if !rustix::process::geteuid().is_root() {
        return Err(Unsupported::NotRoot);
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if !mounts.contains(" - cgroup2 ") {
        return Err(Unsupported::NoCgroup2);
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Err(Unsupported::NoBtf);
    }
    let there = |tool: &str| env::split_paths(PATH).any(|folder| folder.join(tool).is_file());
    match tools.iter().find(|tool| !there(tool)) {
        Some(tool) => Err(Unsupported::NoTool(tool)),
        None => Ok(()),
    }
}

/// Whether the test that runs in this thread can do its work.
pub(super) fn met(tools: &[&'static str]) -> bool {
    let Err(unsupported) = kernel(tools) else { return true };
    skip(&unsupported);
    false
}

/// Says that the test that runs in this thread cannot do its work. A skipped one is never silent.
pub(super) fn skip(unsupported: &Unsupported) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let required = ["CI", "SYSCALL_RECORDER_REQUIRE"].iter().any(|name| env::var_os(name).is_some());
    assert!(!required || !unsupported.is_a_lack(), "{name} must not be skipped here: {unsupported}");
    eprintln!("skipped: {name}: {unsupported}");
    if let Some(path) = env::var_os("SYSCALL_RECORDER_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // One write, so that tests that end at once do not mix their lines.
        file.and_then(|mut file| file.write_all(format!("{name}: {unsupported}\n").as_bytes())).unwrap();
    }
}
