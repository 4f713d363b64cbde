//! Loads the kernel program, attaches it and arms cgroups.

use std::{
    collections::BTreeSet,
    fs,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    path::Path,
};

use aya::{
    Btf, Ebpf, EbpfLoader,
    maps::{MapData, RingBuf},
    programs::BtfTracePoint,
};
use aya_log::EbpfLogger;
use recorder_common::{HostMisses, Settings, names};

use super::{
    Error, Snapshot,
    news::{self, Seen},
    plain::Plain,
    snapshot, target,
};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/recorder"));

/// In the order of attachment. Counting comes last: what it relies on is in place by then.
const HOOKS: [&str; 6] = [
    names::SCHED_PROCESS_EXIT,
    names::SCHED_PROCESS_FORK,
    names::SCHED_PROCESS_EXEC,
    names::CGROUP_RMDIR,
    names::CGROUP_MKDIR,
    names::SYS_ENTER,
];

/// The process that starts units, whose own calls inside a unit's cgroup are set-up calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manager {
    /// Its process id: 1 where that is systemd. 0: there is none.
    pub pid: u32,
    /// Whether it starts units by way of systemd-executor, as systemd does from version 255 on.
    pub executor: bool,
}

/// How much the maps hold. They are allocated as they fill.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Units recorded at once, and names that are wanted.
    pub units: u32,
    /// Cgroups that exist at once in all units together.
    pub cgroups: u32,
    /// Distinct calls with a number that no row has a place for.
    pub outliers: u32,
    /// Distinct pairs of a program and a call.
    pub sightings: u32,
    /// Distinct programs.
    pub programs: u32,
}

/// The number by which the kernel side knows a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(pub u32);

/// A loaded and attached kernel program. Dropping it detaches it and frees all that it counted.
pub struct Recorder {
    pub(super) ebpf: Ebpf,
    pub(super) settings: Settings,
    pub(super) seen: Seen,
    logger: EbpfLogger<&'static dyn log::Log>,
    ring: RingBuf<MapData>,
}

impl Recorder {
    /// Loads and attaches. From here on every call of an armed cgroup is counted.
    pub fn start(limits: Limits, manager: Manager) -> Result<Self, Error> {
        let target = Plain(target::read(Path::new(target::VMLINUX))?);
        let rows = limits.units.saturating_mul(u32::try_from(target::ABIS.len()).unwrap_or(u32::MAX));
        let mut ebpf = EbpfLoader::new()
            .override_global(names::TARGET, &target, true)
            .map_max_entries(names::CGROUPS, limits.cgroups)
            .map_max_entries(names::ROWS, rows)
            .map_max_entries(names::WANTED, limits.units)
            .map_max_entries(names::OUTLIERS, limits.outliers)
            .map_max_entries(names::SIGHTINGS, limits.sightings)
            .map_max_entries(names::PROGRAMS, limits.programs)
            .load(OBJECT)
            .map_err(Error::load)?;
        let logger = EbpfLogger::init(&mut ebpf).map_err(|_| Error::Missing { name: "AYA_LOGS" })?;
        let btf = Btf::from_sys_fs()
            .map_err(|error| Error::NoBtf { path: target::VMLINUX.into(), reason: error.to_string() })?;
        for name in HOOKS {
            let program = hook(&mut ebpf, name)?;
            program.load(name, &btf).map_err(|error| Error::program(name, error))?;
        }
        let ring = ebpf.take_map(names::NEWS).ok_or(Error::Missing { name: names::NEWS })?;
        let ring = RingBuf::try_from(ring).map_err(Error::map(names::NEWS))?;
        let settings =
            Settings { manager: manager.pid, executor: manager.executor.into(), ..Settings::default() };
        let mut recorder = Self { ebpf, settings, seen: Seen::default(), logger, ring };
        recorder.write_settings()?;
        for name in HOOKS {
            hook(&mut recorder.ebpf, name)?.attach().map_err(|error| Error::program(name, error))?;
        }
        tracing::debug!(target = ?target.0, ?manager, "kernel program attached");
        Ok(recorder)
    }

    /// Reads all that was counted of `unit`. Deletes nothing.
    pub fn snapshot(&mut self, unit: Unit) -> Result<Snapshot, Error> {
        self.take_in_news()?;
        snapshot::read(&self.ebpf, &mut self.seen, unit)
    }

    /// The units of which something is new since last asked: a call that was not seen before, a cgroup that was
    /// made or removed. What is said here is a hint; the counts of the others may have grown too.
    pub fn news(&mut self) -> Result<BTreeSet<Unit>, Error> {
        self.take_in_news()?;
        Ok(self.seen.take_news())
    }

    /// Readable when there is news.
    #[must_use]
    pub fn news_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// What could not be kept, of no unit in particular.
    pub fn host_misses(&self) -> Result<HostMisses, Error> {
        news::host_misses(&self.ebpf)
    }

    pub(super) fn take_in_news(&mut self) -> Result<(), Error> {
        self.logger.flush();
        self.seen.update(&self.ebpf, &mut self.ring)
    }

    /// How often the kernel skipped the counting program because a task that was preempted inside it was
    /// still in it on that processor. Any of the host's tasks, recorded or not. Up to Linux 6.18 it cannot
    /// happen, for preemption is disabled there; in 7.2 it is not, and does. From `recursion_misses` in the
    /// program's fdinfo (Linux 5.12).
    pub fn skipped(&mut self) -> Result<u64, Error> {
        let program = hook(&mut self.ebpf, names::SYS_ENTER)?;
        let fd = program.fd().map_err(|error| Error::program(names::SYS_ENTER, error))?;
        let path = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.into(), source })?;
        Ok(text
            .lines()
            .find_map(|line| line.strip_prefix("recursion_misses:")?.trim().parse().ok())
            .unwrap_or_default())
    }
}

fn hook<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut BtfTracePoint, Error> {
    ebpf.program_mut(name)
        .ok_or(Error::Missing { name })?
        .try_into()
        .map_err(|error| Error::program(name, error))
}
