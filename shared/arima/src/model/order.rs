//! Which model: orders, season, constant.

use std::fmt;

use crate::{Error, model::polynomial};

/// Orders (p, d, q) of the non-seasonal part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Order {
    /// Autoregressive order.
    pub p: usize,
    /// Times the series is differenced.
    pub d: usize,
    /// Moving-average order.
    pub q: usize,
}

/// Orders (P, D, Q) of the seasonal part and the season's length m.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seasonal {
    /// Seasonal autoregressive order P.
    pub p: usize,
    /// Times the series is differenced at lag m.
    pub d: usize,
    /// Seasonal moving-average order Q.
    pub q: usize,
    /// The season's length m in observations.
    pub period: usize,
}

impl Seasonal {
    /// No seasonal part.
    pub const NONE: Seasonal = Seasonal { p: 0, d: 0, q: 0, period: 1 };
}

/// The deterministic part: y_t = mean + drift * t + ARIMA noise, t = 1, 2, ...
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Constant {
    /// Neither mean nor drift.
    None,
    /// A mean (only where nothing is differenced).
    Mean,
    /// A drift (where the series is differenced at most once in all).
    Drift,
    /// Both: a linear trend (only where nothing is differenced).
    Trend,
}

/// An unfitted ARIMA(p,d,q)(P,D,Q)\[m\] model.
///
/// In the notation of Box & Jenkins, with the sign of the MA terms as in Brockwell & Davis (1991), eq. (3.1.5):
/// `phi(B) Phi(B^m) (1-B)^d (1-B^m)^D (y_t - mean - drift t) = theta(B) Theta(B^m) e_t`.
///
/// ```
/// use arima::{Arima, Order};
/// use augurs::{Fit, Predict};
///
/// let y: Vec<f64> = (0..200).map(|t| (f64::from(t) * 0.7).sin() + f64::from(t % 7)).collect();
/// let fitted = Arima::new(Order { p: 2, d: 0, q: 1 }).with_mean().fit(&y)?;
/// let forecast = fitted.predict(5, 0.95)?;
/// assert_eq!(forecast.point.len(), 5);
/// # Ok::<(), arima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Arima {
    /// Non-seasonal orders.
    pub order: Order,
    /// Seasonal orders; [`Seasonal::NONE`] without a season.
    pub seasonal: Seasonal,
    /// Mean, drift, both or neither.
    pub constant: Constant,
}

/// The longest polynomial lag: bounds the memory and time that a request can ask for.
const MAX_LAG: usize = 1_000;

impl Arima {
    /// A non-seasonal model with neither mean nor drift.
    pub fn new(order: Order) -> Self {
        Arima { order, seasonal: Seasonal::NONE, constant: Constant::None }
    }

    /// The same model with a seasonal part.
    #[must_use]
    pub fn with_seasonal(self, seasonal: Seasonal) -> Self {
        Arima { seasonal, ..self }
    }

    /// The same model with a mean.
    #[must_use]
    pub fn with_mean(self) -> Self {
        let constant = if self.has_drift() { Constant::Trend } else { Constant::Mean };
        Arima { constant, ..self }
    }

    /// The same model with a drift.
    #[must_use]
    pub fn with_drift(self) -> Self {
        let constant = if self.has_mean() { Constant::Trend } else { Constant::Drift };
        Arima { constant, ..self }
    }

    /// The constant's customary term for this differencing: a mean where nothing is differenced, a drift where once,
    /// nothing beyond (it would be a quadratic trend, which no one wants extrapolated).
    #[must_use]
    pub fn with_usual_constant(self) -> Self {
        match self.order.d + self.seasonal.d {
            0 => self.with_mean(),
            1 => self.with_drift(),
            _ => self,
        }
    }

    pub(crate) fn has_mean(&self) -> bool {
        matches!(self.constant, Constant::Mean | Constant::Trend)
    }

    pub(crate) fn has_drift(&self) -> bool {
        matches!(self.constant, Constant::Drift | Constant::Trend)
    }

    /// AR and MA coefficients, seasonal ones included.
    pub fn arma_parameters(&self) -> usize {
        self.order.p + self.order.q + self.seasonal.p + self.seasonal.q
    }

    /// Estimated parameters: AR and MA coefficients, mean, drift and the innovation variance.
    pub fn parameters(&self) -> usize {
        self.arma_parameters() + usize::from(self.has_mean()) + usize::from(self.has_drift()) + 1
    }

    /// Observations consumed by differencing: d + m D.
    pub fn lost_to_differencing(&self) -> usize {
        self.order.d + self.seasonal.period * self.seasonal.d
    }

    /// Coefficients delta_1.. of y_t = w_t + delta_1 y_{t-1} + ..., for w_t = (1-B)^d (1-B^m)^D y_t.
    pub(crate) fn differencing(&self) -> Vec<f64> {
        polynomial::differencing(self.order.d, self.seasonal.d, self.seasonal.period)
    }

    /// Refuses orders beyond the bounds and constants that differencing removes.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Seasonal { p, d, q, period } = self.seasonal;
        if p + d + q > 0 && period < 2 {
            return Err(Error::Order { what: format!("{self}: a seasonal part needs a period of at least 2") });
        }
        if self.order.d > 2 || d > 2 {
            return Err(Error::Order { what: format!("{self}: differencing more than twice is not supported") });
        }
        let beyond = |order: usize, seasonal: usize| {
            seasonal.checked_mul(period).and_then(|lag| lag.checked_add(order)).is_none_or(|lag| lag > MAX_LAG)
        };
        if beyond(self.order.p, p) || beyond(self.order.q, q) || beyond(self.order.d, d) {
            return Err(Error::Order { what: format!("{self}: lags beyond {MAX_LAG} are not supported") });
        }
        let differenced = self.order.d + d;
        if self.has_mean() && differenced > 0 {
            return Err(Error::ConstantNotIdentified { model: *self, term: "mean" });
        }
        if self.has_drift() && differenced > 1 {
            return Err(Error::ConstantNotIdentified { model: *self, term: "drift" });
        }
        Ok(())
    }
}

impl fmt::Display for Arima {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Order { p, d, q } = self.order;
        write!(f, "ARIMA({p},{d},{q})")?;
        let Seasonal { p, d, q, period } = self.seasonal;
        if p + d + q > 0 {
            write!(f, "({p},{d},{q})[{period}]")?;
        }
        f.write_str(match self.constant {
            Constant::None => "",
            Constant::Mean => " with mean",
            Constant::Drift => " with drift",
            Constant::Trend => " with mean and drift",
        })
    }
}
