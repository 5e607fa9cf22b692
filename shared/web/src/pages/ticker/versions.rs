//! The stored versions, and which two to compare.

use forecasting::{Contender, Ticker};
use maud::{Markup, html};
use pipeline::ModelSummary;

use super::LISTED;

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
