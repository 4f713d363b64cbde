//! What a monitoring system wants to know. docs/metrics.md documents each metric, and a test holds the two together.

use std::collections::BTreeMap;

use super::exposition::{
    Exposition,
    Kind::{Counter, Gauge},
    Labels,
};
use crate::{
    daemon::{
        LIMITS,
        entry::{Figures, HostFigures},
    },
    kernel::Usage,
    recording::Timestamp,
};

/// More units than these are counted and not told one by one: each is a handful of time series for ever.
const UNITS: usize = 1_000;

/// All that is told.
pub(super) struct Metrics {
    pub(super) since: Timestamp,
    pub(super) degraded: bool,
    pub(super) written: Option<Timestamp>,
    pub(super) requests: usize,
    pub(super) host: HostFigures,
    pub(super) usage: Usage,
    pub(super) units: BTreeMap<String, Unit>,
}

pub(super) struct Unit {
    pub(super) running: bool,
    pub(super) figures: Figures,
}

impl Metrics {
    pub(super) fn text(&self) -> String {
        let mut text = Exposition::default();
        self.of_the_daemon(&mut text);
        self.of_the_kernel_side(&mut text);
        self.of_the_units(&mut text);
        text.into_text()
    }

    fn of_the_daemon(&self, text: &mut Exposition) {
        const NONE: Labels<'static> = &[];
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        text.metric(("syscall_recorder_build_info", Gauge, "The daemon's version."), [(&version[..], 1)]);
        text.metric(
            ("syscall_recorder_start_time_seconds", Gauge, "When the daemon started, since 1970."),
            [(NONE, self.since.unix())],
        );
        text.metric(
            (
                "syscall_recorder_degraded",
                Gauge,
                "Whether something keeps the daemon from doing all it should.",
            ),
            [(NONE, u8::from(self.degraded))],
        );
        text.metric(
            ("syscall_recorder_last_write_time_seconds", Gauge, "When a recording was last written to disk."),
            self.written.map(|at| (NONE, at.unix())),
        );
        text.metric(
            ("syscall_recorder_requests", Gauge, "Requests to record that stand."),
            [(NONE, self.requests)],
        );
        text.metric(
            ("syscall_recorder_units", Gauge, "Units that are being recorded."),
            [(NONE, self.units.len())],
        );
        text.metric(
            ("syscall_recorder_units_omitted", Gauge, "Units that have no metrics of their own: too many."),
            [(NONE, self.units.len().saturating_sub(UNITS))],
        );
    }

    fn of_the_kernel_side(&self, text: &mut Exposition) {
        let misses = self.host.misses;
        let kinds = [("calls", misses.calls), ("cgroups", misses.cgroups), ("setups", misses.setups)];
        let kinds = kinds.map(|(kind, count)| ([("kind", kind)], count));
        text.metric(
            (
                "syscall_recorder_misses_total",
                Counter,
                "What the kernel side could not keep, of no unit in particular.",
            ),
            kinds.iter().map(|(labels, count)| (&labels[..], *count)),
        );
        text.metric(
            (
                "syscall_recorder_news_lost_total",
                Counter,
                "Hints that were lost; the calls they told of are not.",
            ),
            [(&[][..], misses.news)],
        );
        text.metric(
            (
                "syscall_recorder_skipped_total",
                Counter,
                "Times that the kernel skipped the counting program.",
            ),
            [(&[][..], self.host.skipped)],
        );
        let usage = self.usage;
        let maps = [
            ("cgroups", usage.cgroups, LIMITS.cgroups),
            ("outliers", usage.outliers, LIMITS.outliers),
            ("programs", usage.programs, LIMITS.programs),
            ("sightings", usage.sightings, LIMITS.sightings),
            ("units", usage.units, LIMITS.units),
        ]
        .map(|(map, used, limit)| ([("map", map)], used, limit));
        text.metric(
            ("syscall_recorder_map_entries", Gauge, "Entries in the kernel's maps."),
            maps.iter().map(|(labels, used, _)| (&labels[..], *used)),
        );
        text.metric(
            ("syscall_recorder_map_entries_limit", Gauge, "Entries for which the kernel's maps have room."),
            maps.iter().map(|(labels, _, limit)| (&labels[..], *limit)),
        );
    }

