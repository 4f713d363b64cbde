//! Which units have been counted of late: only those need be read.

use aya::maps::Array;
use recorder_common::{TOUCHED_LEN, names};

use super::{Error, Recorder, Unit, plain::Plain, snapshot::open};

/// Which units may have been counted since this was asked for before. A hint that errs on one side: each unit that has
/// been is here, and some others are.
pub struct Touched {
    round: u8,
    words: Plain<recorder_common::Touched>,
}

impl Touched {
    /// Whether the unit may have been counted.
    #[must_use]
    pub fn has(&self, unit: Unit) -> bool {
        // The round that has just ended, and the one before: whoever was at work as that ended may have counted after
        // the reading that came then.
        self.round.wrapping_sub(byte(self.words.0.rounds[unit.0 as usize % TOUCHED_LEN])) <= 2
    }
}

impl Recorder {
    /// Ends a round, and begins the next one.
    pub fn touched(&mut self) -> Result<Touched, Error> {
        let round = byte(self.settings.round).wrapping_add(1);
        self.settings.round = round.into();
        self.write_settings()?;
        let touched: Array<_, Plain<recorder_common::Touched>> = open(&self.ebpf, names::TOUCHED)?;
        let words = touched.get(&0, 0).map_err(Error::map(names::TOUCHED))?;
        Ok(Touched { round, words })
    }
}

/// A round is no more than that.
fn byte(word: u32) -> u8 {
    word.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_again_and_whoever_was_counted_is_told_all_the_same() {
        for round in [0_u8, 1, 2, 200, 255] {
            let mut words = Plain(recorder_common::Touched { rounds: [0; TOUCHED_LEN] });
            for (place, age) in (0..).zip([0, 1, 2, 3, 100]) {
                words.0.rounds[place] = round.wrapping_sub(age).into();
            }
            let touched = Touched { round, words };
            let has = [0, 1, 2, 3, 4].map(|unit| touched.has(Unit(unit)));
            assert_eq!(has, [true, true, true, false, false], "in round {round}");
            assert!(touched.has(Unit(1 << 12)), "it shares the first one's word");
        }
    }
}
