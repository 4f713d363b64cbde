//! The names of what user space opens: maps, programs, constants. The kernel side's items are called so; one
//! that is not there is an error at the load.

/// Cgroup id to [`Armed`](crate::Armed).
pub const CGROUPS: &str = "CGROUPS";
/// One byte an entry, see [`filter_index`](crate::filter_index): zero says that no armed cgroup has it.
pub const FILTER: &str = "FILTER";
/// [`RowKey`](crate::RowKey) to one [`Row`](crate::Row) a processor.
pub const ROWS: &str = "ROWS";
/// [`Outlier`](crate::Outlier) to one count a processor.
pub const OUTLIERS: &str = "OUTLIERS";
/// [`Sighting`](crate::Sighting) to the time of its first call.
pub const SIGHTINGS: &str = "SIGHTINGS";
/// Program identity to [`Program`](crate::Program).
pub const PROGRAMS: &str = "PROGRAMS";

/// [`Wanted`](crate::Wanted) to [`Want`](crate::Want).
pub const WANTED: &str = "WANTED";
/// The one [`Settings`](crate::Settings).
pub const SETTINGS: &str = "SETTINGS";
/// How many units the kernel side has named.
pub const NAMED: &str = "NAMED";
/// The one [`HostMisses`](crate::HostMisses), for each processor.
pub const HOST_MISSES: &str = "HOST_MISSES";
/// A ring buffer of [`News`](crate::News).
pub const NEWS: &str = "NEWS";

/// Every map, for whoever pins them. What is not here holds constants.
pub const MAPS: [&str; 16] = [
    CGROUPS,
    FILTER,
    ROWS,
    OUTLIERS,
    SIGHTINGS,
    PROGRAMS,
    WANTED,
    SETTINGS,
    HOST_MISSES,
    NEWS,
    "EMPTY_ROW",
    "NAMES",
    NAMED,
    "SETUPS",
    "SETUP_FILTER",
    "AYA_LOGS",
];

/// The hook that counts.
pub const SYS_ENTER: &str = "sys_enter";
/// The hook that arms a cgroup that is wanted, or made below an armed one.
pub const CGROUP_MKDIR: &str = "cgroup_mkdir";
/// The hook that forgets a cgroup that is gone.
pub const CGROUP_RMDIR: &str = "cgroup_rmdir";
/// The hook that learns programs' paths, and sees where set-up ends.
pub const SCHED_PROCESS_EXEC: &str = "sched_process_exec";
/// The hook that sees where set-up begins.
pub const SCHED_PROCESS_FORK: &str = "sched_process_fork";
/// The hook that forgets a task that is gone.
pub const SCHED_PROCESS_EXIT: &str = "sched_process_exit";

/// The read-only constant that carries [`Target`](crate::Target).
pub const TARGET: &str = "TARGET";
