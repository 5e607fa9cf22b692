//! All nights, newest first: starting one, what became of each ticker night by night, and each night in numbers.

use std::collections::BTreeMap;

use axum::response::Response;
use forecasting::{Decision, Ticker};
use maud::{Markup, html};
use pipeline::{RunEntry, RunStatus, TickerStatus, TickerSummary};

use super::{
    layout::{self, Place},
    moment, status_mark, trigger,
};
use crate::{Problem, stores::Stores};

/// Nights of the grid, and tickers: those with a failure first.
const NIGHTS: usize = 30;
const TICKERS: usize = 60;

pub(crate) async fn page(stores: &Stores, entries: &[RunEntry]) -> Result<Response, Problem> {
    let most = entries.iter().map(seconds).fold(0.0, f64::max);
    let content = html! {
        h1 { "Nights" }
        (start_form(stores))
        @if entries.is_empty() { p .lead { "Nothing has been run yet." } } @else {
            (grid(stores, entries).await?)
            h2 { "In numbers" }
            div .scroll role="region" aria-label="Nights" tabindex="0" {
                table .runs {
                    thead {
                        tr {
                            th scope="col" { "As of" } th scope="col" { "Outcome" } th scope="col" { "Started" }
                            th scope="col" .number { "Done" } th scope="col" .number { "Not done" }
                            th scope="col" .number { "Promoted" } th scope="col" .number { "Demoted" }
                            th scope="col" .number { "Kept" } th scope="col" .number { "By a person" }
                            th scope="col" { "Work" } th scope="col" { "Closed, UTC" }
                        }
                    }
                    tbody { @for entry in entries { (line(entry, most)) } }
                }
            }
            p { "Also as " a href="/runs?format=csv" { "CSV" } " and " a href="/runs?format=json" { "JSON" } "." }
        }
    };
    Ok(layout::page("Nights", Some(Place::Nights), &content))
}

type Outcomes = BTreeMap<Ticker, TickerSummary>;

/// A cell for each ticker of each night. A night that was held in several runs has the newest outcome of each ticker.
async fn grid(stores: &Stores, entries: &[RunEntry]) -> Result<Markup, Problem> {
    let mut nights: BTreeMap<_, (&RunEntry, Outcomes)> = BTreeMap::new();
    for entry in entries {
        let Some(closure) = entry.closure.as_ref().filter(|closure| closure.status != RunStatus::NoSession) else {
            continue;
        };
        if nights.len() == NIGHTS && !nights.contains_key(&entry.run.as_of) {
            continue;
        }
        let outcomes = closure.outcomes(&*stores.archive).await?;
        let (_, night) = nights.entry(entry.run.as_of).or_insert_with(|| (entry, Outcomes::new()));
        for outcome in outcomes {
            night.entry(outcome.ticker.clone()).or_insert(outcome);
        }
    }
    let mut tickers: BTreeMap<&Ticker, usize> = BTreeMap::new();
    for outcome in nights.values().flat_map(|(_, outcomes)| outcomes.values()) {
        *tickers.entry(&outcome.ticker).or_default() += usize::from(outcome.status != TickerStatus::Done);
    }
    let all = tickers.len();
    let mut tickers: Vec<(&Ticker, usize)> = tickers.into_iter().collect();
    tickers.sort_by_key(|(_, failures)| std::cmp::Reverse(*failures));
    tickers.truncate(TICKERS);
    Ok(html! {
        h2 { "Tickers by night" }
        div .scroll role="region" aria-label="Tickers by night" tabindex="0" {
            table .grid {
                thead { tr { th scope="col" { span .unseen { "Ticker" } }
                    @for (as_of, (entry, _)) in &nights { th scope="col" { a href={ "/runs/" (entry.run.id) } { (as_of) } } } } }
                tbody { @for (ticker, _) in &tickers { tr {
                    th scope="row" { a href={ "/tickers/" (ticker) } { (ticker) } }
                    @for (as_of, (_, outcomes)) in &nights { td { (cell(ticker, &as_of.to_string(), outcomes.get(ticker))) } }
                } } }
            }
        }
        ul .legend {
            @for (class, name) in [("keep", "kept"), ("promote", "promoted"), ("demote", "demoted, or decided by a person"), ("failed", "failed"), ("skipped", "skipped")] {
                li .grid { table { tbody { tr { td { span class=(class) {} } td { (name) } } } } }
            }
        }
        @if all > tickers.len() { p .hint { (tickers.len()) " of " (all) " tickers, those that failed first." } }
    })
}

