//! Every map of the kernel side.
//!
//! The sizes here are the smallest that make sense; user space sets the real ones before the load.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, PerCpuHashMap},
};
use recorder_common::{Armed, FILTER_LEN, Outlier, Program, Row, RowKey, Sighting};

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
