//! The scale of the next sessions' changes: how far prices are likely to move, whatever the centre of the forecast.
//!
//! Several estimators watch the same sessions, one file each behind [`Estimator`]; the record chooses among them by what each
//! would have lost ([`crate::record`]). All speak of variances of log changes, and none knows a session that has not come.

mod constant;
mod ewma;
mod garch;
mod har;
pub(crate) mod range;

use serde::{Deserialize, Serialize};

pub use garch::Garch;

use crate::{Bar, Kind};
use constant::Constant;
use ewma::Ewma;
use garch::GarchScale;
use har::Har;

/// One session as an estimator sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shock {
    /// Log change of the adjusted close.
    pub(crate) change: f64,
    /// Variance of the session, from its open, high and low, the overnight gap included; the squared change where they are
    /// absent or unsound.
    pub(crate) range: f64,
}

impl Shock {
    /// The changes of a series: one fewer than its bars.
    pub(crate) fn of(bars: &[Bar], kind: Kind) -> Vec<Shock> {
        bars.windows(2).map(|pair| Shock::between(&pair[0], &pair[1], kind)).collect()
    }

    /// From one session to the next.
    pub(crate) fn between(before: &Bar, bar: &Bar, kind: Kind) -> Shock {
        let change = kind.change(before.adjusted_close, bar.adjusted_close);
        let range = match kind {
            Kind::Price => range::variance(bar, change).unwrap_or(change * change),
            Kind::Value(_) => change * change,
        };
        Shock { change, range }
    }
}

/// An estimator of the scale.
pub(crate) trait Estimator {
    /// Takes in the newest session.
    fn observe(&mut self, shock: Shock);

    /// Estimates its parameters anew on the sessions so far, all of which it has observed.
    fn estimate(&mut self, _shocks: &[Shock]) {}

    /// Variances of the changes of the next sessions, one each; `None` while it knows too little.
    fn variances(&self, horizon: usize) -> Option<Vec<f64>>;
}

/// The estimators, as a record names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scale {
    /// The mean square of all changes.
    Constant,
    /// Exponentially weighted squared changes.
    Ewma,
    /// Exponentially weighted variances of open, high, low and close.
    Range,
    /// A heterogeneous autoregression of the same.
    Har,
    /// GJR-GARCH(1,1) with Student shocks.
    Gjr,
    /// What the incumbent's model says of its own errors: of values, whose changes need not add up.
    Model,
}

impl Scale {
    /// Those of prices, in the record's order. The first speaks from the first session on.
    pub const ALL: [Scale; 5] = [Scale::Constant, Scale::Ewma, Scale::Range, Scale::Har, Scale::Gjr];

    /// Those that watch numbers of a kind, in the order of a row.
    pub fn of(kind: Kind) -> &'static [Scale] {
        match kind {
            Kind::Price => &Scale::ALL,
            Kind::Value(_) => &[Scale::Model],
        }
    }

    /// Its place in a row.
    pub(crate) fn place(self) -> usize {
        if self == Scale::Model { 0 } else { self as usize }
    }

    /// Whether each session ahead is as uncertain as the next.
    pub fn is_flat(self) -> bool {
        matches!(self, Scale::Constant | Scale::Ewma | Scale::Range)
    }

    /// As records and receipts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scale::Constant => "constant",
            Scale::Ewma => "ewma",
            Scale::Range => "range",
            Scale::Har => "har",
            Scale::Gjr => "gjr",
            Scale::Model => "model",
        }
    }
}

/// Parameters that were estimated, to go on from on a later night.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScaleParameters {
    /// Of [`Scale::Har`]: the intercept, the four weights, and the variance of the logarithm's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub har: Option<[f64; 6]>,
    /// Of [`Scale::Gjr`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gjr: Option<Garch>,
}

/// All estimators over one series.
#[derive(Debug, Clone)]
pub(crate) struct Scales {
    shocks: Vec<Shock>,
    constant: Constant,
    ewma: Ewma,
    range: Ewma,
    har: Har,
    gjr: GarchScale,
}

/// Decay of squared changes: RiskMetrics' for daily returns (J.P. Morgan/Reuters 1996, Technical Document, section 5.2).
const DECAY: f64 = 0.94;
/// Ranges tell more of one session, so fewer of them are remembered.
const RANGE_DECAY: f64 = 0.90;

impl Scales {
    /// Before the first session, with the parameters of an earlier night where there are any.
    pub(crate) fn new(parameters: &ScaleParameters) -> Scales {
        Scales {
            shocks: Vec::new(),
            constant: Constant::default(),
            ewma: Ewma::of_changes(DECAY),
            range: Ewma::of_ranges(RANGE_DECAY),
            har: Har::new(parameters.har),
            gjr: GarchScale::new(parameters.gjr),
        }
    }

    pub(crate) fn observe(&mut self, shock: Shock) {
        self.shocks.push(shock);
        self.each_mut().into_iter().for_each(|estimator| estimator.observe(shock));
    }

    /// Estimates the parameters anew.
    pub(crate) fn estimate(&mut self) {
        let shocks = std::mem::take(&mut self.shocks);
        self.each_mut().into_iter().for_each(|estimator| estimator.estimate(&shocks));
        self.shocks = shocks;
    }

    /// What was estimated.
    pub(crate) fn parameters(&self) -> ScaleParameters {
        ScaleParameters { har: self.har.parameters(), gjr: self.gjr.parameters() }
    }

    /// Standard deviations of the change over the next 1, 2, ... sessions, of one estimator after the other in the order of
    /// [`Scale::ALL`]; the constant's where one knows too little, or is no number.
    pub(crate) fn deviations(&self, horizon: usize) -> Vec<f64> {
        let sums = |variances: Vec<f64>| {
            let mut sum = 0.0;
            let deviations: Vec<f64> = variances
                .into_iter()
                .map(|variance| {
                    sum += variance;
                    f64::sqrt(sum)
                })
                .collect();
            deviations.iter().all(|d| d.is_finite() && *d > 0.0).then_some(deviations)
        };
        let constant = self.constant.variances(horizon).and_then(sums).unwrap_or_else(|| vec![1.0; horizon]);
        self.each()
            .into_iter()
            .flat_map(|estimator| estimator.variances(horizon).and_then(sums).unwrap_or_else(|| constant.clone()))
            .collect()
    }

    fn each(&self) -> [&dyn Estimator; 5] {
        [&self.constant, &self.ewma, &self.range, &self.har, &self.gjr]
    }

    fn each_mut(&mut self) -> [&mut dyn Estimator; 5] {
        [&mut self.constant, &mut self.ewma, &mut self.range, &mut self.har, &mut self.gjr]
    }
}
