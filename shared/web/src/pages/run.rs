//! One night: what became of each ticker, how long its stages took and how often they were tried, and every error in full.

use std::collections::BTreeMap;

use axum::response::Response;
use forecasting::{Decision, Ticker};
use maud::{Markup, html};
use pipeline::{Attempt, Closure, RunEntry, RunStatus, Stage, TickerStatus, TickerSummary, plain_reason};

use super::{
    layout::{self, Place},
    moment, runs, started, status_mark, verdict,
};
use crate::{Problem, stores::Stores};

/// Among so many newest runs the ones before and after are looked for.
const NEAR: usize = 200;
/// Lines of the log on the page.
const LOGGED: usize = 2_000;

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
        (neighbours(stores, entry).await?)
        p .lead {
            (started(run.trigger)) ", opened " (moment(&entry.opened_at))
            @if let Some(at) = &entry.closed_at { ", closed " (moment(at)) }
            " UTC. Run " code { (run.id) } " on the " (run.configuration.market) " market."
        }
        @for reason in &reasons { p { "Asked for: " q { (reason) } } }
        @if let Some(closure) = &entry.closure {
            (troubles(stores, entry, closure, &outcomes))
            @if !outcomes.is_empty() { (groups(&outcomes, &tries)) }
            (by_stage(&attempts))
            (report(entry, closure))
        } @else {
            div data-under-way {
                section .outcome.open aria-label="Not closed" {
                    p { strong { (progress(&tries, &run.tickers(&*stores.archive).await?)) } " It is under way, or was cut off; this page follows it." }
                    details { summary { "Was it cut off?" }
                        p { "Started again, it goes on where it was; nothing is done twice." }
                        (again(stores, entry, "Go on with it"))
                    }
                }
                (by_stage(&attempts))
            }
        }
        (log(&attempts))
        details { summary { "Configuration" } pre tabindex="0" { (configuration(entry)) } }
    };
    Ok(layout::page(&format!("Night of {}", run.as_of), Some(Place::Nights), &content))
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

/// The runs before and after it.
async fn neighbours(stores: &Stores, entry: &RunEntry) -> Result<Markup, Problem> {
    let runs = stores.ledger.runs(NEAR).await?;
    let place = runs.iter().position(|other| other.run.id == entry.run.id);
    let link = |other: Option<&RunEntry>, name: &str| {
        html! { @if let Some(other) = other { a href={ "/runs/" (other.run.id) } { (name) " (" (other.run.as_of) ")" } } }
    };
    let older = place.and_then(|place| runs.get(place + 1));
    let newer = place.and_then(|place| place.checked_sub(1)).and_then(|place| runs.get(place));
    Ok(
        html! { nav .pager aria-label="Other nights" { (link(older, "Previous")) (link(newer, "Next")) a href="/runs" { "All nights" } } },
    )
}

/// How far a night has come: a ticker is through when its last stage is.
fn progress(tries: &Tries, tickers: &[Ticker]) -> String {
    let last = Stage::ALL[Stage::ALL.len() - 1];
    let through = |ticker: &&Ticker| {
        let attempts = tries.get(&((*ticker).clone(), last));
        attempts.and_then(|attempts| attempts.last()).is_some_and(|attempt| attempt.setback.is_none())
    };
    format!("{} of {} tickers are through.", tickers.iter().filter(through).count(), tickers.len())
}

/// Outcomes, those that need a look first.
const GROUPS: [(&str, &[Decision]); 3] = [
    ("Changed who is in service", &[Decision::Promote, Decision::Demote]),
    ("Decided by a person", &[Decision::Rollback, Decision::Release]),
    ("Kept who was in service", &[Decision::Keep, Decision::Refit]),
];

fn groups(tickers: &[TickerSummary], tries: &Tries) -> Markup {
    let not_done: Vec<&TickerSummary> = tickers.iter().filter(|t| t.status != TickerStatus::Done).collect();
    let done = |decisions: &[Decision]| -> Vec<&TickerSummary> {
        let of = |t: &&TickerSummary| t.verdict.is_some_and(|verdict| decisions.contains(&verdict));
        tickers.iter().filter(|t| t.status == TickerStatus::Done).filter(of).collect()
    };
    let longest = tickers.iter().map(|ticker| worked(tries, &ticker.ticker)).fold(0.0, f64::max);
    html! {
        h2 { "Tickers" }
        ul .legend aria-label="Stages" {
            @for (place, stage) in Stage::ALL.iter().enumerate() {
                li { svg width="12" height="12" aria-hidden="true" { rect class={ "s" (place) } width="12" height="12" rx="2" {} } (stage) }
            }
        }
        div .scroll role="region" aria-label="Tickers by outcome" tabindex="0" {
            table .stages {
                thead { tr {
                    th scope="col" { "Ticker" } th scope="col" { "Verdict" } th scope="col" { "Reason" }
                    th scope="col" { "Work" } th scope="col" .number { "Retries" }
                } }
                (group("Not done", &not_done, tries, longest))
                @for (title, decisions) in GROUPS { (group(title, &done(decisions), tries, longest)) }
            }
        }
        p .hint { "Work is the time that each stage took, all tries together; waiting for prices is not counted." }
    }
}

