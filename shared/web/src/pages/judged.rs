//! Forecasts that someone else made: whose there are, and what became of them.

use axum::response::Response;
use forecasting::{Coverage, figure};
use maud::{Markup, html};
use pipeline::{Judged, Judgement, Odds};

use super::{
    draw,
    layout::{self, Place},
    percent, share,
};

/// So many series are called by name.
const NAMED: usize = 5;
/// In so many standard errors a coverage is beside its level by chance alone.
const CHANCE: f64 = 2.0;

/// What all series of someone come to together.
struct Sum {
    forecasts: usize,
    earned: usize,
    open: usize,
    /// The mean over the series, each by its number of forecasts.
    skill: Option<f64>,
    /// Of the first level, over all series.
    coverage: Option<Coverage>,
    /// Series on which enough evidence is earned.
    proven: usize,
}

impl Sum {
    fn of(series: &[Judged]) -> Sum {
        let sum = |of: fn(&Judged) -> usize| series.iter().map(of).sum::<usize>();
        let weighted = series.iter().filter_map(|s| Some((s.skill?, s.forecasts as f64)));
        let (skill, weight) = weighted.fold((0.0, 0.0), |(sum, all), (skill, n)| (sum + skill * n, all + n));
        let level = series.iter().find_map(|s| Some(s.coverage.first()?.0));
        let coverage = level.and_then(|level| {
            let of_level = || series.iter().flat_map(|s| &s.coverage).filter(|(other, ..)| *other == level);
            let n = of_level().map(|(_, _, n)| n).sum::<usize>();
            let held = of_level().map(|(_, realised, n)| realised * *n as f64).sum::<f64>();
            (n > 0).then(|| Coverage { level, realised: held / n as f64, n })
        });
        Sum {
            forecasts: sum(|s| s.forecasts),
            earned: sum(|s| s.earned),
            open: sum(|s| s.open),
            skill: (weight > 0.0).then(|| skill / weight),
            coverage,
            proven: series.iter().filter(|s| s.against_walk.earned >= s.asked).count(),
        }
    }
}

pub(crate) fn everyone(all: &[Judgement]) -> Response {
    let content = html! {
        h1 { "Other forecasts " span .sub { "held to the same evidence as our own models" } }
        @if all.is_empty() {
            p .lead { "Nobody else's forecasts have been judged yet." }
        } @else {
            div .scroll role="region" aria-label="Whose forecasts are judged" tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { "By" } th scope="col" .number { "Series" } th scope="col" .number { "Forecasts" }
                        th scope="col" .number { "In time" } th scope="col" .number { "Open" } th scope="col" .number { "Skill" }
                        th scope="col" { "Intervals held" } th scope="col" .number { "Proven" }
                    } }
                    tbody { @for judgement in all { (summary(judgement)) } }
                }
            }
            p .hint { "Forecasts count as in time if they were submitted before their outcome; only those earn evidence. Proven: series on which that suffices against the random walk." }
        }
        h2 { "Have yours judged" }
        p { "Any table of forecasts, by a person or a program, is held to the same evidence as our own models: a row a forecast, with series, origin, date, mean, and intervals or quantiles." }
        pre tabindex="0" { code { "series,origin,date,mean,q0.1,q0.9\nKO,2020-12-11,2020-12-14,53.40,52.60,54.20\n\nclosing-bell judge FORECASTS.csv --name YOURS" } }
    };
    layout::page("Other forecasts", Some(Place::Judged), &content)
}

fn summary(judgement: &Judgement) -> Markup {
    let Sum { forecasts, earned, open, skill, coverage, proven } = Sum::of(&judgement.series);
    let series = judgement.series.len() + judgement.untrained.len();
    html! {
        tr {
            th scope="row" { a href={ "/judged/" (judgement.name) } { (judgement.name) } }
            td .number { (series) } td .number { (forecasts) } td .number { (earned) } td .number { (open) }
            td .number { (skill_of(skill)) }
            td .coverage { (held(coverage.as_ref())) }
            td .number { (proven) " of " (judgement.series.len()) }
        }
    }
}

