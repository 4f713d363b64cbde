//! Words for people.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use crate::printable::printable;

/// A number with its thousands set apart: `146,674`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A time in words, to the second: `2h 5m 3s`.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0 => "less than 1s".to_owned(),
        _ => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}

/// A time in its largest unit that tells something: `154m`, `39h`, `12d`.
pub(crate) fn roughly(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number in three digits: `146k`, `1.3M`. What is cut off is not rounded up.
pub(crate) fn about(number: u64) -> String {
    let (unit, size) = match number {
        0..10_000 => return number.to_string(),
        10_000..1_000_000 => ('k', 1_000),
        1_000_000..1_000_000_000 => ('M', 1_000_000),
        1_000_000_000..1_000_000_000_000 => ('G', 1_000_000_000),
        _ => ('T', 1_000_000_000_000),
    };
    let (whole, tenth) = (number / size, number % size / (size / 10));
    if whole < 10 { format!("{whole}.{tenth}{unit}") } else { format!("{whole}{unit}") }
}

/// A part of the whole, as `97.3 %`. An estimate never says that it is all.
pub(crate) fn percent(part: f64) -> String {
    let tenths = (part * 1000.0).floor();
    if tenths >= 1000.0 { ">99.9 %".to_owned() } else { format!("{:.1} %", tenths / 10.0) }
}

/// `1 call`, `2 calls`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// Paths in full, and by their file names where there is little room.
pub(super) fn programs(paths: &BTreeSet<String>) -> [String; 2] {
    let names: BTreeSet<_> = paths.iter().map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    [paths.join(" "), names.into_iter().collect::<Vec<_>>().join(" ")].map(|text| printable(&text))
}

/// For machines.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and numbers always have a JSON form") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_and_numbers_are_shortened_downwards() {
        let seconds = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(roughly);
        assert_eq!(seconds, ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
        let numbers = [9_999, 10_000, 999_999, 1_399_999, 99_999_999, 4_200_000_000].map(about);
        assert_eq!(numbers, ["9999", "10k", "999k", "1.3M", "99M", "4.2G"]);
    }

    #[test]
    fn an_estimate_never_says_that_it_is_all() {
        assert_eq!([0.0, 0.9739, 0.9999, 1.0].map(percent), ["0.0 %", "97.3 %", "99.9 %", ">99.9 %"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1, "call"), "1 call");
        assert_eq!(count(0, "call"), "0 calls");
    }
}
