use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri},
    middleware,
    routing::get,
};
use forecasting::Ticker;
use pipeline::{Archive, Ledger, RunId};

use crate::{
    Problem, Starts, api, assets,
    cache::{self, Answers, CachedArchive},
    pages, pictures,
};

/// Everything that is answered over HTTP.
pub struct Site {
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    starts: Option<Arc<dyn Starts>>,
}

/// What handlers read.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Whether runs are started here, or by a function of their own.
    pub(crate) starts_here: bool,
}

/// Nobody sends more than a list of tickers.
pub(crate) const LARGEST_BODY: usize = 64 << 10;

impl Site {
    /// A site that reads, and changes nothing.
    pub fn new(archive: Arc<dyn Archive>, ledger: Arc<dyn Ledger>) -> Site {
        Site { archive, ledger, starts: None }
    }

    /// One that starts runs, too.
    #[must_use]
    pub fn starting(self, starts: Arc<dyn Starts>) -> Site {
        Site { starts: Some(starts), ..self }
    }

    /// The router. A problem is answered as RFC 9457 describes it, or as a page where a person's browser asked.
    pub fn router(self) -> Router {
        let answers = Answers::new(self.ledger.clone());
        let stores = Stores {
            archive: Arc::new(CachedArchive::new(self.archive)),
            ledger: self.ledger,
            starts_here: self.starts.is_some(),
        };
        let reads = Router::new()
            .route("/", get(pages::overview::page))
            .route("/tickers/{ticker}", get(pages::ticker::page))
            .route("/tickers/{ticker}/compare", get(pages::compare::page))
            .route("/tickers/{ticker}/forecast.svg", get(pictures::forecast_svg))
            .route("/tickers/{ticker}/forecast.png", get(pictures::forecast_png))
            .route("/tickers/{ticker}/residuals.svg", get(pictures::residuals_svg))
            .route("/forecast/{ticker}", get(api::forecast::forecast))
            .route("/models/{ticker}", get(api::models::models))
            .route("/receipts/{ticker}", get(api::receipts::receipts))
            .route("/scores/{ticker}", get(api::scores::scores))
            .route("/runs", get(api::runs::runs))
            .route("/runs/{run}", get(api::runs::run))
            .route("/runs/{run}/forecasts.csv", get(api::runs::forecasts))
            .route("/runs/{run}/night.svg", get(pictures::night_svg))
            .route("/runs/{run}/night.png", get(pictures::night_png))
            .route("/healthz", get(async || "ok"))
            .route("/openapi.json", get(api::document))
            .route("/docs", get(pages::docs::page))
            .route("/assets/{name}", get(assets::asset))
            .with_state(stores);
        let all = match self.starts {
            Some(starts) => reads.merge(api::start::route(starts)),
            None => reads,
        };
        all.fallback(unknown)
            .method_not_allowed_fallback(not_allowed)
            .layer(middleware::from_fn_with_state(answers, cache::complete))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
    }
}

async fn unknown(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
}

/// What is answered there is in the `Allow` header, which the router adds.
async fn not_allowed(method: Method) -> Problem {
    let method: String = method.as_str().chars().take(20).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not answered here"))
}

/// A ticker as someone typed it.
pub(crate) fn ticker(text: &str) -> Result<Ticker, Problem> {
    text.parse().map_err(|error| Problem::field("ticker", error))
}

/// A run's id as someone typed it.
pub(crate) fn run_id(text: &str) -> Result<RunId, Problem> {
    let (day, digest) = text.split_at_checked(10).unwrap_or(("", ""));
    let digest = digest.strip_prefix('-').unwrap_or_default();
    let hexadecimal = digest.len() == 8 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let shaped = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    if !hexadecimal || !day.bytes().enumerate().all(shaped) {
        return Err(Problem::field("run", "an id is a date, a hyphen and eight digits"));
    }
    Ok(RunId::from_text(text))
}

/// That there is no such run.
pub(crate) fn no_run(run: &RunId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no run {run}"))
}
