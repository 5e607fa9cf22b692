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
        h1 { "Forecasts of others" }
        @if all.is_empty() {
            p .lead { "None has been judged yet." }
        } @else {
            table .narrow {
                thead { tr { th scope="col" { "Whose" } th scope="col" .number { "Series" } } }
                tbody { @for (name, series) in all {
                    tr { th scope="row" { a href={ "/judged/" (name) } { (name) } } td .number { (series) } }
                } }
            }
        }
        p { "A table of forecasts (series, origin, date, mean, and intervals or quantiles), whoever made it, is judged by "
            code { "closing-bell judge FORECASTS.csv" } ", by the same evidence as the contenders." }
    };
    layout::page("Forecasts of others", Some(Place::Judged), &content)
}

pub(crate) fn one(judgement: &Judgement) -> Response {
    let Judgement { name, series, untrained, rules: _ } = judgement;
    let sum = |of: fn(&Judged) -> usize| series.iter().map(of).sum::<usize>();
    let (forecasts, earned, open) = (sum(|s| s.forecasts), sum(|s| s.earned), sum(|s| s.open));
    let convincing = series.iter().filter(|series| series.against_walk.earned >= series.asked).count();
    let content = html! {
        h1 { "Forecasts of " (name) }
        p .lead {
            (forecasts) " forecasts of " (series.len()) " series have met their outcome, " (open) " are to meet it. "
            strong { (earned) } " were here before it, and earn evidence; the rest is claimed."
        }
        p {
            @if earned == 0 { "Nothing is proven yet: every forecast came after its outcome, or its outcome is to come." }
            @else { "Against the random walk " strong { (convincing) " of " (series.len()) } " series have earned what is asked of a contender." }
        }
        div .scroll role="region" aria-label="Series" tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { "Series" } th scope="col" .number { "Forecasts" } th scope="col" .number { "Here before" }
                        th scope="col" .number { "To come" } th scope="col" .number { "Skill" } th scope="col" { "Intervals held" }
                        th scope="col" .number { "Against the walk" } th scope="col" .number { "Against who serves" }
                        th scope="col" .number { "Asked" } th scope="col" { "Who serves" }
                    }
                }
                tbody { @for series in series { (line(series)) } }
            }
        }
        @if !untrained.is_empty() {
            p {
                "No run has trained on " (untrained.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", "))
                @if untrained.len() > NAMED { " and " (untrained.len() - NAMED) " more" }
                " yet: forecasts of it wait."
            }
        }
        p .hint { "Skill is 1 less the ratio of mean absolute errors to those of the value at the origin: of what was here before, or of all where nothing was. "
            "Evidence is to 1; in brackets what all forecasts, the claimed ones too, would amount to." }
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
