//! The last things that have happened, for whoever asks what came after the last that they heard of.
//!
//! Nobody is waited for and nothing is held for anybody: who asks too late hears how much they have missed.

use std::collections::VecDeque;

use super::What;
use crate::recording::Timestamp;

/// How many are held.
const HELD: usize = 1_024;

/// What has happened when, to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Event {
    /// Counted from 1.
    pub(in crate::daemon) number: u64,
    pub(in crate::daemon) at: Timestamp,
    pub(in crate::daemon) unit: String,
    pub(in crate::daemon) what: What,
}

#[derive(Default)]
pub(super) struct Events {
    held: VecDeque<Event>,
    newest: u64,
}

impl Events {
    pub(super) fn push(&mut self, at: Timestamp, unit: &str, what: What) {
        if self.held.len() == HELD {
            self.held.pop_front();
        }
        self.newest += 1;
        self.held.push_back(Event { number: self.newest, at, unit: unit.to_owned(), what });
    }

    /// The number of the newest.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// What came after an event, of one unit or of all, and how many that came after it are no longer held.
    pub(super) fn after(&self, number: u64, unit: Option<&str>) -> (Vec<Event>, u64) {
        let is_meant = |event: &&Event| event.number > number && unit.is_none_or(|unit| event.unit == unit);
        let events = self.held.iter().filter(is_meant).cloned().collect();
        let gone = self.held.front().map_or(self.newest, |oldest| oldest.number - 1);
        (events, gone.saturating_sub(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_hears_what_is_held_and_how_much_is_not() {
        let mut events = Events::default();
        assert_eq!(events.after(0, None), (vec![], 0));
        for number in 0..3_000_u64 {
            let unit = if number % 2 == 0 { "even" } else { "odd" };
            events.push(Timestamp::from_unix(number), unit, What::Began);
        }
        assert_eq!(events.held.len(), HELD);
        let (all, missed) = events.after(0, None);
        assert_eq!((all.len(), missed, all[0].number), (HELD, 3_000 - HELD as u64, 3_000 - HELD as u64 + 1));
        let (new, missed) = events.after(2_998, None);
        assert_eq!((new.len(), missed), (2, 0));
        let (of_one, missed) = events.after(2_990, Some("odd"));
        assert_eq!((of_one.len(), missed), (5, 0));
        assert_eq!(events.after(events.newest(), None), (vec![], 0));
    }
}
