use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};

use crate::{
    Problem,
    format::{Format, json},
    pages,
    parameters::Parameters,
    problem::Problems,
    stores::Stores,
};

/// All nights added up.
///
/// Verdicts, skill against the baseline with its 95 % interval, how often intervals held, month by month too, where outcomes fell among
/// the published quantiles, and what became of each promotion. A browser gets a page.
#[utoipa::path(
    get,
    path = "/results",
    tag = "results",
    params(("format" = Option<String>, Query, pattern = "^(json|html)$", description = "json or html; otherwise `Accept` decides.")),
    responses(
        (status = 200, description = "Results.", content((Object = "application/json"), (String = "text/html"))),
        Problems,
    ),
)]
pub(crate) async fn results(
    State(stores): State<Stores>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Parameters::read(query.as_deref(), &["format"], &[])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Html])?;
    let results = pipeline::results(&*stores.archive, &*stores.ledger).await?;
    Ok(if format == Format::Html { pages::results::page(&results) } else { json(&results) })
}
