//! Words for people.

use std::time::Duration;

/// A number with its thousands set apart: `146,674`.
pub(super) fn thousands(number: u64) -> String {
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
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0 => "less than 1s".to_owned(),
        _ => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}

/// `1 call`, `2 calls`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(count(1, "call"), "1 call");
        assert_eq!(count(0, "call"), "0 calls");
    }
}
