//! Times along an axis, in the units that people count in.

/// `1d 02:03:04`, so that a column of them lines up.
pub(super) fn exactly(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}d {clock}") }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Distances between labels that people count in.
const STEPS: [u64; 22] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// Where labels stand on an axis that ends at `end`, and their distance.
pub(super) fn ticks(end: u64, most: u64) -> (Vec<u64>, u64) {
    let step =
        STEPS.into_iter().find(|step| end / step <= most).unwrap_or((end / most).next_multiple_of(DAY));
    ((0..=end / step).map(|tick| tick * step).collect(), step)
}

/// In the unit that their distance is in.
pub(super) fn label(at: u64, step: u64) -> String {
    let (size, unit) = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min")]
        .into_iter()
        .find(|(size, _)| step >= *size)
        .unwrap_or((1, "s"));
    if at == 0 { "0".to_owned() } else { format!("{} {unit}", at / size) }
}

/// Where labels stand on an axis that counts from 1.
pub(super) fn numbers(end: u64, most: u64) -> Vec<u64> {
    let tens = (0..).flat_map(|zeros| [1, 2, 5].map(|digit| digit * 10_u64.saturating_pow(zeros)));
    let step = tens.into_iter().find(|step| end / step <= most).unwrap_or(end);
    (1..=end / step).map(|tick| tick * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_round_and_few() {
        let labels = |end, most| {
            let (ticks, step) = ticks(end, most);
            ticks.into_iter().map(|at| label(at, step)).collect::<Vec<_>>()
        };
        assert_eq!(labels(1, 9), ["0", "1 s"]);
        assert_eq!(labels(100, 4), ["0", "30 s", "60 s", "90 s"]);
        assert_eq!(labels(141_821, 4), ["0", "12 h", "24 h", "36 h"]);
        assert_eq!(labels(40 * DAY, 4), ["0", "14 d", "28 d"]);
        assert!(labels(253_402_300_799, 9).len() <= 10);
        assert_eq!(numbers(3, 9), [1, 2, 3]);
        assert_eq!(numbers(1000, 9), [200, 400, 600, 800, 1000]);
    }
}
