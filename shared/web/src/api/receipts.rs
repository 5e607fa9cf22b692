use axum::{extract::State, response::Response};
use forecasting::Ticker;
use pipeline::Receipt;

use crate::{
    Problem,
    asked::List,
    format::{Format, csv, json},
    problem::Problems,
    stores::Stores,
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
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "Rows; 1000 if not given. A `Link` leads to the rest."),
        ("offset" = Option<usize>, Query, maximum = 1_000_000_000, description = "Rows to skip."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "Newest first.", content((Vec<Receipt> = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn receipts(State(stores): State<Stores>, asked: List) -> Result<Response, Problem> {
    let List { ticker, format, paging } = asked;
    let receipts = stores.ledger.receipts(&ticker).await?;
    if receipts.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker }.into());
    }
    let (receipts, more) = paging.of(receipts);
    if format == Format::Json {
        return Ok(paging.linked(json(&receipts), more));
    }
    let header = ["as_of", "decision", "version", "model", "reason", "decided_by", "run"];
    let table = csv(
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
    );
    Ok(paging.linked(table, more))
}
