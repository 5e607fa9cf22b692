//! `reports/{run}/index.html`: the night as one page that opens from disk and asks nothing of any host.

use forecasting::{Decision, price};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Closure, Run, TickerOverview, TickerStatus, plain_reason};

const STYLE: &str = include_str!("page.css");
/// Nothing is loaded, nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(run: &Run, closure: &Closure, tickers: &[TickerOverview]) -> String {
    let file = |stem| closure.file(stem).and_then(|key| key.as_str().rsplit('/').next());
    let done = tickers.iter().filter(|t| t.status == TickerStatus::Done).count();
    let troubled: Vec<&TickerOverview> = tickers.iter().filter(|t| t.status != TickerStatus::Done).collect();
    let whole = if troubled.is_empty() { "whole" } else { "partial" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Night of " (run.as_of) " - Closing Bell" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Night of " (run.as_of) }
                    p class=(whole) { (closure.status) ", " (done) " of " (tickers.len()) " tickers done. Run " code { (run.id) } "." }
                    @if !troubled.is_empty() {
                        h2 { "Not done" }
                        ul { @for ticker in troubled { li { strong { (ticker.ticker) } " " (plain_reason(&ticker.ticker, &ticker.reason)) } } }
                    }
                    @if done > 0 { (table(tickers)) }
                    @if let Some(picture) = file("night") { p { a href=(picture) { "Prices and forecasts as a picture" } } }
                    @if let Some(forecasts) = file("forecasts") { p { a href=(forecasts) { "All forecasts as a table" } } }
                    p { "Skill is against a random walk. This is no investment advice." }
                }
            }
        }
    };
    page.into_string()
}

fn table(tickers: &[TickerOverview]) -> Markup {
    let percent = |value: f64| format!("{:+.1} %", value * 100.0);
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Ticker" } th { "Last close" } th { "Next session" } th { "Forecast" } th { "Interval" }
                    th { "Model" } th { "Skill" } th { "Forecasts" } th { "Verdict" } th { "Reason" }
                }
            }
            tbody {
                @for (ticker, standing) in tickers.iter().filter_map(|ticker| Some((ticker, ticker.standing.as_ref()?))) {
                    tr {
                        th scope="row" { (ticker.ticker) }
                        td { (price(standing.last_close())) }
                        @match standing.steps.first() {
                            Some(next) => {
                                td { (next.date) } td { (price(next.mean)) }
                                td { @if let Some(i) = next.intervals.first() { (price(i.lower)) " - " (price(i.upper)) } }
                            }
                            None => { td {} td {} td {} }
                        }
                        td { (standing.model) }
                        td { (standing.skill.value.map_or_else(|| "-".to_owned(), percent)) } td { (standing.skill.n) }
                        td { (ticker.verdict.map_or("-", Decision::as_str)) } td .why { (ticker.reason) }
                    }
                }
            }
        }
    }
}
