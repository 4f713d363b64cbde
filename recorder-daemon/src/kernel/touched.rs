//! Which units have been counted of late: only those need be read.

use aya::maps::Array;
use recorder_common::{TOUCHED_LEN, names};

use super::{Error, Recorder, Unit, plain::Plain, snapshot::open};

/// Which units may have been counted since this was asked for before. A hint that errs on one side: each unit that has
/// been is here, and some others are.
pub struct Touched {
    round: u32,
    words: Plain<recorder_common::Touched>,
}

impl Touched {
    /// Whether the unit may have been counted.
    #[must_use]
    pub fn has(&self, unit: Unit) -> bool {
        // The round that has just ended, and the one before: whoever was at work as that ended may have counted after
        // the reading that came then.
        self.round.wrapping_sub(self.words.0.rounds[unit.0 as usize % TOUCHED_LEN]) <= 2
    }
}

impl Recorder {
    /// Ends a round, and begins the next one.
    pub fn touched(&mut self) -> Result<Touched, Error> {
        self.settings.round = self.settings.round.wrapping_add(1);
        self.write_settings()?;
        let touched: Array<_, Plain<recorder_common::Touched>> = open(&self.ebpf, names::TOUCHED)?;
        let words = touched.get(&0, 0).map_err(Error::map(names::TOUCHED))?;
        Ok(Touched { round: self.settings.round, words })
    }
}
