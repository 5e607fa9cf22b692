use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use forecasting::Ticker;
use pipeline::ModelSummary;

use crate::{
    Problem,
    format::{Format, csv, json},
    parameters::Parameters,
    site::{Stores, ticker},
};

/// The stored versions of a ticker.
///
/// Coefficients are on log prices.
#[utoipa::path(
    get,
    path = "/models/{ticker}",
    tag = "models",
    params(
        ("ticker" = Ticker, Path, description = "The series."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<ModelSummary> = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A field of the request is out of bounds.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nothing is on record for the ticker.", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "What is on record cannot be read.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "A store cannot be reached now.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn models(
    State(stores): State<Stores>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticker = ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["format"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Csv])?;
    let models = pipeline::models(&*stores.archive, &*stores.ledger, &ticker).await?;
    if format == Format::Json {
        return Ok(json(&models));
    }
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let header = ["version", "model", "first", "last", "observations", "sigma2", "aicc", "in_service"];
    Ok(csv(
        &header,
        models.iter().map(|m| {
            let ModelSummary { version, model, first, last, observations, sigma2, aicc, in_service, .. } = m;
            vec![
                version.to_string(),
                model.clone(),
                first.to_string(),
                last.to_string(),
                observations.to_string(),
                number(*sigma2),
                number(*aicc),
                in_service.to_string(),
            ]
        }),
    ))
}
