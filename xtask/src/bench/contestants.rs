//! What is measured against what.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::place::{Daemon, Place, Running};
use crate::demo::inside;

/// What is attached while a workload runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    Nothing,
    /// An empty program on sys_enter.
    Floor,
    /// The daemon, with so many units recorded; in which of them the workload is, if in any.
    Ours {
        units: usize,
        recorded: Option<usize>,
    },
    Bpftrace,
    PerfTrace,
    Strace,
    Sysdig,
}

/// What people type to count calls by cgroup.
const BPFTRACE: &str = "BEGIN { printf(\"ready\\n\"); } \
                        tracepoint:raw_syscalls:sys_enter { @[cgroup, args->id] = count(); }";

/// In a mount namespace of its own with tracefs and debugfs, which some tools need and not every machine has.
const TRACING: &str = "test -e /sys/kernel/tracing/events || mount -t tracefs none /sys/kernel/tracing
test -e /sys/kernel/debug/tracing || mount -t debugfs none /sys/kernel/debug
exec \"$@\"";

/// A contestant that is attached, until this is dropped.
pub(crate) struct Attached {
    /// What stands in front of the workload's command.
    wrapper: Vec<String>,
    cgroup: PathBuf,
    /// What ends when it is dropped.
    running: Option<Held>,
}

#[expect(dead_code, reason = "held to be dropped")]
enum Held {
    Daemon(Daemon),
    Tracer(Running),
}

impl Contestant {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Floor => "floor".to_owned(),
            Self::Ours { units: 1, recorded: None } => "not recorded".to_owned(),
            Self::Ours { units: 1, recorded: Some(_) } => "recorded".to_owned(),
            Self::Ours { units, recorded: None } => format!("not recorded, {units} others are"),
            Self::Ours { units, recorded: Some(0) } => format!("recorded with {} others", units - 1),
            Self::Ours { units, recorded: Some(_) } => format!("recorded after {} others", units - 1),
            Self::Bpftrace => "bpftrace".to_owned(),
            Self::PerfTrace => "perf trace -s".to_owned(),
            Self::Strace => "strace -c -f".to_owned(),
            Self::Sysdig => "sysdig".to_owned(),
        }
    }

    /// By how much less work suffices for a turn that takes long enough.
    pub(crate) fn slowness(self) -> u32 {
        match self {
            Self::PerfTrace => 30,
            Self::Strace => 100,
            _ => 1,
        }
    }

    /// Those that are far behind need no exact figure.
    pub(crate) fn rounds(self, all: usize) -> usize {
        if self.slowness() > 1 { all.min(3) } else { all }
    }

    pub(crate) fn attach(self, place: &mut Place) -> Result<Attached> {
        let mut attached = Attached { wrapper: Vec::new(), cgroup: place.outside(), running: None };
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        match self {
            Self::Nothing => {}
            Self::Floor => {
                let mut floor = Command::new(place.built.join("examples/floor"));
                attached.running = Some(Held::Tracer(Running::until_it_says(&mut floor, "ready")?));
            }
            Self::Ours { units, recorded } => {
                place.make_services(units)?;
                place.forget()?;
                attached.running = Some(Held::Daemon(Daemon::start(place, units)?));
                if let Some(number) = recorded {
                    attached.cgroup = place.service(number);
                }
            }
            Self::Bpftrace => {
                let mut bpftrace = tracing(&["bpftrace", "-e", BPFTRACE]);
                attached.running =
                    Some(Held::Tracer(Running::until_it_says(bpftrace.stderr(Stdio::null()), "ready")?));
            }
            Self::Sysdig => {
                let mut sysdig = Command::new("sysdig");
                sysdig.args(["-c", "topscalls"]).stdout(Stdio::null()).stderr(Stdio::null());
                attached.running =
                    Some(Held::Tracer(Running(sysdig.spawn().context("cannot start sysdig")?)));
                std::thread::sleep(std::time::Duration::from_secs(2));
            }
            Self::PerfTrace => {
                attached.wrapper = words("unshare --mount sh -ec");
                attached.wrapper.extend([TRACING.to_owned(), "sh".to_owned()]);
                attached.wrapper.extend(words("perf trace -s -o /dev/null --"));
            }
            Self::Strace => attached.wrapper = words("strace -c -f -o /dev/null"),
        }
        Ok(attached)
    }

    /// Why it cannot run here.
    pub(crate) fn hindrance(self) -> Option<String> {
        if self != Self::Sysdig {
            return None;
        }
        match Command::new("timeout").args(["20", "sysdig", "-n", "1"]).output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                Some(
                    said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it fails").trim().to_owned(),
                )
            }
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Attached {
    /// A command, under what is attached.
    pub(crate) fn command(&self, words: &[&str]) -> Result<Command> {
        let mut all = self.wrapper.clone();
        all.extend(words.iter().map(|word| (*word).to_owned()));
        inside(&self.cgroup, &all)
    }

    /// Ends all that runs under it.
    pub(crate) fn end_all(&self) {
        let _ = std::fs::write(self.cgroup.join("cgroup.kill"), "1");
    }
}

fn tracing(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", TRACING, "sh"]).args(words);
    command
}
