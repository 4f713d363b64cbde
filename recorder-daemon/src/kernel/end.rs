//! The end of what is recorded: nothing is counted any more, what was counted is read and written, then it is freed.
//!
//! Invariant: what no disk has can be found. A unit that has ended stays in `WANTED`, under a key that no cgroup can
//! have, until [`Recorder::forget`]; a process that is killed on the way leaves it to the next one.

use std::collections::BTreeSet;

use aya::maps::{HashMap, MapData, PerCpuHashMap};
use recorder_common::{Armed, NAMED_BY_KERNEL, Outlier, Sighting, Wanted, names};

use super::{
    Error, Recorder, Unit, Want,
    arm::{gone, wanted},
    plain::Plain,
    snapshot::{HashMut, open, open_mut},
};

impl Recorder {
    /// Ends the recording of units at `now`, in nanoseconds of `CLOCK_BOOTTIME`. When this returns, the last of their
    /// calls has been counted, and can be read.
    pub fn end(&mut self, wants: &[Want], now: u64) -> Result<(), Error> {
        let mut map: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        for want in wants {
            let ended = Want { ended: Some(now), ..want.clone() };
            map.insert(ended.ended_key()?, ended.value(), 0).map_err(Error::map(names::WANTED))?;
            gone(map.remove(&wanted(&want.name)?)).map_err(Error::map(names::WANTED))?;
        }
        let units = wants.iter().map(|want| want.unit).collect();
        // Whoever found a name there before may be arming its cgroup; whoever found a cgroup that is armed may be
        // arming one below it, or counting a call. They all find what they need, and are waited for.
        self.wait_for_programs()?;
        loop {
            let disarmed = self.disarm(&units)?;
            // Also where an earlier end has come to this and no further.
            self.next_epoch()?;
            self.wait_for_programs()?;
            if disarmed == 0 {
                return Ok(());
            }
        }
    }

    /// Frees what was counted of a unit that has ended, and is durable elsewhere.
    pub fn forget(&mut self, want: &Want) -> Result<(), Error> {
        self.take_in_news()?;
        self.rows.remove(&mut self.ebpf, want.unit)?;
        let keys = self.seen.forget(want.unit);
        self.remove_sightings(keys)?;
        self.remove_outliers(|unit| unit == want.unit)?;
        // Last, so that whoever is killed before this is followed by one that does it again.
        let mut map: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        gone(map.remove(&want.ended_key()?)).map_err(Error::map(names::WANTED))
    }

    /// Frees what belongs to no unit that is wanted or has ended: a process that was killed between two steps may have
    /// left it.
    pub(super) fn sweep(&mut self) -> Result<(), Error> {
        // What the kernel side names from here on is not looked at, nor are the rows that wait for it. What it has
        // named before is wanted when those programs have ended.
        let named = self.named()?;
        self.spare = named;
        self.wait_for_programs()?;
        let known: BTreeSet<_> = self.wanted()?.into_iter().map(|want| want.unit).collect();
        let stray = |unit: Unit| {
            !known.contains(&unit) && (unit.0 & NAMED_BY_KERNEL == 0 || unit.0 & !NAMED_BY_KERNEL <= named)
        };
        let cgroups: HashMap<_, u64, Plain<Armed>> = open(&self.ebpf, names::CGROUPS)?;
        let sightings: HashMap<_, Plain<Sighting>, u64> = open(&self.ebpf, names::SIGHTINGS)?;
        let mut units = self.rows.units(&self.ebpf)?;
        units.extend(cgroups.iter().filter_map(Result::ok).map(|(_, armed)| Unit(armed.0.unit)));
        units.retain(|unit| stray(*unit));
        let keys: Vec<_> = sightings.keys().filter_map(Result::ok).map(|key| key.0).collect();
        // Before their rows become another unit's.
        while self.disarm(&units)? > 0 {
            self.next_epoch()?;
            self.wait_for_programs()?;
        }
        for unit in units {
            tracing::warn!(
                unit = unit.0,
                "what an earlier process has left of a unit that nobody wants is freed"
            );
            self.rows.remove(&mut self.ebpf, unit)?;
        }
        self.remove_sightings(keys.into_iter().filter(|key| stray(Unit(key.unit))))?;
        self.remove_outliers(stray)
    }

    /// Stops counting in all cgroups of units. Gives how many there were.
    fn disarm(&mut self, units: &BTreeSet<Unit>) -> Result<usize, Error> {
        let cgroups: HashMap<_, u64, Plain<Armed>> = open(&self.ebpf, names::CGROUPS)?;
        let mut armed = Vec::new();
        for entry in &cgroups {
            let (cgroup, Plain(of)) = entry.map_err(Error::map(names::CGROUPS))?;
            if units.contains(&Unit(of.unit)) {
                armed.push(cgroup);
            }
        }
        let mut cgroups: HashMut<'_, u64, Plain<Armed>> = open_mut(&mut self.ebpf, names::CGROUPS)?;
        armed
            .iter()
            .try_for_each(|cgroup| gone(cgroups.remove(cgroup)))
            .map_err(Error::map(names::CGROUPS))?;
        Ok(armed.len())
    }

    fn remove_sightings(&mut self, keys: impl IntoIterator<Item = Sighting>) -> Result<(), Error> {
        let mut sightings: HashMut<'_, Plain<Sighting>, u64> = open_mut(&mut self.ebpf, names::SIGHTINGS)?;
        let mut keys = keys.into_iter();
        keys.try_for_each(|key| gone(sightings.remove(&Plain(key)))).map_err(Error::map(names::SIGHTINGS))
    }

    fn remove_outliers(&mut self, of: impl Fn(Unit) -> bool) -> Result<(), Error> {
        let mut outliers: PerCpuHashMap<&mut MapData, Plain<Outlier>, u64> =
            open_mut(&mut self.ebpf, names::OUTLIERS)?;
        let keys: Vec<_> =
            outliers.keys().filter_map(Result::ok).filter(|key| of(Unit(key.0.unit))).collect();
        keys.iter().try_for_each(|key| gone(outliers.remove(key))).map_err(Error::map(names::OUTLIERS))
    }
}