fn cell(ticker: &Ticker, as_of: &str, outcome: Option<&TickerSummary>) -> Markup {
    let word = match outcome {
        None => return html! {},
        Some(outcome) => match outcome.status {
            TickerStatus::Failed => "failed",
            TickerStatus::Skipped => "skipped",
            TickerStatus::Done => outcome.verdict.map_or("keep", Decision::as_str),
        },
    };
    let said = format!("{ticker} on {as_of}: {word}");
    html! { span class=(word) role="img" aria-label=(said) title=(said) {} }
}

/// How long all tickers were worked on.
fn seconds(entry: &RunEntry) -> f64 {
    entry.closure.as_ref().map_or(0.0, |closure| closure.seconds)
}

const BAR: f64 = 120.0;

fn line(entry: &RunEntry, most: f64) -> Markup {
    let closure = entry.closure.as_ref();
    let done = closure.map_or(0, |closure| closure.done);
    let verdicts = |of: &[Decision]| closure.map_or(0, |closure| closure.verdicts(of));
    let seconds = seconds(entry);
    let width = if most > 0.0 { (seconds / most * BAR).max(1.0) } else { 0.0 };
    let troubled = closure.map_or(0, |closure| closure.failed + closure.skipped);
    html! {
        tr class=[(troubled > 0).then_some("troubled")] {
            th scope="row" { a href={ "/runs/" (entry.run.id) } { (entry.run.as_of) } }
            td { (status_mark(entry)) }
            td { (trigger(entry.run.trigger)) }
            td .number { (done) }
            td .number { @if troubled > 0 { strong .bad { (troubled) } } @else { "0" } }
            @for decisions in [
                &[Decision::Promote][..],
                &[Decision::Demote],
                // A refit was what earlier releases called a keep on newer data.
                &[Decision::Keep, Decision::Refit],
                &[Decision::Rollback, Decision::Release],
            ] {
                td .number { (verdicts(decisions)) }
            }
            td .work {
                svg width=(BAR) height="10" viewBox={ "0 0 " (BAR) " 10" } aria-hidden="true" {
                    rect width=(format!("{width:.1}")) height="10" rx="2" {}
                }
                " " (format!("{seconds:.1} s"))
            }
            td { @if let Some(at) = &entry.closed_at { (moment(at)) } @else { "-" } }
        }
    }
}

fn start_form(stores: &Stores) -> Markup {
    html! {
        details .starting {
            summary { "Start a night now" }
            @if stores.starts_here {
                form .start method="post" action="/runs" {
                    div { label for="tickers" { "Tickers" }
                        input #tickers name="tickers" autocomplete="off" aria-describedby="tickers-hint";
                        p .hint #tickers-hint { "Space-separated; empty means all." } }
                    div { label for="as_of" { "As of" }
                        input #as_of name="as_of" type="date" aria-describedby="as_of-hint";
                        p .hint #as_of-hint { "A past session; empty means the last." } }
                    div { label for="reason" { "Reason" } input #reason name="reason" maxlength="1000" autocomplete="off"; }
                    @if stores.asks_for_token { (token()) }
                    button type="submit" { "Start" }
                }
            } @else {
                p { "Here runs are started by a signed " code { "POST" } " to the start function's URL, or at the state machine." }
            }
        }
    }
}

/// The field for the token that `serve` prints.
pub(super) fn token() -> Markup {
    html! {
        div { label for="token" { "Token" }
            input #token name="token" type="password" required autocomplete="current-password" aria-describedby="token-hint";
            p .hint #token-hint { "As " code { "closing-bell serve" } " printed it." } }
    }
}
