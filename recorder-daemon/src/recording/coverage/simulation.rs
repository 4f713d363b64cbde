//! The estimators against known truth: units of several shapes, a thousand recordings of each.
//!
//! `cargo test -p recorder-daemon --lib coverage::simulation -- --nocapture` prints the table of
//! docs/coverage.md, which must be the one that is there.

use std::fmt::Write;

use super::{Coverage, Estimate};

const DRAWS: u32 = 1000;
/// The calls that every unit makes on every occasion: to load the program, to read its files.
const ALWAYS: usize = 40;

/// What the estimators cannot know of: occasions that are not alike.
const JOB: &str = "a monthly job";

/// A sequence of numbers that is the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than 1.
    #[expect(clippy::cast_precision_loss, reason = "52 bits")]
    fn real(&mut self) -> f64 {
        (self.next() >> 12) as f64 / (1_u64 << 52) as f64
    }
}

/// A unit: how likely each of its calls is on an occasion.
struct Shape {
    name: &'static str,
    rare: Vec<f64>,
    /// So many calls more, which come all together or not at all, and how likely.
    together: (usize, f64),
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn shapes() -> Vec<Shape> {
    let broken = |pieces: usize| {
        // A stick broken at random, its pieces as they are expected, the largest scaled to 0.9.
        let piece = |k: usize| (k..=pieces).map(|n| 1.0 / n as f64).sum::<f64>();
        (1..=pieces).map(|k| 0.9 * piece(k) / piece(1)).collect()
    };
    let shape = |name, rare| Shape { name, rare, together: (0, 0.0) };
    vec![
        shape("homogeneous", vec![0.1; 40]),
        shape("geometric", (0..40).map(|k| 0.9 * 0.88_f64.powi(k)).collect()),
        shape("broken stick", broken(40)),
        shape("few rare calls", [vec![0.5; 35], vec![0.02; 5]].concat()),
        shape("Zipf", (1..=40).map(|k| 0.9 / f64::from(k)).collect()),
        Shape { together: (10, 1.0 / 30.0), ..shape(JOB, vec![0.5; 30]) },
    ]
}

/// What came of all draws of one shape at one number of occasions.
#[derive(Default)]
struct Outcome {
    unseen: Against,
    covered: Against,
    next: Against,
}

/// Estimates against the truth of their own draw.
#[derive(Default)]
struct Against {
    truth: f64,
    estimate: f64,
    held: f64,
}

impl Against {
    fn add(&mut self, estimate: Estimate, truth: f64) {
        self.truth += truth / f64::from(DRAWS);
        self.estimate += estimate.value / f64::from(DRAWS);
        let held = estimate.low - 1e-9 <= truth && truth <= estimate.high + 1e-9;
        self.held += if held { 1.0 / f64::from(DRAWS) } else { 0.0 };
        assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{estimate:?}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn simulate(shape: &Shape, occasions: u64, random: &mut Random) -> Outcome {
    let mut outcome = Outcome::default();
    for _ in 0..DRAWS {
        let mut draw = |chance: f64| (0..occasions).filter(|_| random.real() < chance).count() as u64;
        let mut rare: Vec<(u64, f64)> = shape.rare.iter().map(|chance| (draw(*chance), *chance)).collect();
        let (calls, chance) = shape.together;
        rare.extend(std::iter::repeat_n((draw(chance), chance), calls));
        let always = std::iter::repeat_n(occasions, ALWAYS);
        let estimated = Coverage::of(occasions, rare.iter().map(|(seen, _)| *seen).chain(always)).unwrap();
        let all = ALWAYS as f64 + rare.iter().map(|(_, chance)| chance).sum::<f64>();
        let unseen = || rare.iter().filter(|(seen, _)| *seen == 0);
        let next: f64 = unseen().map(|(_, chance)| chance).sum();
        outcome.unseen.add(estimated.unseen, unseen().count() as f64);
        outcome.covered.add(estimated.covered, 1.0 - next / all);
        outcome.next.add(estimated.next, next);
    }
    outcome
}

/// The bounds that docs/coverage.md states.
fn check(shape: &Shape, occasions: u64, outcome: &Outcome) {
    let about = format!("{} at {occasions}", shape.name);
    let Outcome { unseen, covered, next } = outcome;
    if shape.name == JOB {
        // Mostly it has not happened, and nothing tells of it.
        if (10..=20).contains(&occasions) {
            assert!(unseen.held < 0.6, "{about}: {}, better than the document says", unseen.held);
        }
        return;
    }
    assert!((covered.estimate - covered.truth).abs() < 0.002, "{about}: {}", covered.estimate);
    assert!((next.estimate - next.truth).abs() < 0.05 + 0.05 * next.truth, "{about}: {}", next.estimate);
    assert!(covered.held > 0.92 && next.held > 0.92, "{about}: {} {}", covered.held, next.held);
    assert!(unseen.estimate < 0.5 + 1.05 * unseen.truth, "{about}: {} is no lower bound", unseen.estimate);
    if shape.name == "homogeneous" {
        assert!((unseen.estimate - unseen.truth).abs() < 0.1 + 0.1 * unseen.truth, "{about}");
        assert!(unseen.held > 0.9, "{about}: {}", unseen.held);
    }
}

#[test]
fn the_estimates_hold_against_known_truth_as_far_as_the_document_says() {
    let mut random = Random(1);
    let mut table = String::from(
        "| shape | occasions | unseen: true | estimated | holds | covered: true | estimated | holds | \
         new next: true | estimated | holds |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for shape in shapes() {
        for occasions in [5, 10, 20, 50, 100] {
            let outcome = simulate(&shape, occasions, &mut random);
            let Outcome { unseen, covered, next } = &outcome;
            writeln!(
                table,
                "| {} | {occasions} | {:.1} | {:.1} | {:.0} % | {:.2} % | {:.2} % | {:.0} % | {:.2} | {:.2} | {:.0} % |",
                shape.name,
                unseen.truth,
                unseen.estimate,
                100.0 * unseen.held,
                100.0 * covered.truth,
                100.0 * covered.estimate,
                100.0 * covered.held,
                next.truth,
                next.estimate,
                100.0 * next.held,
            )
            .unwrap();
            check(&shape, occasions, &outcome);
        }
    }
    println!("{table}");
    let document = include_str!("../../../../docs/coverage.md");
    assert!(document.contains(&table), "docs/coverage.md has another table");
}
