//! What is recorded: cgroups that are there, and cgroups that are wanted as soon as they are made.

use aya::maps::{Array, HashMap, MapData, MapError};
use recorder_common::{Armed, GIVEN, NAMED, NAMED_BY_KERNEL, Settings, WANTED_LEN, Wanted, names};

use super::{
    Error, Recorder, Unit,
    plain::Plain,
    snapshot::{HashMut, open, open_mut},
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
    /// When its recording ended, by the same clock; what it holds may be on no disk yet. None: it goes on.
    pub ended: Option<u64>,
}

impl Want {
    fn new(key: &str, want: recorder_common::Want) -> Self {
        let of_ended = key.strip_prefix('\n').and_then(|rest| rest.split_once('\n'));
        Self {
            name: of_ended.map_or(key, |(_, name)| name).to_owned(),
            unit: Unit(want.unit),
            running: want.running != 0,
            began: want.began,
            ended: of_ended.map(|_| want.ended),
        }
    }

    pub(super) fn value(&self) -> Plain<recorder_common::Want> {
        Plain(recorder_common::Want {
            unit: self.unit.0,
            running: self.running.into(),
            began: self.began,
            ended: self.ended.unwrap_or_default(),
        })
    }

    /// Under which it is kept once it has ended.
    pub(super) fn ended_key(&self) -> Result<Plain<Wanted>, Error> {
        wanted(&format!("\n{}\n{}", self.unit.0, self.name))
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
        // The row goes first: whoever finds the cgroup finds the row.
        self.rows.make(&mut self.ebpf, unit)?;
        let armed = Armed { unit: unit.0, top: top.into() };
        let mut cgroups: HashMut<'_, u64, Plain<Armed>> = open_mut(&mut self.ebpf, names::CGROUPS)?;
        cgroups.insert(cgroup, Plain(armed), 0).map_err(Error::map(names::CGROUPS))?;
        self.next_epoch()?;
        tracing::debug!(unit = unit.0, cgroup, "armed");
        Ok(())
    }

    /// From now on a new cgroup is recorded as `unit` if it is called so: the name of a unit's cgroup (found
    /// where the system's own manager puts its units), or a path from the root of the hierarchy. `began` is now,
    /// in nanoseconds of `CLOCK_BOOTTIME`. Gives what it is recorded as: another unit, if the kernel side was
    /// faster and has named it by itself.
    pub fn want(&mut self, unit: Unit, name: &str, began: u64) -> Result<Want, Error> {
        let key = wanted(name)?;
        if name.len() > NAME_MAX {
            // Its end must find a place too.
            return Err(Error::NameTooLong { length: name.len() });
        }
        // The row goes first: whoever finds the name finds the row.
        self.rows.make(&mut self.ebpf, unit)?;
        let mine = Plain(recorder_common::Want { unit: unit.0, running: 0, began, ended: 0 });
        let mut wanted: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        match exists(wanted.insert(key, mine, BPF_NOEXIST)) {
            Ok(false) => return Ok(Want::new(name, mine.0)),
            Ok(true) => {}
            Err(error) => {
                // Its number is nobody's.
                self.rows.remove(&mut self.ebpf, unit)?;
                return Err(Error::map(names::WANTED)(error));
            }
        }
        let there = Want::new(name, wanted.get(&key, 0).map_err(Error::map(names::WANTED))?.0);
        if there.unit != unit {
            self.rows.remove(&mut self.ebpf, unit)?;
            self.rows.make(&mut self.ebpf, there.unit)?;
        }
        Ok(there)
    }

    /// Keeps whether a wanted unit ran before it was wanted.
    pub fn keep(&mut self, want: &Want) -> Result<(), Error> {
        let key = wanted(&want.name)?;
        let mut wanted: HashMut<'_, Plain<Wanted>, Plain<recorder_common::Want>> =
            open_mut(&mut self.ebpf, names::WANTED)?;
        wanted.insert(key, want.value(), 0).map_err(Error::map(names::WANTED))
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

    /// A number that no unit has had since the maps were made; the next one whose place is free, if there is one.
    pub fn number(&mut self) -> Result<Unit, Error> {
        let failed = Error::map(names::NUMBERS);
        let mut numbers: Array<&mut MapData, u32> = open_mut(&mut self.ebpf, names::NUMBERS)?;
        let next = numbers.get(&GIVEN, 0);
        let given = next.and_then(|next| {
            let mut candidates = (next..).take(self.rows.places());
            let given = candidates.find(|number| self.rows.is_free(Unit(*number))).unwrap_or(next);
            numbers.set(GIVEN, given + 1, 0).map(|()| given)
        });
        Ok(Unit(given.map_err(failed)?))
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
            let named = self.named()?;
            // An earlier process may have made some.
            for unit in named + 1..=self.spare.max(named + SPARE) {
                self.rows.remove(&mut self.ebpf, Unit(unit | NAMED_BY_KERNEL))?;
            }
            self.spare = named;
        }
        Ok(())
    }

    /// Rows for the units that the kernel side has named since, and will name next. It could make them itself, but the kernel has little
    /// memory at hand for a program that cannot wait for more.
    pub(super) fn make_spare_rows(&mut self) -> Result<(), Error> {
        let named = self.named()?;
        for unit in self.spare + 1..=named + SPARE {
            self.rows.make_spare(&self.ebpf, Unit(unit | NAMED_BY_KERNEL))?;
            self.spare = unit;
        }
        Ok(())
    }

    /// How many units the kernel side has named.
    pub(super) fn named(&self) -> Result<u32, Error> {
        let numbers: Array<_, u32> = open(&self.ebpf, names::NUMBERS)?;
        numbers.get(&NAMED, 0).map_err(Error::map(names::NUMBERS))
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
            // No unit is called otherwise; what the kernel side has named so is nobody's.
            if let Ok(name) = str::from_utf8(&name.text[..end]) {
                wanted.push(Want::new(name, want));
            }
        }
        for want in wanted.iter().filter(|want| want.ended.is_none()) {
            self.rows.make(&mut self.ebpf, want.unit)?;
        }
        Ok(wanted)
    }
}

/// How many rows are ready for units that the kernel side names: as many as may appear before it is told.
const SPARE: u32 = 64;

/// How long a name can be: the key under which its end is kept has a number and two line feeds more.
const NAME_MAX: usize = WANTED_LEN - 1 - "\n4294967295\n".len();

/// From linux/bpf.h: only where there is none yet.
pub(super) const BPF_NOEXIST: u64 = 1;
/// From asm-generic/errno-base.h.
const EEXIST: i32 = 17;

/// The key for a name.
pub(super) fn wanted(name: &str) -> Result<Plain<Wanted>, Error> {
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
pub(super) fn gone(removed: Result<(), MapError>) -> Result<(), MapError> {
    match removed {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
