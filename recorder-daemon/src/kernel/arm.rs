//! What is recorded: cgroups that are there, cgroups that are wanted as soon as they are made, and the end of it.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use aya::maps::{Array, HashMap, MapData, MapError, PerCpuHashMap, PerCpuValues};
use recorder_common::{
    Armed, Misses, NAMED_BY_KERNEL, Outlier, ROW_LEN, Row, RowKey, Settings, Sighting, WANTED_LEN, Wanted,
    filter_index, names,
};

use super::{
    Error, Recorder, Unit,
    plain::Plain,
    snapshot::{HashMut, open, open_mut},
    target,
};

/// What is recorded as soon as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The name of a unit's cgroup, or a path from the root of the hierarchy.
    pub name: String,
    /// What it is recorded as.
    pub unit: Unit,
    /// Whether it had a cgroup with processes in it before it was wanted.
    pub running: bool,
    /// Since when it is wanted, in nanoseconds of `CLOCK_BOOTTIME`.
    pub began: u64,
}

impl Want {
    fn new(name: String, want: recorder_common::Want) -> Self {
        Self { name, unit: Unit(want.unit), running: want.running != 0, began: want.began }
    }

    /// Whether the kernel side has named it by itself.
    #[must_use]
    pub fn by_kernel(&self) -> bool {
        self.unit.0 & NAMED_BY_KERNEL != 0
    }
}

impl Recorder {
    /// Records the cgroup whose id (the inode number of its directory) is `cgroup`, and all that is made
    /// below it from now on, as `unit`. `top` says that it is the unit's own cgroup and not one below it. Can
    /// be said again, for the unit's further cgroups.
    pub fn arm(&mut self, unit: Unit, cgroup: u64, top: bool) -> Result<(), Error> {
        // The row goes first and the prefilter last: whoever gets past one finds the next.
        self.make_row(unit)?;
        let armed = Armed { unit: unit.0, top: top.into() };
        let mut cgroups: HashMut<'_, u64, Plain<Armed>> = open_mut(&mut self.ebpf, names::CGROUPS)?;
        cgroups.insert(cgroup, Plain(armed), 0).map_err(Error::map(names::CGROUPS))?;
        let mut filter: Array<&mut MapData, u8> = open_mut(&mut self.ebpf, names::FILTER)?;
        filter.set(filter_index(cgroup), 1, 0).map_err(Error::map(names::FILTER))?;
        tracing::debug!(unit = unit.0, cgroup, "armed");
        Ok(())
    }

    /// From now on a new cgroup is recorded as `unit` if it is called so: the name of a unit's cgroup (found
    /// where the system's own manager puts its units), or a path from the root of the hierarchy. `began` is now,
    /// in nanoseconds of `CLOCK_BOOTTIME`. Gives what it is recorded as: another unit, if the kernel side was
    /// faster and has named it by itself.
    pub fn want(&mut self, unit: Unit, name: &str, began: u64) -> Result<Want, Error> {
        let key = wanted(name)?;
        // The row goes first: whoever finds the name finds the row.
        self.make_row(unit)?;
        let mine = Plain(recorder_common::Want { unit: unit.0, running: 0, began });
        let mut wanted: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        if !exists(wanted.insert(key, mine, BPF_NOEXIST)).map_err(Error::map(names::WANTED))? {
            return Ok(Want::new(name.to_owned(), mine.0));
        }
        let there = Want::new(name.to_owned(), wanted.get(&key, 0).map_err(Error::map(names::WANTED))?.0);
        if there.unit != unit {
            self.forget(unit)?;
            self.make_row(there.unit)?;
        }
        Ok(there)
    }

    /// Keeps that a wanted unit ran before it was wanted.
    pub fn ran_before(&mut self, want: &Want) -> Result<(), Error> {
        let key = wanted(&want.name)?;
        let value = Plain(recorder_common::Want { unit: want.unit.0, running: 1, began: want.began });
        let mut wanted: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        wanted.insert(key, value, 0).map_err(Error::map(names::WANTED))
    }

