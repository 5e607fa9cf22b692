//! One night: each stage of each ticker, how long it took and how often it was tried, and every error in full.

use std::collections::BTreeMap;

use axum::response::Response;
use forecasting::Ticker;
use maud::{Markup, html};
use pipeline::{Attempt, Closure, RunEntry, RunStatus, Stage, TickerStatus, TickerSummary, plain_reason};

use super::{
    layout::{self, Place},
    moment, runs, status_mark, trigger, verdict,
};
use crate::{Problem, stores::Stores};

type Tries = BTreeMap<(Ticker, Stage), Vec<Attempt>>;

pub(crate) async fn page(stores: &Stores, entry: &RunEntry) -> Result<Response, Problem> {
    let outcomes = match &entry.closure {
        Some(closure) => closure.outcomes(&*stores.archive).await?,
        None => Vec::new(),
    };
    let attempts = stores.ledger.attempts(&entry.run.id).await?;
    let reasons = stores.reasons(&entry.run.id).await?;
    let mut tries = Tries::new();
    for attempt in &attempts {
        tries.entry((attempt.ticker.clone(), attempt.stage)).or_default().push(attempt.clone());
    }
    let run = &entry.run;
    let content = html! {
        h1 { "Night of " (run.as_of) " " (status_mark(entry)) }
        p .lead {
            "Started by " (trigger(run.trigger)) ", opened " (moment(&entry.opened_at))
            @if let Some(at) = &entry.closed_at { ", closed " (moment(at)) }
            " UTC. Run " code { (run.id) } " on the " (run.configuration.market) " market."
        }
        @for reason in &reasons { p { "Asked for: " q { (reason) } } }
        @if let Some(closure) = &entry.closure {
            (troubles(stores, entry, closure, &outcomes))
            @if !outcomes.is_empty() { (stages(&outcomes, &tries)) }
            (by_stage(&attempts))
            (report(entry, closure))
        } @else {
            section .outcome.open aria-label="Not closed" {
                p { "It is under way, or was cut off. Started again, it goes on where it was." }
                (again(stores, entry, "Go on with it"))
            }
            (by_stage(&attempts))
        }
        details { summary { "Configuration" } pre tabindex="0" { (configuration(entry)) } }
    };
    Ok(layout::page(&format!("Night of {}", run.as_of), Some(Place::Runs), &content))
}

fn configuration(entry: &RunEntry) -> String {
    serde_json::to_string_pretty(&entry.run.configuration).unwrap_or_default()
}

fn troubles(stores: &Stores, entry: &RunEntry, closure: &Closure, outcomes: &[TickerSummary]) -> Markup {
    let troubled: Vec<&TickerSummary> = outcomes.iter().filter(|t| t.status != TickerStatus::Done).collect();
    if troubled.is_empty() {
        return html! {
            @if closure.status == RunStatus::NoSession { p .outcome.open { "The exchange was closed on that day." } }
            @else { p .outcome.succeeded { "All " (closure.done) " tickers done." } }
        };
    }
    html! {
        section .outcome.partial aria-labelledby="troubles" {
            h2 #troubles { (troubled.len()) " of " (closure.tickers()) " tickers not done" }
            dl .errors {
                @for ticker in &troubled {
                    dt { a href={ "/tickers/" (ticker.ticker) } { (ticker.ticker) } " " (verdict(None, ticker.status)) }
                    dd { (plain_reason(&ticker.ticker, &ticker.reason)) }
                }
            }
            (again(stores, entry, "Try again what failed"))
        }
    }
}

/// Completes a run, where runs are started here.
fn again(stores: &Stores, entry: &RunEntry, button: &str) -> Markup {
    html! {
        @if stores.starts_here {
            form .start method="post" action={ "/runs/" (entry.run.id) } {
                input type="hidden" name="reason" value=(button);
                @if stores.asks_for_token { (runs::token()) }
                button type="submit" { (button) }
            }
        }
    }
}

