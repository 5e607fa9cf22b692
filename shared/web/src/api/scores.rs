use axum::{extract::State, response::Response};
use forecasting::Ticker;
use pipeline::VersionScore;

use crate::{
    Problem,
    asked::List,
    format::{Format, csv, json},
    problem::Problems,
    stores::Stores,
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
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Rows; 1000 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Rows to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<VersionScore> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn scores(State(stores): State<Stores>, asked: List) -> Result<Response, Problem> {
    let List { ticker, format, paging } = asked;
    let scores = pipeline::scores(&*stores.ledger, &ticker).await?;
    let (scores, more) = paging.of(scores);
    if format == Format::Json {
        return Ok(paging.linked(json(&scores), more));
    }
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let header = ["date", "origin", "horizon", "mean", "actual", "error", "naive_error", "version", "model"];
    let table = csv(
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
    );
    Ok(paging.linked(table, more))
}