    /// The unit that a cgroup is recorded as.
    pub fn armed(&self, cgroup: u64) -> Result<Option<Unit>, Error> {
        let cgroups: HashMap<_, u64, Plain<Armed>> = open(&self.ebpf, names::CGROUPS)?;
        match cgroups.get(&cgroup, 0) {
            Ok(Plain(armed)) => Ok(Some(Unit(armed.unit))),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(Error::map(names::CGROUPS)(error)),
        }
    }

    /// No new cgroup of this name is recorded any more.
    pub fn unwant(&mut self, name: &str) -> Result<(), Error> {
        let key = wanted(name)?;
        let mut wanted: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        gone(wanted.remove(&key)).map_err(Error::map(names::WANTED))
    }

    /// Whether every service that appears is recorded, whatever its name.
    pub fn want_all_services(&mut self, all: bool) -> Result<(), Error> {
        if all {
            self.make_spare_rows()?;
        }
        let before = self.settings.all_services != 0;
        self.settings.all_services = all.into();
        self.write_settings()?;
        if before && !all {
            for unit in self.named()? + 1..=self.spare {
                self.remove_rows(Unit(unit | NAMED_BY_KERNEL))?;
            }
            self.spare = 0;
        }
        Ok(())
    }

    /// Rows for the units that the kernel side will name next. It could make them itself, but the kernel has little
    /// memory at hand for a program that cannot wait for more.
    fn make_spare_rows(&mut self) -> Result<(), Error> {
        let named = self.named()?;
        for unit in self.spare.max(named) + 1..=named + SPARE {
            self.make_row(Unit(unit | NAMED_BY_KERNEL))?;
            self.spare = unit;
        }
        Ok(())
    }

    /// How many units the kernel side has named.
    fn named(&self) -> Result<u32, Error> {
        let named: Array<_, u32> = open(&self.ebpf, names::NAMED)?;
        named.get(&0, 0).map_err(Error::map(names::NAMED))
    }

    pub(super) fn write_settings(&mut self) -> Result<(), Error> {
        let value = Plain(self.settings);
        let mut settings: Array<&mut MapData, Plain<Settings>> = open_mut(&mut self.ebpf, names::SETTINGS)?;
        settings.set(0, value, 0).map_err(Error::map(names::SETTINGS))
    }

    /// All that is wanted: what user space has asked for, and what the kernel side has named by itself because
    /// every service is recorded. Each unit has a row after this, if memory was short when its cgroup was made.
    pub fn wanted(&mut self) -> Result<Vec<Want>, Error> {
        let map: HashMap<_, Plain<Wanted>, Plain<recorder_common::Want>> = open(&self.ebpf, names::WANTED)?;
        let mut wanted = Vec::new();
        for entry in &map {
            let (Plain(name), Plain(want)) = entry.map_err(Error::map(names::WANTED))?;
            let end = name.text.iter().position(|byte| *byte == 0).unwrap_or(WANTED_LEN);
            wanted.push(Want::new(String::from_utf8_lossy(&name.text[..end]).into_owned(), want));
        }
        for want in &wanted {
            self.make_row(want.unit)?;
        }
        if self.settings.all_services != 0 {
            self.make_spare_rows()?;
        }
        Ok(wanted)
    }

    /// Stops counting in all cgroups of `unit`. What was counted stays to be read. What new cgroups are wanted
    /// for it must have been taken back before.
    pub fn disarm(&mut self, unit: Unit) -> Result<(), Error> {
        let cgroups: HashMap<_, u64, Plain<Armed>> = open(&self.ebpf, names::CGROUPS)?;
        let mut armed = Vec::new();
        for entry in &cgroups {
            let (cgroup, Plain(of)) = entry.map_err(Error::map(names::CGROUPS))?;
            if of.unit == unit.0 {
                armed.push(cgroup);
            }
        }
        let mut cgroups: HashMut<'_, u64, Plain<Armed>> = open_mut(&mut self.ebpf, names::CGROUPS)?;
        armed.iter().try_for_each(|cgroup| gone(cgroups.remove(cgroup))).map_err(Error::map(names::CGROUPS))
    }

