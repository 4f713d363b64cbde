//! The rows of counts: where a unit's lie, how they are made, read and freed.
//!
//! Read and written by bpf(2) itself: aya would ask anew for each row how many processors there are, and copy it three
//! times.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, BorrowedFd},
    thread::sleep,
    time::{Duration, Instant},
};

use aya::{
    Ebpf, Pod,
    maps::{Array, Map, MapData, MapError, PerCpuHashMap},
};
use recorder_common::{Abi, Misses, ROW_LEN, Row, RowKey, holder, names, place};

use super::{
    Error, Unit,
    arm::{BPF_NOEXIST, gone},
    bpf,
    plain::Plain,
    snapshot::{open, open_mut},
    target,
};

/// What is known of the rows, and room for one of each processor.
pub(super) struct Rows {
    /// The units that are known to have a native row.
    known: BTreeSet<Unit>,
    values: Vec<Plain<Row>>,
    /// Whose the places are; only this process gives and takes them.
    holders: Vec<Option<Unit>>,
}

impl Rows {
    pub(super) fn new(ebpf: &Ebpf) -> Result<Self, Error> {
        let values = vec![empty(); processors()?];
        let map: Array<_, u64> = open(ebpf, names::HOLDERS)?;
        let holders = map.iter().map(|word| word.map(held_by)).collect::<Result<_, _>>();
        Ok(Self { known: BTreeSet::new(), values, holders: holders.map_err(Error::map(names::HOLDERS))? })
    }

    /// Makes a unit's native row, if it has none: in its place, where that is free.
    pub(super) fn make(&mut self, ebpf: &mut Ebpf, unit: Unit) -> Result<(), Error> {
        if !self.known.contains(&unit) {
            if !self.hold(ebpf, unit)? {
                self.insert(ebpf, unit)?;
            }
            self.known.insert(unit);
        }
        Ok(())
    }

    /// Makes the native row of a unit that there may never be. A place is for those that there are.
    pub(super) fn make_spare(&mut self, ebpf: &Ebpf, unit: Unit) -> Result<(), Error> {
        if self.known.contains(&unit) { Ok(()) } else { self.insert(ebpf, unit) }
    }

    /// Whether a unit of this number would have a place.
    pub(super) fn is_free(&self, unit: Unit) -> bool {
        self.holders[self.place(unit)].is_none()
    }

    /// How many processors there can be.
    pub(super) fn processors(&self) -> usize {
        self.values.len()
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.holders.len()
    }

    /// Frees a unit's rows. Nobody counts in them any more.
    pub(super) fn remove(&mut self, ebpf: &mut Ebpf, unit: Unit) -> Result<(), Error> {
        let place = self.place(unit);
        if self.holders[place] == Some(unit) {
            self.set_holder(ebpf, place, None)?;
        }
        let mut rows: PerCpuHashMap<&mut MapData, Plain<RowKey>, Plain<Row>> = open_mut(ebpf, names::ROWS)?;
        target::ABIS
            .iter()
            .try_for_each(|&abi| gone(rows.remove(&key(unit, abi))))
            .map_err(Error::map(names::ROWS))?;
        self.known.remove(&unit);
        Ok(())
    }

    /// Shows each row of a unit, one for each ABI and processor. Its native calls may be in two of them: where a unit
    /// that the kernel side has named was counted before its place was made.
    pub(super) fn each(
        &mut self,
        ebpf: &Ebpf,
        unit: Unit,
        mut see: impl FnMut(Abi, &Row),
    ) -> Result<(), Error> {
        let place = self.place(unit);
        if self.holders[place] == Some(unit) {
            self.look_up(ebpf, names::NEAR, &index(place))?;
            self.values.iter().for_each(|Plain(row)| see(target::NATIVE, row));
        }
        for &abi in target::ABIS {
            if self.look_up(ebpf, names::ROWS, &key(unit, abi))? {
                self.values.iter().for_each(|Plain(row)| see(abi, row));
            }
        }
        Ok(())
    }

    /// The units that have rows.
    pub(super) fn units(&self, ebpf: &Ebpf) -> Result<BTreeSet<Unit>, Error> {
        let rows: PerCpuHashMap<_, Plain<RowKey>, Plain<Row>> = open(ebpf, names::ROWS)?;
        let keys = rows.keys().filter_map(Result::ok).map(|key| Unit(key.0.unit));
        Ok(keys.chain(self.holders.iter().copied().flatten()).collect())
    }

    fn place(&self, unit: Unit) -> usize {
        place(unit.0, index(self.holders.len() - 1)) as usize
    }

    /// Gives a unit its place, if that is free. Says whether it has it.
    fn hold(&mut self, ebpf: &mut Ebpf, unit: Unit) -> Result<bool, Error> {
        let place = self.place(unit);
        if self.holders[place].is_none() {
            // What its last holder has left goes first: whoever finds the holder finds an empty row.
            self.values.fill(empty());
            self.update(ebpf, names::NEAR, &index(place), 0).map_err(failed(names::NEAR))?;
            self.set_holder(ebpf, place, Some(unit))?;
        }
        Ok(self.holders[place] == Some(unit))
    }

    fn set_holder(&mut self, ebpf: &mut Ebpf, place: usize, unit: Option<Unit>) -> Result<(), Error> {
        let mut holders: Array<&mut MapData, u64> = open_mut(ebpf, names::HOLDERS)?;
        let word = unit.map_or(0, |unit| holder(unit.0));
        holders.set(index(place), word, 0).map_err(Error::map(names::HOLDERS))?;
        self.holders[place] = unit;
        Ok(())
    }

