//! Two versions of a ticker, side by side on the same, newest prices.

use std::collections::BTreeSet;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use forecasting::Ticker;
use maud::{Markup, html};
use pipeline::{Compared, Error, VersionId};

use super::{
    layout::{self, Place},
    percent, price, range, share,
};
use crate::{
    Problem,
    asked::{self, Named},
    parameters::Parameters,
    stores::Stores,
};

pub(crate) async fn page(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let ticker = asked::ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["a", "b"], &[])?;
    let version = |name: &str| {
        let text = query.one(name).ok_or_else(|| Problem::field(name, "it names a version"))?;
        text.parse::<VersionId>().map_err(|error| Problem::field(name, error))
    };
    let (a, b) = (version("a")?, version("b")?);
    let compared = pipeline::compare(&*stores.archive, &*stores.ledger, &ticker, [&a, &b]).await;
    let (newest, [a, b]) = match compared {
        Err(Error::Missing { key }) if key.starts_with("models/") => {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                format!(
                    "{ticker} has no such version: {}",
                    key.trim_start_matches(&format!("models/{ticker}/")).trim_end_matches(".json")
                ),
            ));
        }
        other => other?,
    };
    let content = html! {
        h1 { (ticker) ": two versions" }
        p .lead { "Both forecast from the prices up to " (newest.forecast.origin) ", with their own intervals." }
        (side_by_side(&a, &b))
        (forecasts(&a, &b))
        p { a href={ "/tickers/" (ticker) } { "Back to " (ticker) } }
    };
    Ok(layout::page(&title(&ticker), Some(Place::Tickers), &content))
}

fn title(ticker: &Ticker) -> String {
    format!("{ticker}: two versions")
}

fn side_by_side(a: &Compared, b: &Compared) -> Markup {
    let row = |name: &str, of: &dyn Fn(&Compared) -> String| {
        let (left, right) = (of(a), of(b));
        let differs = left != right;
        html! { tr class=[differs.then_some("differs")] { th scope="row" { (name) } td { (left) } td { (right) } td .number { "" } } }
    };
    // Numbers have a difference.
    let number = |name: &str, of: &dyn Fn(&Compared) -> Option<f64>, decimals: usize| {
        let (left, right) = (of(a), of(b));
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.decimals$}"));
        let delta = left.zip(right).map(|(left, right)| right - left).filter(|delta| *delta != 0.0);
        html! { tr class=[delta.map(|_| "differs")] {
            th scope="row" { (name) } td { (shown(left)) } td { (shown(right)) }
            td .number { (delta.map_or_else(|| "-".to_owned(), |delta| format!("{delta:+.decimals$}"))) }
        } }
    };
    let names: BTreeSet<&str> =
        [a, b].iter().flat_map(|c| c.model.coefficients.iter().map(|(name, _)| name.as_str())).collect();
    let coefficient = |c: &Compared, name: &str| {
        c.model.coefficients.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
    };
    html! {
        div .scroll role="region" aria-label="Both versions" tabindex="0" {
            table .narrow.versus {
                thead { tr { th scope="col" { "" span .unseen { "What" } } th scope="col" { "a: " code { (a.model.version) } } th scope="col" { "b: " code { (b.model.version) } } th scope="col" .number { "b less a" } } }
                tbody {
                    (row("In service", &|c| if c.model.in_service { "yes" } else { "no" }.to_owned()))
                    (row("Model", &|c| c.model.model.clone()))
                    (row("Fitted on", &|c| format!("{} to {}", c.model.first, c.model.last)))
                    (row("Returns", &|c| c.model.observations.to_string()))
                    (number("Standard error of a session", &|c| c.model.sigma2.map(f64::sqrt), 6))
                    (number("AICc", &|c| c.model.aicc, 2))
                    @for name in names { (number(name, &|c| coefficient(c, name), 6)) }
                    (row("Its forecasts scored so far", &|c| c.live.n.to_string()))
                    (row("Their skill over the baseline", &|c| percent(c.live.skill)))
                    (row("Their coverage", &|c| {
                        c.live.coverage.iter().map(|k| format!("{} %: {} ", k.level, share(k.realised))).collect()
                    }))
                }
            }
        }
    }
}

fn forecasts(a: &Compared, b: &Compared) -> Markup {
    html! {
        h2 { "Forecasts" }
        div .scroll role="region" aria-label="Both forecasts" tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Session" }
                    th scope="col" .number { "a" } th scope="col" .number { "b" } th scope="col" .number { "b over a" }
                    th scope="col" .number { "a's interval" } th scope="col" .number { "b's interval" }
                } }
                tbody { @for (left, right) in a.steps.iter().zip(&b.steps) {
                    tr {
                        th scope="row" { (left.date) }
                        td .number { (price(left.mean)) } td .number { (price(right.mean)) }
                        td .number { (format!("{:+.2} %", (right.mean / left.mean - 1.0) * 100.0 + 0.0)) }
                        @for step in [left, right] {
                            td .number { @if let Some(interval) = step.intervals.first() { (interval.level) " %: " (range(interval)) } }
                        }
                    }
                } }
            }
        }
    }
}
