//! Words of the report.

use crate::{recording::Gap, text::count};

/// What a gap means for the list, and the mend, as two sentences.
pub(super) fn advice(gap: Gap) -> String {
    format!("{} {}", sentence(gap.effect()), sentence(gap.mend()))
}

fn sentence(clause: &str) -> String {
    let (first, rest) = clause.split_at(1);
    format!("{}{rest}.", first.to_ascii_uppercase())
}

/// A time in prose, to what matters at its size: `1 day 15 hours`, `3 seconds`.
pub(super) fn roughly(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let Some(at) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        return "less than a second".to_owned();
    };
    let mut rest = seconds;
    let mut words = Vec::new();
    for (size, name) in UNITS.into_iter().skip(at).take(2) {
        if rest >= size {
            words.push(count(rest / size, name));
        }
        rest %= size;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_two_units_at_most() {
        let said = [0, 1, 59, 60, 3_605, 141_821, 172_800].map(roughly);
        let words = [
            "less than a second",
            "1 second",
            "59 seconds",
            "1 minute",
            "1 hour",
            "1 day 15 hours",
            "2 days",
        ];
        assert_eq!(said, words);
    }
}
