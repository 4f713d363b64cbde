//! Which rows are shown, and in which order.

use std::cmp::Reverse;

use clap::ValueEnum;
use recorder_common::Abi;

use crate::{
    allowlist::{Doubt, Row},
    recording::Per,
    syscalls,
};

#[derive(clap::Args)]
pub(super) struct SelectArgs {
    /// What comes first: names in order, sets in order, or the most calls, the first or last seen, the fewest starts,
    /// the highest risk
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Key::Name)]
    sort: Key,
    /// Only what one should look at twice for one of these reasons
    #[arg(long, value_enum, value_name = "REASON", value_delimiter = ',')]
    only: Vec<Reason>,
    /// Only what is in this set of systemd's, such as @privileged
    #[arg(long, value_name = "NAME", value_parser = set)]
    set: Option<&'static str>,
    /// Only what this program made, by its path or its file name
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
    /// Only calls by this convention, such as i386
    #[arg(long, value_name = "ABI", value_parser = abi)]
    abi: Option<Abi>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Key {
    Name,
    Set,
    Calls,
    First,
    Last,
    Starts,
    Risk,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reason {
    /// Anything
    Any,
    /// It is dangerous or needs a privilege
    Risk,
    /// It is dangerous
    High,
    /// It was made once
    Once,
    /// It was only made in the first minute after a start
    StartUp,
    /// It was seen in few starts
    FewStarts,
    /// It was seen on few hosts
    FewHosts,
    /// Only a container's runtime made it, or what else was executed outside of the cgroup
    Runtime,
    /// Only another program than the main one made it
    Helper,
    /// It is allowed, and was never seen
    NeverSeen,
    /// It was seen, and is not allowed
    NotAllowed,
    /// No system call of this name or number is known
    Unknown,
}

fn abi(text: &str) -> Result<Abi, String> {
    let known = || Abi::ALL.map(Abi::name).join(", ");
    Abi::from_name(text).ok_or_else(|| format!("no such ABI; known are {}", known()))
}

fn set(text: &str) -> Result<&'static str, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    let set = syscalls::sets().map(|(set, _)| set).find(|set| set.strip_prefix('@') == Some(name));
    set.ok_or_else(|| format!("no such set in systemd {}", syscalls::SYSTEMD_VERSION))
}

impl SelectArgs {
    pub(super) fn apply(&self, rows: &mut Vec<Row>) {
        rows.retain(|row| self.wants(row));
        match self.sort {
            // As they come; ABIs stay apart.
            Key::Name => {}
            Key::Set => rows.sort_by_key(|row| {
                let set = row.name.and_then(syscalls::main_set);
                (set.is_none(), set)
            }),
            Key::Calls => rows.sort_by_key(|row| Reverse(row.evidence.map(|evidence| evidence.tally.calls))),
            Key::First => rows.sort_by_key(|row| {
                let first = row.evidence.map(|evidence| evidence.tally.first_seen);
                (first.is_none(), first)
            }),
            Key::Last => {
                rows.sort_by_key(|row| Reverse(row.evidence.map(|evidence| evidence.tally.last_seen)));
            }
            Key::Starts => rows.sort_by_key(|row| {
                let starts = row.evidence.and_then(|evidence| evidence.occasions(Per::Start));
                (starts.is_none(), starts)
            }),
            Key::Risk => {
                rows.sort_by_key(|row| Reverse((row.risk().map(|risk| risk.level), row.doubts.len())));
            }
        }
    }

    fn wants(&self, row: &Row) -> bool {
        let is_set = |set| row.name.is_some_and(|name| syscalls::sets_of(name).any(|holds| holds == set));
        let by = |wanted: &String| {
            let programs = row.evidence.into_iter().flat_map(|evidence| &evidence.tally.programs);
            let names = |program: &String| program.rsplit('/').next() == Some(wanted.as_str());
            programs.into_iter().any(|program| program == wanted || names(program))
        };
        (self.only.is_empty() || self.only.iter().any(|reason| reason.holds(row)))
            && self.set.is_none_or(is_set)
            && self.program.as_ref().is_none_or(by)
            && self.abi.is_none_or(|abi| row.abi == abi)
    }
}

impl Reason {
    fn holds(self, row: &Row) -> bool {
        row.doubts.iter().any(|doubt| match self {
            Self::Any => true,
            Self::Risk => matches!(doubt, Doubt::Risk(_)),
            Self::High => matches!(doubt, Doubt::Risk(risk) if risk.level == syscalls::Level::High),
            Self::Once => *doubt == Doubt::Once,
            Self::StartUp => *doubt == Doubt::OnlyAtStart,
            Self::FewStarts => matches!(doubt, Doubt::FewStarts { .. }),
            Self::FewHosts => matches!(doubt, Doubt::FewHosts { .. }),
            Self::Runtime => *doubt == Doubt::Runtime,
            Self::Helper => matches!(doubt, Doubt::OnlyBy(_)),
            Self::NeverSeen => *doubt == Doubt::NeverSeen,
            Self::NotAllowed => *doubt == Doubt::NotAllowed,
            Self::Unknown => matches!(doubt, Doubt::UnknownName | Doubt::NoName),
        })
    }
}
