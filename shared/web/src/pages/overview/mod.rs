//! Every ticker in one table, what is wrong and what changed above the rest, and the night's health above all.

mod attention;
mod query;
mod strip;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use maud::{Markup, html};
use pipeline::{RunEntry, Standing, TickerStatus, WATCHED_RUNS, Watched, newest_session, watched};

use self::{
    attention::{Attention, Group},
    query::{COLUMNS, OUTCOMES, Query, Row, change, outcome},
};
use super::{
    day, draw,
    layout::{self, Place},
    moment, percent, price, range, share, verdict,
};
use crate::{Problem, stores::Stores};

/// Rows of a page.
const ROWS: usize = 200;

pub(crate) async fn page(State(stores): State<Stores>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref())?;
    let Watched { runs, tickers } = watched(&*stores.archive, &*stores.ledger, WATCHED_RUNS).await?;
    let today = newest_session(&runs);
    let all: Vec<Row> =
        tickers.into_iter().map(|ticker| Row { attention: Attention::of(&ticker, today), ticker }).collect();
    let mut shown: Vec<&Row> = all.iter().filter(|row| query.admits(row)).collect();
    shown.sort_by(|a, b| query.order(a, b));
    let content = html! {
        h1 .unseen { "Tickers" }
        @if runs.is_empty() { (nothing_yet()) }
        @for entry in runs.iter().filter(|entry| entry.closure.is_none()) { (open(entry)) }
        @if !all.is_empty() {
            (strip::strip(&runs, &all, stores.schedule.as_deref()))
            (failures(&all))
            div #tickers data-follows-search { (listed(&query, &shown, &all)) }
        } @else if let Some(entry) = runs.iter().find(|entry| entry.closure.is_some()) {
            p .lead { "No ticker has been worked on yet. The newest night is that of "
                a href={ "/runs/" (entry.run.id) } { (entry.run.as_of) } "." }
        }
    };
    Ok(layout::searched("Tickers", Some(Place::Tickers), &query.text, &content, &[]))
}

fn nothing_yet() -> Markup {
    html! {
        section .outcome.open aria-label="Last night" {
            p { strong { "Nothing has been run yet." } " " code { "closing-bell run" } " runs a night; "
                "the first forecasts are here when it is done." }
        }
    }
}

fn open(entry: &RunEntry) -> Markup {
    html! {
        section .outcome.open aria-label={ "The open night of " (entry.run.as_of) } {
            p { strong { "The night of " (entry.run.as_of) " is under way, or was cut off" } ", since " (moment(&entry.opened_at)) " UTC. "
                a href={ "/runs/" (entry.run.id) } { "Its progress, and how to complete it" } }
        }
    }
}

/// How many failed tickers are named above the table.
const NAMED: usize = 6;

/// Each ticker whose newest run failed it, whichever run that was: no later run of others hides it.
fn failures(all: &[Row]) -> Markup {
    let failed: Vec<&Row> = all.iter().filter(|row| row.ticker.status != TickerStatus::Done).collect();
    html! {
        @if !failed.is_empty() {
            section .outcome.partial aria-label="Failures" {
                p .alarm { strong { (failed.len()) " of " (all.len()) " tickers failed" } " in their newest night" }
                ul {
                    @for row in failed.iter().take(NAMED) {
                        li { a href={ "/tickers/" (row.ticker.ticker) } { (row.ticker.ticker) } ": " (row.attention.why) }
                    }
                    @if failed.len() > NAMED { li { a href="/?only=attention" { "and " (failed.len() - NAMED) " more" } } }
                }
            }
        }
    }
}

fn listed(query: &Query, shown: &[&Row], all: &[Row]) -> Markup {
    let pages = shown.len().div_ceil(ROWS).max(1);
    let page = query.page.min(pages);
    let rows = &shown[(page - 1) * ROWS..(page * ROWS).min(shown.len())];
    html! {
        (filter(query, shown.len(), all))
        @if rows.is_empty() {
            p { "No ticker fits. " a href="/" { "Show all" } }
        } @else {
            (table(query, rows))
            @if pages > 1 {
                nav .pager aria-label="Pages" {
                    @if page > 1 { a href=(query.turned(page - 1)) { "Previous" } }
                    span { "Page " (page) " of " (pages) }
                    @if page < pages { a href=(query.turned(page + 1)) { "Next" } }
                }
            }
        }
    }
}

fn filter(query: &Query, shown: usize, all: &[Row]) -> Markup {
    let of = |group: Group| all.iter().filter(|row| row.attention.group == group).count();
    let counted = |outcome: &str| all.iter().filter(|row| self::outcome(&row.ticker) == outcome).count();
    let chip = |only: Option<&str>, name: &str, n: usize| {
        html! { a href=(query.alone(only)) aria-current=[(query.only == only).then_some("true")] { (name) " " (n) } }
    };
    html! {
        nav .filter aria-label="Show" {
            (chip(None, "All", all.len()))
            @for group in Group::ALL { @if of(group) > 0 { (chip(Some(group.as_str()), group.title(), of(group))) } }
            @for outcome in OUTCOMES {
                @if counted(outcome) > 0 && counted(outcome) < all.len() { (chip(Some(outcome), outcome, counted(outcome))) }
            }
            p .count aria-live="polite" { (shown) " of " (all.len()) " tickers"
                @if !query.text.is_empty() { " for \u{201c}" (query.text) "\u{201d}" } }
        }
    }
}

