use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use forecasting::Ticker;
use pipeline::VersionScore;

use crate::{
    Problem,
    format::{Format, csv, json},
    parameters::Parameters,
    site::{Stores, ticker},
};

/// Every past forecast of a ticker beside what happened.
///
/// Errors are fractions of the price at the origin.
#[utoipa::path(
    get,
    path = "/scores/{ticker}",
    tag = "models",
    params(
        ("ticker" = Ticker, Path, description = "The series."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<VersionScore> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A field of the request is out of bounds.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing is on record for the ticker.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "What is on record cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A store cannot be reached now.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn scores(
    State(stores): State<Stores>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticker = ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["format"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Csv])?;
    let scores = pipeline::scores(&*stores.ledger, &ticker).await?;
    if format == Format::Json {
        return Ok(json(&scores));
    }
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let header = ["date", "origin", "horizon", "mean", "actual", "error", "naive_error", "version", "model"];
    Ok(csv(
        &header,
        scores.iter().map(|VersionScore { version, specification, score }| {
            vec![
                score.date.to_string(),
                score.origin.to_string(),
                score.horizon.to_string(),
                number(score.prices.map(|p| p.mean)),
                number(score.prices.map(|p| p.actual)),
                score.error.to_string(),
                score.naive_error.to_string(),
                version.to_string(),
                specification.to_string(),
            ]
        }),
    ))
}
