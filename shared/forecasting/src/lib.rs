//! Tickers, sessions, price series, track records, scorecards and verdicts: the rules, without any I/O or clock.
//!
//! A [`PriceSeries`] of [`Bar`]s in [`Period`]s is fitted by a [`Specification`]; a [`Record`] keeps what each [`Contender`]
//! would have forecast from every past session; a [`Judgement`] adds up what came of it, and the [`Verdict`] says who
//! serves. [`StandingForecast`]s are scored when their sessions have come.

/// Which rules judge. A release that changes any result, be it by a newer augurs, has a new version.
const RULES: &str = concat!("forecasting ", env!("CARGO_PKG_VERSION"));

/// What a judgement's numbers follow from: the ARIMA engine and the rules. Two releases may judge otherwise, and only
/// one and the same gives the same scorecards.
pub fn rules() -> String {
    format!("{}, {RULES}", arima::ENGINE)
}

mod calibration;
mod change_point;
mod contender;
mod contest;
mod diebold_mariano;
mod error;
mod evidence;
mod families;
mod kind;
mod level;
mod live;
mod long_run;
mod policy;
mod price_forecast;
mod record;
mod residuals;
mod sample;
mod scale;
mod scope;
mod scorecard;
mod seasons;
mod series;
mod shown;
mod standing;
mod ticker;
mod time;
mod verdict;
mod window;

pub use calibration::{Calibration, Multipliers};
pub use change_point::{Alternative, ChangePoint};
pub use contender::Contender;
pub use contest::{Challenger, Contest};
pub use diebold_mariano::{Comparison, MIN_PER_LAG};
pub use error::Error;
pub use evidence::{BUDGET_SESSIONS, Bet, Wealth};
pub use families::{
    Arima, Combination, Ets, Family, Mstl, PriceModel, Program, ProgramName, RandomWalk, Regression,
    SeasonalRandomWalk, Specification, Summary, Theta,
};
pub use kind::{Kind, Power};
pub use level::Level;
pub use live::{Interval, LiveRecord, LiveSums, Outcome, Score, StandingForecast, StandingStep, Step};
pub use long_run::{Mean, SkillInterval};
pub use policy::{Against, ChampionEvidence, Degraded, MIN_ORIGINS, Policy, Training};
pub use price_forecast::{IntervalKind, PriceForecast};
pub use record::{
    MIN_SESSIONS, Outlook, RESELECTED_AFTER, Record, RecordPlan, RecordRow, ScaleEstimates, WARM_UP, average_growth,
};
pub use residuals::{Residual, Residuals};
pub use sample::{Sample, values};
pub use scale::{Garch, Scale, ScaleParameters};
pub use scope::{Event, Gap, Move, OUTLIER_SCORE, Scope};
pub use scorecard::{Coverage, HorizonLosses, LevelLosses, Scorecard};
pub use seasons::Seasons;
pub use series::{Ahead, Bar, Form, MAX_VALUE, PriceSeries, Row};
pub use shown::price;
pub use standing::{Calibrations, Challenge, Deposed, Detail, Judgement, Seat, Standing, asked_of_each};
pub use ticker::Ticker;
pub use time::{Cadence, Calendar, DatesCalendar, Exchange, Period, Stamp, TradingDay};
pub use verdict::{Decision, Promotion, Verdict, figure};
pub use window::Window;
