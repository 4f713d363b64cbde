/// Something that can make a recording incomplete. Each is counted and travels into every export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gap {
    /// Starts under a seccomp filter that the unit had already: what that denies is not seen.
    AlreadyFiltered,
    /// Calls that found no place in a kernel map.
    CallsNotCounted,
    /// Cgroups below the unit's own that could not be armed.
    CgroupsNotArmed,
    /// Starts that were not seen, because the unit ran before its recording began.
    RunningBefore,
    /// Tasks of the whole host whose set-up calls may be in the recording, because they could not be told.
    SetupNotTold,
    /// Times that the kernel skipped the counting program.
    Skipped,
    /// Processes that still ran when the recording was ended.
    StillRunning,
    /// Spans in which nothing was attached to the kernel.
    Unattached,
    /// Whether something ran under a seccomp filter, its own or one that it came with: what that denies is not seen.
    UnderFilter,
    /// Distinct numbers that no table names.
    UnnamedNumbers,
}

impl Gap {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::AlreadyFiltered,
        Self::CallsNotCounted,
        Self::CgroupsNotArmed,
        Self::RunningBefore,
        Self::SetupNotTold,
        Self::Skipped,
        Self::StillRunning,
        Self::Unattached,
        Self::UnderFilter,
        Self::UnnamedNumbers,
    ];

    /// The key in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlreadyFiltered => "already_filtered",
            Self::CallsNotCounted => "calls_not_counted",
            Self::CgroupsNotArmed => "cgroups_not_armed",
            Self::RunningBefore => "running_before",
            Self::SetupNotTold => "setup_not_told",
            Self::Skipped => "skipped",
            Self::StillRunning => "still_running",
            Self::Unattached => "unattached",
            Self::UnderFilter => "under_filter",
            Self::UnnamedNumbers => "unnamed_numbers",
        }
    }

    /// What it counts, for people: `processes that still ran …: 2`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AlreadyFiltered => {
                "starts under a seccomp filter that the unit had already (what it denies is not seen)"
            }
            Self::CallsNotCounted => "calls that found no place in a kernel map",
            Self::CgroupsNotArmed => "sub-cgroups that could not be recorded",
            Self::RunningBefore => "starts that were not seen (the unit ran before its recording began)",
            Self::SetupNotTold => "tasks of the host whose set-up calls could not be told from a unit's own",
            Self::Skipped => "times that the kernel skipped the counting program",
            Self::StillRunning => "processes that still ran when the recording was ended",
            Self::Unattached => "spans in which nothing was attached to the kernel",
            Self::UnderFilter => {
                "a program ran under a seccomp filter, its own or one that it came with (what that denies is not seen)"
            }
            Self::UnnamedNumbers => "numbers that no table names",
        }
    }

    /// What it means for whoever signs the list, without the capital.
    #[must_use]
    pub const fn effect(self) -> &'static str {
        match self {
            Self::AlreadyFiltered => "calls that the earlier filter denied are not in the list",
            Self::CallsNotCounted => "calls beyond what the recorder has room for were not counted",
            Self::CgroupsNotArmed => "what ran in those sub-cgroups is not in the list",
            Self::RunningBefore => "what the unit does as it starts is not in the list",
            Self::SetupNotTold => {
                "the list may name calls that systemd made before it executed the unit's command"
            }
            Self::Skipped => "calls were missed at random",
            Self::StillRunning => "what those processes did later, their ends included, is not in the list",
            Self::Unattached => "what the unit did meanwhile is not in the list",
            Self::UnderFilter => {
                "calls that such a filter denied are not in the list, which may be right where the program brings it along \
                 at every start"
            }
            Self::UnnamedNumbers => "filters work by names, so these numbers will be denied",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::AlreadyFiltered => "record once without that filter",
            Self::CallsNotCounted => {
                "look at what makes calls by so many conventions or with such high numbers, and record again"
            }
            Self::CgroupsNotArmed => "record again, with fewer of them at once",
            Self::RunningBefore => "restart the unit while it is being recorded",
            Self::SetupNotTold => "record again, with fewer services starting at once",
            Self::Skipped => "do not build on it, but record on another kernel",
            Self::StillRunning => "record until the last of them has ended",
            Self::Unattached => "record on for as long as it takes to see all of it again",
            Self::UnderFilter => {
                "begin with --stage log: a filter that ends the process wins over the error that it is used to"
            }
            Self::UnnamedNumbers => "take a newer syscall-recorder, which may know them",
        }
    }

    /// The kind that files call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gap| gap.name() == name)
    }
}
