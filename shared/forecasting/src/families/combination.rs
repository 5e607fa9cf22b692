use std::fmt;

use ::arima::{FittedArima, Forecast};
use serde::{Deserialize, Serialize};

use super::{
    Arima, Ets, Member, Mstl, Specification, State, Summary, Theta, ets::FittedEts, mstl::FittedMstl,
    theta::FittedTheta,
};
use crate::{Kind, Seasons};

/// The mean of ARIMA, ETS and Theta; with a long season, for which those two have no room, of ARIMA and a decomposition. Simple means
/// of a few good methods are hard to beat (Clemen 1989, Int. J. Forecasting 5, 559-583). Standard errors are averaged too, as if all
/// erred together. Who cannot be estimated on a short series is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// The ARIMA model.
    pub arima: Option<Arima>,
    /// The exponential smoothing.
    pub ets: Option<Ets>,
    /// The Theta method; in releases before it was always there, without a season.
    #[serde(default = "plain_theta", skip_serializing_if = "is_plain")]
    pub theta: Option<Theta>,
    /// The decomposition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mstl: Option<Mstl>,
}

// serde asks for the field's own type.
#[allow(clippy::unnecessary_wraps)]
fn plain_theta() -> Option<Theta> {
    Some(Theta::default())
}

// serde hands over a reference.
#[allow(clippy::ref_option)]
fn is_plain(theta: &Option<Theta>) -> bool {
    *theta == plain_theta()
}

/// Its members, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedCombination {
    arima: Option<FittedArima>,
    ets: Option<FittedEts>,
    theta: Option<FittedTheta>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mstl: Option<FittedMstl>,
}

/// A season of so many periods is long: a smoothing has a state for each, and none for a second season.
const LONG: usize = 13;

impl Member for Combination {
    type State = FittedCombination;

    fn select(y: &[f64], season: Seasons, kind: Kind) -> Result<Specification, String> {
        let decomposed = (season.longest() >= LONG).then(|| Mstl::selected(y, season).ok()).flatten();
        let mut chosen = Combination {
            arima: Arima::selected(y, if season.short() <= Arima::MAX_PERIOD { season.short() } else { 1 }).ok(),
            ets: if decomposed.is_none() { Ets::selected(y, season, kind).ok() } else { None },
            theta: decomposed.is_none().then(|| Theta::selected(y, season, kind)),
            mstl: decomposed,
        };
        // What was selected may not be fitted all the same.
        chosen.arima = chosen.arima.filter(|model| model.fit(y).is_ok());
        chosen.theta = chosen.theta.filter(|model| model.fit(y).is_ok());
        match (chosen.arima, chosen.ets, chosen.theta, chosen.mstl) {
            (None, None, None, None) => Err("none of its members can be estimated".to_owned()),
            _ => Ok(Specification::Combination(chosen)),
        }
    }

    fn fit(&self, y: &[f64]) -> Result<FittedCombination, String> {
        Ok(FittedCombination {
            arima: self.arima.map(|model| model.fit(y)).transpose()?,
            ets: self.ets.map(|model| model.fit(y)).transpose()?,
            theta: self.theta.map(|model| model.fit(y)).transpose()?,
            mstl: self.mstl.map(|model| model.fit(y)).transpose()?,
        })
    }
}

impl State for FittedCombination {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        let FittedCombination { arima, ets, theta, mstl } = self;
        arima.as_mut().map_or(Ok(()), |state| State::advance(state, new))?;
        ets.as_mut().map_or(Ok(()), |state| state.advance(new))?;
        theta.as_mut().map_or(Ok(()), |state| state.advance(new))?;
        mstl.as_mut().map_or(Ok(()), |state| state.advance(new))
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        let members = [
            self.arima.as_ref().map(|state| State::forecast(state, horizon)),
            self.ets.as_ref().map(|state| state.forecast(horizon)),
            self.theta.as_ref().map(|state| state.forecast(horizon)),
            self.mstl.as_ref().map(|state| state.forecast(horizon)),
        ];
        let members: Vec<Forecast> = members.into_iter().flatten().collect::<Result<_, _>>()?;
        let n = members.len() as f64;
        let means = |pick: fn(&Forecast) -> &Vec<f64>| {
            (0..horizon).map(|h| members.iter().map(|member| pick(member)[h]).sum::<f64>() / n).collect()
        };
        Ok(Forecast {
            mean: means(|member| &member.mean),
            standard_error: means(|member| &member.standard_error),
            degrees_of_freedom: f64::INFINITY,
        })
    }

    fn summary(&self) -> Summary {
        let members = [
            self.arima.as_ref().map(|state| ("arima", State::summary(state))),
            self.ets.as_ref().map(|state| ("ets", state.summary())),
            self.theta.as_ref().map(|state| ("theta", state.summary())),
            self.mstl.as_ref().map(|state| ("mstl", state.summary())),
        ];
        let members: Vec<(&str, Summary)> = members.into_iter().flatten().collect();
        let named = members.iter().flat_map(|(member, summary)| {
            summary.coefficients.iter().map(move |(name, value)| (format!("{member}.{name}"), *value))
        });
        Summary {
            coefficients: named.collect(),
            sigma2: None,
            observations: members.first().map_or(0, |(_, summary)| summary.observations),
            aicc: None,
        }
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Combination { arima, ets, theta, mstl } = self;
        let members = [
            arima.map(|model| model.to_string()),
            ets.map(|model| model.to_string()),
            theta.map(|model| model.to_string()),
            mstl.map(|model| model.to_string()),
        ];
        let members: Vec<String> = members.into_iter().flatten().collect();
        match members.split_last() {
            Some((last, [])) => write!(f, "mean of {last} alone"),
            Some((last, first)) => write!(f, "mean of {} and {last}", first.join(", ")),
            None => f.write_str("mean of nothing"),
        }
    }
}
