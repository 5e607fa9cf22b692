use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use forecasting::Ticker;
use pipeline::Receipt;

use crate::{
    Problem,
    format::{Format, csv, json},
    parameters::Parameters,
    site::{Stores, ticker},
};

/// Every verdict on a ticker.
///
/// Each with all scorecards, the digests of its inputs and its reason in words.
#[utoipa::path(
    get,
    path = "/receipts/{ticker}",
    tag = "models",
    params(
        ("ticker" = Ticker, Path, description = "The series."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<Receipt> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A field of the request is out of bounds.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing is on record for the ticker.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "What is on record cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A store cannot be reached now.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn receipts(
    State(stores): State<Stores>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticker = ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["format"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Csv])?;
    let receipts = stores.ledger.receipts(&ticker).await?;
    if receipts.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker }.into());
    }
    if format == Format::Json {
        return Ok(json(&receipts));
    }
    let header = ["as_of", "decision", "version", "model", "reason", "decided_by", "run"];
    Ok(csv(
        &header,
        receipts.iter().map(|r| {
            let Receipt { as_of, decision, champion, reason, decided_by, run, .. } = r;
            vec![
                as_of.to_string(),
                decision.as_str().to_owned(),
                champion.version.to_string(),
                champion.specification.to_string(),
                reason.clone(),
                decided_by.clone(),
                run.to_string(),
            ]
        }),
    ))
}
