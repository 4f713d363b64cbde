//! The names of what user space opens: maps, programs, constants. The kernel side's items are called so; one
//! that is not there is an error at the load.

/// Cgroup id to [`Armed`](crate::Armed).
pub const CGROUPS: &str = "CGROUPS";
/// What lookups in [`CGROUPS`] have given, one word a cgroup: the kernel side's own, which user space clears.
pub const CACHE: &str = "CACHE";
/// A place to one [`Row`](crate::Row) a processor: the native ABI's, of the unit that holds the place.
pub const NEAR: &str = "NEAR";
/// A place to the number and one of the unit that holds it; 0 where it is free.
pub const HOLDERS: &str = "HOLDERS";
/// [`RowKey`](crate::RowKey) to one [`Row`](crate::Row) a processor.
pub const ROWS: &str = "ROWS";
/// The one [`Touched`](crate::Touched).
pub const TOUCHED: &str = "TOUCHED";
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
/// The units' numbers that are taken: [`NAMED`](crate::NAMED) and [`GIVEN`](crate::GIVEN).
pub const NUMBERS: &str = "NUMBERS";
/// The one [`HostMisses`](crate::HostMisses), for each processor.
pub const HOST_MISSES: &str = "HOST_MISSES";
/// A ring buffer of [`News`](crate::News).
pub const NEWS: &str = "NEWS";

/// Every map, for whoever pins them. What is not here holds constants.
pub const MAPS: [&str; 19] = [
    CGROUPS,
    CACHE,
    NEAR,
    HOLDERS,
    ROWS,
    TOUCHED,
    OUTLIERS,
    SIGHTINGS,
    PROGRAMS,
    WANTED,
    SETTINGS,
    HOST_MISSES,
    NEWS,
    "EMPTY_ROW",
    "NAMES",
    NUMBERS,
    "SETUPS",
    "SETUP_FILES",
    "AYA_LOGS",
];

/// The hook that counts.
pub const SYS_ENTER: &str = "sys_enter";
/// The other program for it: for a kernel before 5.11.
pub const SYS_ENTER_PROBING: &str = "sys_enter_probing";
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
