//! Marks: when something happened to the unit, for the curve of discoveries. The counts are kept apart.

use std::collections::BTreeSet;

use super::Timestamp;

/// How many of the first marks are kept, and of the latest.
const KEPT: usize = 200;

/// Something that happened to the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When: to within the time of a reading.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What can happen to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A cgroup of its own was made.
    Start,
    /// Its cgroup was removed.
    Stop,
    /// systemd ran its `ExecReload=`.
    Reload,
}

impl Event {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Start, Self::Stop, Self::Reload];

    /// The key in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Reload => "reload",
        }
    }

    /// The kind that files call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// The first marks and the latest. Their union is a union: what is left out of one is not wanted in any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeSet<Mark>);

impl Marks {
    /// One more.
    pub fn insert(&mut self, mark: Mark) {
        self.0.insert(mark);
        self.cut();
    }

    /// All that are kept, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.iter()
    }

    /// Takes in those of another.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend(&other.0);
        self.cut();
    }

    fn cut(&mut self) {
        if self.0.len() > 2 * KEPT {
            let late = self.0.len() - KEPT;
            let mut place = 0;
            self.0.retain(|_| {
                place += 1;
                place <= KEPT || place > late
            });
        }
    }
}

impl FromIterator<Mark> for Marks {
    fn from_iter<I: IntoIterator<Item = Mark>>(marks: I) -> Self {
        let mut kept = Self(marks.into_iter().collect());
        kept.cut();
        kept
    }
}
