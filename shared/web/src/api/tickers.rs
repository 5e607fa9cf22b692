use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use forecasting::{Decision, Step, Ticker};
use pipeline::{RealisedCoverage, Skill, TickerStatus, VersionId, WATCHED_RUNS, WatchedTicker, watched};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Problem,
    format::{Format, csv, json},
    paging::{self, Paging},
    parameters::Parameters,
    problem::Problems,
    stores::Stores,
};

/// A ticker as its newest run left it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TickerLine {
    ticker: Ticker,
    /// How its newest run ended for it.
    status: TickerStatus,
    /// That run's verdict; `null` where it failed before one.
    verdict: Option<Decision>,
    /// The verdict's reason, or the error.
    reason: String,
    /// The last period that its newest forecast knew; `null` where there is none yet, as all that follows.
    #[schema(value_type = Option<String>)]
    origin: Option<String>,
    /// The value there.
    last: Option<f64>,
    /// The model in service.
    model: Option<String>,
    version: Option<VersionId>,
    /// Since when that has been in service.
    #[schema(value_type = Option<String>)]
    since: Option<String>,
    skill: Option<Skill>,
    coverage: Vec<RealisedCoverage>,
}

impl TickerLine {
    fn of(row: WatchedTicker) -> TickerLine {
        let WatchedTicker { ticker, status, verdict, reason, standing } = row;
        let of = standing.as_ref();
        TickerLine {
            ticker,
            status,
            verdict,
            reason,
            origin: of.map(|standing| standing.origin.to_string()),
            last: of.map(pipeline::Standing::last_close),
            model: of.map(|standing| standing.model.clone()),
            version: of.map(|standing| standing.version.clone()),
            since: of.map(|standing| standing.since.to_string()),
            skill: of.map(|standing| standing.skill.clone()),
            coverage: of.map(|standing| standing.coverage.clone()).unwrap_or_default(),
        }
    }
}

/// The newest forecast of a ticker.
#[derive(Serialize, ToSchema)]
pub(crate) struct ForecastLine {
    ticker: Ticker,
    /// The last period that it knew.
    #[schema(value_type = String)]
    origin: String,
    version: VersionId,
    model: String,
    horizons: Vec<Step>,
}

/// Every ticker.
///
/// By name: how its newest run ended, what is in service, and how far that can be trusted. `/` is the same as a page.
#[utoipa::path(
    get,
    path = "/tickers",
    tag = "tickers",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Rows; 1000 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Rows to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "By name.", content((Vec<TickerLine> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn tickers(
    State(stores): State<Stores>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (format, paging) = asked(query.as_deref(), &uri, &headers)?;
    let watched = watched(&*stores.archive, &*stores.ledger, WATCHED_RUNS).await?;
    let (rows, more) = paging.of(watched.tickers);
    let rows: Vec<TickerLine> = rows.into_iter().map(TickerLine::of).collect();
    let response = if format == Format::Json { json(&rows) } else { table(&rows) };
    Ok(paging.linked(response, more))
}

fn table(rows: &[TickerLine]) -> Response {
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let header = ["ticker", "status", "verdict", "origin", "last", "model", "version", "since", "skill", "reason"];
    csv(
        &header,
        rows.iter().map(|row| {
            vec![
                row.ticker.to_string(),
                match row.status {
                    TickerStatus::Done => "done",
                    TickerStatus::Failed => "failed",
                    TickerStatus::Skipped => "skipped",
                }
                .to_owned(),
                row.verdict.map_or("", Decision::as_str).to_owned(),
                row.origin.clone().unwrap_or_default(),
                number(row.last),
                row.model.clone().unwrap_or_default(),
                row.version.as_ref().map(ToString::to_string).unwrap_or_default(),
                row.since.clone().unwrap_or_default(),
                number(row.skill.as_ref().and_then(|skill| skill.value)),
                row.reason.clone(),
            ]
        }),
    )
}

/// The newest forecast of every ticker.
///
/// In one answer, by name; as CSV a row for each period ahead. `limit` counts tickers.
#[utoipa::path(
    get,
    path = "/forecasts",
    operation_id = "newest_forecasts",
    tag = "tickers",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Tickers; 1000 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Tickers to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "By name.", content((Vec<ForecastLine> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn forecasts(
    State(stores): State<Stores>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (format, paging) = asked(query.as_deref(), &uri, &headers)?;
    let watched = watched(&*stores.archive, &*stores.ledger, WATCHED_RUNS).await?;
    let all: Vec<ForecastLine> = watched
        .tickers
        .into_iter()
        .filter_map(|row| {
            let standing = row.standing?;
            let origin = standing.origin.to_string();
            let (version, model, horizons) = (standing.version, standing.model, standing.steps);
            Some(ForecastLine { ticker: row.ticker, origin, version, model, horizons })
        })
        .collect();
    let (rows, more) = paging.of(all);
    let response = if format == Format::Json { json(&rows) } else { forecast_table(&rows) };
    Ok(paging.linked(response, more))
}

/// Intervals of the levels that the first forecast has.
fn forecast_table(rows: &[ForecastLine]) -> Response {
    let steps = rows.iter().flat_map(|row| &row.horizons);
    let levels: Vec<_> = steps.take(1).flat_map(|step| &step.intervals).map(|interval| interval.level).collect();
    let header = pipeline::forecast_header(&levels);
    let header: Vec<&str> = header.trim_end().split(',').collect();
    let line = |row: &ForecastLine, step: &Step| {
        let mut fields = vec![
            row.ticker.to_string(),
            row.origin.clone(),
            step.date.to_string(),
            step.horizon.to_string(),
            step.mean.to_string(),
        ];
        for level in &levels {
            let interval = step.intervals.iter().find(|interval| interval.level == *level);
            fields.extend(match interval {
                Some(interval) => [interval.lower.to_string(), interval.upper.to_string()],
                None => [String::new(), String::new()],
            });
        }
        fields.push(row.version.to_string());
        fields
    };
    csv(&header, rows.iter().flat_map(|row| row.horizons.iter().map(move |step| line(row, step))))
}

fn asked(query: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Result<(Format, Paging), Problem> {
    let query = Parameters::read(query, &["format", "limit", "offset"], &[])?;
    let format = Format::asked(query.one("format"), headers, &[Format::Json, Format::Csv])?;
    Ok((format, Paging::read(&query, paging::LIMIT, uri)?))
}
