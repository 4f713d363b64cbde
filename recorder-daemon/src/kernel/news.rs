//! What is new: who made which call for the first time, which units' cgroups came and went.
//!
//! News comes by a ring buffer and is taken in before each reading. What the buffer had no place for is found in
//! the maps, which hold all of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    os::fd::AsFd,
};

use aya::maps::{HashMap as Hash, Map, MapData, MapError, RingBuf};
use recorder_common::{Abi, Call, HostMisses, Kind, News, names};

use super::{
    Error, Sighting, Unit, bpf,
    plain::Plain,
    snapshot::{open, text},
};

/// Who made which call, and when first; which units have news that nobody has asked for yet.
#[derive(Default)]
pub(super) struct Seen {
    sightings: BTreeMap<u32, BTreeMap<(Call, u64), u64>>,
    paths: HashMap<u64, String>,
    news: BTreeSet<Unit>,
    /// The units among them whose cgroup came or went.
    boundaries: BTreeSet<Unit>,
    /// What happened to units' cgroups, for the next reading of each.
    happened: HashMap<Unit, Happened>,
    lost: u64,
}

/// What happened to a unit's own cgroup since its last reading, as far as it was told: what the ring buffer had no
/// place for is not here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// When it was last made, in nanoseconds of `CLOCK_BOOTTIME`.
    pub made: Option<u64>,
    /// How often it was removed.
    pub removed: u64,
}

/// The units of which something is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// All of them.
    pub units: BTreeSet<Unit>,
    /// Those whose cgroup was made or removed.
    pub boundaries: BTreeSet<Unit>,
}

impl Seen {
    /// Takes in what is new.
    pub(super) fn update(
        &mut self,
        ebpf: &aya::Ebpf,
        ring: &mut RingBuf<MapData>,
        processors: usize,
    ) -> Result<(), Error> {
        while let Some(item) = ring.next() {
            if let Some(news) = news(&item) {
                self.take(&news);
            }
        }
        let lost = host_misses(ebpf, processors)?.news;
        if lost > self.lost {
            self.lost = lost;
            self.read_all(ebpf)?;
        }
        Ok(())
    }

    /// The units that have news since last asked.
    pub(super) fn take_news(&mut self) -> Fresh {
        Fresh { units: std::mem::take(&mut self.news), boundaries: std::mem::take(&mut self.boundaries) }
    }

    /// What happened to the cgroup of a unit that is being read.
    pub(super) fn take_happened(&mut self, unit: Unit) -> Happened {
        self.happened.remove(&unit).unwrap_or_default()
    }

    fn take(&mut self, news: &News) {
        let unit = Unit(news.unit);
        self.news.insert(unit);
        if news.kind == Kind::Sighting as u32 {
            self.keep(&news.sighting, news.at);
        } else if news.kind == Kind::Made as u32 {
            self.boundaries.insert(unit);
            self.happened.entry(unit).or_default().made = Some(news.at);
        } else if news.kind == Kind::Removed as u32 {
            self.boundaries.insert(unit);
            self.happened.entry(unit).or_default().removed += 1;
        }
    }

    fn keep(&mut self, sighting: &recorder_common::Sighting, first: u64) {
        // An ABI that this version does not know only another version's kernel program writes.
        if let Some(abi) = Abi::from_raw(sighting.abi) {
            let call = Call { abi, number: sighting.number };
            let of_unit = self.sightings.entry(sighting.unit).or_default();
            of_unit.entry((call, sighting.program)).or_insert(first);
        }
    }

    /// Everything that the map holds.
    pub(super) fn read_all(&mut self, ebpf: &aya::Ebpf) -> Result<(), Error> {
        let sightings: Hash<_, Plain<recorder_common::Sighting>, u64> = open(ebpf, names::SIGHTINGS)?;
        for entry in &sightings {
            let (Plain(sighting), first) = entry.map_err(Error::map(names::SIGHTINGS))?;
            self.news.insert(Unit(sighting.unit));
            self.keep(&sighting, first);
        }
        Ok(())
    }

