//! All nights added up: does it beat the baseline, do its intervals hold, and what became of whom it promoted.

use axum::response::Response;
use forecasting::{IntervalKind, SkillInterval};
use maud::{Markup, html};
use pipeline::{Month, Promotion, Results};

use super::{
    draw,
    layout::{self, Place},
    percent, share,
};

/// Promotions in the table.
const LISTED: usize = 60;

pub(crate) fn page(results: &Results) -> Response {
    let content = html! {
        h1 { "Results" }
        @if results.forecasts == 0 {
            p .lead { "No forecast has met its outcome yet: the second night scores the first one's." }
        } @else {
            p .lead { (answer(results)) }
            (tiles(results))
            (skill_over_time(&results.months))
            (coverage_over_time(&results.months))
            (calibration(results))
            (intervals(results))
        }
        (promotions(&results.promotions))
        p { "Also as " a href="/results?format=json" { "JSON" } "." }
    };
    layout::page("Results", Some(Place::Results), &content)
}

/// The first question, in a sentence.
fn answer(results: &Results) -> String {
    let (n, skill) = results.structured;
    match skill {
        _ if n == 0 => {
            "Does it beat a random walk? It does not claim to: only baselines have been in service.".to_owned()
        }
        None => format!("Does it beat a random walk? Too early to say: {n} forecasts of models that claim to."),
        Some(skill) if skill.lower > 0.0 => {
            format!("Does it beat a random walk? Yes: models in service that claim to are {} better.", around(skill))
        }
        Some(skill) if skill.upper < 0.0 => {
            format!("Does it beat a random walk? No: models in service that claim to are worse, by {}.", around(skill))
        }
        Some(skill) => {
            format!(
                "Does it beat a random walk? Not provably: models in service that claim to have a skill of {}.",
                around(skill)
            )
        }
    }
}

fn around(skill: SkillInterval) -> String {
    format!("{} ({} to {})", percent(Some(skill.value)), percent(Some(skill.lower)), percent(Some(skill.upper)))
}

fn tiles(results: &Results) -> Markup {
    let (structured, skill) = results.structured;
    let said = |skill: Option<SkillInterval>| skill.map_or_else(|| "-".to_owned(), |skill| percent(Some(skill.value)));
    let sure = |skill: Option<SkillInterval>| {
        skill.map_or_else(
            || "too few sessions for an interval".to_owned(),
            |s| format!("95 % interval {} to {}", percent(Some(s.lower)), percent(Some(s.upper))),
        )
    };
    html! {
        dl .tiles aria-label="In short" {
            div { dt { "Nights" } dd { (results.runs)
                @if let Some((from, to)) = results.sessions { span .sub { time { (from) } " to " time { (to) } } } } }
            div { dt { "Forecasts scored" } dd { (results.forecasts) span .sub { "of " (results.tickers) " tickers" } } }
            @if results.skill.is_some() {
                div { dt { "Skill of all" } dd { (said(results.skill)) span .sub { (sure(results.skill)) } } }
            }
            @if structured > 0 {
                div { dt { "Skill where it is claimed" } dd { (said(skill))
                    span .sub { (structured) " forecasts; " (sure(skill)) } } }
            }
            @for kind in &results.intervals { @if kind.kind == IntervalKind::Adaptive {
                @for coverage in &kind.coverage {
                    div { dt { "The " (coverage.level) " % intervals held" } dd { (share(coverage.realised)) span .sub { "of " (coverage.n) } } }
                }
            } }
            div { dt { "Ever served by a model" } dd { (results.structured_tickers) " of " (results.tickers) " tickers"
                @if results.structured_tickers > 0 {
                    span .sub { "at most " (format!("{:.1}", results.expected_false)) " of them wrongly, by the error budget" }
                } } }
        }
    }
}

fn skill_over_time(months: &[Month]) -> Markup {
    let known: Vec<(&Month, SkillInterval)> = months.iter().filter_map(|month| Some((month, month.skill?))).collect();
    let values: Vec<(f64, f64, f64)> = known.iter().map(|(_, skill)| (skill.value, skill.lower, skill.upper)).collect();
    let widest = values.iter().flat_map(|(_, lower, upper)| [lower.abs(), upper.abs()]).fold(0.01, f64::max);
    let range = (-widest, widest);
    let said = "Skill over the baseline, month by month, with its 95 % interval";
    html! {
        h2 { "Skill over time" }
        @if known.len() > 1 {
            figure {
                (draw::zone(said, &values, 0.0, range, &[-widest, 0.0, widest], |value| percent(Some(value)),
                    &(known[0].0.month.clone(), known[known.len() - 1].0.month.clone())))
                figcaption { (said) ", of all forecasts that were published; dashed: the baseline itself." }
            }
        } @else { p { "Two months with enough forecasts are needed for a drawing." } }
        (monthly(months))
    }
}

