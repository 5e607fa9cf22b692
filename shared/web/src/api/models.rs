use axum::{extract::State, response::Response};
use forecasting::Ticker;
use pipeline::ModelSummary;

use crate::{
    Problem,
    asked::List,
    format::{Format, csv, json},
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
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<ModelSummary> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn models(State(stores): State<Stores>, asked: List) -> Result<Response, Problem> {
    let List { ticker, format } = asked;
    let models = pipeline::models(&*stores.archive, &*stores.ledger, &ticker, usize::MAX).await?;
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
