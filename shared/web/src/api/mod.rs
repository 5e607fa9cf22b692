//! The interface for programs: one file for each thing that is asked for. Its description is generated from these files.

pub(crate) mod decide;
pub(crate) mod forecast;
pub(crate) mod ingest;
pub(crate) mod judged;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod receipts;
pub(crate) mod results;
pub(crate) mod runs;
pub(crate) mod scores;
pub(crate) mod start;
pub(crate) mod tickers;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use utoipa::OpenApi;

use crate::{Problem, format::json, pages, parameters::Parameters, stores::Stores};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Closing Bell",
        description = "Forecasts of closing prices with intervals, and how far they are to be believed. Levels are percent, \
                       horizons sessions, dates ISO 8601. No forecast here is investment advice.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    paths(
        forecast::forecast,
        tickers::tickers,
        tickers::forecasts,
        results::results,
        models::models,
        models::model,
        receipts::receipts,
        scores::scores,
        runs::runs,
        runs::run,
        runs::forecasts,
        runs::report,
        ingest::ingest,
        metrics::metrics,
        judged::everyone,
        judged::one,
        start::start,
        start::complete,
        decide::rollback,
        decide::release,
        decide::verify,
        healthz,
        openapi_json
    ),
    components(schemas(crate::Problem, start::Started)),
    modifiers(&Token),
)]
struct Described;

/// How `POST /runs` knows who asks.
struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("On one machine, the token that `serve` prints; on AWS calls are signed instead."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

/// Whether it answers, from the ledger that it was started with.
#[utoipa::path(get, path = "/healthz", tag = "service", responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain", example = "ok"),
    (status = 503, description = "Its ledger cannot be read, or is another file by now.", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn healthz(State(stores): State<Stores>) -> Result<&'static str, Problem> {
    match stores.ledger.revision().await {
        Ok(_) => Ok("ok"),
        Err(error) => {
            tracing::error!(%error, "the ledger cannot be read");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the ledger cannot be read"))
        }
    }
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "service", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json"),
))]
#[allow(dead_code, reason = "described here, answered by the router")]
fn openapi_json() {}

/// The interface's description, OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Described::openapi()
}

pub(crate) async fn document() -> Response {
    json(&openapi())
}

/// The same, for people.
pub(crate) async fn docs(State(stores): State<Stores>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Parameters::read(query.as_deref(), &[], &[])?;
    let document = serde_json::to_value(openapi()).map_err(|error| Problem::internal(&error))?;
    let newest =
        stores.ledger.runs(10).await?.into_iter().find(|entry| entry.closure.as_ref().is_some_and(|c| c.done > 0));
    let tickers = match &newest {
        Some(entry) => entry.run.tickers(&*stores.archive).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let ticker = tickers.first().map_or_else(|| "KO".to_owned(), ToString::to_string);
    let run = newest.map(|entry| entry.run.id.to_string());
    Ok(pages::docs::page(&document, &pages::docs::Examples { ticker, run }))
}
