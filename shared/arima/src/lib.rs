//! ARIMA models: exact likelihood, automatic selection, forecasts with intervals.
//!
//! `&[f64]` in, numbers out: no dates, no I/O, no clock, and no random numbers but the caller's. [`Arima`] is a model to fit,
//! [`AutoArima`] picks one, [`FittedArima`] forecasts, takes in new observations and serialises. Both fit through `augurs::Fit` and
//! predict through `augurs::Predict`.
//!
//! ```
//! use arima::{AutoArima, Fit};
//!
//! let prices: Vec<f64> = (1..=60).map(|t| 100.0 + f64::from(t * t % 11)).collect();
//! let mut fitted = AutoArima::default().fit(&prices)?;
//! let next_week = fitted.forecast(5)?;
//! let interval = next_week.interval(0.80)?;
//! assert!(interval.lower[0] < next_week.mean[0] && next_week.mean[0] < interval.upper[0]);
//! fitted.advance(&[104.0])?;
//! # Ok::<(), arima::Error>(())
//! ```

/// Which engine fits: two engines may differ in a model's last digits, and only one and the same gives the same bytes. A
/// release that changes any result has a new version.
pub const ENGINE: &str = concat!("arima ", env!("CARGO_PKG_VERSION"));

mod autocovariance;
mod coefficients;
mod diagnostics;
mod differenced;
pub mod differencing;
mod dual;
mod error;
mod fit;
mod fitted;
mod forecast;
mod gains;
mod gaps;
mod imputation;
mod information;
mod innovations;
mod likelihood;
mod matrix;
pub mod optimise;
mod order;
mod parameters;
mod polynomial;
mod predict;
mod regressed;
mod regression;
mod search;
mod select;
mod series;
#[cfg(feature = "rand")]
mod simulate;
mod start;
mod state;
#[cfg(feature = "serde")]
mod stored;
mod transform;
mod uncertainty;

pub use augurs::{Fit, Predict};
pub use coefficients::Coefficients;
pub use diagnostics::LjungBox;
pub use error::Error;
pub use fitted::{FittedArima, MAX_HORIZON};
pub use forecast::{Forecast, Interval};
pub use likelihood::Likelihood;
pub use order::{Arima, Constant, Order, Seasonal};
pub use regressed::ArimaRegression;
pub use search::{Refusal, Tried};
pub use select::{AutoArima, Criterion, Search, Selected};
pub use transform::{BoxCox, RestoredForecast};
