//! All nights, newest first; and starting one.

use axum::response::Response;
use forecasting::Decision;
use maud::{Markup, html};
use pipeline::RunEntry;

use super::{
    layout::{self, Place},
    moment, status_mark, trigger,
};
use crate::stores::Stores;

pub(crate) fn page(stores: &Stores, entries: &[RunEntry]) -> Response {
    let most = entries.iter().map(seconds).fold(0.0, f64::max);
    let content = html! {
        h1 { "Nights" }
        @if entries.is_empty() { p .lead { "Nothing has been run yet." } } @else {
            div .scroll role="region" aria-label="Nights" tabindex="0" {
                table .runs {
                    thead {
                        tr {
                            th scope="col" { "As of" } th scope="col" { "Outcome" } th scope="col" { "Started by" }
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
        (start_form(stores))
    };
    layout::page("Nights", Some(Place::Runs), &content)
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
        section aria-labelledby="start" {
            h2 #start { "Start a night now" }
            @if stores.starts_here {
                form .start method="post" action="/runs" {
                    div { label for="tickers" { "Tickers" }
                        input #tickers name="tickers" autocomplete="off" aria-describedby="tickers-hint";
                        p .hint #tickers-hint { "Parted by spaces; none for all." } }
                    div { label for="as_of" { "As of" }
                        input #as_of name="as_of" type="date" aria-describedby="as_of-hint";
                        p .hint #as_of-hint { "A past session; none for the last." } }
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
