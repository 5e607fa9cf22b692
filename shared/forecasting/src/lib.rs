//! Tickers, sessions, price series, backtests, scorecards and verdicts: the rules, without any I/O or clock.
//!
//! A [`PriceSeries`] of [`Bar`]s on [`TradingDay`]s is fitted by a [`Specification`]; a [`Contest`] holds out its last
//! sessions and compares the champion, a newly selected challenger and the random walk on them; the [`Verdict`] says which
//! of them serves. [`StandingForecast`]s are scored when their sessions have come.

pub use arima::ENGINE;

mod backtest;
mod calendar;
mod contest;
mod diebold_mariano;
mod error;
mod level;
mod live;
mod policy;
mod scope;
mod scorecard;
mod series;
mod specification;
mod ticker;
mod trading_day;
mod verdict;

pub use backtest::{BacktestPlan, FEWEST_TO_FIT};
pub use contest::{Contender, Contest};
pub use diebold_mariano::Comparison;
pub use error::Error;
pub use level::Level;
pub use live::{Interval, LiveRecord, Score, StandingForecast, Step};
pub use policy::{ChampionEvidence, Policy, Training};
pub use scope::{Event, Gap, Move, OUTLIER_SCORE, Scope};
pub use scorecard::{Coverage, Scorecard};
pub use series::{Bar, PriceSeries, Row};
pub use specification::{PriceForecast, PriceModel, Specification};
pub use ticker::Ticker;
pub use trading_day::TradingDay;
pub use verdict::{Decision, Verdict};
