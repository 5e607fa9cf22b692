//! The model in service: its equation, and what it leaves unexplained.

use forecasting::{Residuals, Ticker};
use maud::{Markup, html};
use pipeline::{Error, Forecasted, ModelSummary};

use crate::pages::{equation::equation, words::Words};

pub(super) fn champion(newest: &Forecasted, model: Option<&ModelSummary>, words: Words) -> Markup {
    let champion = &newest.champion;
    let since = champion.since();
    html! {
        h2 { "The model in service" }
        @if let Some(model) = model {
            p .equation { (equation(&champion.specification, &model.coefficients, model.sigma2)) }
            dl .facts {
                dt { "Model" } dd { (model.model) }
                dt { "Version" } dd { code { (model.version) } ", in service since " (since) }
                dt { "Fitted on" } dd { (model.first) " to " (model.last) ", " (model.observations) " " (words.changes()) }
                @if let Some(aicc) = model.aicc { dt { "AICc" } dd { (format!("{aicc:.2}")) } }
                @for (name, value) in &model.coefficients { dt { (name) } dd { (format!("{value:.6}")) } }
            }
        } @else { p { "Its version is not on record any more." } }
        p .hint { "y is " (words.level()) ", B the step back by one " (words.unit) "." }
    }
}

pub(super) fn unexplained(ticker: &Ticker, residuals: Result<Residuals, Error>, words: Words) -> Markup {
    let picture = |theme: &str| format!("/tickers/{ticker}/residuals.svg?theme={theme}");
    html! {
        h2 { "What it leaves unexplained" }
        @match residuals {
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
