//! Every ticker in one table, the last night's outcome above it.

use std::{cmp::Ordering, collections::BTreeMap};

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use forecasting::{Period, Stamp};
use maud::{Markup, html};
use pipeline::{
    RunEntry, RunStatus, Standing, TickerStatus, TickerSummary, Watched, WatchedTicker, plain_reason, watched,
};

use super::{
    layout::{self, Place},
    moment, percent, price, range, share, verdict,
};
use crate::{Problem, format::short, parameters::Parameters, stores::Stores};

/// A ticker that none of so many runs worked on is not watched any more.
const RUNS: usize = 30;

/// The columns that sort, as the query names them.
const COLUMNS: [(&str, &str); 8] = [
    ("ticker", "Ticker"),
    ("close", "Last value"),
    ("forecast", "Next period"),
    ("model", "Model"),
    ("since", "In service"),
    ("skill", "Skill"),
    ("coverage", "Coverage"),
    ("verdict", "Verdict"),
];

/// What the query asks for.
struct Asked {
    sort: usize,
    descending: bool,
    text: String,
    only: Option<&'static str>,
}

/// Outcomes that can be shown alone.
const OUTCOMES: [&str; 8] = ["promote", "demote", "refit", "keep", "rollback", "release", "failed", "skipped"];

impl Asked {
    fn read(query: Option<&str>) -> Result<Asked, Problem> {
        let query = Parameters::read(query, &["sort", "order", "q", "only"], &[])?;
        let sort = query.one("sort").unwrap_or("ticker");
        let sort = COLUMNS.iter().position(|(name, _)| *name == sort);
        let descending = match query.one("order") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::field("order", "it is asc or desc")),
        };
        let only = match query.one("only") {
            None | Some("") => None,
            Some(word) => {
                let known = OUTCOMES.iter().find(|outcome| **outcome == word).copied();
                Some(known.ok_or_else(|| Problem::field("only", "it is an outcome, such as promote or failed"))?)
            }
        };
        let sort = sort.ok_or_else(|| Problem::field("sort", "there is no such column"))?;
        Ok(Asked { sort, descending, text: short(query.one("q").unwrap_or_default().trim()), only })
    }

    fn admits(&self, row: &WatchedTicker) -> bool {
        let text = self.text.to_ascii_uppercase();
        let model = row.standing.as_ref().map(|s| s.model.to_ascii_uppercase()).unwrap_or_default();
        let found = row.ticker.as_str().contains(&text) || model.contains(&text);
        found && self.only.is_none_or(|only| outcome(row) == only)
    }

    fn order(&self, a: &WatchedTicker, b: &WatchedTicker) -> Ordering {
        let (of, or) = (a.standing.as_ref(), b.standing.as_ref());
        let numbers =
            |value: fn(&Standing) -> Option<f64>| self.by(of.and_then(value), or.and_then(value), f64::total_cmp);
        let ordering = match COLUMNS[self.sort].0 {
            "close" => numbers(|s| Some(s.last_close())),
            "forecast" => numbers(change),
            "skill" => numbers(|s| s.skill.value),
            "coverage" => numbers(|s| s.coverage.first().map(|c| c.coverage.realised)),
            "model" => self.by(of.map(|s| &s.model), or.map(|s| &s.model), Ord::cmp),
            "since" => self.by(of.map(|s| s.since), or.map(|s| s.since), Ord::cmp),
            "verdict" => self.by(Some(outcome(a)), Some(outcome(b)), Ord::cmp),
            _ => self.by(Some(&a.ticker), Some(&b.ticker), Ord::cmp),
        };
        ordering.then_with(|| a.ticker.cmp(&b.ticker))
    }

    /// What is not known comes last, whichever way it is sorted.
    fn by<T>(&self, a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => order(&b, &a),
            (Some(a), Some(b)) => order(&a, &b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    fn link(&self, column: usize) -> String {
        let order = if column == self.sort && !self.descending { "desc" } else { "asc" };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("sort", COLUMNS[column].0).append_pair("order", order);
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if let Some(only) = self.only {
            query.append_pair("only", only);
        }
        format!("/?{}", query.finish())
    }
}

fn outcome(row: &WatchedTicker) -> &'static str {
    match row.status {
        TickerStatus::Failed => "failed",
        TickerStatus::Skipped => "skipped",
        TickerStatus::Done => row.verdict.map_or("keep", forecasting::Decision::as_str),
    }
}

