//! The forecast: what it says, how far it can be trusted, and how earlier ones turned out in the chart.

use forecasting::{Kind, Period, PriceSeries, SkillInterval, Stamp, Step, Ticker};
use maud::{Markup, PreEscaped, html};
use pipeline::{BarStatus, Forecasted, Source, Standing, VersionScore};
use serde_json::json;

use crate::pages::{day, percent, price, range, relative, share, source, words::Words};

/// Sessions in the chart: a year.
const CHARTED: usize = 250;

/// What one wants to know first.
pub(super) fn tiles(newest: &Forecasted, standing: &Standing, skill: Option<SkillInterval>, words: Words) -> Markup {
    let last = standing.last_close();
    let step = standing.steps.first();
    html! {
        dl .tiles aria-label="In short" {
            div { dt { @if standing.origin.session().is_some() { "Last close" } @else { "Last value" } } dd {
                (price(last))
                span .sub { @if let Some(change) = day(standing) { (percent(Some(change))) " " } "on " (standing.origin)
                    @if newest.bar == BarStatus::Preliminary { ", may still be corrected" } }
            } }
            @if let Some(step) = step {
                div { dt { "Forecast for " (step.date) } dd {
                    (price(step.mean))
                    span .sub { @if let Some(change) = relative(step.mean, last) { (percent(Some(change))) ", " } "the median" }
                } }
                @if let Some(interval) = step.intervals.first() {
                    div { dt { (interval.level) " % interval" } dd { span .whole { (range(interval)) }
                        // Of a price the interval is as wide upwards as downwards in its logarithm.
                        @if let Some(width) = relative((interval.upper / interval.lower).sqrt(), 1.0) {
                            span .sub { "\u{b1} " (share(width)) }
                        }
                    } }
                }
            }
            div { dt { "Skill over the " (words.baseline()) } dd {
                @if standing.baseline { "Baseline" span .sub { "it claims no skill" } }
                @else {
                    (percent(standing.skill.value))
                    span .sub {
                        @if let Some(skill) = skill.filter(|_| standing.skill.source == Source::Live) {
                            "95 % interval " (percent(Some(skill.lower))) " to " (percent(Some(skill.upper))) ", "
                        }
                        (standing.skill.n) " " (source(standing.skill.source)) " forecasts"
                    }
                }
            } }
            @if let Some(realised) = standing.coverage.first() {
                div { dt { "The " (realised.coverage.level) " % interval held" } dd {
                    (share(realised.coverage.realised))
                    span .sub { "of " (realised.coverage.n) " " (source(realised.source)) " forecasts" }
                } }
            }
            div { dt { "In service since " (standing.since) } dd { span { (standing.model) } } }
        }
    }
}

