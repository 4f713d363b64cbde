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

    /// From year, month and day, and hour, minute and second, in UTC. None for what is no such time, or before 1970.
    #[must_use]
    pub fn from_civil(
        (year, month, day): (u64, u64, u64),
        (hour, minute, second): (u64, u64, u64),
    ) -> Option<Self> {
        const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let index = usize::try_from(month.checked_sub(1)?).ok()?;
        let before = *BEFORE.get(index)?;
        let length =
            BEFORE.get(index + 1).copied().unwrap_or(365) - before + u64::from(month == 2 && leap(year));
        if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 || year < 1970 {
            return None;
        }
        let leaps = |year: u64| year / 4 - year / 100 + year / 400;
        let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
        let days = years + before + u64::from(month > 2 && leap(year)) + day - 1;
        Some(Self::from_unix(((days * 24 + hour) * 60 + minute) * 60 + second))
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
/// The wall clock is asked once for each span, when that begins. What comes after is counted on from there by a clock
/// that nobody can set, so that order and durations survive a step of the wall clock and a suspend.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The point in time at which the boot clock read zero, in nanoseconds since 1970. Before 1970 where the wall
    /// clock had never been set.
    boot: i128,
}

impl Clock {
    /// From one reading of both clocks: the wall clock, and `CLOCK_BOOTTIME` in nanoseconds.
    #[must_use]
    pub fn new(wall: SystemTime, since_boot: u64) -> Self {
        let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self { boot: i128::try_from(wall).unwrap_or(i128::MAX / 2) - i128::from(since_boot) }
    }

    /// The same clock, or the one by which it was `then` when the boot clock read `since_boot`, if that is another:
    /// the wall clock was set meanwhile, and what has begun is counted on as it began.
    #[must_use]
    pub fn through(self, then: Timestamp, since_boot: u64) -> Self {
        if self.at(since_boot) == then {
            return self;
        }
        Self { boot: i128::from(then.unix()) * SECOND - i128::from(since_boot) }
    }

    /// The point in time at which the boot clock read `since_boot` nanoseconds.
    #[must_use]
    pub fn at(self, since_boot: u64) -> Timestamp {
        let seconds = (self.boot + i128::from(since_boot)).max(0) / SECOND;
        Timestamp::from_unix(u64::try_from(seconds).unwrap_or(LATEST))
    }
}

/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_civil_time_is_what_humantime_says(unix in 0..=LATEST) {
            let at = Timestamp::from_unix(unix);
            let text = at.to_string();
            let part = |from: usize, to: usize| text[from..to].parse().unwrap();
            let date = (part(0, 4), part(5, 7), part(8, 10));
            prop_assert_eq!(Timestamp::from_civil(date, (part(11, 13), part(14, 16), part(17, 19))), Some(at));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for date in [
            (2023, 2, 29),
            (2100, 2, 29),
            (2024, 4, 31),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 1, 0),
            (1969, 12, 31),
        ] {
            assert_eq!(Timestamp::from_civil(date, (0, 0, 0)), None, "{date:?}");
        }
        assert!(Timestamp::from_civil((2024, 2, 29), (0, 0, 0)).is_some());
        assert_eq!(Timestamp::from_civil((2024, 1, 1), (24, 0, 0)), None);
    }
}
