/// Something that can make a recording incomplete. Each is counted and travels into every export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gap {
    /// Calls that found no place in a kernel map.
    CallsNotCounted,
    /// Cgroups below the unit's own that could not be armed.
    CgroupsNotArmed,
    /// Times that the kernel skipped the counting program.
    Skipped,
    /// Processes that still ran when the recording was ended.
    StillRunning,
    /// Distinct numbers that no table names.
    UnnamedNumbers,
}

impl Gap {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::CallsNotCounted,
        Self::CgroupsNotArmed,
        Self::Skipped,
        Self::StillRunning,
        Self::UnnamedNumbers,
    ];

    /// The key in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallsNotCounted => "calls_not_counted",
            Self::CgroupsNotArmed => "cgroups_not_armed",
            Self::Skipped => "skipped",
            Self::StillRunning => "still_running",
            Self::UnnamedNumbers => "unnamed_numbers",
        }
    }

    /// What it counts, for people: `processes that still ran …: 2`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::CallsNotCounted => "calls that found no place in a kernel map",
            Self::CgroupsNotArmed => "sub-cgroups that could not be recorded",
            Self::Skipped => "times that the kernel skipped the counting program",
            Self::StillRunning => "processes that still ran when the recording was ended",
            Self::UnnamedNumbers => "numbers that no table names",
        }
    }

    /// The kind that files call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gap| gap.name() == name)
    }
}
