//! Tickers, sessions, price series, backtests, scorecards and verdicts: the rules, without any I/O or clock.
//!
//! A [`PriceSeries`] of [`Bar`]s on [`TradingDay`]s is fitted by a [`Specification`]; a [`Contest`] holds out its last
//! sessions and compares the champion, a newly selected challenger and the random walk on them; the [`Verdict`] says which
//! of them serves. [`StandingForecast`]s are scored when their sessions have come.

/// Which rules judge. A release that changes any result, be it by a newer augurs, has a new version.
const RULES: &str = concat!("forecasting ", env!("CARGO_PKG_VERSION"));

/// What a contest's numbers follow from: the ARIMA engine and the rules. Two releases may hold a contest otherwise, and only
/// one and the same gives the same scorecards.
pub fn rules() -> String {
    format!("{}, {RULES}", arima::ENGINE)
}

mod backtest;
mod calendar;
mod calibration;
mod change_point;
mod contest;
mod diebold_mariano;
mod error;
mod families;
mod level;
mod live;
mod long_run;
mod policy;
mod price_forecast;
mod residuals;
mod scope;
mod scorecard;
mod series;
mod ticker;
mod trading_day;
mod verdict;
mod window;

pub use backtest::{BacktestPlan, FEWEST_TO_FIT};
pub use calibration::{Calibration, Multiplier, Multipliers, Scales};
pub use change_point::{Alternative, ChangePoint};
pub use contest::{Contender, Contest};
pub use diebold_mariano::Comparison;
pub use error::Error;
pub use families::{
    Arima, Combination, Ets, Family, PriceModel, RandomWalk, SeasonalRandomWalk, Specification, Summary, Theta,
};
pub use level::Level;
pub use live::{Interval, LiveRecord, Outcome, Score, StandingForecast, StandingStep, Step};
pub use long_run::{Mean, SkillInterval};
pub use policy::{ChampionEvidence, FEWEST_ORIGINS, Policy, Training, failing};
pub use price_forecast::{IntervalKind, PriceForecast};
pub use residuals::{Residual, Residuals};
pub use scope::{Event, Gap, Move, OUTLIER_SCORE, Scope};
pub use scorecard::{Coverage, HorizonLosses, LevelLosses, Scorecard};
pub use series::{Bar, PriceSeries, Row};
pub use ticker::Ticker;
pub use trading_day::TradingDay;
pub use verdict::{Barred, Decision, Verdict};
pub use window::Window;
