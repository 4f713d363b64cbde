//! Occasions: the sampling units by which the coverage estimate counts calls.
//!
//! The kernel counts by unit and not by start, so an occasion is what lies between two readings with at least one
//! boundary: the end of a life of the unit's cgroup, or of an hour. Of each call that is kept which count it had at
//! the last boundary, so that a daemon that is killed in the middle goes on with the same occasion.

use super::{Span, Tally};

/// Where the end of an occasion lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// At the end of a life of the unit's cgroup.
    Start,
    /// At the end of an hour under observation.
    Hour,
}

/// One of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct By<T> {
    /// By start.
    pub start: T,
    /// By hour.
    pub hour: T,
}

/// The occasions of one kind in one span. Within a span the figures only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occasions {
    /// Those that are over. What no call was made in is none.
    pub over: u64,
    /// Where the open one begins: after so many starts, or seconds.
    pub after: u64,
}

/// One call in the occasions of one kind. Within a span the figures only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incidence {
    /// In how many of those that are over it was made.
    pub over: u64,
    /// How often it had been made when the open one began.
    pub before: u64,
}

const HOUR: u64 = 3600;

impl Per {
    /// The key for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Hour => "hour",
        }
    }
}

impl<T> By<T> {
    /// The one of that kind.
    pub fn get(&self, per: Per) -> &T {
        match per {
            Per::Start => &self.start,
            Per::Hour => &self.hour,
        }
    }

    fn get_mut(&mut self, per: Per) -> &mut T {
        match per {
            Per::Start => &mut self.start,
            Per::Hour => &mut self.hour,
        }
    }
}

impl Span {
    /// How many there were, with the open one if a call was made in it.
    #[must_use]
    pub fn occasions(&self, per: Per) -> u64 {
        self.occasions.get(per).over.saturating_add(self.is_open(per).into())
    }

    /// Whether a call was made in the open one.
    pub(crate) fn is_open(&self, per: Per) -> bool {
        self.calls.values().any(|tally| tally.in_open(per))
    }

    /// Ends the open occasion, which every call that was read by now belongs to. `after`: where the next begins.
    pub(crate) fn end_occasion(&mut self, per: Per, after: u64) {
        let mut called = false;
        for tally in self.calls.values_mut() {
            called |= tally.end_occasion(per);
        }
        let occasions = self.occasions.get_mut(per);
        occasions.over = occasions.over.saturating_add(called.into());
        occasions.after = occasions.after.max(after);
    }

    /// Ends the open hour if it is over by this reading.
    pub(crate) fn end_hour(&mut self) {
        if self.seconds / HOUR > self.occasions.hour.after / HOUR {
            self.end_occasion(Per::Hour, self.seconds);
        }
    }
}

impl Tally {
    /// In how many occasions it was made, with the open one.
    #[must_use]
    pub fn occasions(&self, per: Per) -> u64 {
        self.occasions.get(per).over.saturating_add(self.in_open(per).into())
    }

    fn in_open(&self, per: Per) -> bool {
        self.calls > self.occasions.get(per).before
    }

    fn end_occasion(&mut self, per: Per) -> bool {
        let called = self.in_open(per);
        let calls = self.calls;
        let occasions = self.occasions.get_mut(per);
        occasions.over = occasions.over.saturating_add(called.into());
        occasions.before = calls;
        called
    }

    /// As it stands once nothing is open any more, so that it can be added to that of other spans.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.end_occasion(Per::Start);
        self.end_occasion(Per::Hour);
        self
    }
}

impl By<Occasions> {
    pub(super) fn merge_reading(&mut self, other: &Self) {
        for per in [Per::Start, Per::Hour] {
            let (mine, other) = (self.get_mut(per), other.get(per));
            mine.over = mine.over.max(other.over);
            mine.after = mine.after.max(other.after);
        }
    }
}

impl By<Incidence> {
    pub(super) fn merge_reading(&mut self, other: &Self) {
        for per in [Per::Start, Per::Hour] {
            let (mine, other) = (self.get_mut(per), other.get(per));
            mine.over = mine.over.max(other.over);
            mine.before = mine.before.max(other.before);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for per in [Per::Start, Per::Hour] {
            let (mine, other) = (self.get_mut(per), other.get(per));
            mine.over = mine.over.saturating_add(other.over);
            mine.before = mine.before.saturating_add(other.before);
        }
    }
}
