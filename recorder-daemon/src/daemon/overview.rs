//! What the socket tells of the recordings, in its own words.

use std::cmp::Reverse;

use super::recordings::{Overview, UnitOverview};
use crate::{
    allowlist::{Allowlist, Evidence, Lack},
    control::wire::{self, LastNew},
    recording::{Coverage, Estimate, Per},
};

/// How many of the calls that are new are told of a unit that is asked for by its name.
const NEWEST: usize = 10;

/// The state of all, or of a unit that was asked for by its name.
pub(super) fn status(overview: Overview, named: bool) -> wire::Status {
    wire::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: overview.since.to_string(),
        requests: overview.requests,
        degraded: overview.degraded,
        units: overview.units.into_iter().map(|of| unit(of, named)).collect(),
    }
}

fn unit(unit: UnitOverview, named: bool) -> wire::Unit {
    let allowlist = Allowlist::of(&unit.recording);
    let newest = newest(&allowlist);
    let last = newest.first();
    let quiet = last.map(|of| allowlist.observed.last.unix().saturating_sub(of.tally.first_seen.unix()));
    wire::Unit {
        requests: unit.requests,
        running: unit.running,
        since: unit.since.to_string(),
        seconds: allowlist.observed.seconds,
        starts: allowlist.observed.starts,
        calls: allowlist.calls(),
        names: allowlist.names().len() as u64,
        last_new: last.map(|evidence| last_new(evidence)),
        gaps: allowlist.observed.gaps.iter().map(|(gap, count)| (gap.name().to_owned(), *count)).collect(),
        quiet_seconds: quiet.unwrap_or_default(),
        coverage: allowlist.coverage().iter().map(coverage).collect(),
        lacks: allowlist.lacks().into_iter().map(|lack| Lack::name(lack).to_owned()).collect(),
        newest: newest
            .iter()
            .take(if named { NEWEST } else { 0 })
            .map(|evidence| last_new(evidence))
            .collect(),
        name: allowlist.unit,
    }
}

/// What was seen, the newest first.
fn newest(allowlist: &Allowlist) -> Vec<&Evidence> {
    let mut evidence: Vec<_> = allowlist.evidence.iter().collect();
    evidence.sort_by_key(|evidence| Reverse(evidence.tally.first_seen));
    evidence
}

fn last_new(evidence: &Evidence) -> LastNew {
    LastNew {
        name: evidence.name.clone().unwrap_or_else(|| format!("number {}", evidence.call.number)),
        abi: evidence.call.abi.name().to_owned(),
        at: evidence.tally.first_seen.to_string(),
        programs: evidence.tally.programs.iter().cloned().collect(),
    }
}

fn coverage((per, coverage): &(Per, Coverage)) -> wire::Coverage {
    let estimate = |of: Estimate| wire::Estimate { value: of.value, low: of.low, high: of.high };
    wire::Coverage {
        per: per.name().to_owned(),
        occasions: coverage.occasions,
        seen: coverage.seen,
        once: coverage.once,
        unseen: estimate(coverage.unseen),
        covered: estimate(coverage.covered),
        next: estimate(coverage.next),
    }
}
