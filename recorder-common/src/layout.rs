//! The layouts of map keys and values, and the bounds that both sides rely on.
//!
//! Maps outlive the process that made them. Whoever changes a layout, or what a map holds, counts [`LAYOUT`] on.

/// The version of all that stands here.
pub const LAYOUT: u32 = 5;
/// All sizes, so that none of them changes and the version does not.
const _: () = assert!(
    LAYOUT == 5
        && size_of::<(Armed, Wanted, Want, Settings, Setup, SetupFiles, News, RowKey, Row)>()
            + size_of::<(HostMisses, Outlier, Sighting, Program, Touched)>()
            == 25640
);

/// Syscall numbers below this are counted in a [`Row`], in place, by a store that cannot fail. The newest
/// kernel (7.2) ends at 471 on every ABI but x32 (547) and arm's private calls; what lies above is counted
/// in an [`Outlier`] entry.
pub const ROW_LEN: usize = 512;

/// Words of [`names::CACHE`](crate::names::CACHE). A power of two, so that an index is a hash's upper bits.
pub const CACHE_LEN: u32 = 1 << CACHE_BITS;
const CACHE_BITS: u32 = 14;

/// What [`Settings::epoch`] goes up to. It fits a byte, so that user space's write of it cannot be seen in part.
pub const LAST_EPOCH: u32 = 255;

/// Bytes of a [`Wanted`]. A unit's name has at most 255; a path that is longer cannot be wanted.
pub const WANTED_LEN: usize = 512;

/// In [`names::NUMBERS`](crate::names::NUMBERS): how many units the kernel side has named.
pub const NAMED: u32 = 0;
/// In [`names::NUMBERS`](crate::names::NUMBERS): how many numbers user space has given. None is given twice: what
/// is left of a unit that has ended is never another's.
pub const GIVEN: u32 = 1;

/// Set in the numbers of units that the kernel side has named by itself; user space's own are below.
pub const NAMED_BY_KERNEL: u32 = 1 << 31;

/// Bytes kept of a program's path, the closing NUL included. Longer paths are cut.
pub const PATH_LEN: usize = 256;

/// The word of a cgroup. Ids lie a few dozen apart, for each of a cgroup's files has one too: a multiplication by 2^64
/// divided by the golden ratio spreads them over all words.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call is dear in a BPF program")]
pub const fn cache_index(cgroup: u64) -> u32 {
    (cgroup.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - CACHE_BITS)) as u32
}

/// What a recorded cgroup belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Armed {
    /// The unit's number.
    pub unit: u32,
    /// 1 for the unit's own cgroup, 0 for one below it.
    pub top: u32,
}
const _: () = assert!(size_of::<Armed>() == 8);

/// What a new cgroup must be called to be recorded: the name of a unit's cgroup, or a cgroup's path from the
/// root of the hierarchy, which begins with a slash. One that begins with a line feed is never met, for no cgroup
/// can be called so: user space keeps units there that have ended and are not on disk. Padded with zeros; the value
/// is a [`Want`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Wanted {
    /// The name or path.
    pub text: [u8; WANTED_LEN],
}
const _: () = assert!(size_of::<Wanted>() == WANTED_LEN);

/// What a wanted cgroup is recorded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Want {
    /// The unit's number.
    pub unit: u32,
    /// 1 if it had a cgroup with processes in it before it was wanted.
    pub running: u32,
    /// Since when it is wanted, in nanoseconds of `CLOCK_BOOTTIME`.
    pub began: u64,
    /// When that ended; 0 as long as it is wanted.
    pub ended: u64,
}
const _: () = assert!(size_of::<Want>() == 24);

/// What user space can change while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// The process that starts units: 1 where that is systemd, 0 where there is none. The calls of what it
    /// forks are set-up calls until the unit's command is executed.
    pub manager: u32,
    /// 1 where the manager starts units by way of a program of its own, `systemd-executor` (systemd 255).
    pub executor: u32,
    /// 1 to record every service that appears, whatever its name.
    pub all_services: u32,
    /// The [`Target::generation`] of the programs that count. Others are attached but do nothing: so one
    /// version takes over from another in one store, and no call falls between.
    pub active: u32,
    /// Counted on, by user space, whenever the answer for a cgroup that exists may change: what
    /// [`names::CACHE`](crate::names::CACHE) holds of an earlier one is not believed. 1 to [`LAST_EPOCH`]; 0: nothing is
    /// believed, and nothing is kept.
    pub epoch: u32,
    /// Counted on, by user space, whenever it looks which units have been counted: see [`Touched`]. 0 follows on 255: as
    /// the epoch, it fits a byte.
    pub round: u32,
}
const _: () = assert!(size_of::<Settings>() == 24);

