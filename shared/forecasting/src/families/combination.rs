use std::fmt;

use ::arima::{FittedArima, Forecast};
use serde::{Deserialize, Serialize};

use crate::Seasons;
use super::{Arima, Ets, Member, Specification, State, Summary, Theta, ets::FittedEts, theta::FittedTheta};

/// The median of ARIMA, ETS and Theta, which by itself came sixth of the M4 competition's point forecasts with four such members
/// (Petropoulos & Svetunkov 2020, Int. J. Forecasting 36, 110-115): at each step the median of their means, and the
/// median of their standard errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Combination {
    /// The ARIMA model.
    pub arima: Arima,
    /// The exponential smoothing.
    pub ets: Ets,
}

/// Its members, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedCombination {
    arima: FittedArima,
    ets: FittedEts,
    theta: FittedTheta,
}

impl Member for Combination {
    type State = FittedCombination;

    fn select(y: &[f64], season: Seasons) -> Result<Specification, String> {
        Ok(Specification::Combination(Combination { arima: Arima::selected(y, season.short())?, ets: Ets::selected(y)? }))
    }

    fn fit(&self, y: &[f64]) -> Result<FittedCombination, String> {
        Ok(FittedCombination {
            arima: self.arima.fit(y)?,
            ets: self.ets.fit(y)?,
            theta: Theta {}.fit(y)?,
        })
    }
}

impl State for FittedCombination {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        State::advance(&mut self.arima, new)?;
        self.ets.advance(new)?;
        self.theta.advance(new)
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        let members =
            [State::forecast(&self.arima, horizon)?, self.ets.forecast(horizon)?, self.theta.forecast(horizon)?];
        let medians = |pick: fn(&Forecast) -> &Vec<f64>| {
            (0..horizon).map(|h| median(members.each_ref().map(|member| pick(member)[h]))).collect()
        };
        Ok(Forecast {
            mean: medians(|member| &member.mean),
            standard_error: medians(|member| &member.standard_error),
            degrees_of_freedom: f64::INFINITY,
        })
    }

    fn summary(&self) -> Summary {
        let members =
            [("arima", State::summary(&self.arima)), ("ets", self.ets.summary()), ("theta", self.theta.summary())];
        let named = members.iter().flat_map(|(member, summary)| {
            summary.coefficients.iter().map(move |(name, value)| (format!("{member}.{name}"), *value))
        });
        Summary {
            coefficients: named.collect(),
            sigma2: None,
            observations: members[0].1.observations,
            aicc: None,
        }
    }
}

fn median(mut three: [f64; 3]) -> f64 {
    three.sort_by(f64::total_cmp);
    three[1]
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "median of {}, {} and Theta", self.arima, self.ets)
    }
}
