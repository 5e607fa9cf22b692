use forecasting::{Coverage, Level, LiveRecord, Specification, StandingForecast, Step, Ticker, TradingDay};
use serde::{Deserialize, Serialize};

use super::{
    committed::{end_of_time, read_snapshot},
    evaluate::{live_record, recent_scores},
    fetch::BarStatus,
    inspect::newest_forecast,
};
use crate::{Archive, Champion, Error, Ledger, ModelVersion, VersionId};

/// What `GET /forecast/{ticker}` and `closing-bell predict --json` answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prediction {
    /// The series.
    pub ticker: Ticker,
    /// The newest session whose price it knows.
    pub origin: TradingDay,
    /// Whether that session's bar may still be corrected.
    pub bar: BarStatus,
    /// The version that answers.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// One forecast a session.
    pub horizons: Vec<Step>,
    /// 1 - mean absolute error over that of the random walk.
    pub skill: Skill,
    /// How often the intervals have held.
    pub coverage: Vec<RealisedCoverage>,
    /// What a reader must know.
    pub notice: String,
}

/// Measured skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Skill {
    /// Positive where it is better than the random walk; `None` where the walk made no error to beat.
    pub value: Option<f64>,
    /// Forecasts behind it.
    pub n: usize,
    /// Where they come from.
    pub source: Source,
}

/// Measured coverage of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RealisedCoverage {
    /// Level and share, and how many forecasts are behind it.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Where they come from.
    pub source: Source,
}

/// Which forecasts a figure was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Source {
    /// Forecasts that were served, against the bars that came.
    Live,
    /// Rolling origins of the contest that put the champion in service.
    Backtest,
}

/// Fewer live forecasts than this say less than the backtest.
const FEWEST_LIVE: usize = 20;
/// The longest horizon that is answered.
const LONGEST_HORIZON: usize = 60;
/// The most levels that are answered at once.
const MOST_LEVELS: usize = 10;

/// Answers from the newest forecast on record: the same model and prices, any horizon and levels. Left out, they are
/// those of the forecast table.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without one; [`Error::Request`] names the field that is out of bounds.
pub async fn predict(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    horizon: Option<usize>,
    levels: &[Level],
) -> Result<Prediction, Error> {
    if let Some(horizon) = horizon.filter(|h| !(1..=LONGEST_HORIZON).contains(h)) {
        let reason = format!("{horizon} is not within 1 and {LONGEST_HORIZON} sessions");
        return Err(Error::Request { field: "horizon", reason });
    }
    if levels.len() > MOST_LEVELS {
        return Err(Error::Request { field: "level", reason: format!("more than {MOST_LEVELS} levels at once") });
    }
    let on_record = newest_forecast(ledger, ticker).await?;
    let champion = &on_record.champion;
    let known =
        on_record.forecast.steps.first().map(|s| s.served.intervals.iter().map(|i| i.level).collect::<Vec<_>>());
    let mut levels = if levels.is_empty() { known.unwrap_or_default() } else { levels.to_vec() };
    levels.sort_by(|a, b| a.percent().total_cmp(&b.percent()));
    levels.dedup();

    let series = read_snapshot(archive, ticker, &on_record.snapshot).await?;
    let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
    let horizon = horizon.unwrap_or(on_record.forecast.steps.len());
    let both = version.forecast(&series, horizon, &on_record.multipliers)?;
    let (served, other) = both.by(on_record.forecast.intervals);
    let last = series.last();
    let forecast = StandingForecast::new(last.day, last.adjusted_close, served, other, &levels);

    let (skill, coverage) = match &on_record.live {
        Some(live) => measured(champion, live),
        None => {
            let scores = recent_scores(ledger, ticker, end_of_time()).await?;
            measured(champion, &live_record(&scores, &champion.specification))
        }
    };
    let notice = notice(&champion.specification, skill.value);
    Ok(Prediction {
        ticker: ticker.clone(),
        origin: forecast.origin,
        bar: on_record.bar,
        version: champion.version.clone(),
        model: champion.specification.to_string(),
        horizons: forecast.steps.into_iter().map(|step| step.served).collect(),
        skill,
        coverage,
        notice,
    })
}

/// Skill and coverage of the forecasts that were served, or of the champion's backtest while those are few.
pub(crate) fn measured(champion: &Champion, live: &LiveRecord) -> (Skill, Vec<RealisedCoverage>) {
    let (value, n, coverage, source) = if live.n >= FEWEST_LIVE {
        (live.skill, live.n, &live.coverage, Source::Live)
    } else {
        let Champion { backtest_skill, backtest_forecasts, backtest_coverage, .. } = champion;
        (*backtest_skill, *backtest_forecasts, backtest_coverage, Source::Backtest)
    };
    let coverage = coverage.iter().map(|coverage| RealisedCoverage { coverage: *coverage, source }).collect();
    (Skill { value, n, source }, coverage)
}

fn notice(specification: &Specification, skill: Option<f64>) -> String {
    let advice = "This is no investment advice.";
    if specification.is_baseline() {
        format!(
            "{advice} The model in service is a baseline, the {specification}: it claims no skill over a random walk."
        )
    } else if skill.is_none_or(|skill| skill <= 0.0) {
        format!("{advice} The model in service has no skill over a random walk.")
    } else {
        advice.to_owned()
    }
}
