//! Points in time, as files keep them, and the clock that gives them.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time to the second, in seconds since 1970 (UTC). Written as `2026-11-23T17:36:19Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// What [`humantime`] can write: 9999-12-31T23:59:59Z.
const LATEST: u64 = 253_402_300_799;

impl Timestamp {
    /// From seconds since 1970; what lies after the year 9999 is taken for its end.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(if seconds > LATEST { LATEST } else { seconds })
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = humantime::TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = humantime::parse_rfc3339(text)?;
        Ok(Self::from_unix(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()))
    }
}

/// Turns the kernel's time since boot into a point in time.
///
/// The wall clock is asked once, at the beginning. What comes after is counted on from there by a clock
/// that nobody can set, so that order and durations survive a step of the wall clock and a suspend.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The point in time at which the boot clock read zero, in nanoseconds since 1970.
    boot: u128,
}

impl Clock {
    /// From one reading of both clocks: the wall clock, and `CLOCK_BOOTTIME` in nanoseconds.
    #[must_use]
    pub fn new(wall: SystemTime, since_boot: u64) -> Self {
        let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self { boot: wall.saturating_sub(u128::from(since_boot)) }
    }

    /// The point in time at which the boot clock read `since_boot` nanoseconds.
    #[must_use]
    pub fn at(self, since_boot: u64) -> Timestamp {
        let seconds = (self.boot + u128::from(since_boot)) / 1_000_000_000;
        Timestamp::from_unix(u64::try_from(seconds).unwrap_or(LATEST))
    }
}
