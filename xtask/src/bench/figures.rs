//! Figures of one contestant, and what they come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// By contestant, one figure for each turn, in nanoseconds.
pub(crate) type Turns = BTreeMap<String, Vec<f64>>;

/// Half of all figures lie between the quartiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Spread {
    /// None of nothing.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters: usize| {
            let last = sorted.len().checked_sub(1)?;
            // Between two figures, in the middle.
            let (low, high) = (last * quarters / 4, (last * quarters).div_ceil(4));
            Some(f64::midpoint(*sorted.get(low)?, *sorted.get(high)?))
        };
        Some(Self { lower: at(1)?, median: at(2)?, upper: at(3)? })
    }
}

/// What one contestant comes to beside the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// What one operation took, in ns.
    pub(crate) took: Spread,
    /// Over nothing attached, in ns, each turn compared with that of its own round.
    pub(crate) added: Spread,
    /// The least that any turn took: what is closest to undisturbed on a machine that has other things to do.
    pub(crate) least: f64,
    /// What is added, as a multiple of what the empty program adds.
    pub(crate) of_floor: Option<f64>,
    /// The share of the speed without anything attached that is left.
    pub(crate) kept: f64,
    pub(crate) turns: usize,
}

/// The standings of all who had a turn.
pub(crate) fn standings(turns: &Turns) -> BTreeMap<String, Standing> {
    let none = Vec::new();
    let alone = turns.get("nothing").unwrap_or(&none);
    let against = |figures: &[f64], each: fn(f64, f64) -> f64| {
        let pairs = figures.iter().zip(alone).map(|(figure, alone)| each(*figure, *alone));
        Spread::of(&pairs.collect::<Vec<_>>())
    };
    let added = |figures: &[f64]| against(figures, |figure, alone| figure - alone);
    let floor = turns.get("floor").and_then(|figures| added(figures)).map(|spread| spread.median);
    turns
        .iter()
        .filter_map(|(name, figures)| {
            let added = added(figures)?;
            let standing = Standing {
                took: Spread::of(figures)?,
                least: figures.iter().copied().fold(f64::INFINITY, f64::min),
                of_floor: floor.filter(|floor| *floor > 0.0).map(|floor| added.median / floor),
                added,
                kept: against(figures, |figure, alone| alone / figure)?.median,
                turns: figures.len(),
            };
            Some((name.clone(), standing))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[7.0]), Some(Spread { lower: 7.0, median: 7.0, upper: 7.0 }));
        let odd = Spread { lower: 2.0, median: 3.0, upper: 4.0 };
        assert_eq!(Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]), Some(odd));
        assert_eq!(Spread::of(&[4.0, 1.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn a_turn_is_compared_with_its_own_round() {
        // In the second round the machine is half as fast for everybody.
        let turns = [("nothing", [100.0, 200.0]), ("floor", [150.0, 250.0]), ("recorded", [200.0, 300.0])];
        let turns = turns.map(|(name, figures)| (name.to_owned(), figures.to_vec())).into();
        let standings = standings(&turns);
        assert_eq!(standings["recorded"].added, Spread { lower: 100.0, median: 100.0, upper: 100.0 });
        assert_eq!(standings["recorded"].of_floor, Some(2.0));
        assert_eq!(standings["nothing"].of_floor, Some(0.0));
    }
}
