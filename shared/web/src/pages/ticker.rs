//! One ticker: its forecast, how earlier ones turned out, the model in service and all that was decided about it.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use forecasting::{Contender, Contest, Judgement, Period, PriceSeries, Residuals, Scope, Stamp, Step, Ticker};
use maud::{Markup, PreEscaped, html};
use pipeline::{BarStatus, Error, Forecasted, ModelSummary, Receipt, Snapshot, Standing, VersionScore};
use serde_json::json;

use super::{
    believed,
    equation::equation,
    layout::{self, Place},
    price, range, share, verdict,
    words::Words,
};
use crate::{
    Problem,
    asked::{self, Named},
    assets::{CHARTS, LIBRARY},
    parameters::Parameters,
    stores::Stores,
};

/// Sessions in the chart: a year.
const CHARTED: usize = 250;
/// Past forecasts in the table.
const PAST: usize = 20;
/// Receipts and versions on the page.
const LISTED: usize = 60;

pub(crate) async fn page(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let ticker = asked::ticker(&name)?;
    Parameters::read(query.as_deref(), &[], &[])?;
    let (archive, ledger) = (&*stores.archive, &*stores.ledger);
    let (run, newest) = pipeline::newest_forecast(ledger, &ticker).await?;
    let series = pipeline::prices(archive, ledger, &ticker, &run).await?;
    let snapshot = pipeline::newest_snapshot(ledger, &ticker).await?;
    let scores = match pipeline::scores(ledger, &ticker).await {
        Err(Error::NoForecast { .. }) => Vec::new(),
        other => other?,
    };
    let receipts = ledger.receipts(&ticker).await?;
    let models = pipeline::models(archive, ledger, &ticker, LISTED).await?;
    let without = pipeline::without_model(ledger, &ticker).await?;
    let residuals = pipeline::residuals(archive, ledger, &ticker).await;
    let standing = newest.standing();
    let words = Words::of(newest.forecast.origin, newest.forecast.kind);
    let content = html! {
        h1 { (ticker) " " span .sub { (standing.model) } }
        (headline(&newest, &standing))
        (chart(&ticker, &newest, &series, &scores, words))
        (forecasts(&ticker, &standing, words))
        (past(&ticker, &scores, words))
        (champion(&newest, models.iter().find(|model| model.version == newest.champion.version), words))
        (unexplained(&ticker, residuals, words))
        (versions(&ticker, &models))
        (without_model(&without))
        (verdicts(&ticker, &receipts, words))
        @if let Some(snapshot) = &snapshot { (scope(snapshot, words)) }
    };
    let scripts = [LIBRARY.path.as_str(), CHARTS.path.as_str()];
    Ok(layout::with_scripts(ticker.as_str(), Some(Place::Tickers), &content, &scripts))
}

