//! Pages for people: rendered here, readable without a script.

pub(crate) mod compare;
pub(crate) mod docs;
mod draw;
mod equation;
pub(crate) mod judged;
mod layout;
pub(crate) mod overview;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod sign_in;
pub(crate) mod stream;
pub(crate) mod ticker;
mod words;

use axum::response::Response;
use forecasting::{Decision, Interval, price};
use maud::{Markup, html};
use pipeline::{RunEntry, RunStatus, Source, Standing, TickerStatus, Trigger};

use crate::Problem;

/// What went wrong, and where to go from there.
pub(crate) fn problem(problem: &Problem) -> Response {
    let title = format!("{} {}", problem.status, problem.title);
    layout::page(
        &title,
        None,
        &html! {
            h1 { (title) }
            p .lead { (problem.detail) }
            p { a href="/" { "All tickers" } " or " a href="/runs" { "all nights" } }
        },
    )
}

pub(crate) fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "schedule",
        Trigger::Manual => "manual",
        Trigger::Backfill => "backfill",
        Trigger::Data => "data",
        Trigger::Degraded => "degraded",
    }
}

/// What started a run, as the beginning of a sentence.
fn started(by: Trigger) -> &'static str {
    match by {
        Trigger::Schedule => "Started by the schedule",
        Trigger::Manual => "Started manually",
        Trigger::Backfill => "Started by a backfill",
        Trigger::Data => "Started by new data",
        Trigger::Degraded => "Started because scores degraded",
    }
}

fn percent(value: Option<f64>) -> String {
    // Without the sign of a rounded zero.
    value.map_or_else(|| "-".to_owned(), |value| format!("{:+.1} %", (value * 1_000.0).round() / 10.0 + 0.0))
}

/// A change as a share: of numbers that are not positive there is none.
fn relative(to: f64, from: f64) -> Option<f64> {
    (to > 0.0 && from > 0.0).then(|| to / from - 1.0).filter(|change| change.is_finite())
}

/// The last period's change.
fn day(standing: &Standing) -> Option<f64> {
    let [.., before, last] = standing.recent[..] else { return None };
    relative(last, before)
}

fn share(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

fn range(interval: &Interval) -> String {
    format!("{} \u{2013} {}", price(interval.lower), price(interval.upper))
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Live => "live",
        Source::Record => "record",
    }
}

/// A verdict as a mark of its own colour and word.
fn verdict(decision: Option<Decision>, status: TickerStatus) -> Markup {
    let word = match (status, decision) {
        (TickerStatus::Failed, _) => "failed",
        (TickerStatus::Skipped, _) => "skipped",
        (TickerStatus::Done, Some(decision)) => decision.as_str(),
        (TickerStatus::Done, None) => "done",
    };
    html! { span class={ "mark " (word) } { (word) } }
}

/// How a run ended, in a word.
fn ended(entry: &RunEntry) -> &'static str {
    match entry.closure.as_ref().map(|closure| closure.status) {
        None => "open",
        Some(RunStatus::Succeeded) => "succeeded",
        Some(RunStatus::Partial) => "partial",
        Some(RunStatus::Failed) => "failed",
        Some(RunStatus::NoSession) => "no session",
    }
}

fn status_mark(entry: &RunEntry) -> Markup {
    let word = ended(entry);
    html! { span class={ "mark " (word.replace(' ', "-")) } { (word) } }
}

/// A moment in UTC, to the second.
fn moment(iso: &str) -> Markup {
    let shown = iso.get(..19).unwrap_or(iso).replace('T', " ");
    html! { time datetime=(iso) { (shown) } }
}