    fn of_the_units(&self, text: &mut Exposition) {
        let units: Vec<_> =
            self.units.iter().take(UNITS).map(|(name, unit)| ([("unit", name.as_str())], unit)).collect();
        let mut of_each = |metric, value: fn(&Unit) -> Option<u64>| {
            let samples = units.iter().filter_map(|(labels, unit)| Some((&labels[..], value(unit)?)));
            text.metric(metric, samples);
        };
        of_each(("syscall_recorder_unit_running", Gauge, "Whether the unit's cgroup exists."), |unit| {
            Some(unit.running.into())
        });
        of_each(
            ("syscall_recorder_unit_starts_total", Counter, "Lives of the unit that were seen."),
            |unit| Some(unit.figures.starts),
        );
        of_each(("syscall_recorder_unit_calls_total", Counter, "System calls that were counted."), |unit| {
            Some(unit.figures.calls)
        });
        of_each(
            (
                "syscall_recorder_unit_new_calls_total",
                Counter,
                "Calls that were seen for a first time, by ABI.",
            ),
            |unit| Some(unit.figures.distinct),
        );
        of_each(("syscall_recorder_unit_names", Gauge, "Distinct names of calls that were seen."), |unit| {
            Some(unit.figures.names)
        });
        of_each(
            (
                "syscall_recorder_unit_last_new_call_time_seconds",
                Gauge,
                "When a call was last seen for the first time, since 1970.",
            ),
            |unit| unit.figures.last_new.map(Timestamp::unix),
        );
        let gaps: Vec<_> = units
            .iter()
            .flat_map(|([name], unit)| {
                unit.figures.gaps.iter().map(move |(gap, count)| ([*name, ("kind", gap.name())], *count))
            })
            .collect();
        text.metric(
            ("syscall_recorder_unit_gaps_total", Counter, "What can make the unit's recording incomplete."),
            gaps.iter().map(|(labels, count)| (&labels[..], *count)),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::recording::Gap;

    fn metrics(units: impl IntoIterator<Item = String>) -> Metrics {
        let figures = Figures {
            calls: 1_381_360,
            starts: 4,
            distinct: 72,
            names: 71,
            last_new: Some(Timestamp::from_unix(1_795_587_901)),
            gaps: [(Gap::RunningBefore, 1), (Gap::Skipped, 1_204)].into(),
            ..Figures::default()
        };
        let unit = |name| (name, Unit { running: true, figures: figures.clone() });
        Metrics {
            since: Timestamp::from_unix(1_795_450_000),
            degraded: true,
            written: Some(Timestamp::from_unix(1_795_587_902)),
            requests: 2,
            host: HostFigures::default(),
            usage: Usage { units: 2, cgroups: 3, ..Usage::default() },
            units: units.into_iter().map(unit).collect(),
        }
    }

    #[test]
    fn it_reads_as_prometheus_wants_it() {
        let text = metrics(["nginx.service".into(), "/a\u{1b}\"\n} 1\\".into()]).text();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn more_units_than_have_a_place_are_counted() {
        let text = metrics((0..1_234).map(|n| format!("u{n}.service"))).text();
        assert!(
            text.contains("\nsyscall_recorder_units 1234\nsyscall")
                || text.contains("\nsyscall_recorder_units 1234\n#")
        );
        assert!(text.contains("\nsyscall_recorder_units_omitted 234\n"));
        assert_eq!(text.matches("\nsyscall_recorder_unit_running{").count(), UNITS);
    }

    #[test]
    fn each_is_documented() {
        let text = metrics(["a.service".into()]).text();
        let names: BTreeSet<_> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let page = include_str!("../../../../docs/metrics.md");
        let documented: BTreeSet<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `syscall_recorder_")?.split(['`', '{']).next())
            .map(|name| format!("syscall_recorder_{name}"))
            .collect();
        assert_eq!(names, documented.iter().map(String::as_str).collect());
    }
}
