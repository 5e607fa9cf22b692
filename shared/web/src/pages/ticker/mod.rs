//! One ticker: its forecast, how earlier ones turned out, the model in service, and all that was decided about it.

mod data;
mod model;
mod now;
mod record;
mod verdicts;
mod versions;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use forecasting::{Residuals, Specification, Ticker};
use maud::{Markup, html};
use pipeline::{Error, Forecasted, Snapshot, Standing, TickerStatus, VerifiedReceipt, VersionScore, skill_interval};

use super::{
    layout::{self, Place},
    verdict,
    words::Words,
};
use crate::{
    Problem,
    asked::{self, Named},
    assets::{CHARTS, LIBRARY},
    parameters::Parameters,
    stores::Stores,
};

/// Receipts and versions on a page.
const LISTED: usize = 60;

/// The parts of the page, each with an address of its own.
const TABS: [(&str, &str); 6] = [
    ("forecast", "Forecast"),
    ("record", "Record"),
    ("model", "Model"),
    ("versions", "Versions"),
    ("verdicts", "Verdicts"),
    ("data", "Data"),
];

pub(crate) async fn page(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let ticker = asked::ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["tab"], &[])?;
    let tab = query.one("tab").unwrap_or(TABS[0].0);
    let (archive, ledger) = (&*stores.archive, &*stores.ledger);
    let (run, newest) = pipeline::newest_forecast(ledger, &ticker).await?;
    let standing = newest.standing();
    let words = Words::of(newest.forecast.origin, newest.forecast.kind);
    let part = match tab {
        "forecast" => {
            let series = pipeline::prices(archive, ledger, &ticker, &run).await?;
            let made = pipeline::forecasts_made(ledger, &ticker, 260).await?;
            let scores = scores(&stores, &ticker).await?;
            let own = scores.iter().filter(|s| s.specification == newest.champion.specification).map(|s| &s.score);
            let snapshot = pipeline::newest_snapshot(ledger, &ticker).await?;
            let residuals = pipeline::residuals(archive, ledger, &ticker).await;
            html! {
                (troubles(&stores, &ticker, snapshot.as_ref(), residuals.ok().as_ref(), words).await?)
                (now::tiles(&newest, &standing, skill_interval(own), words))
                (now::chart(&ticker, &newest, &series, &made, words))
                (now::forecasts(&ticker, &standing, &scores, words))
            }
        }
        "record" => html! {
            (record::evidence(&ledger.receipts(&ticker).await?))
            (record::past(&ticker, &scores(&stores, &ticker).await?, words))
        },
        "model" => {
            let models = pipeline::models(archive, ledger, &ticker, LISTED).await?;
            let model = models.iter().find(|model| model.version == newest.champion.version);
            html! {
                (model::champion(&newest, model, words))
                @let is_program = matches!(newest.champion.specification, Specification::Program(_));
                (model::unexplained(&ticker, pipeline::residuals(archive, ledger, &ticker).await, is_program, words))
            }
        }
        "versions" => html! {
            (versions::versions(&ticker, &pipeline::models(archive, ledger, &ticker, LISTED).await?))
            (versions::without_model(&pipeline::without_model(ledger, &ticker).await?))
            (versions::decide(&stores, &ticker, &newest.champion, &ledger.receipts(&ticker).await?))
        },
        "verdicts" => html! {
            (verdicts::verdicts(&ticker, &ledger.receipts(&ticker).await?, words))
            (verdicts::check(&stores, &ticker))
        },
        "data" => match pipeline::newest_snapshot(ledger, &ticker).await? {
            Some(snapshot) => data::scope(&snapshot, words),
            None => html! { p { "Nothing was fetched yet." } },
        },
        _ => return Err(Problem::field("tab", "it is forecast, record, model, versions, verdicts or data")),
    };
    let content = html! {
        (head(&ticker, &newest, &standing))
        nav .tabs aria-label={ "About " (ticker) } {
            @for (name, title) in TABS {
                a href={ "/tickers/" (ticker) @if name != TABS[0].0 { "?tab=" (name) } } aria-current=[(name == tab).then_some("page")] { (title) }
            }
        }
        (part)
    };
    let scripts = [LIBRARY.path.as_str(), CHARTS.path.as_str()];
    let scripts = if tab == TABS[0].0 { &scripts[..] } else { &[] };
    Ok(layout::with_scripts(ticker.as_str(), Some(Place::Tickers), &content, scripts))
}

fn head(ticker: &Ticker, newest: &Forecasted, standing: &Standing) -> Markup {
    html! {
        h1 { (ticker) " " span .sub { (standing.model) ", prices up to " (newest.forecast.origin) } }
    }
}

/// Past forecasts that met their outcome, newest first; none of a ticker that has none.
async fn scores(stores: &Stores, ticker: &Ticker) -> Result<Vec<VersionScore>, Problem> {
    match pipeline::scores(&*stores.ledger, ticker).await {
        Err(Error::NoForecast { .. }) => Ok(Vec::new()),
        other => Ok(other?),
    }
}

/// What is wrong with it, before all else.
async fn troubles(
    stores: &Stores,
    ticker: &Ticker,
    snapshot: Option<&Snapshot>,
    residuals: Option<&Residuals>,
    words: Words,
) -> Result<Markup, Problem> {
    let failed = pipeline::failed_since(&*stores.archive, &*stores.ledger, ticker).await?;
    let unexplained = residuals.and_then(|residuals| residuals.ljung_box).filter(|test| test.p_value < 0.01);
    let warnings = snapshot.map(|snapshot| data::warnings(&snapshot.scope, snapshot.bar, words)).unwrap_or_default();
    Ok(html! {
        @if let Some((run, summary)) = failed {
            section .outcome.partial aria-label="Its newest night" {
                p { (verdict(None, TickerStatus::Failed)) " in the " a href={ "/runs/" (run.id) } { "night of " (run.as_of) } ": "
                    (pipeline::plain_reason(ticker, &summary.reason)) ". What follows is from the night before." }
            }
        }
        @if !warnings.is_empty() || unexplained.is_some() {
            ul .warnings {
                @for warning in &warnings { li { (warning) } }
                @if let Some(test) = unexplained {
                    li { "Its errors are not just noise: Ljung-Box p "
                        @if test.p_value < 0.001 { "< 0.001" } @else { "= " (format!("{:.3}", test.p_value)) } ", so "
                        a href={ "/tickers/" (ticker) "?tab=model" } { "the model leaves something unexplained" } "." }
                }
            }
        }
    })
}

/// That the newest verdict was reached again.
pub(crate) fn verified(verified: &VerifiedReceipt) -> Response {
    let VerifiedReceipt { ticker, run, version, scorecards, objects, .. } = verified;
    let content = html! {
        h1 { (ticker) ": verified" }
        p .outcome.succeeded { "The verdict of run " a href={ "/runs/" (run) } { code { (run) } } " was reached again from what is stored: "
            (scorecards) " scorecards, number for number, and " (objects.len()) " archived objects as they were written. "
            code { (version) } " is in service by it." }
        details { summary { "The objects" } ul { @for key in objects { li { code { (key) } } } } }
        p { a href={ "/tickers/" (ticker) "?tab=verdicts" } { "Back to " (ticker) } }
    };
    layout::page(&format!("{ticker}: verified"), Some(Place::Tickers), &content)
}
