//! `reports/{run}/index.html`: the night as one page that opens from disk and asks nothing of any host.

use forecasting::Decision;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pictures::Theme;

use crate::{Run, RunStatus, TickerOverview, TickerStatus, plain_reason};

const STYLE: &str = include_str!("page.css");
/// Nothing is loaded, nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const PANEL: (u32, u32) = (420, 220);

pub(super) fn page(run: &Run, status: RunStatus, tickers: &[TickerOverview]) -> String {
    let done = tickers.iter().filter(|t| t.status == TickerStatus::Done).count();
    let troubled: Vec<&TickerOverview> = tickers.iter().filter(|t| t.status != TickerStatus::Done).collect();
    let whole = if troubled.is_empty() { "whole" } else { "partial" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Night of " (run.as_of) " - Closing Bell" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Night of " (run.as_of) }
                    p class=(whole) { (status) ", " (done) " of " (tickers.len()) " tickers done. Run " code { (run.id) } "." }
                    @if !troubled.is_empty() {
                        h2 { "Not done" }
                        ul { @for ticker in troubled { li { strong { (ticker.ticker) } " " (plain_reason(&ticker.ticker, &ticker.reason)) } } }
                    }
                    @for ticker in tickers.iter().filter(|t| t.standing.is_some()) { (section(ticker)) }
                    p { "Skill is against a random walk. This is no investment advice." }
                }
            }
        }
    };
    page.into_string()
}

fn section(ticker: &TickerOverview) -> Markup {
    let Some(standing) = &ticker.standing else { return html! {} };
    let picture = pictures::fan(&standing.fan(&ticker.ticker), PANEL, Theme::Light);
    let picture =
        picture.inspect_err(|error| tracing::warn!(%error, ticker = %ticker.ticker, "not drawn")).unwrap_or_default();
    let percent = |value: f64| format!("{:+.1} %", value * 100.0);
    html! {
        section {
            h2 { (ticker.ticker) }
            div .beside {
                div .picture { (PreEscaped(picture)) }
                div {
                    p {
                        strong { (ticker.verdict.map_or("-", Decision::as_str)) } " " (ticker.reason)
                    }
                    p {
                        (standing.model) ", in service since " (standing.since) ". Skill "
                        (standing.skill.value.map_or_else(|| "-".to_owned(), percent)) " over " (standing.skill.n)
                        " forecasts"
                        @for realised in &standing.coverage {
                            "; the " (realised.coverage.level) " % interval held "
                            (format!("{:.1}", realised.coverage.realised * 100.0)) " %"
                        }
                        "."
                    }
                    table {
                        thead {
                            tr {
                                th scope="col" { "Session" } th scope="col" { "Forecast" }
                                @for interval in standing.steps.first().map(|s| s.intervals.as_slice()).unwrap_or_default() {
                                    th scope="col" { (interval.level) " %" }
                                }
                            }
                        }
                        tbody {
                            @for step in &standing.steps {
                                tr {
                                    th scope="row" { (step.date) } td { (format!("{:.2}", step.mean)) }
                                    @for interval in &step.intervals {
                                        td { (format!("{:.2} - {:.2}", interval.lower, interval.upper)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
