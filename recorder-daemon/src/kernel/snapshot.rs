//! What the kernel has counted of one unit, as plain values.

use std::collections::BTreeMap;

use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, MapError, PerCpuHashMap},
};
use recorder_common::{Abi, Call, Misses, PATH_LEN, names};

use super::{
    Error, Unit,
    news::{Happened, Seen},
    plain::Plain,
    rows::Rows,
};

/// All that the kernel holds of one unit since it was armed. Every figure only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How often each call was made.
    pub calls: BTreeMap<Call, u64>,
    /// Who made which call, and when first.
    pub sightings: Vec<Sighting>,
    /// What could not be kept, and how often the unit's own cgroup was made.
    pub misses: Misses,
    /// What happened to the unit's cgroup between the snapshot before and this one. Only a hint, as all news is.
    pub happened: Happened,
}

/// One program making one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The call.
    pub call: Call,
    /// The program's path as it was given to execve. None for a program that was not executed inside the
    /// unit: what set the unit's first process up, or a process that was moved in.
    pub program: Option<String>,
    /// When first, in nanoseconds of `CLOCK_BOOTTIME`.
    pub first: u64,
}

/// Reads all that `unit` has in the maps.
pub(super) fn read(ebpf: &Ebpf, rows: &mut Rows, seen: &mut Seen, unit: Unit) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    // The counts go first: what was sighted has been counted, so a sighting without a count is from after the
    // reading and waits for the next one.
    read_rows(ebpf, rows, unit, &mut snapshot)?;
    read_outliers(ebpf, unit.0, &mut snapshot)?;
    snapshot.sightings = seen.of(ebpf, unit)?;
    // What was told by the time of the counts; the latest of it may be from after a part of them.
    snapshot.happened = seen.take_happened(unit);
    Ok(snapshot)
}

fn read_rows(ebpf: &Ebpf, rows: &mut Rows, unit: Unit, snapshot: &mut Snapshot) -> Result<(), Error> {
    rows.each(ebpf, unit, |abi, row| {
        for (number, &calls) in (0..).zip(&row.calls) {
            if calls > 0 {
                *snapshot.calls.entry(Call { abi, number }).or_default() += calls;
            }
        }
        snapshot.misses.calls += row.misses.calls;
        snapshot.misses.cgroups += row.misses.cgroups;
        snapshot.misses.sightings += row.misses.sightings;
        snapshot.misses.starts += row.misses.starts;
        snapshot.misses.filtered += row.misses.filtered;
        snapshot.misses.under_filter |= row.misses.under_filter;
    })
}

fn read_outliers(ebpf: &Ebpf, unit: u32, snapshot: &mut Snapshot) -> Result<(), Error> {
    let outliers: PerCpuHashMap<_, Plain<recorder_common::Outlier>, u64> = open(ebpf, names::OUTLIERS)?;
    for entry in &outliers {
        let (Plain(outlier), per_cpu) = entry.map_err(Error::map(names::OUTLIERS))?;
        if outlier.unit != unit {
            continue;
        }
        if let Some(call) = call(outlier.abi, outlier.number) {
            *snapshot.calls.entry(call).or_default() += per_cpu.iter().sum::<u64>();
        }
    }
    Ok(())
}

/// None for an ABI that this version does not know, which only another version's kernel program writes.
fn call(abi: u32, number: u32) -> Option<Call> {
    Abi::from_raw(abi).map(|abi| Call { abi, number })
}

pub(super) fn text(path: &[u8; PATH_LEN]) -> String {
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(PATH_LEN);
    String::from_utf8_lossy(&path[..end]).into_owned()
}

/// The map called `name`, as the type that the caller wants.
pub(super) fn open<'a, M>(ebpf: &'a Ebpf, name: &'static str) -> Result<M, Error>
where
    M: TryFrom<&'a Map, Error = MapError>,
{
    ebpf.map(name).ok_or(Error::Missing { name })?.try_into().map_err(Error::map(name))
}

/// As [`open`], to write to.
pub(super) fn open_mut<'a, M>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<M, Error>
where
    M: TryFrom<&'a mut Map, Error = MapError>,
{
    ebpf.map_mut(name).ok_or(Error::Missing { name })?.try_into().map_err(Error::map(name))
}

/// A map opened for writing, named for its key and value.
pub(super) type HashMut<'a, K, V> = HashMap<&'a mut MapData, K, V>;