/// The forecast of the next session as a change.
fn change(standing: &Standing) -> Option<f64> {
    standing.steps.first().map(|step| step.mean / standing.last_close() - 1.0)
}

pub(crate) async fn page(State(stores): State<Stores>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let asked = Asked::read(query.as_deref())?;
    let Watched { runs, tickers } = watched(&*stores.archive, &*stores.ledger, RUNS).await?;
    let all = tickers.len();
    let mut rows: Vec<WatchedTicker> = tickers.into_iter().filter(|row| asked.admits(row)).collect();
    rows.sort_by(|a, b| asked.order(a, b));
    let troubled = match runs.first().and_then(|newest| newest.closure.as_ref()) {
        Some(closure) if closure.status.is_incomplete() => {
            let mut outcomes = closure.outcomes(&*stores.archive).await?;
            outcomes.retain(|ticker| ticker.status != TickerStatus::Done);
            outcomes
        }
        _ => Vec::new(),
    };
    let content = html! {
        h1 { "Tickers" }
        (last_night(runs.first(), &troubled))
        @for entry in runs.iter().skip(1).filter(|entry| entry.closure.is_none()) {
            section .outcome.open aria-label={ "The open night of " (entry.run.as_of) } {
                p { strong { "The night of " (entry.run.as_of) " is not closed." } " "
                    a href={ "/runs/" (entry.run.id) } { "What is missing can be completed" } }
            }
        }
        @if all > 0 {
            (filter(&asked, rows.len(), all))
            (table(&asked, &rows, runs.first()))
        }
    };
    Ok(layout::page("Tickers", Some(Place::Tickers), &content))
}

/// How many failed tickers are named.
const NAMED: usize = 12;

fn last_night(newest: Option<&RunEntry>, troubled: &[TickerSummary]) -> Markup {
    let Some(entry) = newest else {
        return html! {
            section .outcome.open aria-label="Last night" {
                p { strong { "Nothing has been run yet." } " " code { "closing-bell run" } " runs a night; "
                    "the first forecasts are here when it is done." }
            }
        };
    };
    let run = &entry.run;
    let link = html! { a href={ "/runs/" (run.id) } { "The night in full" } };
    let Some(closure) = &entry.closure else {
        return html! {
            section .outcome.open aria-label="Last night" {
                p { strong { "The night of " (run.as_of) " is not closed." }
                    " It has been under way, or cut off, since " (moment(&entry.opened_at)) " UTC. " (link) }
            }
        };
    };
    let (done, all) = (closure.done, closure.tickers());
    html! {
        @match closure.status {
            RunStatus::NoSession => {
                section .outcome.open aria-label="Last night" {
                    p { strong { (run.as_of) ": no session." } " The exchange was closed. " (link) }
                }
            }
            RunStatus::Succeeded => {
                section .outcome.succeeded aria-label="Last night" {
                    p { strong { "Night of " (run.as_of) ": all " (all) " tickers done." } " " (link) }
                }
            }
            RunStatus::Partial | RunStatus::Failed => {
                section .outcome.partial aria-label="Last night" {
                    p .alarm { strong { "Night of " (run.as_of) " failed" @if done > 0 { " in part" } ": " (done) " of " (all) " tickers done." } }
                    ul {
                        @for ticker in troubled.iter().take(NAMED) {
                            li { a href={ "/tickers/" (ticker.ticker) } { (ticker.ticker) } ": "
                                (plain_reason(&ticker.ticker, &ticker.reason)) }
                        }
                        @if troubled.len() > NAMED { li { "and " (troubled.len() - NAMED) " more" } }
                    }
                    p { (link) }
                }
            }
        }
    }
}

