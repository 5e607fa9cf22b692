//! The stored versions, and which two to compare.

use forecasting::{Contender, Ticker};
use maud::{Markup, html};
use pipeline::{Champion, ModelSummary, Receipt, VersionId};

use super::LISTED;
use crate::{pages::runs, stores::Stores};

pub(super) fn versions(ticker: &Ticker, models: &[ModelSummary]) -> Markup {
    // The one in service, or the newest, beside the newest that is another kind of model.
    let differs = |model: &ModelSummary| models.first().is_some_and(|first| first.model != model.model);
    let other = models.iter().position(differs).unwrap_or(1.min(models.len().saturating_sub(1)));
    html! {
        h2 { "Versions" }
        form .compare method="get" action={ "/tickers/" (ticker) "/compare" } {
            div .scroll role="region" aria-label="Versions" tabindex="0" {
                table .narrow {
                    thead { tr {
                        th scope="col" { "Compare" } th scope="col" { "Version" } th scope="col" { "Model" } th scope="col" { "Fitted on" }
                        th scope="col" .number { "AICc" }
                    } }
                    tbody { @for (i, model) in models.iter().take(LISTED).enumerate() {
                        tr {
                            td .pick {
                                label { input type="radio" name="a" value=(model.version) checked[i == 0]
                                    aria-label={ "first: " (model.version) }; " a" }
                                " " label { input type="radio" name="b" value=(model.version) checked[i == other]
                                    aria-label={ "second: " (model.version) }; " b" }
                            }
                            th scope="row" { a href={ "/models/" (ticker) "/" (model.version) } { code { (model.version) } } @if model.in_service { " " span .mark.promote { "in service" } } }
                            td { (model.model) }
                            td { (model.first) " to " (model.last) }
                            td .number { (model.aicc.map_or_else(|| "-".to_owned(), |aicc| format!("{aicc:.2}"))) }
                        }
                    } }
                }
            }
            button type="submit" { "Compare a with b" }
        }
    }
}

pub(super) fn without_model(without: &[(Contender, String)]) -> Markup {
    html! {
        @if !without.is_empty() {
            p { "Without a model since the newest night:" }
            ul { @for (contender, reason) in without { li { strong { (contender) } ": " (reason) } } }
        }
    }
}

/// Going back to a version that was in service, or releasing it.
pub(super) fn decide(stores: &Stores, ticker: &Ticker, champion: &Champion, receipts: &[Receipt]) -> Markup {
    if !stores.decides_here {
        return html! {};
    }
    let mut served: Vec<(&VersionId, String)> = Vec::new();
    for receipt in receipts {
        let version = &receipt.champion.version;
        if *version != champion.version && !served.iter().any(|(known, _)| *known == version) {
            served.push((version, format!("{version}, {}", receipt.champion.specification)));
        }
    }
    let reason = html! { div { label for="reason" { "Reason" } input #reason name="reason" maxlength="1000" required autocomplete="off"; } };
    html! {
        @if champion.pinned {
            h2 { "Release it" }
            p { "The version in service was put there by a person, and stays until it is released: from then on it is judged like any other." }
            form .start method="post" action={ "/tickers/" (ticker) "/release" } {
                (reason) @if stores.asks_for_token { (runs::token()) } button type="submit" { "Release" }
            }
        } @else if !served.is_empty() {
            h2 { "Roll back" }
            p { "A version that was in service before is put there again, and stays until it is released." }
            form .start method="post" action={ "/tickers/" (ticker) "/rollback" } {
                div { label for="version" { "Version" } select #version name="version" {
                    @for (version, name) in &served { option value=(version) { (name) } } } }
                (reason) @if stores.asks_for_token { (runs::token()) } button type="submit" { "Roll back" }
            }
        }
    }
}
