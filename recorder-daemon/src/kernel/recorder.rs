//! Loads the kernel program, attaches it and arms cgroups.

use std::{
    fs,
    os::fd::{AsFd, AsRawFd},
    path::Path,
};

use aya::{
    Btf, Ebpf, EbpfLoader,
    maps::{Array, MapData, PerCpuHashMap, PerCpuValues},
    programs::BtfTracePoint,
};
use aya_log::EbpfLogger;
use recorder_common::{Armed, Misses, ROW_LEN, Row, RowKey, filter_index, names};

use super::{
    Error, Snapshot,
    plain::Plain,
    snapshot::{self, HashMut, open_mut},
    target,
};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/recorder"));

/// In the order of attachment. Counting comes last: what it relies on is in place by then.
const HOOKS: [&str; 4] =
    [names::CGROUP_MKDIR, names::CGROUP_RMDIR, names::SCHED_PROCESS_EXEC, names::SYS_ENTER];

/// How much the maps hold. They are allocated as they fill.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Units recorded at once.
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
    ebpf: Ebpf,
    logger: EbpfLogger<&'static dyn log::Log>,
}

impl Recorder {
    /// Loads and attaches. From here on every call of an armed cgroup is counted.
    pub fn start(limits: Limits) -> Result<Self, Error> {
        let target = Plain(target::read(Path::new(target::VMLINUX))?);
        let rows = limits.units.saturating_mul(u32::try_from(target::ABIS.len()).unwrap_or(u32::MAX));
        let mut ebpf = EbpfLoader::new()
            .override_global(names::TARGET, &target, true)
            .map_max_entries(names::CGROUPS, limits.cgroups)
            .map_max_entries(names::ROWS, rows)
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
        for name in HOOKS {
            hook(&mut ebpf, name)?.attach().map_err(|error| Error::program(name, error))?;
        }
        tracing::debug!(target = ?target.0, "kernel program attached");
        Ok(Self { ebpf, logger })
    }

    /// Records the cgroup whose id (the inode number of its directory) is `cgroup`, and all that is made
    /// below it from now on, as `unit`. Can be said again, for the unit's further cgroups.
    pub fn arm(&mut self, unit: Unit, cgroup: u64) -> Result<(), Error> {
        // The row goes first and the prefilter last: whoever gets past one finds the next.
        self.make_row(unit)?;
        let mut cgroups: HashMut<'_, u64, Plain<Armed>> = open_mut(&mut self.ebpf, names::CGROUPS)?;
        cgroups.insert(cgroup, Plain(Armed { unit: unit.0 }), 0).map_err(Error::map(names::CGROUPS))?;
        let mut filter: Array<&mut MapData, u8> = open_mut(&mut self.ebpf, names::FILTER)?;
        filter.set(filter_index(cgroup), 1, 0).map_err(Error::map(names::FILTER))?;
        tracing::debug!(unit = unit.0, cgroup, "armed");
        Ok(())
    }

    /// Reads all that was counted of `unit`. Deletes nothing.
    pub fn snapshot(&mut self, unit: Unit) -> Result<Snapshot, Error> {
        self.logger.flush();
        snapshot::read(&self.ebpf, unit.0)
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

    fn make_row(&mut self, unit: Unit) -> Result<(), Error> {
        let key = Plain(RowKey { unit: unit.0, abi: target::NATIVE as u32 });
        let mut rows: PerCpuHashMap<&mut MapData, Plain<RowKey>, Plain<Row>> =
            open_mut(&mut self.ebpf, names::ROWS)?;
        if rows.get(&key, 0).is_ok() {
            return Ok(());
        }
        let empty = Row { calls: [0; ROW_LEN], programs: [0; ROW_LEN], misses: Misses::default() };
        let cpus =
            aya::util::nr_cpus().map_err(|(path, source)| Error::Read { path: path.into(), source })?;
        let values = PerCpuValues::try_from(vec![Plain(empty); cpus])
            .map_err(|source| Error::Read { path: "/sys/devices/system/cpu/possible".into(), source })?;
        rows.insert(key, values, 0).map_err(Error::map(names::ROWS))
    }
}

fn hook<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut BtfTracePoint, Error> {
    ebpf.program_mut(name)
        .ok_or(Error::Missing { name })?
        .try_into()
        .map_err(|error| Error::program(name, error))
}