    /// Makes a row by a hash, if there is none.
    fn insert(&mut self, ebpf: &Ebpf, unit: Unit) -> Result<(), Error> {
        let begun = Instant::now();
        let mut pause = Duration::from_micros(10);
        self.values.fill(empty());
        loop {
            match self.update(ebpf, names::ROWS, &key(unit, target::NATIVE), BPF_NOEXIST) {
                // The kernel takes memory for a map only from what it has at hand, and gets more in its own time: a
                // few rows in a row are too many at once.
                Err(error) if error.raw_os_error() == Some(libc::ENOMEM) && begun.elapsed() < PATIENCE => {
                    sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(2));
                }
                // The kernel side may have made it meanwhile, and counted in it.
                Err(error) if error.raw_os_error() == Some(libc::EEXIST) => return Ok(()),
                done => return done.map_err(failed(names::ROWS)),
            }
        }
    }

    /// Fills the values with what a map has under a key. Says whether it has it.
    fn look_up<K: Pod>(&mut self, ebpf: &Ebpf, map: &'static str, key: &K) -> Result<bool, Error> {
        // SAFETY: there is one value for each processor that there can be.
        unsafe { bpf::look_up(fd(ebpf, map)?, key, &mut self.values) }.map_err(failed(map))
    }

    /// Puts the values into a map.
    fn update<K: Pod>(&mut self, ebpf: &Ebpf, map: &'static str, key: &K, flags: u64) -> io::Result<()> {
        let fd = fd(ebpf, map).map_err(io::Error::other)?;
        // SAFETY: as in `look_up`.
        unsafe { bpf::update(fd, key, &self.values, flags) }
    }
}

/// How many rows of each processor have a place: a power of two, within [`NEAR_BYTES`].
pub(super) fn places(processors: usize) -> u32 {
    let fit = (NEAR_BYTES / (processors * size_of::<Row>())).clamp(1, MOST_PLACES);
    1 << fit.ilog2()
}

/// How many rows of each processor a map may have room for while that is locked memory: 4 GiB is the most that a kernel
/// before 5.11 counts for one map (`bpf_map_charge_init` in its kernel/bpf/syscall.c), and an entry is also itself.
pub(super) fn most(processors: usize) -> u32 {
    let entry = processors * size_of::<Row>() + ENTRY_BYTES;
    u32::try_from((u32::MAX as usize - (1 << 20)) / entry).unwrap_or(u32::MAX)
}

/// How many processors there can be.
pub(super) fn processors() -> Result<usize, Error> {
    aya::util::nr_cpus().map_err(|(path, source)| Error::Read { path: path.into(), source })
}

fn empty() -> Plain<Row> {
    Plain(Row { calls: [0; ROW_LEN], files: [0; ROW_LEN], misses: Misses::default() })
}

/// Whose a place is by what its map says.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is the number")]
fn held_by(word: u64) -> Option<Unit> {
    let unit = word as u32;
    (word == holder(unit)).then_some(Unit(unit))
}

#[expect(clippy::cast_possible_truncation, reason = "there are 64 at the most")]
fn index(place: usize) -> u32 {
    place as u32
}

fn key(unit: Unit, abi: Abi) -> Plain<RowKey> {
    Plain(RowKey { unit: unit.0, abi: abi as u32 })
}

fn fd<'a>(ebpf: &'a Ebpf, name: &'static str) -> Result<BorrowedFd<'a>, Error> {
    match ebpf.map(name) {
        Some(Map::PerCpuArray(data) | Map::PerCpuHashMap(data)) => Ok(data.fd().as_fd()),
        _ => Err(Error::Missing { name }),
    }
}

fn failed(map: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::map(map)(MapError::IoError(error))
}

/// What the places may take, of all processors together.
const NEAR_BYTES: usize = 16 << 20;

/// What an entry of a map may take beside its values: the kernel's head of it, the key, its part of the buckets.
const ENTRY_BYTES: usize = 256;

/// How many places there are at the most.
const MOST_PLACES: usize = 64;

/// How long memory is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mixture_of_two_holders_is_anybodys() {
        for unit in [0, 1, 63, 1 << 31, u32::MAX] {
            assert_eq!(held_by(holder(unit)), Some(Unit(unit)));
        }
        assert_eq!(held_by(0), None);
        let words = [0, holder(3), holder(67), holder(3 | 1 << 31)].map(u64::to_le_bytes);
        for (one, other) in words.iter().flat_map(|one| words.iter().map(move |other| (one, other))) {
            for length in 1..8 {
                let mixed =
                    u64::from_le_bytes([&one[..length], &other[length..]].concat().try_into().unwrap());
                assert!(
                    mixed.to_le_bytes() == *one || mixed.to_le_bytes() == *other || held_by(mixed).is_none()
                );
            }
        }
    }

    #[test]
    fn the_places_take_what_they_may_and_no_more() {
        for (processors, expected) in [(1, 64), (2, 64), (31, 64), (32, 32), (256, 4), (8192, 1)] {
            assert_eq!(places(processors), expected, "{processors} processors");
        }
    }

    #[test]
    fn locked_memory_bounds_the_rows_of_large_hosts_only() {
        for (processors, at_least) in [(1, 4096 * 3), (32, 4096 * 3), (256, 1900)] {
            let most = most(processors) as usize;
            assert!(most >= at_least, "{processors} processors: {most}");
            assert!(most * processors * size_of::<Row>() < u32::MAX as usize);
        }
    }
}
