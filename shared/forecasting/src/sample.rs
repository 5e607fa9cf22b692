use crate::{Bar, Kind};

/// What models are fitted to: a number a period, and what was known of each period beforehand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// The adjusted closes; of values, with NaN for the periods that have none.
    pub values: Vec<f64>,
    /// As long, a column each; what stands beside a missing value does not count.
    pub regressors: Vec<Vec<f64>>,
}

/// Beyond so many missing values a model has forgotten what was before them.
const MAX_GAP: usize = 1000;

impl Sample {
    /// Of these bars.
    pub fn of(bars: &[Bar], kind: Kind) -> Sample {
        let values = values(bars, kind);
        let mut regressors = vec![Vec::with_capacity(values.len()); bars.first().map_or(0, |bar| bar.regressors.len())];
        for (place, column) in regressors.iter_mut().enumerate() {
            let mut known = bars.iter().map(|bar| bar.regressors[place]);
            column.extend(values.iter().map(|value| if value.is_nan() { 0.0 } else { known.next().unwrap_or(0.0) }));
        }
        Sample { values, regressors }
    }

    /// Of the bars after the first of these.
    pub fn after_first(bars: &[Bar], kind: Kind) -> Sample {
        let mut sample = Sample::of(bars, kind);
        for column in std::iter::once(&mut sample.values).chain(&mut sample.regressors) {
            column.remove(0);
        }
        sample
    }
}

/// Numbers alone.
impl From<&[f64]> for Sample {
    fn from(values: &[f64]) -> Sample {
        Sample { values: values.to_vec(), regressors: Vec::new() }
    }
}

/// The numbers of these bars: their adjusted closes; of values, with NaN for the periods that have none.
pub fn values(bars: &[Bar], kind: Kind) -> Vec<f64> {
    let mut values = Vec::with_capacity(bars.len());
    for (i, bar) in bars.iter().enumerate() {
        if !kind.is_price() && i > 0 {
            let missing = bars[i - 1].day.periods_until(bar.day).saturating_sub(1);
            values.extend(std::iter::repeat_n(f64::NAN, missing.min(MAX_GAP)));
        }
        values.push(bar.adjusted_close);
    }
    values
}
