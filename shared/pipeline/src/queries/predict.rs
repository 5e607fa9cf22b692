use forecasting::{Calibration, Interval, Kind, Level, Period, PriceSeries, StandingForecast, Step, Ticker, WARM_UP};
use serde::{Serialize, Serializer};

use super::{newest_forecast, prices};
use crate::{
    Archive, BarStatus, BothForecasts, Champion, Error, Forecasted, Ledger, ModelVersion, RealisedCoverage, Skill,
    Source, VersionId,
    records::{end_of_time, live_sums, measured},
};

/// What `GET /forecast/{ticker}` and `closing-bell predict --json` answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prediction {
    /// The series.
    pub ticker: Ticker,
    /// The newest session whose price it knows.
    #[serde(serialize_with = "Period::plain")]
    pub origin: Period,
    /// Whether that session's bar may still be corrected.
    pub bar: BarStatus,
    /// The version that answers.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// One forecast a session.
    #[serde(serialize_with = "plain")]
    pub horizons: Vec<Step>,
    /// 1 - mean absolute error over that of the random walk.
    pub skill: Skill,
    /// How often the intervals have held.
    pub coverage: Vec<RealisedCoverage>,
    /// What a reader must know.
    pub notice: String,
    /// Periods that have arrived since the run, and that the model in service has taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streamed: Option<u64>,
}

/// Other programs read dates, times and indices alone.
fn plain<S: Serializer>(steps: &[Step], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Plain<'a> {
        horizon: usize,
        date: String,
        mean: f64,
        intervals: &'a [Interval],
    }
    serializer.collect_seq(steps.iter().map(|step| Plain {
        horizon: step.horizon,
        date: step.date.to_string(),
        mean: step.mean,
        intervals: &step.intervals,
    }))
}

/// The longest horizon that is answered.
const MAX_HORIZON: usize = 60;
/// The most levels that are answered at once.
const MAX_LEVELS: usize = 10;

/// What is asked of [`predict`]; what is left out is as in the forecast table.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForecastRequest<'a> {
    /// Sessions ahead.
    pub horizon: Option<usize>,
    /// Levels of the intervals.
    pub levels: &'a [Level],
    /// A stored version, in service or not.
    pub version: Option<&'a VersionId>,
}

/// Answers from the newest forecast on record: the same prices, any horizon and levels, and the model in service unless another
/// version is asked for.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without one; [`Error::Request`] names the field that is out of bounds.
pub async fn predict(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    asked: ForecastRequest<'_>,
) -> Result<Prediction, Error> {
    let ForecastRequest { horizon, levels, version } = asked;
    let levels = within_bounds(horizon.unwrap_or(1), levels)?;
    let (run, on_record) = newest_forecast(ledger, ticker).await?;
    let champion = &on_record.champion;
    let known =
        on_record.forecast.steps.first().map(|s| s.served.intervals.iter().map(|i| i.level).collect::<Vec<_>>());
    let levels = if levels.is_empty() { known.unwrap_or_default() } else { levels };

    let series = prices(archive, ledger, ticker, &run).await?;
    let other = version.filter(|version| **version != champion.version);
    let version = match other {
        None => ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?,
        Some(other) => ModelVersion::read(archive, ticker, other, None).await?,
    };
    let horizon = horizon.unwrap_or(on_record.forecast.steps.len());
    // The model in service, where rows have taken it further than its run.
    let head = if other.is_none() { ledger.head(ticker).await? } else { None };
    let live = match head {
        Some(head) => head.live_since(archive, ledger, ticker, (&run, &on_record)).await?,
        None => None,
    };
    let live = live.filter(|live| live.advanced > 0 && live.version == champion.version);
    let newest = live.as_ref().map_or(series.last().day, |live| live.last);
    if !newest.has_after(horizon) {
        let reason = format!("the series' calendar has fewer than {horizon} periods after {newest}");
        return Err(Error::Request { field: "horizon", reason });
    }
    let calibration = on_record.calibration.clone().unwrap_or_else(|| Calibration::first(&series, horizon));
    let both = match (&live, &version.inputs.program) {
        (Some(live), _) => live.forecast(ticker, horizon, &calibration)?,
        (None, None) => version.forecast(&series, horizon, &calibration)?,
        (None, Some(_)) => as_on_record(&version, &on_record, &series, horizon, &calibration)?,
    };
    let (served, others) = both.by(on_record.forecast.intervals);
    let value = live.as_ref().map_or(series.last().adjusted_close, |live| live.value);
    let forecast = StandingForecast::new(newest, value, served, others, &levels);

    let (skill, coverage) = match &on_record.live {
        // What serves is measured; of another version nothing is claimed.
        _ if other.is_some() => (Skill { value: None, n: 0, source: Source::Record }, Vec::new()),
        Some(live) => measured(champion, live),
        None => {
            let sums = live_sums(ledger, ticker, end_of_time(), &champion.specification, None).await?;
            measured(champion, &sums.record())
        }
    };
    let specification = *version.model.specification();
    let notice = match other {
        None => notice(champion, skill.value, &series),
        Some(_) => "This is no investment advice. This version is not in service.".to_owned(),
    };
    Ok(Prediction {
        ticker: ticker.clone(),
        origin: forecast.origin,
        bar: on_record.bar,
        version: version.version,
        model: specification.to_string(),
        horizons: forecast.steps.into_iter().map(|step| step.served).collect(),
        skill,
        coverage,
        notice,
        streamed: live.map(|live| live.advanced),
    })
}

