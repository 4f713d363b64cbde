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
    /// Times that the kernel skipped the counting program.
    Skipped,
    /// Processes that still ran when the recording was ended.
    StillRunning,
    /// Spans in which nothing was attached to the kernel.
    Unattached,
    /// Distinct numbers that no table names.
    UnnamedNumbers,
}

impl Gap {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::AlreadyFiltered,
        Self::CallsNotCounted,
        Self::CgroupsNotArmed,
        Self::RunningBefore,
        Self::Skipped,
        Self::StillRunning,
        Self::Unattached,
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
            Self::Skipped => "skipped",
            Self::StillRunning => "still_running",
            Self::Unattached => "unattached",
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
            Self::Skipped => "times that the kernel skipped the counting program",
            Self::StillRunning => "processes that still ran when the recording was ended",
            Self::Unattached => "spans in which nothing was attached to the kernel",
            Self::UnnamedNumbers => "numbers that no table names",
        }
    }

    /// The kind that files call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gap| gap.name() == name)
    }
}