fn group(title: &str, tickers: &[&TickerSummary], tries: &Tries, longest: f64) -> Markup {
    html! {
        @if !tickers.is_empty() {
            tbody {
                tr .group { th colspan="5" scope="rowgroup" { (title) " (" (tickers.len()) ")" } }
                @for summary in tickers {
                    tr class=[(summary.status != TickerStatus::Done).then_some("troubled")] {
                        th scope="row" { a href={ "/tickers/" (summary.ticker) } { (summary.ticker) } }
                        td { (verdict(summary.verdict, summary.status)) }
                        td .why { (plain_reason(&summary.ticker, &summary.reason)) }
                        td .segments { (segments(tries, &summary.ticker, longest)) }
                        td .number { (tried(tries, &summary.ticker)) }
                    }
                }
            }
        }
    }
}

fn of_stage<'a>(tries: &'a Tries, ticker: &Ticker, stage: Stage) -> &'a [Attempt] {
    tries.get(&(ticker.clone(), stage)).map(Vec::as_slice).unwrap_or_default()
}

/// Seconds that a ticker was worked on.
fn worked(tries: &Tries, ticker: &Ticker) -> f64 {
    Stage::ALL.iter().flat_map(|stage| of_stage(tries, ticker, *stage)).map(|attempt| attempt.seconds).sum()
}

/// Width of the longest bar.
const BAR: f64 = 160.0;

/// One bar of all its stages.
fn segments(tries: &Tries, ticker: &Ticker, longest: f64) -> Markup {
    let spent: Vec<(Stage, f64)> = Stage::ALL
        .iter()
        .map(|stage| (*stage, of_stage(tries, ticker, *stage).iter().map(|attempt| attempt.seconds).sum()))
        .collect();
    let said: Vec<String> = spent
        .iter()
        .filter(|(_, seconds)| *seconds > 0.0)
        .map(|(stage, seconds)| format!("{stage} {}", took(*seconds)))
        .collect();
    if said.is_empty() {
        return html! { span .none { "-" } };
    }
    let said = said.join(", ");
    let all: f64 = spent.iter().map(|(_, seconds)| seconds).sum();
    let scale = if longest > 0.0 { BAR / longest } else { 0.0 };
    // Where each begins, and how wide it is.
    let parts = spent.iter().scan(0.0, |from, (_, seconds)| {
        let part = (*from, seconds * scale);
        *from += part.1;
        Some(part)
    });
    html! {
        svg .bar width=(BAR) height="14" viewBox={ "0 0 " (BAR) " 14" } role="img" aria-label=(said) {
            title { (said) }
            @for (place, (left, width)) in parts.enumerate() {
                rect class={ "s" (place) } x=(format!("{left:.1}")) width=(format!("{width:.1}")) height="14" {}
            }
        }
        " " span .hint { (took(all)) }
    }
}

/// How often its stages were tried beyond once each.
fn tried(tries: &Tries, ticker: &Ticker) -> Markup {
    let stages =
        || Stage::ALL.iter().map(|stage| of_stage(tries, ticker, *stage)).filter(|attempts| !attempts.is_empty());
    let retries: usize = stages().map(|attempts| attempts.len() - 1).sum();
    let failed = stages().flatten().filter(|attempt| attempt.setback.is_some()).count();
    html! { (retries) @if failed > 0 { ", " strong .bad { (failed) " failed" } } }
}

/// What happened, moment by moment: each try of each stage of each ticker.
fn log(attempts: &[Attempt]) -> Markup {
    let mut attempts: Vec<&Attempt> = attempts.iter().collect();
    attempts.sort_by(|a, b| (&a.ended_at, &a.ticker, a.stage).cmp(&(&b.ended_at, &b.ticker, b.stage)));
    html! {
        @if !attempts.is_empty() {
            details { summary { "Log: " (attempts.len()) " tries" }
                div .scroll role="region" aria-label="Log" tabindex="0" { table .narrow {
                    thead { tr { th scope="col" { "Ended, UTC" } th scope="col" { "Ticker" } th scope="col" { "Stage" }
                        th scope="col" .number { "Took" } th scope="col" { "Outcome" } } }
                    tbody { @for attempt in attempts.iter().take(LOGGED) { tr class=[attempt.setback.is_some().then_some("troubled")] {
                        td { (moment(&attempt.ended_at)) } td { (attempt.ticker) } td { (attempt.stage) }
                        td .number { (took(attempt.seconds)) } td .why { (attempt.setback.as_deref().unwrap_or("done")) }
                    } } }
                } }
                @if attempts.len() > LOGGED { p .hint { "The first " (LOGGED) " of them." } }
            }
        }
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
    html! {
        h2 { "What took the time" }
        div .scroll role="region" aria-label="What took the time" tabindex="0" { table .narrow {
            thead { tr { th scope="col" { "Stage" } th scope="col" .number { "Tries" } th scope="col" .number { "Failed attempts" }
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
        } }
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
            p { a href={ "/runs/" (entry.run.id) "/report/index.html" } { "The report as one page" } ", "
                a href={ "/runs/" (entry.run.id) "/forecasts.csv" } { "all forecasts as CSV" }
                @if picture { ", " a href={ "/runs/" (entry.run.id) "/night.png" } { "the picture as PNG" } }
                ". In the archive:" }
            ul { @for key in &closure.report { li { code { (key) } } } }
        }
    }
}