fn filter(asked: &Asked, shown: usize, all: usize) -> Markup {
    html! {
        form .filter method="get" action="/" role="search" aria-label="Filter tickers" {
            label for="q" { "Ticker or model" }
            input #q name="q" type="search" value=(asked.text) maxlength="60";
            label for="only" { "Last outcome" }
            select #only name="only" {
                option value="" { "any" }
                @for outcome in OUTCOMES { option value=(outcome) selected[asked.only == Some(outcome)] { (outcome) } }
            }
            @if asked.sort > 0 { input type="hidden" name="sort" value=(COLUMNS[asked.sort].0); }
            @if asked.descending { input type="hidden" name="order" value="desc"; }
            button type="submit" { "Filter" }
            p .count { (shown) " of " (all) " tickers" }
        }
    }
}

fn table(asked: &Asked, rows: &[WatchedTicker], newest: Option<&RunEntry>) -> Markup {
    // Of others than sessions it is said so.
    let sessions =
        rows.iter().filter_map(|row| row.standing.as_ref()).all(|standing| standing.origin.session().is_some());
    let mut ages = Ages { today: newest.map(|entry| entry.run.as_of), known: BTreeMap::new() };
    html! {
        div .scroll role="region" aria-label="Tickers" tabindex="0" {
            table .overview {
                thead {
                    tr {
                        @for (column, (name, title)) in COLUMNS.iter().enumerate() {
                            th scope="col" class=(name) aria-sort=[(column == asked.sort)
                                .then_some(if asked.descending { "descending" } else { "ascending" })] {
                                a href=(asked.link(column)) {
                                    @match *name { "close" if sessions => "Last close", "forecast" if sessions => "Next session", _ => (title) }
                                }
                            }
                            @if *name == "ticker" { th scope="col" .spark { "Sixty " @if sessions { "sessions" } @else { "periods" } } }
                        }
                    }
                }
                tbody { @for row in rows { (line(row, &mut ages)) } }
            }
        }
    }
}

/// Periods in service, each day counted once.
struct Ages {
    today: Option<Stamp>,
    known: BTreeMap<(Stamp, Period), Option<String>>,
}

impl Ages {
    fn of(&mut self, since: Stamp, origin: Period) -> Option<String> {
        let (today, cadence) = (self.today?, origin.cadence());
        let count = || {
            let first = cadence.of_dates_like(origin.stamp()).period(since).ok()?;
            Some(cadence.count(first.periods_until(cadence.up_to(today, origin))))
        };
        self.known.entry((since, origin)).or_insert_with(count).clone()
    }
}

const SPARK: (f64, f64) = (120.0, 28.0);

fn line(row: &WatchedTicker, ages: &mut Ages) -> Markup {
    let WatchedTicker { ticker, status, verdict: decision, reason, standing } = row;
    let troubled = *status != TickerStatus::Done;
    html! {
        tr class=[troubled.then_some("troubled")] {
            th scope="row" .ticker { a href={ "/tickers/" (ticker) } { (ticker) } }
            @if let Some(standing) = standing {
                td .spark {
                    svg width=(SPARK.0) height=(SPARK.1) viewBox={ "0 0 " (SPARK.0) " " (SPARK.1) } aria-hidden="true" {
                        polyline points=(pictures::sparkline(&standing.recent, SPARK.0, SPARK.1)) {}
                    }
                }
                td .close { (price(standing.last_close())) span .sub { (standing.origin) } }
                @if let Some(step) = standing.steps.first() {
                    td .forecast {
                        (price(step.mean)) " " span .change { (percent(change(standing))) }
                        @if let Some(interval) = step.intervals.first() {
                            span .sub { span .level { (interval.level) " %: " } (range(interval)) }
                        }
                    }
                } @else { td .forecast { "-" } }
                td .model { (standing.model) }
                td .since { (standing.since)
                    @if let Some(age) = ages.of(standing.since, standing.origin) { span .sub { (age) } } }
                td .skill { (percent(standing.skill.value)) span .sub { (standing.skill.n) " " (super::source(standing.skill.source)) } }
                td .coverage {
                    @for realised in standing.coverage.iter().take(2) {
                        span .held { (realised.coverage.level) " %: " (share(realised.coverage.realised)) }
                    }
                }
            } @else {
                td .spark { } td .close { "-" } td .forecast { "-" } td .model { "-" } td .since { "-" } td .skill { "-" }
                td .coverage { "-" }
            }
            td .verdict { (verdict(*decision, *status)) @if troubled { span .sub.why { (plain_reason(ticker, reason)) } } }
        }
    }
}
