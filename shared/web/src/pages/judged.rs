//! Forecasts that someone else made: whose there are, and what became of them.

use axum::response::Response;
use forecasting::{ProgramName, figure};
use maud::{Markup, html};
use pipeline::{Judged, Judgement, Odds};

use super::{
    layout::{self, Place},
    percent, share,
};

/// So many series are called by name.
const NAMED: usize = 5;

pub(crate) fn everyone(all: &[(ProgramName, usize)]) -> Response {
    let content = html! {
        h1 { "Other forecasts" }
        @if all.is_empty() {
            p .lead { "Nobody else's forecasts have been judged yet." }
        } @else {
            table .narrow {
                thead { tr { th scope="col" { "By" } th scope="col" .number { "Series" } } }
                tbody { @for (name, series) in all {
                    tr { th scope="row" { a href={ "/judged/" (name) } { (name) } } td .number { (series) } }
                } }
            }
        }
        p { "Any table of forecasts (series, origin, date, mean, and intervals or quantiles), by a person or a program, can be held to the same evidence as our own models: "
            code { "closing-bell judge FORECASTS.csv" } "." }
    };
    layout::page("Other forecasts", Some(Place::Judged), &content)
}

pub(crate) fn one(judgement: &Judgement) -> Response {
    let Judgement { name, series, untrained, rules: _ } = judgement;
    let sum = |of: fn(&Judged) -> usize| series.iter().map(of).sum::<usize>();
    let (forecasts, earned, open) = (sum(|s| s.forecasts), sum(|s| s.earned), sum(|s| s.open));
    let convincing = series.iter().filter(|series| series.against_walk.earned >= series.asked).count();
    let content = html! {
        h1 { (name) " " span .sub { "forecasts made elsewhere" } }
        p .lead {
            (forecasts) " forecasts of " (series.len()) " series have met their outcome; " (open) " are still open. "
            strong { (earned) } " were submitted before their outcome and earn evidence; the rest is only claimed."
        }
        p {
            @if earned == 0 { "Nothing is proven yet: every forecast was submitted after its outcome, or its outcome is still open." }
            @else { strong { (convincing) " of " (series.len()) } " series have earned, against the random walk, the evidence that a contender needs." }
        }
        div .scroll role="region" aria-label="Series" tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { "Series" } th scope="col" .number { "Forecasts" } th scope="col" .number { "In time" }
                        th scope="col" .number { "Open" } th scope="col" .number { "Skill" } th scope="col" { "Intervals held" }
                        th scope="col" .number { "Against random walk" } th scope="col" .number { "Against the model in service" }
                        th scope="col" .number { "Needed" } th scope="col" { "In service" }
                    }
                }
                tbody { @for series in series { (line(series)) } }
            }
        }
        @if !untrained.is_empty() {
            p {
                "No run has trained on " (untrained.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", "))
                @if untrained.len() > NAMED { " and " (untrained.len() - NAMED) " more" }
                " yet: their forecasts wait."
            }
        }
        p .hint { "Skill is 1 minus the mean absolute error over the random walk's: of forecasts submitted in time, or of all where none was. "
            "Evidence is odds to 1; in brackets, what it would be if the claimed forecasts counted too." }
        p { "Also as " a href={ "/judged/" (name) "?format=csv" } { "CSV" } " and " a href={ "/judged/" (name) "?format=json" } { "JSON" } "." }
    };
    layout::page(&format!("Forecasts of {name}"), Some(Place::Judged), &content)
}

fn line(series: &Judged) -> Markup {
    let proven = |odds: Odds| odds.earned >= series.asked;
    html! {
        tr {
            th scope="row" { a href={ "/tickers/" (series.ticker) } { (series.ticker) } }
            td .number { (series.forecasts) } td .number { (series.earned) } td .number { (series.open) }
            td .number { (percent(series.skill)) }
            td { @for (place, (level, realised, n)) in series.coverage.iter().enumerate() {
                @if place > 0 { ", " } (level) " %: " (share(*realised)) " of " (n)
            } @if series.coverage.is_empty() { "-" } }
            @for odds in [series.against_walk, series.against_champion] {
                td .number {
                    @if proven(odds) { strong { (figure(odds.earned)) } } @else { (figure(odds.earned)) }
                    " (" (figure(odds.claimed)) ")"
                }
            }
            td .number { (format!("{:.1}", series.asked)) }
            td { (series.champion) }
        }
    }
}
