//! What has not happened yet while the unit was observed: plain facts beside the estimate.

use super::{Allowlist, Per};
use crate::recording::FEWEST;

/// Below this, what happens once a week was hardly seen.
const DAYS: u64 = 7;

/// Something that was not seen to happen, so that what is called for it is not known. Only what can be known is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The unit was not seen to start.
    Start,
    /// It was not seen to stop.
    Stop,
    /// It was not seen to start again.
    Restart,
    /// systemd knows of an `ExecReload=`, and was not seen to run it.
    Reload,
    /// It was seen to start in no more than one boot.
    Boot,
    /// It was observed for less than a week.
    Week,
    /// There were too few starts and hours for an estimate.
    Estimate,
    /// Whether somebody outside sent it a signal, as logrotate does, cannot be seen. It is never told apart.
    Signals,
}

impl Lack {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Reload,
        Self::Boot,
        Self::Week,
        Self::Estimate,
        Self::Signals,
    ];

    /// The key for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "no_start",
            Self::Stop => "no_stop",
            Self::Restart => "no_restart",
            Self::Reload => "no_reload",
            Self::Boot => "no_boot",
            Self::Week => "no_week",
            Self::Estimate => "no_estimate",
            Self::Signals => "signals_unknown",
        }
    }

    /// For people: what was not seen, and what to do about it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Start => "a start was not seen: systemctl restart it",
            Self::Stop => "a stop was not seen: systemctl restart it",
            Self::Restart => "it was not seen to start again: systemctl restart it",
            Self::Reload => "its ExecReload= was not seen to run: systemctl reload it",
            Self::Boot => "it was not seen to start in more than one boot",
            Self::Week => "less than 7 days observed: weekly and monthly jobs may be missing",
            Self::Estimate => "fewer than 5 starts and 5 hours: too few to estimate coverage",
            Self::Signals => "signals from outside (logrotate's) cannot be seen: send one once",
        }
    }

    /// The kind that machines call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lack| lack.name() == name)
    }
}

impl Allowlist {
    /// What has not happened yet.
    #[must_use]
    pub fn lacks(&self) -> Vec<Lack> {
        let (observed, course) = (&self.observed, &self.observed.course);
        let occasions = |per| *course.occasions.get(per);
        let is = |lack: &Lack| match lack {
            Lack::Start => course.boots == 0,
            // A second start comes after a stop, whether that was told or not.
            Lack::Stop => course.stops == 0 && observed.starts < 2,
            Lack::Restart => observed.starts < 2,
            Lack::Reload => course.reloadable && course.reloads == 0,
            Lack::Boot => course.boots == 1,
            Lack::Week => observed.seconds < DAYS * 86_400,
            Lack::Estimate => occasions(Per::Start) < FEWEST && occasions(Per::Hour) < FEWEST,
            Lack::Signals => true,
        };
        Lack::ALL.into_iter().filter(is).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{allowlist::tests::sample, recording::By};

    #[test]
    fn what_was_seen_is_not_lacking() {
        let mut allowlist = sample();
        assert_eq!(allowlist.lacks(), [Lack::Boot, Lack::Week, Lack::Signals]);
        allowlist.observed.course.reloads = 0;
        allowlist.observed.course.boots = 2;
        allowlist.observed.seconds = 604_800;
        assert_eq!(allowlist.lacks(), [Lack::Reload, Lack::Signals]);
        allowlist.observed.course.reloadable = false;
        assert_eq!(allowlist.lacks(), [Lack::Signals]);
        allowlist.observed.course.stops = 0;
        assert_eq!(allowlist.lacks(), [Lack::Signals], "four starts had three ends");
        allowlist.observed.starts = 1;
        allowlist.observed.course.boots = 0;
        allowlist.observed.course.occasions = By { start: 1, hour: 4 };
        let all = [Lack::Start, Lack::Stop, Lack::Restart, Lack::Estimate, Lack::Signals];
        assert_eq!(allowlist.lacks(), all);
    }

    #[test]
    fn every_lack_has_a_name_of_its_own() {
        for lack in Lack::ALL {
            assert_eq!(Lack::from_name(lack.name()), Some(lack));
        }
    }
}
