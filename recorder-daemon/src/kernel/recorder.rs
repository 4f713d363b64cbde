//! Loads the kernel program, attaches it and arms cgroups.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::FileExt,
    },
    path::Path,
};

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, MapData, RingBuf},
    programs::{ProgramFd, links::FdLink},
};
use aya_log::EbpfLogger;
use recorder_common::{HostMisses, Settings, names};

use super::{
    Error, Snapshot,
    bpf::Grace,
    hooks::{Counting, HOOKS, fd, hook, load_programs, programs},
    memlock::{self, Unlimited},
    news::{self, Fresh, Seen},
    pins::{Pins, Programs, pin_error},
    plain::Plain,
    rows::{self, Rows},
    snapshot, target,
};

/// Where the kernel says more of what this process has open.
const FDINFO: &str = "/proc/self/fdinfo";

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/recorder"));

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

/// What was there when the kernel side was taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// Nothing, or nothing that could be used: nobody has counted up to now.
    Nothing,
    /// The same programs, which count on.
    Same,
    /// Another version's programs, which have counted until these began: a call that was made at that very moment
    /// may be counted twice, once a processor.
    Replaced,
}

/// A loaded and attached kernel program. Dropping it detaches it and frees all that it counted, unless it is
/// pinned.
pub struct Recorder {
    pub(super) ebpf: Ebpf,
    pub(super) settings: Settings,
    pub(super) seen: Seen,
    /// Up to which number units that the kernel side names have a row already.
    pub(super) spare: u32,
    pub(super) rows: Rows,
    pub(super) grace: Grace,
    logger: EbpfLogger<&'static dyn log::Log>,
    ring: RingBuf<MapData>,
    attached: Vec<Attached>,
    pins: Option<Pins>,
}

impl Recorder {
    /// Loads and attaches. From here on every call of an armed cgroup is counted, as long as this value lives.
    pub fn start(limits: Limits, manager: Manager) -> Result<Self, Error> {
        let _memory = Unlimited::begin();
        Self::start_by(limits, manager, Counting::here())
    }

    /// The same, as on a kernel before 5.11: what is counted there can be compared on a later one.
    pub fn start_probing(limits: Limits, manager: Manager) -> Result<Self, Error> {
        Self::start_by(limits, manager, Counting::Probing)
    }

    fn start_by(limits: Limits, manager: Manager, counting: Counting) -> Result<Self, Error> {
        const GENERATION: u32 = 1;
        let mut ebpf = load(limits, GENERATION, None)?;
        load_programs(&mut ebpf, counting)?;
        let programs = programs(&mut ebpf, counting)?;
        let mut recorder = Self::new(ebpf, programs, None)?;
        recorder.settings = manager.settings(GENERATION, Settings { epoch: 1, ..Settings::default() });
        recorder.write_settings()?;
        for name in HOOKS {
            hook(&mut recorder.ebpf, name, counting)?
                .attach()
                .map_err(|error| Error::program(name, error))?;
        }
        Ok(recorder)
    }

    /// The same, pinned in `folder` of a bpffs: it counts on when this value is gone, until [`Self::release`]. What
    /// another process has left there is taken over without a gap.
    pub fn start_pinned(limits: Limits, manager: Manager, folder: &Path) -> Result<(Self, TakenOver), Error> {
        let pins = Pins::open(folder)?;
        let _memory = Unlimited::begin();
        let standing = pins.programs();
        let generation = standing.iter().map(|programs| programs.generation).max().unwrap_or_default() + 1;
        let ebpf = load(limits, generation, Some(&pins))?;
        let before = read_settings(&ebpf)?;
        if let Some(same) = standing.iter().find(|programs| programs.generation == before.active)
            && same.are_of(OBJECT, &HOOKS)
        {
            let programs = same.programs(&HOOKS)?.iter().map(fd).collect::<Result<_, _>>()?;
            let mut recorder = Self::new(ebpf, programs, Some(pins))?;
            recorder.settings = manager.settings(before.active, before);
            recorder.next_epoch()?;
            recorder.sweep()?;
            recorder.seen.read_all(&recorder.ebpf)?;
            // What a process that was killed on the way has left beside them does nothing.
            standing.iter().filter(|other| other.generation != same.generation).for_each(Programs::remove);
            return Ok((recorder, TakenOver::Same));
        }
        let taken_over = if standing.iter().any(|programs| programs.generation == before.active) {
            TakenOver::Replaced
        } else {
            TakenOver::Nothing
        };
        let mut recorder = Self::attach_pinned(ebpf, pins, generation)?;
        // In one store the new programs begin and the old ones end.
        recorder.settings = manager.settings(generation, before);
        if before == Settings::default() {
            // Maps that have just been made hold nothing that must not be believed.
            recorder.settings.epoch = 1;
            recorder.write_settings()?;
        } else {
            recorder.next_epoch()?;
        }
        standing.iter().for_each(Programs::remove);
        if let Some(pins) = &recorder.pins {
            pins.remove_others();
        }
        recorder.sweep()?;
        recorder.seen.read_all(&recorder.ebpf)?;
        Ok((recorder, taken_over))
    }

