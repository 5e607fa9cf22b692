//! Exponential smoothing in state space (Hyndman, Koehler, Ord & Snyder 2008, Forecasting with Exponential Smoothing): the recursions
//! of its table 2.2 and 2.3, the likelihood of its eq. (5.3), the start of its section 2.6.1, the variances of its tables 6.1 and 6.2.

mod fit;
mod state;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Member, Specification};
use crate::{Kind, Seasons};
pub(crate) use state::FittedEts;

/// An exponential smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Ets {
    /// Whether errors are shares of the forecast.
    #[serde(skip_serializing_if = "is_additive")]
    error: Component,
    /// How it goes on from its slope.
    trend: Trend,
    /// How its season acts; of none, the period is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<Component>,
    /// The season's period.
    #[serde(skip_serializing_if = "is_one")]
    period: usize,
}

/// How something is joined to the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Component {
    /// It is added.
    Additive,
    /// It multiplies.
    Multiplicative,
}

/// A trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trend {
    /// None.
    None,
    /// The slope goes on.
    Additive,
    /// The slope fades.
    Damped,
}

// serde hands over references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_additive(error: &Component) -> bool {
    *error == Component::Additive
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(period: &usize) -> bool {
    *period == 1
}

/// Releases before had `trend` alone, true or false.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "additive")]
    error: Component,
    trend: WrittenTrend,
    #[serde(default)]
    season: Option<Component>,
    #[serde(default = "one")]
    period: usize,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenTrend {
    Former(bool),
    Now(Trend),
}

fn additive() -> Component {
    Component::Additive
}

fn one() -> usize {
    1
}

impl From<Written> for Ets {
    fn from(Written { error, trend, season, period }: Written) -> Ets {
        let trend = match trend {
            WrittenTrend::Former(true) => Trend::Additive,
            WrittenTrend::Former(false) => Trend::None,
            WrittenTrend::Now(trend) => trend,
        };
        Ets { error, trend, season, period }
    }
}

/// Longer seasons have more states than a smoothing can learn, and are decomposed first.
const MAX_SEASON: usize = 24;

impl Member for Ets {
    type State = FittedEts;

    fn select(y: &[f64], season: Seasons, kind: Kind) -> Result<Specification, String> {
        Ets::selected(y, season, kind).map(Specification::Ets)
    }

    fn fit(&self, y: &[f64]) -> Result<FittedEts, String> {
        fit::fit(*self, y)
    }
}

impl Ets {
    /// Whether it is a sum of level, slope and error alone.
    pub fn is_plain(self) -> bool {
        self.error == Component::Additive && self.season.is_none()
    }

    /// Whether it has a slope.
    pub fn has_slope(self) -> bool {
        self.trend != Trend::None
    }

    /// The one of the lowest corrected Akaike criterion. Multiplicative components are for positive values; additive errors with a
    /// multiplicative season are left out, because their forecasts' variance need not exist (Hyndman et al. 2008, section 15.2).
    pub(super) fn selected(y: &[f64], season: Seasons, kind: Kind) -> Result<Ets, String> {
        let period = season.short();
        let seasonal = (2..=MAX_SEASON).contains(&period) && y.len() > 2 * period;
        // A logarithm of a price may be any number, and has nothing to be multiplied by.
        let positive = !kind.is_price() && y.iter().all(|value| *value > 0.0 || value.is_nan());
        let mut best: Option<(f64, Ets)> = None;
        let mut last = "there is no exponential smoothing of so few values".to_owned();
        for error in [Component::Additive, Component::Multiplicative] {
            // A slope that goes on for ever is not among them: damped ones forecast better (Gardner & McKenzie 1985,
            // Management Science 31, 1237-1246), and come close to it where the values say so.
            for trend in [Trend::None, Trend::Damped] {
                for season in [None, Some(Component::Additive), Some(Component::Multiplicative)] {
                    let multiplies = [Some(error), season].contains(&Some(Component::Multiplicative));
                    let left_out = (multiplies && !positive)
                        || (season.is_some() && !seasonal)
                        || (error == Component::Additive && season == Some(Component::Multiplicative));
                    if left_out {
                        continue;
                    }
                    let model = Ets { error, trend, season, period: if season.is_some() { period } else { 1 } };
                    match fit::fit(model, y) {
                        Ok(fitted) => {
                            let aicc = fitted.criterion();
                            if best.is_none_or(|(lowest, _)| aicc < lowest) {
                                best = Some((aicc, model));
                            }
                        }
                        Err(why) => last = why,
                    }
                }
            }
        }
        best.map(|(_, model)| model).ok_or(last)
    }
}

impl fmt::Display for Ets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let component = |component: Component| if component == Component::Additive { "A" } else { "M" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        write!(f, "ETS({},{trend},{})", component(self.error), self.season.map_or("N", component))?;
        if self.period > 1 { write!(f, "[{}]", self.period) } else { Ok(()) }
    }
}
