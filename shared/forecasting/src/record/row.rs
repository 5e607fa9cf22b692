use serde::{Deserialize, Serialize};

use crate::{Period, Scale};

/// One session of a record: what came with it, and what everyone forecast from it. All numbers are log changes, which no later
/// split or dividend alters, and rounded as they are stored, so that a row is the same whether it has been written or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordRow {
    /// The session.
    pub session: Period,
    /// The change since the session before, as it was known then: what came of the forecasts of earlier rows.
    pub change: f64,
    /// The scale of its intervals, chosen by what each would have lost before.
    pub scale: Scale,
    /// Standard deviations of the change over the next 1, 2, ... sessions, of one scale after the other in the order of
    /// [`Scale::of`] its kind.
    pub deviations: Vec<f64>,
    /// The change that each contender forecast over the next 1, 2, ... sessions, one after the other in the record's order.
    pub centres: Vec<f64>,
}

/// Changes are kept to a billionth; what is forecast to what is of any use, a hundred-thousandth of a percent and of a deviation's
/// usual size.
const CHANGE_UNIT: f64 = 1e9;
const CENTRE_UNIT: f64 = 1e7;
const DEVIATION_UNIT: f64 = 1e6;

impl RecordRow {
    /// A row, with its numbers as they are stored; of a scale that is alike at each session ahead, the first deviation counts.
    pub fn new(
        session: Period,
        change: f64,
        scale: Scale,
        mut deviations: Vec<f64>,
        mut centres: Vec<f64>,
    ) -> RecordRow {
        if scale == Scale::Model {
            deviations.iter_mut().chain(&mut centres).for_each(|number| *number = significant(*number));
            return RecordRow { session, change: significant(change), scale, deviations, centres };
        }
        let horizon = (deviations.len() / Scale::ALL.len()).max(1);
        for (scale, path) in Scale::ALL.iter().zip(deviations.chunks_mut(horizon)) {
            // Of a flat scale the first is kept, and the others follow from it.
            let first = rounded(path[0], DEVIATION_UNIT);
            for (h, deviation) in path.iter_mut().enumerate() {
                let own = if scale.is_flat() { first * ((h + 1) as f64).sqrt() } else { *deviation };
                *deviation = rounded(own, DEVIATION_UNIT);
            }
        }
        centres.iter_mut().for_each(|centre| *centre = rounded(*centre, CENTRE_UNIT));
        RecordRow { session, change: rounded(change, CHANGE_UNIT), scale, deviations, centres }
    }

    /// A scale's deviations.
    pub fn path(&self, scale: Scale) -> &[f64] {
        let scales = if self.scale == Scale::Model { 1 } else { Scale::ALL.len() };
        let horizon = self.deviations.len() / scales;
        &self.deviations[scale.place() * horizon..][..horizon]
    }

    /// The deviations of the scale that was chosen.
    pub(crate) fn chosen(&self) -> &[f64] {
        self.path(self.scale)
    }
}

/// Values have any size: nine significant digits.
fn significant(value: f64) -> f64 {
    format!("{value:.8e}").parse::<f64>().unwrap_or(value) + 0.0
}

/// To a whole number of units; never less than one for what is positive, and no negative zero.
fn rounded(value: f64, unit: f64) -> f64 {
    let whole = (value * unit).round();
    let whole = if whole == 0.0 && value > 0.0 && unit == DEVIATION_UNIT { 1.0 } else { whole };
    whole / unit + 0.0
}
