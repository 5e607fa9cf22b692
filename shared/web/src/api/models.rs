use axum::{extract::State, http::StatusCode, response::Response};
use forecasting::Ticker;
use pipeline::{Key, ModelSummary, VersionId};

use crate::{
    Problem,
    asked::{List, NamedVersion},
    format::{Format, csv, json, typed},
    problem::Problems,
    stores::Stores,
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
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Rows; 1000 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Rows to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<ModelSummary> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn models(State(stores): State<Stores>, asked: List) -> Result<Response, Problem> {
    let List { ticker, format, paging } = asked;
    let models = pipeline::models(&*stores.archive, &*stores.ledger, &ticker, paging.needed()).await?;
    let (models, more) = paging.of(models);
    if format == Format::Json {
        return Ok(paging.linked(json(&models), more));
    }
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let header = ["version", "model", "first", "last", "observations", "sigma2", "aicc", "in_service"];
    let table = csv(
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
    );
    Ok(paging.linked(table, more))
}

/// One version as it is archived.
///
/// The file is enough to forecast from, anywhere: `closing-bell predict --model FILE`.
#[utoipa::path(
    get,
    path = "/models/{ticker}/{version}",
    tag = "models",
    params(
        ("ticker" = Ticker, Path, description = "The series."),
        ("version" = VersionId, Path, description = "The version."),
    ),
    responses(
        (status = 200, description = "What it was fitted from, its coefficients and its state.", body = serde_json::Value),
        Problems,
    ),
)]
pub(crate) async fn model(
    State(stores): State<Stores>,
    NamedVersion(ticker, version): NamedVersion,
) -> Result<Response, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("{ticker} has no version {version}"));
    let bytes = stores.archive.read(&Key::model(&ticker, &version)).await?.ok_or_else(none)?;
    Ok(typed("application/json", bytes))
}
