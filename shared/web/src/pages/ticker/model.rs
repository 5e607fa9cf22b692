//! The model in service: its equation, and what it leaves unexplained.

use forecasting::{Residuals, Ticker};
use maud::{Markup, html};
use pipeline::{Error, Forecasted, ModelSummary};

use crate::pages::{equation::equation, words::Words};

pub(super) fn champion(newest: &Forecasted, model: Option<&ModelSummary>, words: Words) -> Markup {
    let champion = &newest.champion;
    let since = champion.since();
    let law = model.and_then(|model| equation(&champion.specification, &model.coefficients, model.sigma2));
    html! {
        h2 { "The model in service" }
        @if let Some(model) = model {
            @if let Some(law) = &law { p .equation { (law) } } @else {
                p { "A program of yours. It is given the " (words.unit) "s one by one, and says what it forecasts from each; its intervals are made of its own past errors. "
                    "It serves for the same reason as any other model: the " a href="?tab=verdicts" { "verdict" } " has it." }
            }
            dl .facts {
                dt { "Model" } dd { (model.model) }
                dt { "Version" } dd { code { (model.version) } ", in service since " (since) }
                dt { "Fitted on" } dd { (model.first) " to " (model.last) ", " (model.observations) " " (words.changes()) }
                @if let Some(aicc) = model.aicc { dt { "AICc" } dd { (format!("{aicc:.2}")) } }
                @for (name, value) in &model.coefficients { dt { (name) } dd { (format!("{value:.6}")) } }
            }
        } @else { p { "Its version is not on record any more." } }
        @if let Some(law) = &law {
            p .hint { "y is " (words.level())
                @if law.contains('B') { ", B the step back by one " (words.unit) } "." }
        }
    }
}

pub(super) fn unexplained(
    ticker: &Ticker,
    residuals: Result<Residuals, Error>,
    is_program: bool,
    words: Words,
) -> Markup {
    let picture = |theme: &str| format!("/tickers/{ticker}/residuals.svg?theme={theme}");
    html! {
        h2 { "What it leaves unexplained" }
        @match residuals {
            Err(_) if is_program => {
                p { "A program says what it forecasts, and not what it leaves unexplained: its past errors are on its " a href="?tab=record" { "record" } "." }
            },
            Err(Error::Forecasting { source, .. }) => p { "There are no residuals: " (source) "." },
            Err(error) => p { (in_words(&error)) },
            Ok(residuals) => {
                figure .residuals {
                    picture {
                        source srcset=(picture("dark")) media="(prefers-color-scheme: dark)";
                        img src=(picture("light")) width="960" height="560" loading="lazy"
                            alt={ "Errors one " (words.unit) " ahead, their autocorrelations and their distribution" };
                    }
                }
                dl .facts {
                    dt { "Estimated up to" } dd { (residuals.estimated_until) ", then " (residuals.errors.len()) " " (words.unit) "s ahead one by one" }
                    dt { "Mean" } dd { (format!("{:+.3}", residuals.mean)) " (0 where unbiased)" }
                    dt { "Standard deviation" } dd { (format!("{:.3}", residuals.standard_deviation)) " (1 where its standard errors are right)" }
                    dt { "Excess kurtosis" } dd { (format!("{:+.2}", residuals.excess_kurtosis)) " (0 of normal errors)" }
                    @if let Some(test) = residuals.ljung_box {
                        dt { "Ljung-Box, " (test.degrees_of_freedom) " lags" } dd { (format!("Q = {:.2}, p = {:.3}", test.statistic, test.p_value))
                            @if test.p_value < 0.05 { ": something is left to explain" } @else { ": they look like noise" } }
                    }
                }
            }
        }
    }
}

/// What lies behind an error is for the log.
fn in_words(error: &Error) -> &'static str {
    tracing::warn!(%error, "there are no residuals");
    "There are no residuals: what they are made of cannot be read now."
}