    /// What is known of one unit.
    pub(super) fn of(&mut self, ebpf: &aya::Ebpf, unit: Unit) -> Result<Vec<Sighting>, Error> {
        let Some(sightings) = self.sightings.get(&unit.0) else { return Ok(Vec::new()) };
        let programs: Hash<_, u64, Plain<recorder_common::Program>> = open(ebpf, names::PROGRAMS)?;
        let mut of_unit = Vec::with_capacity(sightings.len());
        let mut unknown = BTreeSet::new();
        for (&(call, identity), &first) in sightings {
            // A path may be learned after the first call: of an execve, say, that the program itself makes.
            if !self.paths.contains_key(&identity) && unknown.insert(identity) {
                match programs.get(&identity, 0) {
                    Ok(Plain(program)) => _ = self.paths.insert(identity, text(&program.path)),
                    Err(MapError::KeyNotFound) => {}
                    Err(error) => return Err(Error::map(names::PROGRAMS)(error)),
                }
            }
            of_unit.push(Sighting { call, program: self.paths.get(&identity).cloned(), first });
        }
        Ok(of_unit)
    }

    /// How many pairs of a program and a call are known.
    pub(super) fn count(&self) -> u64 {
        self.sightings.values().map(|of_unit| of_unit.len() as u64).sum()
    }

    /// The keys of one unit's entries in the map, which is about to be forgotten.
    pub(super) fn forget(&mut self, unit: Unit) -> Vec<recorder_common::Sighting> {
        self.news.remove(&unit);
        self.boundaries.remove(&unit);
        self.happened.remove(&unit);
        let sightings = self.sightings.remove(&unit.0).unwrap_or_default();
        let key = |(call, program): (Call, u64)| recorder_common::Sighting {
            unit: unit.0,
            abi: call.abi as u32,
            program,
            number: call.number,
            padding: 0,
        };
        sightings.into_keys().map(key).collect()
    }
}

/// What was missed of no unit in particular, on all processors together. Asked after everything that is done in the kernel,
/// so by bpf(2) itself: aya would ask anew how many processors there are.
pub(super) fn host_misses(ebpf: &aya::Ebpf, processors: usize) -> Result<HostMisses, Error> {
    let Some(Map::PerCpuArray(map)) = ebpf.map(names::HOST_MISSES) else {
        return Err(Error::Missing { name: names::HOST_MISSES });
    };
    let mut misses = vec![Plain(HostMisses::default()); processors];
    // SAFETY: there is one value for each processor that there can be.
    unsafe { bpf::look_up(map.fd().as_fd(), &0_u32, &mut misses) }
        .map_err(|error| Error::map(names::HOST_MISSES)(MapError::IoError(error)))?;
    let mut sum = HostMisses::default();
    for Plain(one) in misses {
        sum.calls += one.calls;
        sum.cgroups += one.cgroups;
        sum.setups += one.setups;
        sum.news += one.news;
    }
    Ok(sum)
}

/// A piece of news as the kernel side wrote it; None if it is not one.
fn news(bytes: &[u8]) -> Option<News> {
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some(News {
        unit: word(NEWS.0)?,
        kind: word(NEWS.1)?,
        sighting: recorder_common::Sighting {
            unit: word(NEWS.2 + SIGHTING.0)?,
            abi: word(NEWS.2 + SIGHTING.1)?,
            program: long(NEWS.2 + SIGHTING.2)?,
            number: word(NEWS.2 + SIGHTING.3)?,
            padding: 0,
        },
        at: long(NEWS.3)?,
    })
}

/// Where the fields of [`News`] stand.
const NEWS: (usize, usize, usize, usize) = (
    std::mem::offset_of!(News, unit),
    std::mem::offset_of!(News, kind),
    std::mem::offset_of!(News, sighting),
    std::mem::offset_of!(News, at),
);

/// Where the fields of a sighting stand.
const SIGHTING: (usize, usize, usize, usize) = (
    std::mem::offset_of!(recorder_common::Sighting, unit),
    std::mem::offset_of!(recorder_common::Sighting, abi),
    std::mem::offset_of!(recorder_common::Sighting, program),
    std::mem::offset_of!(recorder_common::Sighting, number),
);