fn monthly(months: &[Month]) -> Markup {
    html! {
        details { summary { "Month by month" }
            div .scroll role="region" aria-label="Month by month" tabindex="0" { table .narrow {
                thead { tr { th scope="col" { "Month" } th scope="col" .number { "Forecasts" } th scope="col" .number { "Skill" }
                    th scope="col" .number { "Its 95 % interval" } th scope="col" { "Intervals held" } } }
                tbody { @for month in months.iter().rev() { tr {
                    th scope="row" { (month.month) } td .number { (month.forecasts) }
                    td .number { (percent(month.skill.map(|skill| skill.value))) }
                    td .number { @if let Some(skill) = month.skill { (percent(Some(skill.lower))) " to " (percent(Some(skill.upper))) } @else { "-" } }
                    td { @for (place, c) in month.coverage.iter().enumerate() { @if place > 0 { ", " } (c.level) " %: " (share(c.realised)) } }
                } } }
            } }
        }
    }
}

fn coverage_over_time(months: &[Month]) -> Markup {
    let known: Vec<&Month> = months.iter().filter(|month| !month.coverage.is_empty()).collect();
    let Some(first) = known.first().filter(|_| known.len() > 1) else { return html! {} };
    let of = |place: usize| -> Vec<f64> {
        known.iter().filter_map(|month| Some(month.coverage.get(place)?.realised)).collect()
    };
    let levels: Vec<f64> = first.coverage.iter().map(|c| c.level.probability()).collect();
    let drawn: Vec<Vec<f64>> = (0..levels.len().min(2)).map(of).collect();
    let lines: Vec<(&[f64], &str)> =
        drawn.iter().zip(["line", "line second"]).map(|(values, class)| (values.as_slice(), class)).collect();
    let low = drawn.iter().flatten().copied().fold(0.5, f64::min);
    let said = "How often the intervals held, month by month";
    html! {
        h2 { "Coverage over time" }
        figure {
            (draw::lines(said, &lines, (low, 1.0), &levels, share, &(first.month.clone(), known[known.len() - 1].month.clone())))
            figcaption { (said) "; each line should stay near its labelled height." }
        }
    }
}

/// Where outcomes fell among the published quantiles.
fn calibration(results: &Results) -> Markup {
    let bins = &results.outcomes;
    if bins.is_empty() {
        return html! {};
    }
    let percent = |value: f64| format!("{}", (value * 1_000.0).round() / 10.0);
    let columns: Vec<(String, f64)> = bins
        .iter()
        .map(|bin| (format!("{}\u{2013}{} %", percent(bin.from), percent(bin.to)), bin.share / (bin.to - bin.from)))
        .collect();
    let said = "Outcomes between the published quantiles, as a multiple of what a calibrated forecast has there";
    html! {
        h2 { "Calibration" }
        figure {
            (draw::columns(said, &columns, 1.0, &[0.0, 0.5, 1.0, 1.5, 2.0], |value| format!("{value:.1}")))
            figcaption { (said) " (a PIT histogram). High ends: intervals too narrow. A slope: the median is biased." }
        }
        table .narrow {
            thead { tr { th scope="col" { "Between the quantiles" } th scope="col" .number { "Should have" } th scope="col" .number { "Had" } } }
            tbody { @for bin in bins { tr {
                th scope="row" { (percent(bin.from)) " and " (percent(bin.to)) " %" }
                td .number { (share(bin.to - bin.from)) } td .number { (share(bin.share)) }
            } } }
        }
    }
}

fn intervals(results: &Results) -> Markup {
    html! {
        h2 { "Intervals by horizon" }
        div .scroll role="region" aria-label="Intervals by horizon" tabindex="0" { table .narrow {
            thead { tr { th scope="col" { "Intervals" } th scope="col" .number { "Ahead" } th scope="col" { "Held" }
                th scope="col" .number { "Mean pinball loss" } } }
            tbody { @for kind in &results.intervals { @for ahead in &kind.horizons { tr {
                th scope="row" { @if kind.kind == IntervalKind::Adaptive { "adaptive" } @else { "the model's own" } }
                td .number { (ahead.horizon) }
                td { @for (place, c) in ahead.coverage.iter().enumerate() { @if place > 0 { ", " } (c.level) " %: " (share(c.realised)) } }
                td .number { @if let Some(loss) = ahead.pinball { (format!("{:.4} %", loss * 100.0)) } @else { "-" } }
            } } } }
        } }
    }
}

fn promotions(promotions: &[Promotion]) -> Markup {
    html! {
        h2 { "Promotions, and what became of them" }
        @if promotions.is_empty() { p { "No model has taken another's place yet." } } @else {
            div .scroll role="region" aria-label="Promotions" tabindex="0" { table .narrow {
                thead { tr { th scope="col" { "Night" } th scope="col" { "Ticker" } th scope="col" { "Model" }
                    th scope="col" { "In service until" } th scope="col" .number { "Live forecasts" } th scope="col" .number { "Their skill" } } }
                tbody { @for promotion in promotions.iter().take(LISTED) { tr {
                    th scope="row" { (promotion.as_of) }
                    td { a href={ "/tickers/" (promotion.ticker) "?tab=verdicts" } { (promotion.ticker) } }
                    td { (promotion.model) }
                    td { @if let Some(until) = promotion.until { (until) } @else { "still" } }
                    td .number { (promotion.forecasts) }
                    td .number { span class=[promotion.skill.map(|skill| if skill < 0.0 { "bad" } else { "good" })] { (percent(promotion.skill)) } }
                } } }
            } }
            @if promotions.len() > LISTED { p .hint { "The newest " (LISTED) " of " (promotions.len()) "." } }
        }
    }
}
