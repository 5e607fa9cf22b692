use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use pipeline::Results;
use tokio::sync::Mutex;

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
    let results = stores.results.as_of_now(&stores).await?;
    Ok(if format == Format::Html { pages::results::page(&results) } else { json(&*results) })
}

/// What was added up last: it reads every receipt and every score, so that it is done once for each revision, by one request at a time.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Option<OfRevision>>>);

/// Of which revision of the ledger.
type OfRevision = (u64, Arc<Results>);

impl Known {
    async fn as_of_now(&self, stores: &Stores) -> Result<Arc<Results>, Problem> {
        let mut known = self.0.lock().await;
        // Before it is read: what is written meanwhile shows at the next request.
        let revision = stores.ledger.revision().await.ok().flatten();
        if let Some((of, results)) = &*known
            && Some(*of) == revision
        {
            return Ok(results.clone());
        }
        let results = Arc::new(pipeline::results(&*stores.archive, &*stores.ledger).await?);
        *known = revision.map(|revision| (revision, results.clone()));
        Ok(results)
    }
}
