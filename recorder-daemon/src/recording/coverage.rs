//! How much of what a unit calls has been seen: an estimate from in how many occasions each call was made.
//!
//! The standard estimators for incidences, as ecology uses them for species: Chao2 (Chao 1987) for how many calls
//! were not seen, sample coverage after Chao and Jost (2012) for how much of what comes next was seen. Formulas,
//! assumptions, and how they do against known truth: docs/coverage.md.

/// Below this many occasions nothing is estimated: in the simulations, the intervals hold from here on.
pub const FEWEST: u64 = 5;

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What is estimated from the occasions of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// How many occasions there were.
    pub occasions: u64,
    /// How many distinct calls were made in them.
    pub seen: u64,
    /// How many were made in one of them only.
    pub once: u64,
    /// How many calls there are that were made in none. A lower bound, where calls differ in how rare they are.
    pub unseen: Estimate,
    /// Of all that is called on a further occasion, which part was seen before; each call counts once an occasion.
    pub covered: Estimate,
    /// How many calls a further occasion is expected to show that were not seen before.
    pub next: Estimate,
}

/// What the estimators know of the occasions.
struct Frequencies {
    /// T: the occasions.
    occasions: f64,
    /// How many calls were seen.
    seen: f64,
    /// Q1 and Q2: how many were seen in one occasion, and in two.
    once: f64,
    twice: f64,
    /// U: in how many occasions each was seen, all added.
    sum: f64,
}

impl Coverage {
    /// From the number of occasions, and in how many of them each call was made. Calls of which that is not known
    /// (0) are left out. None where the occasions are too few to say anything.
    pub fn of(occasions: u64, incidences: impl IntoIterator<Item = u64>) -> Option<Self> {
        if occasions < FEWEST {
            return None;
        }
        let mut of = Frequencies { occasions: real(occasions), seen: 0.0, once: 0.0, twice: 0.0, sum: 0.0 };
        let (mut seen, mut once) = (0, 0);
        // Figures come from files too: in more occasions than there were nothing can have been seen.
        for incidence in incidences.into_iter().map(|of| of.min(occasions)).filter(|of| *of > 0) {
            seen += 1;
            once += u64::from(incidence == 1);
            of.twice += if incidence == 2 { 1.0 } else { 0.0 };
            of.sum += real(incidence);
        }
        if seen == 0 {
            return None;
        }
        (of.seen, of.once) = (real(seen), real(once));
        let covered = of.covered();
        // What one occasion calls, times the part of it that is new.
        let next = |covered: f64| (1.0 - covered) * of.sum / of.occasions;
        let next = Estimate { value: next(covered.value), low: next(covered.high), high: next(covered.low) };
        Some(Self { occasions, seen, once, unseen: of.unseen(), covered, next })
    }
}

impl Frequencies {
    /// Chao2 in its bias-corrected form, which needs no call to have been seen twice, with its variance and the
    /// log-normal interval, whose lower end is never below what was seen (Chao 1987; the variances as in Colwell's
    /// EstimateS, appendix B).
    fn unseen(&self) -> Estimate {
        let (once, twice) = (self.once, self.twice);
        let share = (self.occasions - 1.0) / self.occasions;
        let value = share * once * (once - 1.0) / (2.0 * (twice + 1.0));
        if value <= 0.0 {
            return Estimate { value: 0.0, low: 0.0, high: self.beyond().ceil() };
        }
        let first = share * once * (once - 1.0) / (2.0 * (twice + 1.0));
        let second = share.powi(2) * once * (2.0 * once - 1.0).powi(2) / (4.0 * (twice + 1.0).powi(2));
        let third = if twice > 0.0 {
            share.powi(2) * once.powi(2) * twice * (once - 1.0).powi(2) / (4.0 * (twice + 1.0).powi(4))
        } else {
            -share.powi(2) * once.powi(4) / (4.0 * (self.seen + value))
        };
        let variance = (first + second + third).max(0.0);
        let spread = (Z * (1.0 + variance / value.powi(2)).ln().sqrt()).exp();
        // There is no part of a call.
        Estimate { value, low: (value / spread).floor(), high: (value * spread).ceil() }
    }

    /// The upper end where at most one call was seen once, so that the estimate is zero and has no interval of its
    /// own: what the estimate would be if as many had been as can have been.
    fn beyond(&self) -> f64 {
        let once = poisson_high(self.once);
        let share = (self.occasions - 1.0) / self.occasions;
        share * once * (once - 1.0) / (2.0 * (self.twice + 1.0))
    }

    /// Sample coverage (Chao and Jost 2012, the version for incidences). What is asked is how much this one
    /// recording has missed, which varies too and not only its estimate; that is the variance of Esty (1983).
    fn covered(&self) -> Estimate {
        let missing = self.missing(self.once);
        let spread = Z * (self.once * (1.0 - self.once / self.sum) + 2.0 * self.twice).sqrt() / self.sum;
        // With few calls seen once the normal interval is too narrow, and with none it may have no width. How many
        // there are is a count of rare events, which has an upper bound of its own.
        let most = (missing + spread).max(self.missing(poisson_high(self.once)));
        Estimate { value: 1.0 - missing, low: (1.0 - most).max(0.0), high: (1.0 - missing + spread).min(1.0) }
    }

    /// The part that is missing if `once` calls were seen once.
    fn missing(&self, once: f64) -> f64 {
        (once / self.sum * self.turing(once)).clamp(0.0, 1.0)
    }

    /// By how much less is missing than Good and Turing say.
    fn turing(&self, once: f64) -> f64 {
        let before = self.occasions - 1.0;
        if self.twice > 0.0 {
            before * once / (before * once + 2.0 * self.twice)
        } else if once > 1.0 {
            before * (once - 1.0) / (before * (once - 1.0) + 2.0)
        } else {
            // The formula says that nothing is missing, which one call that was seen once does not bear out.
            1.0
        }
    }
}

/// The upper end of the 95 % interval of a count of rare events, by Byar's approximation of the exact one.
fn poisson_high(count: f64) -> f64 {
    let next = count + 1.0;
    next * (1.0 - 1.0 / (9.0 * next) + Z / (3.0 * next.sqrt())).powi(3)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate; counts of calls and of starts are far below 2^53"
)]
fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