/// A task that does set-up work: the manager's own code, before it executes the unit's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Setup {
    /// When the task was started, in nanoseconds of `CLOCK_BOOTTIME`: tells it from a later task that was
    /// given its id.
    pub started: u64,
    /// The discriminant of the [`Abi`](crate::Abi) of its latest call.
    pub abi: u32,
    /// The number of its latest call.
    pub number: u32,
    /// What it executes: where the file's inode lies in memory. Once it executes something else, its set-up work is
    /// over, also where the kernel has skipped the hook that should have seen it.
    pub file: u64,
    /// 1 once it has executed the manager's own program for this work.
    pub executor: u32,
    /// Always zero.
    pub padding: u32,
}
const _: () = assert!(size_of::<Setup>() == 32);

/// The files that tasks which do set-up work execute, by where their inodes lie: the manager's, and that of its
/// executor, of two versions at the most while systemd is upgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SetupFiles {
    /// Zero where there is none.
    pub known: [u64; 4],
    /// Which of them is replaced next, by its low bits.
    pub next: u32,
    /// Always zero.
    pub padding: u32,
}
const _: () = assert!(size_of::<SetupFiles>() == 40);

/// A hint that something is new. Losing one loses no call: all that it says is in the maps too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct News {
    /// The unit that it is about.
    pub unit: u32,
    /// A discriminant of [`Kind`].
    pub kind: u32,
    /// The sighting, if the kind is that.
    pub sighting: Sighting,
    /// When, in nanoseconds of `CLOCK_BOOTTIME`.
    pub at: u64,
}
const _: () = assert!(size_of::<News>() == 40);

/// What a piece of [`News`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A program made a call for the first time.
    Sighting = 0,
    /// The unit's own cgroup was made.
    Made = 1,
    /// The unit's own cgroup was removed.
    Removed = 2,
}

/// Names one [`Row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct RowKey {
    /// The unit's number.
    pub unit: u32,
    /// The discriminant of an [`Abi`](crate::Abi).
    pub abi: u32,
}
const _: () = assert!(size_of::<RowKey>() == 8);

/// What one processor counted of one unit by one ABI. Only that processor writes it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row {
    /// Calls by syscall number.
    pub calls: [u64; ROW_LEN],
    /// By syscall number, where the inode of the file lies whose execution made the latest call on this processor. When
    /// it differs from the caller's, the slow path is taken and a [`Sighting`] is kept.
    pub files: [u64; ROW_LEN],
    /// What could not be kept. Filled in the native ABI's row, but for [`Misses::under_filter`].
    pub misses: Misses,
}
const _: () = assert!(size_of::<Row>() == 16 * ROW_LEN + 48);

/// Words of [`Touched`].
pub const TOUCHED_LEN: usize = 4096;

/// In which [`Settings::round`] a unit was last counted, in the word of its number's low bits. Rounds come again, and
/// units share words: whoever looks may read one that was not counted, never miss one that was.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Touched {
    /// The rounds.
    pub rounds: [u32; TOUCHED_LEN],
}
const _: () = assert!(size_of::<Touched>() == 4 * TOUCHED_LEN);

/// The place that a unit's number leads to, of `mask` and one more. Numbers that user space has given count from below, and
/// those of the kernel side from above: the first of each are not in each other's way.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call is dear in a BPF program")]
pub const fn place(unit: u32, mask: u32) -> u32 {
    let from_above = (unit >> 31).wrapping_neg();
    (unit ^ from_above) & mask
}
const _: () = assert!(place(0, 63) == 0 && place(65, 63) == 1 && place(NAMED_BY_KERNEL, 63) == 63);

/// What [`names::HOLDERS`](crate::names::HOLDERS) has for the place that is this unit's: its number and, above it, the
/// number's complement. No part of this, and no part of it with one of another's, is any unit's; 0 is nobody's.
#[must_use]
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call is dear in a BPF program")]
pub const fn holder(unit: u32) -> u64 {
    ((!unit as u64) << 32) | unit as u64
}

/// What one processor could not keep of one unit, because a map was full or memory short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Misses {
    /// Calls that were counted nowhere.
    pub calls: u64,
    /// New cgroups below the unit's own that could not be armed.
    pub cgroups: u64,
    /// Evidence (who, when, a program's path) of calls that were counted all the same.
    pub sightings: u64,
    /// No miss: how often the unit's own cgroup was made.
    pub starts: u64,
    /// Commands that were executed under a seccomp filter which was there already: what it denies is not seen.
    pub filtered: u64,
    /// 1 if a task made a call, or ended, under a seccomp filter: what that denies is not seen. In any row.
    pub under_filter: u64,
}
const _: () = assert!(size_of::<Misses>() == 48);