fn table(query: &Query, rows: &[&Row]) -> Markup {
    // Of others than sessions it is said so.
    let sessions =
        rows.iter().filter_map(|row| row.ticker.standing.as_ref()).all(|standing| standing.origin.session().is_some());
    let heading = |column: usize| {
        let (name, title) = COLUMNS[column];
        let sort = (column == query.column).then_some(if query.descending { "descending" } else { "ascending" });
        html! {
            th scope="col" class=(name) aria-sort=[sort] {
                a href=(query.sorted(column)) {
                    @match name { "close" if sessions => "Last close", "forecast" if sessions => "Next session", _ => (title) }
                }
            }
        }
    };
    html! {
        div .scroll role="region" aria-label="Tickers" tabindex="0" {
            table .overview {
                thead { tr {
                    (heading(1)) th scope="col" .spark { "Sixty " @if sessions { "sessions" } @else { "periods" } }
                    @for column in 2..COLUMNS.len() { (heading(column)) }
                    (heading(0)) th scope="col" .why { "Why" }
                } }
                @if query.is_grouped() {
                    @for group in Group::ALL {
                        @let of: Vec<&&Row> = rows.iter().filter(|row| row.attention.group == group).collect();
                        @if !of.is_empty() {
                            tbody {
                                @if of.len() < rows.len() { tr .group { th colspan="10" scope="rowgroup" { (group.title()) } } }
                                @for row in of { (line(row)) }
                            }
                        }
                    }
                } @else {
                    tbody { @for row in rows { (line(row)) } }
                }
            }
        }
    }
}

const SPARK: (f64, f64) = (110.0, 24.0);

fn line(Row { ticker: row, attention }: &Row) -> Markup {
    html! {
        tr class=(attention.style) {
            th scope="row" .ticker { a href={ "/tickers/" (row.ticker) } { (row.ticker) } }
            @if let Some(standing) = &row.standing {
                td .spark {
                    svg width=(SPARK.0) height=(SPARK.1) viewBox={ "0 0 " (SPARK.0) " " (SPARK.1) } aria-hidden="true" {
                        polyline points=(pictures::sparkline(&standing.recent, SPARK.0, SPARK.1)) {}
                    }
                }
                td .close title=(standing.origin) { (price(standing.last_close())) }
                td .day { (percent(day(standing))) }
                td .forecast { (next(standing)) }
                td .model title={ "in service since " (standing.since) } { (standing.model) }
                td .skill { (skill(standing)) }
                td .coverage { (coverage(standing)) }
            } @else {
                td .spark {} td .close { "-" } td .day { "-" } td .forecast { "-" } td .model { "-" } td .skill { "-" } td .coverage { "-" }
            }
            td .verdict { (verdict(row.verdict, row.status)) }
            td .why title=(attention.why) { (without_model(row, &attention.why)) }
        }
    }
}

/// A reason without what stands in the row already ("random walk kept: "), and beginning with what differs from row to row.
fn without_model<'a>(row: &pipeline::WatchedTicker, why: &'a str) -> &'a str {
    let model = row.standing.as_ref().map(|standing| standing.model.as_str()).unwrap_or_default();
    let Some(rest) = why.strip_prefix(model).and_then(|rest| rest.strip_prefix(" kept: ")) else { return why };
    match rest.split_once(" has ") {
        Some((_, evidence)) if evidence.starts_with("evidence") => evidence,
        _ => rest,
    }
}

fn next(standing: &Standing) -> Markup {
    let Some(step) = standing.steps.first() else { return html! { "-" } };
    html! {
        (price(step.mean))
        // A walk's forecast is the last value: nothing is lost by not saying so.
        @if change(standing).is_some_and(|change| change.abs() >= 0.0005) { " " span .change { (percent(change(standing))) } }
        @if let Some(interval) = step.intervals.first() {
            " " span .range title={ (interval.level) " % interval" } { (range(interval)) }
        }
    }
}

fn skill(standing: &Standing) -> Markup {
    let said = format!("{} {} forecasts", standing.skill.n, super::source(standing.skill.source));
    html! {
        @if standing.baseline { span .none title="It claims no skill: skill is measured against it" { "baseline" } }
        @else {
            @let value = standing.skill.value;
            span class=[value.filter(|value| *value < 0.0).map(|_| "bad")] title=(said) { (percent(value)) }
        }
    }
}

/// How often the first interval held: a dot beside the band in which it is by chance alone.
fn coverage(standing: &Standing) -> Markup {
    let Some(realised) = standing.coverage.first() else { return html! { "-" } };
    let coverage = &realised.coverage;
    let said = format!(
        "the {} % interval held {} of {} {} forecasts",
        coverage.level,
        share(coverage.realised),
        coverage.n,
        super::source(realised.source)
    );
    draw::dot(coverage, standing.chance(coverage), &said)
}
