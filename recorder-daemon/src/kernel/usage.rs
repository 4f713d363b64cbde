//! How full the maps are.

use aya::maps::{HashMap, PerCpuHashMap};
use recorder_common::{Armed, Outlier, Program, Wanted, names};

use super::{Error, Recorder, plain::Plain, snapshot::open};

/// Entries in the maps whose room is bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Names that are wanted.
    pub units: u64,
    /// Cgroups that are armed.
    pub cgroups: u64,
    /// Calls with a number that no row has a place for.
    pub outliers: u64,
    /// Pairs of a program and a call.
    pub sightings: u64,
    /// Programs.
    pub programs: u64,
}

impl Recorder {
    /// As it is now. It walks over keys alone, and not over the sightings, of which there can be a million and which
    /// are known here.
    pub fn usage(&mut self) -> Result<Usage, Error> {
        self.take_in_news()?;
        let wanted: HashMap<_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open(&self.ebpf, names::WANTED)?;
        let cgroups: HashMap<_, u64, Plain<Armed>> = open(&self.ebpf, names::CGROUPS)?;
        let outliers: PerCpuHashMap<_, Plain<Outlier>, u64> = open(&self.ebpf, names::OUTLIERS)?;
        let programs: HashMap<_, u64, Plain<Program>> = open(&self.ebpf, names::PROGRAMS)?;
        Ok(Usage {
            units: wanted.keys().count() as u64,
            cgroups: cgroups.keys().count() as u64,
            outliers: outliers.keys().count() as u64,
            sightings: self.seen.count(),
            programs: programs.keys().count() as u64,
        })
    }
}
