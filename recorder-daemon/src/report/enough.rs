//! Whether it was watched long enough: what is estimated, what was new last, what has not happened yet.

use super::{curve::name, words::roughly};
use crate::{
    allowlist::Allowlist,
    recording::{Coverage, Per},
    text::{count, percent},
};

pub(super) struct Enough {
    pub(super) calls: String,
    pub(super) newest: Option<Newest>,
    pub(super) estimates: Vec<Estimate>,
    pub(super) lacks: Vec<&'static str>,
}

/// What was new last.
pub(super) struct Newest {
    /// One of them, and how many more came with it.
    pub(super) name: String,
    pub(super) more: usize,
    pub(super) when: String,
    /// How long nothing new has come.
    pub(super) since: Option<String>,
}

/// From the occasions of one kind.
pub(super) struct Estimate {
    pub(super) per: &'static str,
    pub(super) occasions: String,
    pub(super) covered: String,
    pub(super) covered_low: String,
    pub(super) unseen: String,
    pub(super) unseen_low: String,
    pub(super) unseen_high: String,
    pub(super) next: String,
    pub(super) next_high: String,
}

impl Enough {
    pub(super) fn of(allowlist: &Allowlist) -> Self {
        Self {
            calls: count(allowlist.evidence.len() as u64, "distinct call"),
            newest: Newest::of(allowlist),
            estimates: allowlist.coverage().iter().map(Estimate::of).collect(),
            lacks: allowlist.lacks().into_iter().map(crate::allowlist::Lack::meaning).collect(),
        }
    }
}

impl Newest {
    fn of(allowlist: &Allowlist) -> Option<Self> {
        let at = allowlist.evidence.iter().map(|evidence| evidence.tally.first_seen).max()?;
        let mut newest = allowlist.evidence.iter().filter(|evidence| evidence.tally.first_seen == at);
        let name = name(newest.next()?);
        let after = at.unix().saturating_sub(allowlist.observed.first.unix());
        let since = allowlist.observed.last.unix().saturating_sub(at.unix());
        Some(Self {
            name,
            more: newest.count(),
            when: match after {
                0 => "within the first second".to_owned(),
                _ => format!("{} after the beginning", roughly(after)),
            },
            since: (since > 0).then(|| roughly(since)),
        })
    }
}

impl Estimate {
    fn of((per, coverage): &(Per, Coverage)) -> Self {
        let (covered, unseen, next) = (coverage.covered, coverage.unseen, coverage.next);
        let whole = |figure: f64| format!("{figure:.0}");
        Self {
            per: per.name(),
            occasions: count(coverage.occasions, per.name()),
            covered: percent(covered.value),
            covered_low: percent(covered.low),
            unseen: whole(unseen.value),
            unseen_low: whole(unseen.low),
            unseen_high: whole(unseen.high),
            next: format!("{:.2}", next.value),
            next_high: format!("{:.2}", next.high),
        }
    }
}
