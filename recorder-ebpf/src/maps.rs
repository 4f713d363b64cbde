//! Every map of the kernel side.
//!
//! The sizes here are the smallest that make sense; user space sets the real ones before the load.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, PerCpuArray, PerCpuHashMap, RingBuf},
};
use recorder_common::{
    Armed, FILTER_LEN, HostMisses, Outlier, Program, Row, RowKey, SETUP_FILTER_LEN, Settings, Setup,
    Sighting, Wanted,
};

/// The recorded cgroups. An entry goes when its cgroup is removed; it holds no count, so nothing is lost
/// with it, and no task is left that could be looking it up.
#[map]
pub(crate) static CGROUPS: HashMap<u64, Armed> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// The prefilter: nearly every task on a host is not recorded, and learns so from one load here, without a
/// helper call. Entries are set and never cleared; one too many costs a hash lookup, one too few a call.
#[map]
pub(crate) static FILTER: Array<u8> = Array::with_max_entries(FILTER_LEN, 0);

/// The counts. User space makes the native ABI's row before it arms a cgroup, so that counting a native call
/// never allocates.
#[map]
pub(crate) static ROWS: PerCpuHashMap<RowKey, Row> = PerCpuHashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// A row is too large for the BPF stack (512 bytes), so the empty one is copied from here.
#[map]
pub(crate) static EMPTY_ROW: Array<Row> = Array::with_max_entries(1, 0);

/// Counts of numbers that no row has a place for. Kept apart so that a program that makes numbers up can
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
pub(crate) static WANTED: HashMap<Wanted, u32> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

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

/// How many units the kernel side has named by itself. Written in mkdir only, under cgroup_mutex.
#[map]
pub(crate) static NAMED: Array<u32> = Array::with_max_entries(1, 0);

/// What user space can change while the program runs.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// The tasks that do set-up work, by thread id.
#[map]
pub(crate) static SETUPS: HashMap<u32, Setup> = HashMap::with_max_entries(16_384, BPF_F_NO_PREALLOC);

/// Which programs do set-up work: one byte by the low bits of a program's identity. Nearly every recorded task
/// learns from one load here that it does none. Entries are set and never cleared.
#[map]
pub(crate) static SETUP_FILTER: Array<u8> = Array::with_max_entries(SETUP_FILTER_LEN, 0);

/// What could not be kept and belongs to no unit that has a row.
#[map]
pub(crate) static HOST_MISSES: PerCpuArray<HostMisses> = PerCpuArray::with_max_entries(1, 0);

/// Hints for user space, so that it need not look at what has not changed.
#[map]
pub(crate) static NEWS: RingBuf = RingBuf::with_byte_size(1 << 18, 0);
