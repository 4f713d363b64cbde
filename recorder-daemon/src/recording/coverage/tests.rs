use proptest::{collection::vec, prelude::*};

use super::*;

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 5e-5, "{found}, not {expected}");
}

fn of(occasions: u64, incidences: &[u64]) -> Coverage {
    Coverage::of(occasions, incidences.iter().copied()).unwrap()
}

#[test]
fn the_figures_are_those_of_the_formulas() {
    // By hand: Q1 = 4, Q2 = 2, U = 33, T = 10.
    let coverage = of(10, &[1, 1, 1, 1, 2, 2, 5, 10, 10]);
    assert_eq!((coverage.occasions, coverage.seen, coverage.once), (10, 9, 4));
    near(coverage.unseen.value, 1.8);
    // The variance is 1.8 + 4.41 + 0.72, the interval 1.8 / 8.14 to 1.8 x 8.14, in whole calls.
    assert_eq!((coverage.unseen.low, coverage.unseen.high), (0.0, 15.0));
    near(coverage.covered.value, 1.0 - 4.0 / 33.0 * 36.0 / 40.0);
    near(coverage.next.value, 0.36);
    // 1.96 x sqrt(4 x 29/33 + 4) / 33 = 0.1628, more than is missing.
    near(coverage.covered.high, 1.0);
    let most = poisson_high(4.0);
    // The exact one is 10.2416.
    near(most, 10.24075);
    near(coverage.covered.low, 1.0 - most / 33.0 * (9.0 * most / (9.0 * most + 4.0)));
}

#[test]
fn no_call_seen_twice_still_gives_an_estimate() {
    let coverage = of(10, &[1, 1, 1, 10]);
    near(coverage.unseen.value, 2.7);
    near(coverage.covered.value, 1.0 - 3.0 / 13.0 * 18.0 / 20.0);
    // The variance is 2.7 + 15.1875 - 2.4481, the interval 2.7 / 8.09 to 2.7 x 8.09.
    assert_eq!((coverage.unseen.low, coverage.unseen.high), (0.0, 22.0));
}

#[test]
fn with_one_call_seen_once_good_and_turing_have_the_word() {
    let coverage = of(10, &[1, 10, 10]);
    near(coverage.unseen.value, 0.0);
    assert!(coverage.unseen.high > 0.0);
    near(coverage.covered.value, 1.0 - 1.0 / 21.0);
}

#[test]
fn with_none_seen_once_nothing_is_known_to_be_missing_and_the_interval_says_how_sure_that_is() {
    let coverage = of(10, &[2, 10, 10]);
    assert_eq!((coverage.unseen.value, coverage.unseen.low), (0.0, 0.0));
    assert!((coverage.covered.value - 1.0).abs() < f64::EPSILON && coverage.covered.low < 1.0);
    let longer = of(1000, &[20, 1000, 1000]);
    assert!(longer.covered.low > coverage.covered.low);
}

#[test]
fn of_too_few_occasions_and_of_no_call_nothing_is_said() {
    assert_eq!(Coverage::of(0, []), None);
    assert_eq!(Coverage::of(1, [1, 1]), None);
    assert_eq!(Coverage::of(FEWEST - 1, [1, 2]), None);
    assert_eq!(Coverage::of(FEWEST, []), None);
    assert_eq!(Coverage::of(FEWEST, [0, 0]), None);
    assert!(Coverage::of(FEWEST, [1]).is_some());
}

proptest! {
    #[test]
    fn whatever_the_counts_the_figures_are_figures(occasions in FEWEST..1 << 40, incidences in vec(any::<u64>(), 0..30), rare in vec(0_u64..4, 0..30)) {
        let all = incidences.iter().chain(&rare).copied();
        let Some(coverage) = Coverage::of(occasions, all) else { return Ok(()) };
        for estimate in [coverage.unseen, coverage.covered, coverage.next] {
            prop_assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{:?}", estimate);
            prop_assert!(estimate.low >= 0.0 && estimate.high.is_finite());
        }
        prop_assert!(coverage.covered.high <= 1.0 && coverage.seen >= coverage.once);
    }
}