/// JSON inside a page: no tag can begin in it.
fn data(value: &serde_json::Value) -> Markup {
    html! { script type="application/json" #chart-data { (PreEscaped(value.to_string().replace('<', "\\u003c"))) } }
}

/// When a period is, as the chart's library reads it: a date, or Unix seconds. An index is drawn as so many days.
fn charted(period: Period) -> serde_json::Value {
    match period.stamp() {
        Stamp::Moment(at) => at.as_second().into(),
        Stamp::Date(_) | Stamp::Index(_) => period.date().to_string().into(),
    }
}

/// A forecast of one period ahead, beside what came.
#[derive(serde::Serialize)]
struct Past {
    time: serde_json::Value,
    lower: f64,
    upper: f64,
    mean: f64,
    missed: bool,
}

/// One for each period, as it would have read in today's prices.
fn past(shown: &[forecasting::Bar], made: &[Forecasted]) -> Vec<Past> {
    let mut past: Vec<(Period, Past)> = made
        .iter()
        .filter_map(|made| {
            let step = &made.forecast.steps.first()?.served;
            let interval = step.intervals.first()?;
            let at = |day: Period| shown.binary_search_by_key(&day, |bar| bar.day).ok().map(|place| &shown[place]);
            // Adjusted closes change with each dividend; values do not.
            let basis = match made.forecast.kind {
                Kind::Price => at(made.forecast.origin)?.adjusted_close / made.forecast.price,
                Kind::Value(_) => 1.0,
            };
            let came = at(step.date)?.adjusted_close;
            let (lower, upper) = (interval.lower * basis, interval.upper * basis);
            let missed = came < lower || came > upper;
            Some((step.date, Past { time: charted(step.date), lower, upper, mean: step.mean * basis, missed }))
        })
        .collect();
    past.sort_by_key(|(day, _)| *day);
    past.dedup_by_key(|(day, _)| *day);
    past.into_iter().map(|(_, past)| past).collect()
}

pub(super) fn chart(
    ticker: &Ticker,
    newest: &Forecasted,
    series: &PriceSeries,
    made: &[Forecasted],
    words: Words,
) -> Markup {
    let bars = series.bars();
    let shown = &bars[bars.len().saturating_sub(CHARTED)..];
    let prices: Vec<_> = shown.iter().map(|bar| json!([charted(bar.day), bar.adjusted_close])).collect();
    let past = past(shown, made);
    let step = |step: &Step| json!({ "date": charted(step.date), "mean": step.mean, "intervals": step.intervals });
    let steps: Vec<_> = newest.forecast.steps.iter().map(|standing| step(&standing.served)).collect();
    let missed = past.iter().filter(|past| past.missed).count();
    let level =
        newest.forecast.steps.first().and_then(|step| step.served.intervals.first()).map(|i| i.level.to_string());
    let charted = json!({ "origin": charted(newest.forecast.origin), "price": newest.forecast.price, "prices": prices, "past": past,
        "steps": steps, "level": level });
    let picture = |theme: &str| format!("/tickers/{ticker}/forecast.svg?theme={theme}");
    html! {
        figure .chart aria-label="Prices, and the fan of the forecast" {
            div .charting {
                @for (place, interval) in newest.forecast.steps.first().map(|step| step.served.intervals.as_slice()).unwrap_or_default().iter().enumerate() {
                    span .key { i class=[(place > 0).then_some("wide")] {} (interval.level) " % interval" }
                }
                @if !past.is_empty() { span .key { i .past {} "as published" } span .key { i .miss {} "missed" } }
                output #cursor aria-live="off" {}
                div .ranges role="group" aria-label="Range" hidden {
                    @for (sessions, name) in [(20, "Fan"), (60, "3 M"), (120, "6 M"), (CHARTED, "1 Y")] {
                        button .plain type="button" data-sessions=(sessions) aria-pressed="false" { (name) }
                    }
                }
            }
            div #chart data-chart {
                picture {
                    source srcset=(picture("dark")) media="(prefers-color-scheme: dark)";
                    img src=(picture("light")) width="960" height="420"
                        alt={ "Prices of " (ticker) " and its forecast; the numbers are in the tables below" };
                }
            }
            figcaption {
                (words.numbers()) " and the fan of the forecast"
                @if !past.is_empty() {
                    "; behind them the " (level.unwrap_or_default()) " % intervals one " (words.unit) " ahead as they were published, "
                    (missed) " of " (past.len()) " missed (dots)"
                }
                ". As " a href={ "/tickers/" (ticker) "/forecast.png" } { "PNG" } ", "
                a href={ "/tickers/" (ticker) "/forecast.svg" } { "SVG" } ". Charts by "
                a href="https://www.tradingview.com/" rel="noreferrer" { "TradingView Lightweight Charts\u{2122}" } "."
            }
        }
        (data(&charted))
    }
}

/// Rows of what happened lately.
const LATELY: usize = 8;

pub(super) fn forecasts(ticker: &Ticker, standing: &Standing, scores: &[VersionScore], words: Words) -> Markup {
    html! {
        div .columns {
            div { (ahead(ticker, standing, words)) }
            div { (lately(ticker, scores, words)) }
        }
    }
}

/// The newest forecasts of one period ahead that met their outcome.
fn lately(ticker: &Ticker, scores: &[VersionScore], words: Words) -> Markup {
    let lately: Vec<_> =
        scores.iter().map(|scored| &scored.score).filter(|score| score.horizon == 1).take(LATELY).collect();
    html! {
        h2 { "Lately" }
        @if lately.is_empty() { p { "No forecast has met its " (words.unit) " yet." } } @else {
            div .scroll role="region" aria-label="Lately" tabindex="0" { table .narrow {
                thead { tr {
                    th scope="col" { (words.heading()) } th scope="col" .number { "Forecast" } th scope="col" .number { "Actual" }
                    th scope="col" .number { "Error" } th scope="col" { "Intervals" }
                } }
                tbody { @for score in lately { tr {
                    th scope="row" { (score.date) }
                    td .number { (score.prices.map_or_else(|| "-".to_owned(), |p| price(p.mean))) }
                    td .number { (score.prices.map_or_else(|| "-".to_owned(), |p| price(p.actual))) }
                    td .number { (words.error(score.error, 2)) }
                    td { @if let Some((level, _)) = score.inside.iter().rfind(|(_, held)| !held) { span .missed { (level) " % missed" } } @else { "held" } }
                } } }
            } }
            p { a href={ "/tickers/" (ticker) "?tab=record" } { "The whole record" } }
        }
    }
}

fn ahead(ticker: &Ticker, standing: &Standing, words: Words) -> Markup {
    html! {
        h2 { "Forecast" }
        div .scroll role="region" aria-label="Forecast" tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { (words.heading()) } th scope="col" .number { "Ahead" } th scope="col" .number { "Median" }
                    @for interval in standing.steps.first().map(|s| s.intervals.as_slice()).unwrap_or_default() {
                        th scope="col" .number { (interval.level) " %" }
                    }
                } }
                tbody { @for step in &standing.steps {
                    tr {
                        th scope="row" { (step.date) } td .number { (step.horizon) } td .number { (price(step.mean)) }
                        @for interval in &step.intervals { td .number { (range(interval)) } }
                    }
                } }
            }
        }
        p { "Also as " a href={ "/forecast/" (ticker) } { "JSON" } " and " a href={ "/forecast/" (ticker) "?format=csv" } { "CSV" } "." }
    }
}