    /// Attaches programs that do nothing yet, and pins them.
    fn attach_pinned(mut ebpf: Ebpf, pins: Pins, generation: u32) -> Result<Self, Error> {
        let counting = Counting::here();
        load_programs(&mut ebpf, counting)?;
        let place = pins.place(generation, OBJECT)?;
        for name in HOOKS {
            let path = place.program(name);
            hook(&mut ebpf, name, counting)?.pin(&path).map_err(pin_error(path))?;
        }
        // After what was there before: the kernel calls them in this order, so that at the moment of the change a
        // call may be counted by both, and none by neither.
        for name in HOOKS {
            let program = hook(&mut ebpf, name, counting)?;
            let failed = |error| Error::program(name, error);
            let id = program.attach().map_err(failed)?;
            let link: FdLink = program.take_link(id).map_err(failed)?.into();
            link.pin(place.link(name)).map_err(pin_error(place.link(name)))?;
        }
        let programs = programs(&mut ebpf, counting)?;
        Self::new(ebpf, programs, Some(pins))
    }

    fn new(mut ebpf: Ebpf, programs: Vec<ProgramFd>, pins: Option<Pins>) -> Result<Self, Error> {
        let logger = EbpfLogger::init(&mut ebpf).map_err(|_| Error::Missing { name: "AYA_LOGS" })?;
        let ring = ebpf.take_map(names::NEWS).ok_or(Error::Missing { name: names::NEWS })?;
        let ring = RingBuf::try_from(ring).map_err(Error::map(names::NEWS))?;
        let rows = Rows::new(&ebpf)?;
        Ok(Self {
            ebpf,
            settings: Settings::default(),
            seen: Seen::default(),
            spare: 0,
            rows,
            grace: Grace::new().map_err(Error::Grace)?,
            logger,
            ring,
            attached: programs.into_iter().map(Attached::new).collect::<Result<_, _>>()?,
            pins,
        })
    }

    /// Ends it for good, pinned or not: detaches the programs, and frees all that they counted.
    pub fn release(mut self) -> Result<(), Error> {
        // Whoever is killed before all is removed has left nothing that counts.
        self.settings.active = 0;
        self.write_settings()?;
        self.pins.as_ref().map_or(Ok(()), Pins::remove)
    }

    /// Whether the manager starts units by way of systemd-executor; systemd may be upgraded meanwhile.
    pub fn has_executor(&mut self, executor: bool) -> Result<(), Error> {
        if self.settings.executor == u32::from(executor) {
            return Ok(());
        }
        self.settings.executor = executor.into();
        self.write_settings()
    }

    /// Reads all that was counted of `unit`. Deletes nothing.
    pub fn snapshot(&mut self, unit: Unit) -> Result<Snapshot, Error> {
        self.take_in_news()?;
        snapshot::read(&self.ebpf, &mut self.rows, &mut self.seen, unit)
    }

    /// The units of which something is new since last asked: a call that was not seen before, a cgroup that was
    /// made or removed. What is said here is a hint; the counts of the others may have grown too.
    pub fn news(&mut self) -> Result<Fresh, Error> {
        self.take_in_news()?;
        if self.settings.all_services != 0 {
            // Here, where a new service is heard of first: the next ones may follow at once. It is tried again at the
            // next news, and what has no row meanwhile is counted all the same.
            if let Err(error) = self.make_spare_rows() {
                tracing::debug!(%error, "no rows for services that may come");
            }
        }
        Ok(self.seen.take_news())
    }

