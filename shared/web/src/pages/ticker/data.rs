//! The data's scope: how much there is, what is missing, what stands out.

use forecasting::Scope;
use maud::{Markup, html};
use pipeline::{BarStatus, Snapshot};

use crate::pages::{percent, words::Words};

pub(super) fn scope(Snapshot { scope, market, bar, .. }: &Snapshot, words: Words) -> Markup {
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
                @for moved in &scope.largest_moves { ", " (moved.day) " (" (percent(Some(moved.log_return.exp_m1()))) ")" } }
            dt { (words.heading()) "s without a usable range" } dd { (scope.ranges_refused.values().sum::<usize>())
                @for (reason, sessions) in &scope.ranges_refused { ", " (sessions) " with " (reason) } }
            @if let Some(split) = scope.last_split { dt { "Last split" } dd { (split.day) ", factor " (split.value) } }
            @if let Some(dividend) = scope.last_dividend { dt { "Last dividend" } dd { (dividend.day) ", " (dividend.value) " a share" } }
        }
    }
}

pub(super) fn warnings(scope: &Scope, bar: BarStatus, words: Words) -> Vec<String> {
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
