//! How earlier forecasts turned out, and the evidence over time.

use forecasting::Ticker;
use maud::{Markup, html};
use pipeline::{Receipt, VersionScore};

use crate::pages::{draw, price, words::Words};

/// Past forecasts in the table.
const PAST: usize = 60;

pub(super) fn past(ticker: &Ticker, scores: &[VersionScore], words: Words) -> Markup {
    html! {
        h2 { "Earlier forecasts, and what happened" }
        @if scores.is_empty() { p { "None has met its " (words.unit) " yet." } } @else {
            div .scroll role="region" aria-label="Earlier forecasts" tabindex="0" {
                table .narrow {
                    thead { tr {
                        th scope="col" { (words.heading()) } th scope="col" { "Made on" } th scope="col" .number { "Ahead" }
                        th scope="col" .number { "Forecast" } th scope="col" .number { "Actual" } th scope="col" .number { "Error" }
                        th scope="col" .number { "Random-walk error" } th scope="col" { "Intervals" }
                    } }
                    tbody { @for VersionScore { score, .. } in scores.iter().take(PAST) {
                        tr {
                            th scope="row" { (score.date) } td { (score.origin) } td .number { (score.horizon) }
                            td .number { (score.prices.map_or_else(|| "-".to_owned(), |p| price(p.mean))) }
                            td .number { (score.prices.map_or_else(|| "-".to_owned(), |p| price(p.actual))) }
                            td .number { (words.error(score.error, 2)) }
                            td .number { (words.error(score.naive_error, 2)) }
                            td { @for (level, held) in &score.inside {
                                span class=(if *held { "held" } else { "missed" }) { (level) " % " (if *held { "held" } else { "missed" }) } " "
                            } }
                        }
                    } }
                }
            }
            p { "The newest " (scores.len().min(PAST)) " of " (scores.len()) ". All of them as "
                a href={ "/scores/" (ticker) "?format=csv" } { "CSV" } " and " a href={ "/scores/" (ticker) } { "JSON" } "." }
        }
    }
}

/// Evidence is drawn between 1 to 1000 and a million to 1.
const DECADES: (f64, f64) = (-3.0, 6.0);

/// The strongest contender's evidence against the baseline, night by night, and what is asked of it.
pub(super) fn evidence(receipts: &[Receipt]) -> Markup {
    // Receipts come newest first.
    let nights: Vec<(&Receipt, f64, f64)> = receipts
        .iter()
        .rev()
        .filter_map(|receipt| {
            let standings = receipt.judgement.as_ref()?.standings.iter();
            let best = standings.max_by(|a, b| (a.evidence / a.asked).total_cmp(&(b.evidence / b.asked)))?;
            Some((receipt, best.evidence, best.asked))
        })
        .collect();
    let Some((newest, evidence, asked)) = nights.last() else {
        return html! { p { "No verdict has weighed evidence yet." } };
    };
    let decade = |odds: f64| odds.max(1e-9).log10().clamp(DECADES.0, DECADES.1);
    let line: Vec<f64> = nights.iter().map(|(_, evidence, _)| decade(*evidence)).collect();
    let bar: Vec<f64> = nights.iter().map(|(_, _, asked)| decade(*asked)).collect();
    let said = format!(
        "Evidence of the strongest contender over {} nights; on {} it was {} to 1, and {} to 1 is asked",
        nights.len(),
        newest.as_of,
        forecasting::figure(*evidence),
        forecasting::figure(*asked)
    );
    let label = |decade: f64| match decade as i32 {
        0 => "1 to 1".to_owned(),
        above @ 1.. => format!("10^{above} to 1"),
        below => format!("1 to 10^{}", -below),
    };
    let ends = (nights[0].0.as_of.to_string(), newest.as_of.to_string());
    html! {
        h2 { "Evidence over time" }
        p { (said) "." }
        @if nights.len() > 1 {
            figure {
                (draw::lines(&said, &[(&line, "line"), (&bar, "aim")], DECADES, &[-2.0, 0.0, 2.0, 4.0, 6.0], label, &ends))
                figcaption { "Solid: the strongest contender's evidence against the baseline. Dashed: what is asked of it. Each step up is ten times as much." }
            }
        }
    }
}
