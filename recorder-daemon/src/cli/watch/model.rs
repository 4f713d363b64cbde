//! What is on the screen, without the screen.

use std::{
    collections::{HashMap, VecDeque},
    time::SystemTime,
};

use crate::control::wire::{Event, Line, Watched};

/// How many events can be looked back at.
const REMEMBERED: usize = 500;

#[derive(Default)]
pub(super) struct Model {
    /// In the order of the screen.
    pub(super) units: Vec<Line>,
    /// The newest last.
    pub(super) events: VecDeque<Event>,
    pub(super) degraded: Option<String>,
    /// Why the daemon cannot be asked.
    pub(super) trouble: Option<String>,
    /// When the daemon started, in words.
    pub(super) since: String,
    /// The first row that is shown.
    pub(super) top: usize,
    pub(super) newest_first: bool,
    rates: HashMap<String, Rate>,
}

/// How a unit's count has grown between its last two readings.
struct Rate {
    read: u64,
    calls: u64,
    per_second: Option<u64>,
}

impl Model {
    /// Takes in what the daemon has told.
    pub(super) fn take(&mut self, watched: Watched) {
        self.trouble = None;
        if watched.missed > 0 {
            let (event, count) = ("missed".to_owned(), Some(watched.missed));
            let at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
            self.remember(Event { at, event, count, ..Event::default() });
        }
        watched.events.into_iter().for_each(|event| self.remember(event));
        (self.degraded, self.since, self.units) = (watched.degraded, watched.since, watched.units);
        let mut rates = HashMap::with_capacity(self.units.len());
        for unit in &self.units {
            let rate = match self.rates.remove(&unit.name) {
                Some(rate) if rate.read >= unit.read => rate,
                before => Rate {
                    read: unit.read,
                    calls: unit.calls,
                    per_second: before.and_then(|before| {
                        let calls = u128::from(unit.calls.checked_sub(before.calls)?);
                        u64::try_from(calls * 1000 / u128::from(unit.read - before.read)).ok()
                    }),
                },
            };
            rates.insert(unit.name.clone(), rate);
        }
        self.rates = rates;
        self.sort();
    }

    fn remember(&mut self, event: Event) {
        if self.events.len() == REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(super) fn sort(&mut self) {
        if self.newest_first {
            self.units.sort_by(|a, b| b.last_new.cmp(&a.last_new).then_with(|| a.name.cmp(&b.name)));
        } else {
            self.units.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }

    /// Calls in a second, where it was read twice.
    pub(super) fn rate(&self, unit: &str) -> Option<u64> {
        self.rates.get(unit)?.per_second
    }

    /// Scrolls so that, of so many rows, none is empty that could be filled.
    pub(super) fn scroll(&mut self, by: isize, rows: usize) {
        let last = self.units.len().saturating_sub(rows);
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// The names of the units on the screen, of so many rows.
    pub(super) fn shown(&self, rows: usize) -> Vec<String> {
        self.units.iter().skip(self.top).take(rows).map(|unit| unit.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(read: u64, calls: u64) -> Watched {
        let unit = Line { name: "a.service".into(), read, calls, ..Line::default() };
        Watched { units: vec![unit], ..Watched::default() }
    }

    #[test]
    fn a_rate_is_between_two_readings() {
        let mut model = Model::default();
        let mut after = |read, calls| {
            model.take(watched(read, calls));
            model.rate("a.service")
        };
        assert_eq!(after(1_000, 100), None);
        assert_eq!(after(1_000, 100), None, "it was not read again");
        assert_eq!(after(3_000, 400), Some(150));
        assert_eq!(after(3_000, 400), Some(150));
        assert_eq!(after(4_000, 300), None, "its recording was begun anew");
        assert_eq!(after(5_000, 300), Some(0));
        model.take(Watched::default());
        assert_eq!(model.rate("a.service"), None);
    }

    #[test]
    fn scrolling_ends_where_the_units_end() {
        let mut model = Model { units: vec![Line::default(); 10], ..Model::default() };
        model.scroll(3, 4);
        assert_eq!(model.top, 3);
        model.scroll(isize::MAX, 4);
        assert_eq!(model.top, 6);
        model.scroll(isize::MIN, 4);
        assert_eq!((model.top, model.shown(4).len()), (0, 4));
        model.scroll(1, 20);
        assert_eq!(model.top, 0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut model = Model::default();
        for number in 0..2_000 {
            let events = vec![Event { number, ..Event::default() }];
            model.take(Watched { events, ..Watched::default() });
        }
        assert_eq!((model.events.len(), model.events.back().map(|event| event.number)), (500, Some(1_999)));
    }
}
