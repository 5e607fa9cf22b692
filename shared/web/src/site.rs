use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri},
    middleware,
    routing::get,
};
use pipeline::{Archive, Ledger, stream::Streams};
use tokio::sync::watch;

use crate::{
    Decides, Ingests, Keys, Problem, Starts,
    api::{self, start::MAX_BODY},
    assets,
    cache::{self, Answers, CachedArchive},
    doorkeeper::{self, Doorkeeper},
    log, pages, pictures, sign_in,
    stores::Stores,
};

/// Everything that is answered over HTTP.
pub struct Site {
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    starts: Option<Arc<dyn Starts>>,
    decides: Option<Arc<dyn Decides>>,
    schedule: Option<String>,
    keys: Option<Arc<dyn Keys>>,
    streams: Option<Arc<dyn Streams>>,
    ingests: Option<Arc<dyn Ingests>>,
    stopping: Option<watch::Receiver<()>>,
    doorkeeper: Option<Arc<Doorkeeper>>,
}

impl Site {
    /// A site that reads, and changes nothing.
    pub fn new(archive: Arc<dyn Archive>, ledger: Arc<dyn Ledger>) -> Site {
        Site {
            archive,
            ledger,
            starts: None,
            decides: None,
            schedule: None,
            keys: None,
            streams: None,
            ingests: None,
            stopping: None,
            doorkeeper: None,
        }
    }

    /// One that starts runs, too.
    #[must_use]
    pub fn starting(self, starts: Arc<dyn Starts>) -> Site {
        Site { starts: Some(starts), ..self }
    }

    /// One on which a person decides about a ticker, too.
    #[must_use]
    pub fn deciding(self, decides: Arc<dyn Decides>) -> Site {
        Site { decides: Some(decides), ..self }
    }

    /// One that says when its nights begin, in words.
    #[must_use]
    pub fn scheduled(self, schedule: String) -> Site {
        Site { schedule: Some(schedule), ..self }
    }

    /// One that shows what arrives row by row.
    #[must_use]
    pub fn streaming(self, streams: Arc<dyn Streams>) -> Site {
        Site { streams: Some(streams), ..self }
    }

    /// One that takes rows in, too.
    #[must_use]
    pub fn ingesting(self, ingests: Arc<dyn Ingests>) -> Site {
        Site { ingests: Some(ingests), ..self }
    }

    /// One whose open pages end when this changes.
    #[must_use]
    pub fn until(self, stopping: watch::Receiver<()>) -> Site {
        Site { stopping: Some(stopping), ..self }
    }

    /// One with a door: it answers to these names alone, to addresses and to `localhost`, or to any name where none is given; it takes no
    /// writes that another site sends, and wrong tokens wait.
    #[must_use]
    pub fn behind_a_door(self, names: Option<Vec<String>>) -> Site {
        Site { doorkeeper: Some(Doorkeeper::new(names)), ..self }
    }

    /// One that asks who is there.
    #[must_use]
    pub fn signed_in(self, keys: Arc<dyn Keys>) -> Site {
        Site { keys: Some(keys), ..self }
    }

    /// The router. A problem is answered as RFC 9457 describes it, or as a page where a person's browser asked.
    pub fn router(self) -> Router {
        let answers = Answers::new(self.ledger.clone());
        let stores = Stores {
            archive: Arc::new(CachedArchive::new(self.archive)),
            ledger: self.ledger,
            starts_here: self.starts.is_some(),
            decides_here: self.decides.is_some(),
            results: api::results::Known::default(),
            schedule: self.schedule,
            asks_for_token: self.keys.is_none(),
            streams: self.streams,
            stopping: self.stopping,
        };
        let reads = reads().with_state(stores);
        let all = match self.starts {
            Some(starts) => reads.merge(api::start::route(starts)),
            None => reads,
        };
        let all = match self.decides {
            Some(decides) => all.merge(api::decide::route(decides)),
            None => all,
        };
        let all = match self.ingests {
            Some(ingests) => all.merge(api::ingest::route(ingests)),
            None => all,
        };
        let all = all.fallback(unknown).method_not_allowed_fallback(not_allowed);
        let all = all.layer(middleware::from_fn_with_state(answers, cache::complete));
        // Before the cache, both: what it has answered to one person, or to one name, is not for another.
        let all = match self.keys {
            Some(keys) => all
                .merge(sign_in::route(keys.clone()))
                .layer(middleware::from_fn_with_state(keys, sign_in::guard))
                .layer(middleware::from_fn(cache::headers)),
            None => all,
        };
        let all = match self.doorkeeper {
            Some(doorkeeper) => all.layer(middleware::from_fn_with_state(doorkeeper, doorkeeper::keep)),
            None => all,
        };
        all.layer(middleware::from_fn(log::request)).layer(DefaultBodyLimit::max(MAX_BODY))
    }
}

/// What is read.
fn reads() -> Router<Stores> {
    Router::new()
        .route("/", get(pages::overview::page))
        .route("/tickers", get(api::tickers::tickers))
        .route("/forecasts", get(api::tickers::forecasts))
        .route("/results", get(api::results::results))
        .route("/tickers/{ticker}", get(pages::ticker::page))
        .route("/tickers/{ticker}/compare", get(pages::compare::page))
        .route("/tickers/{ticker}/forecast.svg", get(pictures::forecast_svg))
        .route("/tickers/{ticker}/forecast.png", get(pictures::forecast_png))
        .route("/tickers/{ticker}/residuals.svg", get(pictures::residuals_svg))
        .route("/forecast/{ticker}", get(api::forecast::forecast))
        .route("/models/{ticker}", get(api::models::models))
        .route("/models/{ticker}/{version}", get(api::models::model))
        .route("/receipts/{ticker}", get(api::receipts::receipts))
        .route("/scores/{ticker}", get(api::scores::scores))
        .route("/runs", get(api::runs::runs))
        .route("/runs/{run}", get(api::runs::run))
        .route("/runs/{run}/forecasts.csv", get(api::runs::forecasts))
        .route("/runs/{run}/report/index.html", get(api::runs::report))
        .route("/runs/{run}/night.svg", get(pictures::night_svg))
        .route("/runs/{run}/night.png", get(pictures::night_png))
        .route("/stream", get(pages::stream::page))
        .route("/stream/events", get(pages::stream::events))
        .route("/metrics", get(api::metrics::metrics))
        .route("/judged", get(api::judged::everyone))
        .route("/judged/{name}", get(api::judged::one))
        .route("/healthz", get(api::healthz))
        .route("/openapi.json", get(api::document))
        .route("/docs", get(api::docs))
        .route("/assets/{name}", get(assets::asset))
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