pub(crate) fn one(judgement: &Judgement) -> Response {
    let Judgement { name, series, untrained, rules: _ } = judgement;
    let sum = Sum::of(series);
    let content = html! {
        h1 { (name) " " span .sub { "forecasts made elsewhere" } }
        (tiles(&sum, series))
        @if sum.earned == 0 {
            p { strong { "Nothing is proven yet: " } "every forecast was submitted after its outcome, or its outcome is still open. Those that are submitted in time will earn evidence." }
        }
        @if !series.is_empty() {
            div .scroll role="region" aria-label="Series" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Series" } th scope="col" .number { "Forecasts" } th scope="col" .number { "In time" }
                            th scope="col" .number { "Open" } th scope="col" .number { "Skill" } th scope="col" { "Intervals held" }
                            th scope="col" { "Against random walk" } th scope="col" { "Against the model in service" } th scope="col" { "In service" }
                        }
                    }
                    tbody { @for series in series { (line(series)) } }
                }
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
            "Evidence is odds to 1: the bar is what is earned, the upright line what is needed, and the ring where it would be if every forecast counted that was only claimed." }
        p { "Also as " a href={ "/judged/" (name) "?format=csv" } { "CSV" } " and " a href={ "/judged/" (name) "?format=json" } { "JSON" } ". " a href="/judged" { "All others" } }
    };
    layout::page(&format!("Forecasts of {name}"), Some(Place::Judged), &content)
}

fn tiles(sum: &Sum, series: &[Judged]) -> Markup {
    let needed = series.iter().map(|s| s.asked).fold(f64::INFINITY, f64::min);
    html! {
        dl .tiles aria-label="In short" {
            div { dt { "Forecasts that met their outcome" } dd { (sum.forecasts) span .sub { "of " (series.len()) " series; " (sum.open) " still open" } } }
            div { dt { "Submitted in time" } dd { (sum.earned) span .sub { "these earn evidence, the rest is only claimed" } } }
            div { dt { "Skill over the random walk" } dd { (skill_of(sum.skill)) span .sub { "mean of the series" } } }
            @if let Some(coverage) = &sum.coverage {
                div { dt { "The " (coverage.level) " % interval held" } dd { (share(coverage.realised)) span .sub { "of " (coverage.n) " forecasts" } } }
            }
            @if needed.is_finite() {
                div { dt { "Proven better" } dd { (sum.proven) " of " (series.len()) " series" span .sub { "needs evidence of " (figure(needed)) " to 1 or more" } } }
            }
        }
    }
}

fn skill_of(skill: Option<f64>) -> Markup {
    html! { span class=[skill.filter(|skill| *skill < 0.0).map(|_| "bad")] { (percent(skill)) } }
}

fn held(coverage: Option<&Coverage>) -> Markup {
    let Some(coverage) = coverage else { return html! { "-" } };
    let level = coverage.level.probability();
    let chance = CHANCE * (level * (1.0 - level) / coverage.n.max(1) as f64).sqrt();
    let said =
        format!("the {} % interval held {} of {} forecasts", coverage.level, share(coverage.realised), coverage.n);
    draw::dot(coverage, chance, &said)
}

fn line(series: &Judged) -> Markup {
    let coverage = series.coverage.first().map(|&(level, realised, n)| Coverage { level, realised, n });
    html! {
        tr {
            th scope="row" { a href={ "/tickers/" (series.ticker) } { (series.ticker) } }
            td .number { (series.forecasts) } td .number { (series.earned) } td .number { (series.open) }
            td .number { (skill_of(series.skill)) }
            td .coverage { (held(coverage.as_ref())) }
            @for odds in [series.against_walk, series.against_champion] { td .coverage { (evidence(odds, series.asked)) } }
            td { (series.champion) }
        }
    }
}

fn evidence(odds: Odds, needed: f64) -> Markup {
    let said = format!(
        "evidence {} to 1 of {} that are needed; {} with what is only claimed",
        figure(odds.earned),
        figure(needed),
        figure(odds.claimed)
    );
    html! {
        (draw::odds(odds.earned, odds.claimed, needed, &said))
        span aria-hidden="true" class=[(odds.earned >= needed).then_some("good")] { (figure(odds.earned)) " of " (figure(needed)) }
    }
}
