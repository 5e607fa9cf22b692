//! Statistics of the data's scope: what a history covers, and what in it deserves a second look.

use std::collections::BTreeMap;

use augurs::outlier::{MADDetector, OutlierDetector};
use serde::{Deserialize, Serialize};

use crate::{Bar, Kind, Period, PriceSeries, scale::range};

/// What one price series covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// First session with a bar.
    pub first: Period,
    /// Last session with a bar.
    pub last: Period,
    /// Sessions with a bar.
    pub sessions: usize,
    /// Sessions between first and last without a bar.
    pub sessions_missing: usize,
    /// The longest stretches without a bar, longest first, at most five.
    pub gaps: Vec<Gap>,
    /// Rows that the source gave without a price.
    pub rows_without_price: usize,
    /// Days on which the log return stands out (double median absolute deviation beyond [`OUTLIER_SCORE`]).
    pub outliers: usize,
    /// The most striking of them, at most five.
    pub largest_moves: Vec<Move>,
    /// Sessions whose open, high and low tell nothing of the volatility, by the reason: their close alone counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges_refused: BTreeMap<String, usize>,
    /// Whether the source tells closes as they were traded, and of no dividend or split.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closes_alone: bool,
    /// The last split that the source tells of.
    pub last_split: Option<Event>,
    /// The last dividend that the source tells of.
    pub last_dividend: Option<Event>,
}

/// Sessions without a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Last session with a bar before the gap.
    pub after: Period,
    /// Sessions without one.
    pub sessions: usize,
}

/// A day whose return stands out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The session.
    pub day: Period,
    /// Log return since the bar before; the difference of values.
    pub log_return: f64,
    /// Distance from the median in median absolute deviations, scaled to be a standard deviation for normal returns.
    pub score: f64,
}

/// A split or a dividend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The session on which it took effect.
    pub day: Period,
    /// Split factor, or cash per share.
    pub value: f64,
}

/// Returns of stocks have heavy tails: under ten deviations nothing is remarkable.
pub const OUTLIER_SCORE: f64 = 10.0;

const LISTED: usize = 5;

impl Scope {
    /// Describes a series; how many rows its source gave without a price is for the caller to know, because a series
    /// that was stored and extended no longer holds them.
    pub fn of(series: &PriceSeries, rows_without_price: usize) -> Scope {
        let bars = series.bars();
        let mut gaps: Vec<Gap> = bars
            .windows(2)
            .map(|pair| Gap { after: pair[0].day, sessions: pair[0].day.periods_until(pair[1].day).saturating_sub(1) })
            .filter(|gap| gap.sessions > 0)
            .collect();
        let sessions_missing = gaps.iter().map(|gap| gap.sessions).sum();
        gaps.sort_by_key(|gap| std::cmp::Reverse(gap.sessions));
        gaps.truncate(LISTED);

        let mut moves = outlying_moves(series);
        let outliers = moves.len();
        moves.truncate(LISTED);

        let last_event = |value: fn(&Bar) -> Option<f64>, plain: f64| {
            let event = |bar: &Bar| value(bar).filter(|v| *v != plain).map(|v| Event { day: bar.day, value: v });
            bars.iter().rev().find_map(event)
        };
        Scope {
            first: bars[0].day,
            last: series.last().day,
            sessions: bars.len(),
            sessions_missing,
            gaps,
            rows_without_price,
            outliers,
            largest_moves: moves,
            ranges_refused: if series.kind() == Kind::Price { ranges_refused(bars) } else { BTreeMap::new() },
            closes_alone: series.is_of_closes_alone(),
            last_split: last_event(|bar| bar.split_factor, 1.0),
            last_dividend: last_event(|bar| bar.dividend, 0.0),
        }
    }
}

fn ranges_refused(bars: &[Bar]) -> BTreeMap<String, usize> {
    let mut refused = BTreeMap::new();
    for pair in bars.windows(2) {
        let change = Kind::Price.change(pair[0].adjusted_close, pair[1].adjusted_close);
        if let Err(reason) = range::variance(&pair[1], change) {
            *refused.entry(reason.to_owned()).or_default() += 1;
        }
    }
    refused
}

/// Most striking first. A series whose returns are mostly zero has no scale to stand out against: it has none.
fn outlying_moves(series: &PriceSeries) -> Vec<Move> {
    let bars = series.bars();
    let returns: Vec<f64> =
        bars.windows(2).map(|pair| series.kind().change(pair[0].adjusted_close, pair[1].adjusted_close)).collect();
    let moving = returns.iter().filter(|r| **r != 0.0).count();
    if moving * 2 <= returns.len() || moving < 10 {
        return Vec::new();
    }
    let detector = MADDetector::with_threshold(OUTLIER_SCORE);
    let Ok(found) = detector.preprocess(&[&returns]).and_then(|data| detector.detect(&data)) else {
        return Vec::new();
    };
    let scores = found.series_results.into_iter().next().map(|s| s.scores).unwrap_or_default();
    let mut moves: Vec<Move> = scores
        .iter()
        .zip(&returns)
        .zip(&bars[1..])
        .filter(|((score, _), _)| **score > OUTLIER_SCORE)
        .map(|((score, log_return), bar)| Move { day: bar.day, log_return: *log_return, score: *score })
        .collect();
    moves.sort_by(|a, b| b.score.total_cmp(&a.score));
    moves
}