fn stages(tickers: &[TickerSummary], tries: &Tries) -> Markup {
    html! {
        h2 { "Stages" }
        div .scroll role="region" aria-label="Stages by ticker" tabindex="0" {
            table .stages {
                thead {
                    tr {
                        th scope="col" { "Ticker" }
                        @for stage in Stage::ALL { th scope="col" .number { (stage) } }
                        th scope="col" { "Verdict" } th scope="col" { "Reason" }
                    }
                }
                tbody {
                    @for summary in tickers {
                        tr class=[(summary.status != TickerStatus::Done).then_some("troubled")] {
                            th scope="row" { a href={ "/tickers/" (summary.ticker) } { (summary.ticker) } }
                            @for stage in Stage::ALL {
                                td .number { (tried(tries.get(&(summary.ticker.clone(), stage)))) }
                            }
                            td { (verdict(summary.verdict, summary.status)) }
                            td .why { (plain_reason(&summary.ticker, &summary.reason)) }
                        }
                    }
                }
            }
        }
        p .hint { "How long each stage took, all tries together; \u{d7} how often it was tried. Waiting for a bar is not counted." }
    }
}

/// One stage of one ticker: seconds, tries, and whether the last came to nothing.
fn tried(attempts: Option<&Vec<Attempt>>) -> Markup {
    let Some(attempts) = attempts else { return html! { span .none { "-" } } };
    let seconds: f64 = attempts.iter().map(|attempt| attempt.seconds).sum();
    let setback = attempts.last().and_then(|attempt| attempt.setback.as_deref());
    html! {
        @if let Some(setback) = setback { strong .bad title=(setback) { "failed " } }
        (took(seconds))
        @if attempts.len() > 1 { " \u{d7}" (attempts.len()) }
    }
}

/// A time that reads well.
fn took(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1_000.0) } else { format!("{seconds:.2} s") }
}

/// What each stage cost, and every setback in full.
fn by_stage(attempts: &[Attempt]) -> Markup {
    if attempts.is_empty() {
        return html! { p .hint { "How its stages went was not recorded." } };
    }
    let setbacks: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.setback.is_some()).collect();
    html! {
        h2 { "What took the time" }
        table .narrow {
            thead { tr { th scope="col" { "Stage" } th scope="col" .number { "Tries" } th scope="col" .number { "Set back" }
                th scope="col" .number { "Together" } th scope="col" .number { "Longest" } } }
            tbody {
                @for stage in Stage::ALL {
                    @let of: Vec<&Attempt> = attempts.iter().filter(|a| a.stage == stage).collect();
                    tr {
                        th scope="row" { (stage) } td .number { (of.len()) }
                        td .number { (of.iter().filter(|a| a.setback.is_some()).count()) }
                        td .number { (took(of.iter().map(|a| a.seconds).sum())) }
                        td .number { (took(of.iter().map(|a| a.seconds).fold(0.0, f64::max))) }
                    }
                }
            }
        }
        @if !setbacks.is_empty() {
            details { summary { (setbacks.len()) " setbacks in full" }
                dl .errors { @for attempt in setbacks {
                    dt { (moment(&attempt.ended_at)) " " (attempt.ticker) " " (attempt.stage) }
                    dd { (attempt.setback.as_deref().unwrap_or_default()) }
                } }
            }
        }
    }
}

fn report(entry: &RunEntry, closure: &Closure) -> Markup {
    let picture = closure.file("night").is_some();
    html! {
        @if picture {
            h2 { "Picture" }
            figure .night {
                img src={ "/runs/" (entry.run.id) "/night.svg" } alt={ "Prices and forecasts of the night of " (entry.run.as_of) } loading="lazy";
            }
        }
        @if !closure.report.is_empty() {
            h2 { "Report" }
            p { a href={ "/runs/" (entry.run.id) "/forecasts.csv" } { "All forecasts as CSV" }
                @if picture { ", " a href={ "/runs/" (entry.run.id) "/night.png" } { "the picture as PNG" } }
                ". In the archive:" }
            ul { @for key in &closure.report { li { code { (key) } } } }
        }
    }
}