fn headline(newest: &Forecasted, standing: &Standing) -> Markup {
    let bar = match newest.bar {
        BarStatus::Final => "",
        BarStatus::Preliminary => ", whose bar may still be corrected",
    };
    html! {
        p .lead {
            @if standing.origin.session().is_some() { "Closed at " } @else { "Stood at " }
            strong { (price(standing.last_close())) } " on " (standing.origin) (bar) "."
            @if let Some(step) = standing.steps.first() {
                " For " (step.date) " it forecasts " strong { (price(step.mean)) }
                @for interval in &step.intervals { ", " (range(interval)) " with " (interval.level) " %" }
                "."
            }
        }
        p { (believed(standing.origin, &standing.skill, &standing.coverage))
            @if standing.baseline { " The model in service is a baseline: it claims no skill over a random walk." } }
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

fn chart(ticker: &Ticker, newest: &Forecasted, series: &PriceSeries, scores: &[VersionScore], words: Words) -> Markup {
    let bars = series.bars();
    let shown = &bars[bars.len().saturating_sub(CHARTED)..];
    let prices: Vec<_> = shown.iter().map(|bar| json!([charted(bar.day), bar.adjusted_close])).collect();
    let mut past: Vec<_> = scores
        .iter()
        .filter(|scored| scored.score.horizon == 1)
        .filter_map(|scored| {
            let outcome = scored.score.prices?;
            let bar = shown.iter().find(|bar| bar.day == scored.score.date)?;
            // As it would have read in today's basis.
            Some((bar.day, bar.adjusted_close * outcome.mean / outcome.actual))
        })
        .collect();
    past.sort_by_key(|(day, _)| *day);
    past.dedup_by_key(|(day, _)| *day);
    let past: Vec<_> = past.into_iter().map(|(day, value)| (charted(day), value)).collect();
    let step = |step: &Step| json!({ "date": charted(step.date), "mean": step.mean, "intervals": step.intervals });
    let steps: Vec<_> = newest.forecast.steps.iter().map(|standing| step(&standing.served)).collect();
    let told = json!({ "origin": charted(newest.forecast.origin), "price": newest.forecast.price, "prices": prices, "past": past, "steps": steps });
    let picture = |theme: &str| format!("/tickers/{ticker}/forecast.svg?theme={theme}");
    html! {
        figure .chart aria-label="Prices, and the fan of the forecast" {
            div #chart data-chart {
                picture {
                    source srcset=(picture("dark")) media="(prefers-color-scheme: dark)";
                    img src=(picture("light")) width="960" height="420"
                        alt={ "Prices of " (ticker) " and its forecast; the numbers are in the tables below" };
                }
            }
            figcaption {
                (words.numbers()) " (drag to go back a year), dotted the forecasts one " (words.unit) " ahead, and the fan. As "
                a href={ "/tickers/" (ticker) "/forecast.png" } { "PNG" } ", "
                a href={ "/tickers/" (ticker) "/forecast.svg" } { "SVG" } ". Charts by "
                a href="https://www.tradingview.com/" rel="noreferrer" { "TradingView Lightweight Charts\u{2122}" } "."
            }
        }
        (data(&told))
    }
}

fn forecasts(ticker: &Ticker, standing: &Standing, words: Words) -> Markup {
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

fn past(ticker: &Ticker, scores: &[VersionScore], words: Words) -> Markup {
    html! {
        h2 { "Earlier forecasts, and what happened" }
        @if scores.is_empty() { p { "None has met its " (words.unit) " yet." } } @else {
            div .scroll role="region" aria-label="Earlier forecasts" tabindex="0" {
                table .narrow {
                    thead { tr {
                        th scope="col" { (words.heading()) } th scope="col" { "Made on" } th scope="col" .number { "Ahead" }
                        th scope="col" .number { "Forecast" } th scope="col" .number { "Came" } th scope="col" .number { "Error" }
                        th scope="col" .number { "Walk's error" } th scope="col" { "Intervals" }
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

fn champion(newest: &Forecasted, model: Option<&ModelSummary>, words: Words) -> Markup {
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

fn unexplained(ticker: &Ticker, residuals: Result<Residuals, Error>, words: Words) -> Markup {
    let picture = |theme: &str| format!("/tickers/{ticker}/residuals.svg?theme={theme}");
    html! {
        h2 { "What it leaves unexplained" }
        @match residuals {
            Err(Error::Forecasting { source, .. }) => p { "There are no residuals: " (source) "." },
            Err(error) => p { (told(&error)) },
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
fn told(error: &Error) -> &'static str {
    tracing::warn!(%error, "there are no residuals");
    "There are no residuals: what they are made of cannot be read now."
}

fn versions(ticker: &Ticker, models: &[ModelSummary]) -> Markup {
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
                                " " label { input type="radio" name="b" value=(model.version) checked[i == 1.min(models.len() - 1)]
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

fn without_model(without: &[(Contender, String)]) -> Markup {
    html! {
        @if !without.is_empty() {
            p { "Without a model since the newest night:" }
            ul { @for (contender, reason) in without { li { strong { (contender) } ": " (reason) } } }
        }
    }
}

fn verdicts(ticker: &Ticker, receipts: &[Receipt], words: Words) -> Markup {
    html! {
        h2 { "Verdicts" }
        ol .verdicts { @for receipt in receipts.iter().take(LISTED) { li { (receipt_of(receipt, words)) } } }
        p { "With all scorecards as " a href={ "/receipts/" (ticker) } { "JSON" } "." }
    }
}

fn receipt_of(receipt: &Receipt, words: Words) -> Markup {
    html! {
        details {
            summary { (receipt.as_of) " " (verdict(Some(receipt.decision), pipeline::TickerStatus::Done)) " " (receipt.champion.specification) }
            p { (receipt.reason) " (decided by " (receipt.decided_by) ")" }
            @if let Some(training) = &receipt.training { p .hint { "Training: " (training) } }
            @if let Some(judgement) = &receipt.judgement { (judged(judgement, &receipt.as_of.to_string(), words)) }
            @if let Some(contest) = &receipt.contest { (contested(contest, &receipt.as_of.to_string(), words)) }
            p .hint { "Run " a href={ "/runs/" (receipt.run) } { (receipt.run) } }
        }
    }
}

/// What everyone's record amounted to.
fn judged<'a>(judgement: &'a Judgement, as_of: &str, words: Words) -> Markup {
    // Of values it is the naive forecast's card, whatever the season.
    let walk = judgement.random_walk.iter().map(|card| (words.baseline(), card, None));
    let of = |standing: &'a forecasting::Standing| {
        Some((standing.specification?.to_string(), standing.scorecard.as_ref()?, Some(standing)))
    };
    let others = judgement.standings.iter().filter_map(of);
    html! {
        div .scroll role="region" aria-label={ "Track records on " (as_of) } tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Competed" } th scope="col" .number { "Evidence" } th scope="col" .number { "Asked" }
                    th scope="col" .number { "Skill" } th scope="col" .number { "MAE" } th scope="col" .number { "Pinball loss" }
                    th scope="col" .number { "Coverage" }
                } }
                tbody { @for (specification, card, standing) in walk.chain(others) {
                    tr {
                        th scope="row" { (specification) }
                        td .number { (standing.map_or_else(|| "-".to_owned(), |s| format!("{} to 1", forecasting::figure(s.evidence)))) }
                        td .number { (standing.map_or_else(|| "-".to_owned(), |s| format!("{:.0} to 1", s.asked))) }
                        td .number { (super::percent(card.skill.map(|skill| skill.value))) }
                        td .number { (words.error(card.mae, 3)) }
                        td .number { (words.error(card.pinball, 4)) }
                        td .number { @for c in &card.coverage { (c.level) " %: " (share(c.realised)) " " } }
                    }
                } }
            }
        }
        p .hint {
            "Over " (judgement.sessions) " " (words.unit) "s. Evidence of 20 to 1 comes by chance in at most one of twenty series in a year, however often one looks."
        }
    }
}

/// A contest of an earlier release.
fn contested(contest: &Contest, as_of: &str, words: Words) -> Markup {
    let challengers = contest.contenders().map(|c| (&c.scorecard, Some(&c.against_incumbent)));
    let cards: Vec<_> = contest.champion.iter().map(|card| (card, None)).chain(challengers).collect();
    html! {
        div .scroll role="region" aria-label={ "Scorecards of " (as_of) } tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Competed" } th scope="col" .number { "Pinball loss" } th scope="col" .number { "MAE" }
                    th scope="col" .number { "MASE" } th scope="col" .number { "Coverage" } th scope="col" .number { "Better by" }
                    th scope="col" .number { "p" }
                } }
                tbody { @for (card, comparison) in cards {
                    tr {
                        th scope="row" { @if let Some(specification) = card.specification { (specification) } }
                        td .number { (words.error(card.pinball, 4)) }
                        td .number { (words.error(card.mae, 3)) }
                        td .number { (format!("{:.3}", card.mase)) }
                        td .number { @for c in &card.coverage { (c.level) " %: " (share(c.realised)) " " } }
                        td .number { (comparison.map_or_else(|| "in service".to_owned(), |c| super::percent(Some(c.improvement)))) }
                        td .number { (comparison.map_or_else(|| "-".to_owned(), |c| format!("{:.3}", c.p_value))) }
                    }
                } }
            }
        }
    }
}

fn scope(Snapshot { scope, market, bar, .. }: &Snapshot, words: Words) -> Markup {
    let warnings = warnings(scope, *bar, words);
    html! {
        h2 { "The data" }
        @if !warnings.is_empty() { ul .warnings { @for warning in &warnings { li { (warning) } } } }
        dl .facts {
            dt { "Source" } dd { (market) }
            dt { (words.heading()) "s" } dd { (scope.sessions) " from " (scope.first) " to " (scope.last) }
            dt { "Without a bar" } dd { (scope.sessions_missing)
                @for gap in &scope.gaps { ", " (gap.sessions) " after " (gap.after) } }
            dt { "Rows without a price" } dd { (scope.rows_without_price) }
            dt { "Days that stand out" } dd { (scope.outliers)
                @for moved in &scope.largest_moves { ", " (moved.day) " (" (super::percent(Some(moved.log_return.exp_m1()))) ")" } }
            dt { (words.heading()) "s without a usable range" } dd { (scope.ranges_refused.values().sum::<usize>())
                @for (reason, sessions) in &scope.ranges_refused { ", " (sessions) " with " (reason) } }
            @if let Some(split) = scope.last_split { dt { "Last split" } dd { (split.day) ", factor " (split.value) } }
            @if let Some(dividend) = scope.last_dividend { dt { "Last dividend" } dd { (dividend.day) ", " (dividend.value) " a share" } }
        }
    }
}

fn warnings(scope: &Scope, bar: BarStatus, words: Words) -> Vec<String> {
    let mut warnings = Vec::new();
    if bar == BarStatus::Preliminary {
        warnings.push(format!("The bar of {} is preliminary: the exchanges may still correct it.", scope.last));
    }
    if scope.closes_alone {
        warnings
            .push("The source tells closes as they were traded: a dividend or a split looks like a fall.".to_owned());
    }
    if scope.sessions_missing > 0 {
        warnings.push(format!("{} {}s have no bar: {}.", scope.sessions_missing, words.unit, words.missing()));
    }
    if scope.rows_without_price > 0 {
        warnings.push(format!("The source gave {} rows without a price.", scope.rows_without_price));
    }
    warnings
}