/// What one processor could not keep, of no unit in particular.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct HostMisses {
    /// Calls of a unit that has no row.
    pub calls: u64,
    /// Cgroups of services that could not be armed.
    pub cgroups: u64,
    /// Tasks whose set-up calls could not be told from the unit's own, and are in the recording.
    pub setups: u64,
    /// News that was lost.
    pub news: u64,
}
const _: () = assert!(size_of::<HostMisses>() == 32);

/// Names the count of a call whose number is [`ROW_LEN`] or above, or for whose row there was no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Outlier {
    /// The unit's number.
    pub unit: u32,
    /// The discriminant of an [`Abi`](crate::Abi).
    pub abi: u32,
    /// The syscall number, without x32's bit.
    pub number: u32,
    /// Always zero.
    pub padding: u32,
}
const _: () = assert!(size_of::<Outlier>() == 16);

/// One program making one call: the key of the evidence. The value is the time of the first such call, in
/// nanoseconds of `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Sighting {
    /// The unit's number.
    pub unit: u32,
    /// The discriminant of an [`Abi`](crate::Abi).
    pub abi: u32,
    /// The program: a hash of the inode number, its generation and the device of the file that the task
    /// executes.
    pub program: u64,
    /// The syscall number, without x32's bit.
    pub number: u32,
    /// Always zero.
    pub padding: u32,
}
const _: () = assert!(size_of::<Sighting>() == 24);

/// The path by which a program was executed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Program {
    /// As it was given to execve, or as a script's first line names its interpreter. NUL-terminated, cut at
    /// [`PATH_LEN`].
    pub path: [u8; PATH_LEN],
}
const _: () = assert!(size_of::<Program>() == PATH_LEN);

/// What the kernel program must know of the machine that it runs on. User space fills it in before the
/// load, from the running kernel's BTF; the verifier sees constants.
///
/// Offsets are in bytes, from the start of the struct that the name begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Target {
    /// `task_struct.cgroups`
    pub task_cgroups: u32,
    /// `css_set.dfl_cgrp`
    pub css_set_dfl_cgrp: u32,
    /// `cgroup.kn`
    pub cgroup_kn: u32,
    /// `kernfs_node.id`
    pub kernfs_node_id: u32,
    /// `cgroup.self.parent`
    pub cgroup_self_parent: u32,
    /// `cgroup_subsys_state.cgroup`
    pub css_cgroup: u32,
    /// `task_struct.mm`
    pub task_mm: u32,
    /// `mm_struct.exe_file`
    pub mm_exe_file: u32,
    /// `file.f_inode`
    pub file_f_inode: u32,
    /// `inode.i_ino`
    pub inode_i_ino: u32,
    /// `inode.i_generation`
    pub inode_i_generation: u32,
    /// `inode.i_sb`
    pub inode_i_sb: u32,
    /// `super_block.s_dev`
    pub super_block_s_dev: u32,
    /// `linux_binprm.interp`
    pub linux_binprm_interp: u32,
    /// `linux_binprm.file`
    pub linux_binprm_file: u32,
    /// `file.f_path.dentry`
    pub file_f_path_dentry: u32,
    /// `dentry.d_name.name`
    pub dentry_d_name_name: u32,
    /// `task_struct.pid`
    pub task_pid: u32,
    /// `task_struct.tgid`
    pub task_tgid: u32,
    /// `task_struct.seccomp.mode`
    pub task_seccomp_mode: u32,
    /// `task_struct.start_boottime`
    pub task_start_boottime: u32,
    /// `kernfs_node.name`
    pub kernfs_node_name: u32,
    /// `cgroup.root`
    pub cgroup_root: u32,
    /// `cgroup_root.hierarchy_id`
    pub cgroup_root_hierarchy_id: u32,
    /// The 32-bit word of `task_struct` that tells a compat call from a native one.
    pub task_compat_word: u32,
    /// The bit of that word: set in a compat call.
    pub compat_bit: u32,
    /// The bit of the number that tells x32 from x86-64; zero where there is no such thing.
    pub x32_bit: u32,
    /// The discriminant of the 64-bit [`Abi`](crate::Abi).
    pub native_abi: u32,
    /// The discriminant of the [`Abi`](crate::Abi) of compat calls.
    pub compat_abi: u32,
    /// The number of execve in the 64-bit ABI.
    pub native_execve: u32,
    /// Tells these programs from others that are attached at the same time.
    pub generation: u32,
    /// One less than how many places there are in [`names::NEAR`](crate::names::NEAR): a power of two.
    pub near_mask: u32,
}
const _: () = assert!(size_of::<Target>() == 32 * 4);
