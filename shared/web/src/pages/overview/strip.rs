//! The health strip: as of when, what became of the night, and whether it can be trusted.

use forecasting::Decision;
use maud::{Markup, html};
use pipeline::{RunEntry, RunStatus, Source, TickerStatus};

use super::{attention::Group, query::Row};
use crate::pages::{percent, share};

pub(super) fn strip(runs: &[RunEntry], all: &[Row], schedule: Option<&str>) -> Markup {
    let worked =
        |entry: &&RunEntry| entry.closure.as_ref().is_some_and(|closure| closure.status != RunStatus::NoSession);
    // A partial run started by hand is no night of all tickers: the largest of the newest day tells how that went.
    let newest = runs.iter().filter(worked).map(|entry| entry.run.as_of).max();
    let night = runs
        .iter()
        .filter(worked)
        .filter(|entry| Some(entry.run.as_of) == newest)
        .max_by_key(|entry| entry.closure.as_ref().map_or(0, pipeline::Closure::tickers));
    let origins = all.iter().filter_map(|row| Some(row.ticker.standing.as_ref()?.origin));
    let known = origins.max_by_key(|origin| origin.stamp());
    let failed = all.iter().filter(|row| row.ticker.status != TickerStatus::Done).count();
    let attention = all.iter().filter(|row| row.attention.group == Group::Attention).count();
    let changed = all.iter().filter(|row| row.attention.group == Group::Changed).count();
    let verdicts = |decision| all.iter().filter(|row| row.ticker.verdict == Some(decision)).count();
    let no_session = runs
        .first()
        .filter(|entry| entry.closure.as_ref().is_some_and(|closure| closure.status == RunStatus::NoSession));
    html! {
        dl .tiles aria-label="Health" {
            div { dt { "Prices up to" } dd {
                @if let Some(origin) = known { (origin) } @else { "-" }
                span .sub {
                    @if let Some(entry) = night { a href={ "/runs/" (entry.run.id) } { "the night in full" } }
                    @if let Some(entry) = no_session { "; " (entry.run.as_of) ": no session" }
                    @if let Some(schedule) = schedule { "; nights begin " (schedule) }
                }
            } }
            div { dt { "Forecasts" } dd {
                @if failed == 0 { span .good { "All " (all.len()) } }
                @else { span .bad { (all.len() - failed) " of " (all.len()) } }
                span .sub { @if failed == 0 { "nothing failed" } @else { (failed) " failed" } }
            } }
            div { dt { "Changes" } dd {
                @if changed == 0 { "None" } @else { (changed) }
                span .sub { (verdicts(Decision::Promote)) " promoted, " (verdicts(Decision::Demote)) " demoted" }
            } }
            (structure(all))
            (coverage(all))
            div { dt { "Need attention" } dd {
                @if attention == 0 { span .good { "None" } } @else { a .warn href="/?only=attention" { (attention) } }
                span .sub { "failed, stale, losing, drifting, or off their coverage" }
            } }
        }
    }
}

/// Whether what is served beats the baseline, where it claims to.
fn structure(all: &[Row]) -> Markup {
    let standings = || all.iter().filter_map(|row| row.ticker.standing.as_ref()).filter(|standing| !standing.baseline);
    let mut skills: Vec<f64> = standings().filter_map(|standing| standing.skill.value).collect();
    skills.sort_by(f64::total_cmp);
    let median = (!skills.is_empty()).then(|| skills[skills.len() / 2]);
    html! {
        div { dt { "Beat the baseline" } dd {
            @if let Some(median) = median { (percent(Some(median))) } @else { "None claims to" }
            span .sub {
                @if median.is_some() { "median skill of " (standings().count()) " models; " }
                a href="/results" { "results over time" }
            }
        } }
    }
}

/// How often the first interval held, of all tickers together.
fn coverage(all: &[Row]) -> Markup {
    let first =
        || all.iter().filter_map(|row| row.ticker.standing.as_ref()).filter_map(|s| Some((s, s.coverage.first()?)));
    let live = || first().filter(|(_, coverage)| coverage.source == Source::Live);
    let of_live = live().count() > 0;
    let counted: Vec<_> = first().filter(|(_, coverage)| !of_live || coverage.source == Source::Live).collect();
    let n: usize = counted.iter().map(|(_, c)| c.coverage.n).sum();
    let held: f64 = counted.iter().map(|(_, c)| c.coverage.realised * c.coverage.n as f64).sum();
    let out = live().filter(|(standing, coverage)| standing.is_out(&coverage.coverage)).count();
    html! {
        @if let Some((_, one)) = counted.first() {
            div { dt { "The " (one.coverage.level) " % intervals held" } dd {
                (share(held / n.max(1) as f64))
                span .sub { "aim " (one.coverage.level) " %, " (n) " " @if of_live { "live" } @else { "record" } " forecasts"
                    @if out > 0 { "; " (out) " tickers are off" } }
            } }
        }
    }
}
