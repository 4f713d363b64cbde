//! Every map of the kernel side.
//!
//! The sizes here are the smallest that make sense; user space sets the real ones before the load.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, PerCpuHashMap, RingBuf},
};
use recorder_common::{
    Armed, CACHE_LEN, HostMisses, Outlier, Program, Row, RowKey, Settings, Setup, SetupFiles, Sighting,
    Touched, Want, Wanted,
};

/// The recorded cgroups. An entry goes when its cgroup is removed; it holds no count, so nothing is lost
/// with it, and no task is left that could be looking it up.
#[map]
pub(crate) static CGROUPS: HashMap<u64, Armed> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// What the latest lookups in [`CGROUPS`] gave, for recorded cgroups and for all others: see `cache`.
#[map]
pub(crate) static CACHE: Array<u64> = Array::with_max_entries(CACHE_LEN, 0);

/// The native ABI's counts of the units that have a place here: see `rows`.
#[map]
pub(crate) static NEAR: PerCpuArray<Row> = PerCpuArray::with_max_entries(1, 0);

/// Whose the places in [`NEAR`] are: see [`recorder_common::holder`].
#[map]
pub(crate) static HOLDERS: Array<u64> = Array::with_max_entries(1, 0);

/// All other counts. User space makes the native ABI's row before it arms a cgroup, so that counting a native call
/// never allocates.
#[map]
pub(crate) static ROWS: PerCpuHashMap<RowKey, Row> = PerCpuHashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// A row is too large for the BPF stack (512 bytes), so the empty one is copied from here.
#[map]
pub(crate) static EMPTY_ROW: Array<Row> = Array::with_max_entries(1, 0);

/// Which units have been counted of late.
#[map]
pub(crate) static TOUCHED: Array<Touched> = Array::with_max_entries(1, 0);

/// Counts of numbers that no row has a place for, and of calls for whose row there was no memory. Kept apart so that a program that makes numbers up can
/// fill this map and nothing else.
#[map]
pub(crate) static OUTLIERS: PerCpuHashMap<Outlier, u64> =
    PerCpuHashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// Which program made which call, and when first.
#[map]
pub(crate) static SIGHTINGS: HashMap<Sighting, u64> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// Paths of the programs that were executed in recorded cgroups.
#[map]
pub(crate) static PROGRAMS: HashMap<u64, Program> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// What cgroups are recorded as soon as they are made, and as which unit.
#[map]
pub(crate) static WANTED: HashMap<Wanted, Want> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// Where the names and paths of a new cgroup and of those above it are read to: they would not fit the stack. The
/// kernel holds cgroup_mutex around every mkdir, so one place for each is enough.
#[map]
pub(crate) static NAMES: Array<Wanted> = Array::with_max_entries(3, 0);

/// In [`NAMES`]: the new cgroup's.
pub(crate) const NEW: u32 = 0;
/// In [`NAMES`]: that of one above it.
pub(crate) const ABOVE: u32 = 1;
/// In [`NAMES`]: always empty.
pub(crate) const EMPTY: u32 = 2;

/// Which numbers of units are taken. That of those which the kernel side has named by itself is written in mkdir
/// only, under cgroup_mutex; the other is user space's.
#[map]
pub(crate) static NUMBERS: Array<u32> = Array::with_max_entries(2, 0);

/// What user space can change while the program runs.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// The tasks that do set-up work, by thread id.
#[map]
pub(crate) static SETUPS: HashMap<u32, Setup> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);

/// What tasks that do set-up work execute. Nearly every recorded task learns here that it does none.
#[map]
pub(crate) static SETUP_FILES: Array<SetupFiles> = Array::with_max_entries(1, 0);

/// What could not be kept and belongs to no unit that has a row.
#[map]
pub(crate) static HOST_MISSES: PerCpuArray<HostMisses> = PerCpuArray::with_max_entries(1, 0);

/// Hints for user space, so that it need not look at what has not changed.
#[map]
pub(crate) static NEWS: RingBuf = RingBuf::with_byte_size(1 << 18, 0);