    /// Frees what was counted of `unit`, which must be disarmed and durable elsewhere.
    pub fn forget(&mut self, unit: Unit) -> Result<(), Error> {
        self.take_in_news()?;
        self.remove_rows(unit)?;
        let keys = self.seen.forget(unit);
        let mut sightings: HashMut<'_, Plain<Sighting>, u64> = open_mut(&mut self.ebpf, names::SIGHTINGS)?;
        for key in keys {
            gone(sightings.remove(&Plain(key))).map_err(Error::map(names::SIGHTINGS))?;
        }
        let mut outliers: PerCpuHashMap<&mut MapData, Plain<Outlier>, u64> =
            open_mut(&mut self.ebpf, names::OUTLIERS)?;
        let keys: Vec<_> =
            outliers.keys().filter_map(Result::ok).filter(|key| key.0.unit == unit.0).collect();
        keys.iter().try_for_each(|key| gone(outliers.remove(key))).map_err(Error::map(names::OUTLIERS))
    }

    fn remove_rows(&mut self, unit: Unit) -> Result<(), Error> {
        let mut rows: PerCpuHashMap<&mut MapData, Plain<RowKey>, Plain<Row>> =
            open_mut(&mut self.ebpf, names::ROWS)?;
        target::ABIS
            .iter()
            .try_for_each(|&abi| gone(rows.remove(&Plain(RowKey { unit: unit.0, abi: abi as u32 }))))
            .map_err(Error::map(names::ROWS))
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
        let begun = Instant::now();
        loop {
            let values = PerCpuValues::try_from(vec![Plain(empty); cpus])
                .map_err(|source| Error::Read { path: "/sys/devices/system/cpu/possible".into(), source })?;
            match rows.insert(key, values, BPF_NOEXIST) {
                // The kernel takes memory for a map only from what it has at hand, and gets more in its own time: a
                // few rows in a row are too many at once.
                Err(MapError::SyscallError(error))
                    if error.io_error.raw_os_error() == Some(ENOMEM) && begun.elapsed() < PATIENCE =>
                {
                    sleep(Duration::from_millis(2));
                }
                // The kernel side may have made it meanwhile, and counted in it.
                done => return exists(done).map(|_| ()).map_err(Error::map(names::ROWS)),
            }
        }
    }
}

/// How many rows are ready for units that the kernel side names: as many as may appear before it is told.
const SPARE: u32 = 64;

/// How long memory is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// From linux/bpf.h: only where there is none yet.
const BPF_NOEXIST: u64 = 1;
/// From asm-generic/errno-base.h.
const ENOMEM: i32 = 12;
/// From asm-generic/errno-base.h.
const EEXIST: i32 = 17;

/// The key for a name.
fn wanted(name: &str) -> Result<Plain<Wanted>, Error> {
    let mut text = [0; WANTED_LEN];
    // One byte less: the kernel side reads a NUL behind it.
    match text.get_mut(..name.len()) {
        Some(place) if name.len() < WANTED_LEN => place.copy_from_slice(name.as_bytes()),
        _ => return Err(Error::NameTooLong { length: name.len() }),
    }
    Ok(Plain(Wanted { text }))
}

/// That something is there already is no error, and is told.
fn exists(inserted: Result<(), MapError>) -> Result<bool, MapError> {
    match inserted {
        Err(MapError::SyscallError(error)) if error.io_error.raw_os_error() == Some(EEXIST) => Ok(true),
        other => other.map(|()| false),
    }
}

/// To remove what is not there is no error.
fn gone(removed: Result<(), MapError>) -> Result<(), MapError> {
    match removed {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