    /// Readable when there is news.
    #[must_use]
    pub fn news_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// What could not be kept, of no unit in particular.
    pub fn host_misses(&self) -> Result<HostMisses, Error> {
        news::host_misses(&self.ebpf, self.rows.processors())
    }

    pub(super) fn take_in_news(&mut self) -> Result<(), Error> {
        self.logger.flush();
        self.seen.update(&self.ebpf, &mut self.ring, self.rows.processors())
    }

    /// How often the kernel skipped one of the programs because a task that was preempted inside it was
    /// still in it on that processor. Any of the host's tasks, recorded or not. Up to Linux 6.18 it cannot
    /// happen, for preemption is disabled there; in 7.2 it is not, and does. From `recursion_misses` in the
    /// programs' fdinfo (Linux 5.12).
    pub fn skipped(&self) -> Result<u64, Error> {
        let mut sum = 0;
        for attached in &self.attached {
            sum += attached.skipped().map_err(|source| Error::Read { path: FDINFO.into(), source })?;
        }
        Ok(sum)
    }
}

/// A program that is attached, and what the kernel says of it: opened once, for it is read for each unit.
struct Attached {
    _program: ProgramFd,
    info: File,
}

impl Attached {
    fn new(program: ProgramFd) -> Result<Self, Error> {
        let path = format!("{FDINFO}/{}", program.as_fd().as_raw_fd());
        let info = File::open(&path).map_err(|source| Error::Read { path: path.into(), source })?;
        Ok(Self { _program: program, info })
    }

    fn skipped(&self) -> io::Result<u64> {
        let mut text = [0; 1024];
        let length = self.info.read_at(&mut text, 0)?;
        let text = String::from_utf8_lossy(&text[..length]);
        let figure = text.lines().find_map(|line| line.strip_prefix("recursion_misses:"));
        Ok(figure.and_then(|figure| figure.trim().parse().ok()).unwrap_or_default())
    }
}

impl Manager {
    /// Settings that follow on those before.
    fn settings(self, active: u32, before: Settings) -> Settings {
        Settings { manager: self.pid, executor: self.executor.into(), active, ..before }
    }
}

/// Makes the maps, or opens those that are pinned.
fn load(limits: Limits, generation: u32, pins: Option<&Pins>) -> Result<Ebpf, Error> {
    let processors = rows::processors()?;
    let places = rows::places(processors);
    let target = Plain(target::read(Path::new(target::VMLINUX), generation, places)?);
    let rows = limits.units.saturating_mul(u32::try_from(target::ABIS.len()).unwrap_or(u32::MAX));
    let rows = if memlock::is_locked() { rows.min(rows::most(processors)) } else { rows };
    let mut loader = EbpfLoader::new();
    loader
        // Only relocations would take the kernel's types, and there are none: it need not hold them meanwhile.
        .btf(None)
        .override_global(names::TARGET, &target, true)
        .map_max_entries(names::CGROUPS, limits.cgroups)
        .map_max_entries(names::NEAR, places)
        .map_max_entries(names::HOLDERS, places)
        .map_max_entries(names::ROWS, rows)
        .map_max_entries(names::WANTED, limits.units)
        .map_max_entries(names::OUTLIERS, limits.outliers)
        .map_max_entries(names::SIGHTINGS, limits.sightings)
        .map_max_entries(names::PROGRAMS, limits.programs);
    if let Some(pins) = pins {
        for name in names::MAPS {
            loader.map_pin_path(name, pins.map(name));
        }
    }
    tracing::debug!(target = ?target.0, "loading the kernel program");
    loader.load(OBJECT).map_err(Error::load)
}

fn read_settings(ebpf: &Ebpf) -> Result<Settings, Error> {
    let settings: Array<_, Plain<Settings>> = snapshot::open(ebpf, names::SETTINGS)?;
    let Plain(settings) = settings.get(&0, 0).map_err(Error::map(names::SETTINGS))?;
    Ok(settings)
}
