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

mod error;
mod estimation;
mod fitted;
mod kalman;
mod model;
mod selection;

pub use augurs::{Fit, Predict};
pub use error::Error;
pub use estimation::optimise;
pub use estimation::regressed::ArimaRegression;
pub use fitted::diagnostics::LjungBox;
pub use fitted::forecast::{Forecast, Interval};
pub use fitted::{FittedArima, MAX_HORIZON};
pub use kalman::likelihood::Likelihood;
pub use model::coefficients::Coefficients;
pub use model::order::{Arima, Constant, Order, Seasonal};
pub use model::transform::{BoxCox, RestoredForecast};
pub use selection::differencing;
pub use selection::search::{Refusal, Tried};
pub use selection::select::{AutoArima, Criterion, Search, Selected};
