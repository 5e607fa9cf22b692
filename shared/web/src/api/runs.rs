use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use forecasting::Stamp;
use pipeline::{Closure, Run, RunEntry, RunId, RunStatus, TickerSummary, Trigger};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Problem,
    asked::Named,
    format::{Format, csv, json, typed},
    pages,
    paging::Paging,
    parameters::Parameters,
    problem::Problems,
    stores::Stores,
};

/// Runs of an answer that nobody limits: a page's.
const RUNS_LISTED: usize = 100;

/// A run in a list; `/runs/{run}` has its tickers. A function's answer must not outgrow 6 MB.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunLine<'a> {
    #[schema(value_type = RunId)]
    run: &'a RunId,
    #[schema(value_type = String, format = Date)]
    as_of: Stamp,
    trigger: Trigger,
    /// `null` while it is open.
    status: Option<RunStatus>,
    done: usize,
    failed: usize,
    skipped: usize,
    #[schema(value_type = String, format = DateTime)]
    opened_at: &'a str,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<&'a str>,
}

impl<'a> RunLine<'a> {
    fn of(entry: &'a RunEntry) -> Self {
        let closure = entry.closure.as_ref();
        RunLine {
            run: &entry.run.id,
            as_of: entry.run.as_of,
            trigger: entry.run.trigger,
            status: closure.map(|closure| closure.status),
            done: closure.map_or(0, |closure| closure.done),
            failed: closure.map_or(0, |closure| closure.failed),
            skipped: closure.map_or(0, |closure| closure.skipped),
            opened_at: &entry.opened_at,
            closed_at: entry.closed_at.as_deref(),
        }
    }
}

/// A run with each ticker's outcome.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunAnswer<'a> {
    run: &'a Run,
    #[schema(value_type = String, format = DateTime)]
    opened_at: &'a str,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<&'a str>,
    /// `null` while it is open.
    closure: Option<ClosureAnswer<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ClosureAnswer<'a> {
    #[serde(flatten)]
    closure: &'a Closure,
    /// In the configuration's order.
    tickers: Vec<TickerSummary>,
}

/// The newest runs.
///
/// Newest first. A browser gets a page.
#[utoipa::path(
    get,
    path = "/runs",
    tag = "runs",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Rows; 100 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Rows to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv|html)$", description = "json, csv or html; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.",
         content((Vec<RunLine<'_>> = "application/json"), (String = "text/csv"), (String = "text/html"))),
        Problems,
    ),
)]
pub(crate) async fn runs(
    State(stores): State<Stores>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Parameters::read(query.as_deref(), &["format", "limit", "offset"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Csv, Format::Html])?;
    let paging = Paging::read(&query, RUNS_LISTED, &uri)?;
    let (entries, more) = paging.of(stores.ledger.runs(paging.needed()).await?);
    let lines: Vec<RunLine<'_>> = entries.iter().map(RunLine::of).collect();
    let answer = match format {
        Format::Html => pages::runs::page(&stores, &entries).await?,
        Format::Json => json(&lines),
        Format::Csv => csv(
            &["run", "as_of", "trigger", "status", "done", "failed", "skipped", "opened_at", "closed_at"],
            lines.iter().map(|line| {
                vec![
                    line.run.to_string(),
                    line.as_of.to_string(),
                    pages::trigger(line.trigger).to_owned(),
                    line.status.map_or_else(|| "open".to_owned(), |status| status.to_string()),
                    line.done.to_string(),
                    line.failed.to_string(),
                    line.skipped.to_string(),
                    line.opened_at.to_owned(),
                    line.closed_at.unwrap_or_default().to_owned(),
                ]
            }),
        ),
    };
    Ok(paging.linked(answer, more))
}

/// One run with each ticker's outcome.
///
/// A browser gets a page.
#[utoipa::path(
    get,
    path = "/runs/{run}",
    tag = "runs",
    params(
        ("run" = RunId, Path, description = "Its id."),
        ("format" = Option<String>, Query, pattern = "^(json|html)$", description = "json or html; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "The run.", content((RunAnswer<'_> = "application/json"), (String = "text/html"))),
        Problems,
    ),
)]
pub(crate) async fn run(
    State(stores): State<Stores>,
    Named(run): Named,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Parameters::read(query.as_deref(), &["format"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Html])?;
    let entry = stores.found(&run).await?;
    match format {
        Format::Html => pages::run::page(&stores, &entry).await,
        _ => {
            let closure = match &entry.closure {
                Some(closure) => Some(ClosureAnswer { closure, tickers: closure.outcomes(&*stores.archive).await? }),
                None => None,
            };
            let (opened_at, closed_at) = (&entry.opened_at, entry.closed_at.as_deref());
            Ok(json(&RunAnswer { run: &entry.run, opened_at, closed_at, closure }))
        }
    }
}

/// All forecasts of a run as one table.
///
/// Of a run that has not made any, the header alone.
#[utoipa::path(
    get,
    path = "/runs/{run}/forecasts.csv",
    tag = "runs",
    params(("run" = RunId, Path, description = "Its id.")),
    responses(
        (status = 200, description = "ticker,origin,date,horizon,mean,lower_80,upper_80,...,version", body = String, content_type = "text/csv"),
        Problems,
    ),
)]
pub(crate) async fn forecasts(
    State(stores): State<Stores>,
    Named(run): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Parameters::read(query.as_deref(), &[], &[])?;
    let entry = stores.found(&run).await?;
    let table = stores.reported(&entry, "forecasts").await?;
    let header = || pipeline::forecast_header(&entry.run.configuration.levels).into_bytes();
    Ok(typed("text/csv; charset=utf-8", table.unwrap_or_else(header)))
}

/// A run's report as one page, which opens from disk too.
#[utoipa::path(
    get,
    path = "/runs/{run}/report/index.html",
    tag = "runs",
    params(("run" = RunId, Path, description = "Its id.")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        Problems,
    ),
)]
pub(crate) async fn report(
    State(stores): State<Stores>,
    Named(run): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Parameters::read(query.as_deref(), &[], &[])?;
    let entry = stores.found(&run).await?;
    let page = stores.reported(&entry, "index").await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("run {} has no report yet", entry.run.id));
    let mut response = typed("text/html; charset=utf-8", page.ok_or_else(none)?);
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