/// What a program forecast when it was asked: it is not asked again.
fn as_on_record(
    version: &ModelVersion,
    on_record: &Forecasted,
    series: &PriceSeries,
    horizon: usize,
    calibration: &Calibration,
) -> Result<BothForecasts, Error> {
    let known = on_record.forecast.steps.len();
    if on_record.champion.version != version.version {
        let reason =
            "only its program can tell what it forecasts, and it is asked of the version in service".to_owned();
        return Err(Error::Request { field: "version", reason });
    }
    if horizon > known {
        let reason = format!("{horizon} is more than the {known} periods that its program was asked for");
        return Err(Error::Request { field: "horizon", reason });
    }
    let missing = || Error::Missing { key: format!("what the program of {} said", version.version) };
    let mut outlook = on_record.outlook.clone().ok_or_else(missing)?;
    outlook.centres.truncate(horizon);
    if let Some(errors) = &mut outlook.errors {
        errors.truncate(horizon);
    }
    Ok(BothForecasts::of_outlook(series, &outlook, calibration))
}

/// The levels in their order, where horizon and levels may be asked for.
pub(super) fn within_bounds(horizon: usize, levels: &[Level]) -> Result<Vec<Level>, Error> {
    if !(1..=MAX_HORIZON).contains(&horizon) {
        let reason = format!("{horizon} is not within 1 and {MAX_HORIZON} sessions");
        return Err(Error::Request { field: "horizon", reason });
    }
    if levels.len() > MAX_LEVELS {
        return Err(Error::Request { field: "level", reason: format!("more than {MAX_LEVELS} levels at once") });
    }
    let mut levels = levels.to_vec();
    levels.sort_by(|a, b| a.percent().total_cmp(&b.percent()));
    levels.dedup();
    Ok(levels)
}

fn notice(champion: &Champion, skill: Option<f64>, series: &PriceSeries) -> String {
    let sessions = series.bars().len();
    let specification = &champion.specification;
    let mut sentences = vec!["This is no investment advice.".to_owned()];
    if specification.is_baseline() {
        sentences.push(format!(
            "The model in service is a baseline, the {specification}: it claims no skill over a random walk."
        ));
    } else if skill.is_none_or(|skill| skill <= 0.0) {
        let measure = if series.kind() == Kind::Price { "a random walk" } else { "the naive forecast" };
        sentences.push(format!("The model in service has no skill over {measure}."));
    }
    if !series.kind().is_price() && sessions < WARM_UP {
        sentences.push(format!("It rests on {}.", series.cadence().count(sessions)));
    } else if sessions < WARM_UP {
        sentences.push(format!(
            "It rests on {sessions} sessions: the width of its intervals leans on a stated default of 2 % a session, worth 20 of them."
        ));
    }
    if series.is_of_closes_alone() {
        sentences
            .push("Its prices are closes as they were traded: a dividend or a split looks like a fall.".to_owned());
    }
    if champion.pinned {
        sentences.push("A person put this version into service: it is pinned until it is released.".to_owned());
    }
    if champion.unproven {
        sentences.push("It serves without evidence, as the configuration says.".to_owned());
    }
    sentences.join(" ")
}
