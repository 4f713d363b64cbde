//! What the kernel has counted of one unit, as plain values.

use std::collections::{BTreeMap, btree_map::Entry};

use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, MapError, PerCpuHashMap},
};
use recorder_common::{Abi, Call, Misses, PATH_LEN, Row, RowKey, names};

use super::{Error, plain::Plain, target};

/// All that the kernel holds of one unit since it was armed. Every figure only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How often each call was made.
    pub calls: BTreeMap<Call, u64>,
    /// Who made which call, and when first.
    pub sightings: Vec<Sighting>,
    /// What could not be kept.
    pub misses: Misses,
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
pub(super) fn read(ebpf: &Ebpf, unit: u32) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    read_rows(ebpf, unit, &mut snapshot)?;
    read_outliers(ebpf, unit, &mut snapshot)?;
    read_sightings(ebpf, unit, &mut snapshot)?;
    Ok(snapshot)
}

fn read_rows(ebpf: &Ebpf, unit: u32, snapshot: &mut Snapshot) -> Result<(), Error> {
    let rows: PerCpuHashMap<_, Plain<RowKey>, Plain<Row>> = open(ebpf, names::ROWS)?;
    for &abi in target::ABIS {
        let per_cpu = match rows.get(&Plain(RowKey { unit, abi: abi as u32 }), 0) {
            Ok(per_cpu) => per_cpu,
            Err(MapError::KeyNotFound) => continue,
            Err(error) => return Err(Error::map(names::ROWS)(error)),
        };
        for Plain(row) in per_cpu.iter() {
            for (number, &calls) in (0..).zip(&row.calls) {
                if calls > 0 {
                    *snapshot.calls.entry(Call { abi, number }).or_default() += calls;
                }
            }
            snapshot.misses.calls += row.misses.calls;
            snapshot.misses.cgroups += row.misses.cgroups;
            snapshot.misses.sightings += row.misses.sightings;
        }
    }
    Ok(())
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

fn read_sightings(ebpf: &Ebpf, unit: u32, snapshot: &mut Snapshot) -> Result<(), Error> {
    let programs: HashMap<_, u64, Plain<recorder_common::Program>> = open(ebpf, names::PROGRAMS)?;
    let sightings: HashMap<_, Plain<recorder_common::Sighting>, u64> = open(ebpf, names::SIGHTINGS)?;
    let mut paths: BTreeMap<u64, Option<String>> = BTreeMap::new();
    for entry in &sightings {
        let (Plain(sighting), first) = entry.map_err(Error::map(names::SIGHTINGS))?;
        if sighting.unit != unit {
            continue;
        }
        let Some(call) = call(sighting.abi, sighting.number) else { continue };
        let program = match paths.entry(sighting.program) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new
                .insert(match programs.get(&sighting.program, 0) {
                    Ok(Plain(program)) => Some(text(&program.path)),
                    Err(MapError::KeyNotFound) => None,
                    Err(error) => return Err(Error::map(names::PROGRAMS)(error)),
                })
                .clone(),
        };
        snapshot.sightings.push(Sighting { call, program, first });
    }
    Ok(())
}

/// None for an ABI that this version does not know, which only another version's kernel program writes.
fn call(abi: u32, number: u32) -> Option<Call> {
    Abi::from_raw(abi).map(|abi| Call { abi, number })
}

fn text(path: &[u8; PATH_LEN]) -> String {
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(PATH_LEN);
    String::from_utf8_lossy(&path[..end]).into_owned()
}

/// The map called `name`, as the type that the caller wants.
fn open<'a, M>(ebpf: &'a Ebpf, name: &'static str) -> Result<M, Error>
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
