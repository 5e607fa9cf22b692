//! Small drawings of a page, in SVG: their numbers are in a table or a sentence beside them.

use forecasting::Coverage;
use maud::{Markup, html};

const SIZE: (f64, f64) = (900.0, 240.0);
/// Left for labels: left, right, above, below.
const ROOM: (f64, f64, f64, f64) = (84.0, 14.0, 12.0, 26.0);

fn x(share: f64) -> f64 {
    ROOM.0 + share * (SIZE.0 - ROOM.0 - ROOM.1)
}

fn y(value: f64, (low, high): (f64, f64)) -> f64 {
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    ROOM.2 + (1.0 - share) * (SIZE.1 - ROOM.2 - ROOM.3)
}

/// A frame with labelled heights, and what is drawn in it.
fn frame(said: &str, range: (f64, f64), at: &[f64], label: impl Fn(f64) -> String, content: &Markup) -> Markup {
    html! {
        svg .drawing viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(said) {
            @for value in at {
                line .axis x1=(ROOM.0) x2=(SIZE.0 - ROOM.1) y1=(one(y(*value, range))) y2=(one(y(*value, range))) {}
                text x=(ROOM.0 - 8.0) y=(one(y(*value, range) + 4.0)) text-anchor="end" { (label(*value)) }
            }
            (content)
        }
    }
}

fn one(value: f64) -> String {
    format!("{value:.1}")
}

/// Values in their order, one line each, with what stands at both ends below.
pub(super) fn lines(
    said: &str,
    lines: &[(&[f64], &str)],
    range: (f64, f64),
    at: &[f64],
    label: impl Fn(f64) -> String,
    ends: &(String, String),
) -> Markup {
    let points = |values: &[f64]| {
        let last = values.len().saturating_sub(1).max(1) as f64;
        let at = |(place, value): (usize, &f64)| format!("{},{}", one(x(place as f64 / last)), one(y(*value, range)));
        values.iter().enumerate().map(at).collect::<Vec<_>>().join(" ")
    };
    let content = html! {
        @for (values, class) in lines { polyline class=(class) points=(points(values)) {} }
        text x=(ROOM.0) y=(SIZE.1 - 6.0) { (ends.0) }
        text x=(SIZE.0 - ROOM.1) y=(SIZE.1 - 6.0) text-anchor="end" { (ends.1) }
    };
    frame(said, range, at, label, &content)
}

/// A line, the zone that is sure around it, and the height that it should have.
pub(super) fn zone(
    said: &str,
    values: &[(f64, f64, f64)],
    aim: f64,
    range: (f64, f64),
    at: &[f64],
    label: impl Fn(f64) -> String,
    ends: &(String, String),
) -> Markup {
    let last = values.len().saturating_sub(1).max(1) as f64;
    let point = |place: usize, value: f64| format!("{},{}", one(x(place as f64 / last)), one(y(value, range)));
    let there = values.iter().enumerate().map(|(place, (_, _, upper))| point(place, *upper));
    let back = values.iter().enumerate().rev().map(|(place, (_, lower, _))| point(place, *lower));
    let around = there.chain(back).collect::<Vec<_>>().join(" ");
    let line = values.iter().enumerate().map(|(place, (value, ..))| point(place, *value)).collect::<Vec<_>>().join(" ");
    let content = html! {
        polygon .zone points=(around) {}
        polyline .aim points={ (one(x(0.0))) "," (one(y(aim, range))) " " (one(x(1.0))) "," (one(y(aim, range))) } {}
        polyline .line points=(line) {}
        text x=(ROOM.0) y=(SIZE.1 - 6.0) { (ends.0) }
        text x=(SIZE.0 - ROOM.1) y=(SIZE.1 - 6.0) text-anchor="end" { (ends.1) }
    };
    frame(said, range, at, label, &content)
}

/// Columns side by side, and the height that each should have.
pub(super) fn columns(
    said: &str,
    columns: &[(String, f64)],
    aim: f64,
    at: &[f64],
    label: impl Fn(f64) -> String,
) -> Markup {
    let high = columns.iter().map(|(_, height)| *height).fold(2.0 * aim, f64::max);
    let range = (0.0, high);
    let width = 1.0 / columns.len().max(1) as f64;
    let content = html! {
        @for (place, (name, height)) in columns.iter().enumerate() {
            @let left = x((place as f64 + 0.08) * width);
            @let right = x((place as f64 + 0.92) * width);
            rect .column x=(one(left)) y=(one(y(*height, range))) width=(one(right - left)) height=(one(y(0.0, range) - y(*height, range))) {}
            text x=(one(f64::midpoint(left, right))) y=(SIZE.1 - 6.0) text-anchor="middle" { (name) }
        }
        polyline .aim points={ (one(x(0.0))) "," (one(y(aim, range))) " " (one(x(1.0))) "," (one(y(aim, range))) } {}
    };
    frame(said, range, at, label, &content)
}

/// Width of a coverage's drawing; it shows the upper half, where all usual levels are.
const DOT: (f64, f64) = (64.0, 16.0);

/// How often an interval held: a dot beside the band, so wide to both sides, in which it is by chance alone.
pub(super) fn dot(coverage: &Coverage, chance: f64, said: &str) -> Markup {
    let level = coverage.level.probability();
    let out = (coverage.realised - level).abs() > chance;
    let x = |share: f64| 4.0 + ((share.clamp(0.5, 1.0) - 0.5) / 0.5) * (DOT.0 - 8.0);
    let (from, to) = (x(level - chance), x(level + chance));
    html! {
        svg class={ "dot" @if out { " out" } } width=(DOT.0) height=(DOT.1) viewBox={ "0 0 " (DOT.0) " " (DOT.1) } role="img" aria-label=(said) {
            title { (said) }
            rect .track x="0" y="7" width=(DOT.0) height="2" rx="1" {}
            line .aim x1=(one(x(level))) x2=(one(x(level))) y1="2" y2="14" {}
            rect .band x=(one(from)) y="4" width=(one((to - from).max(2.0))) height="8" rx="2" {}
            circle cx=(one(x(coverage.realised))) cy="8" r="4" {}
        }
        span class=[out.then_some("warn")] aria-hidden="true" { (format!("{:.0} %", coverage.realised * 100.0)) }
    }
}

/// Width of a drawing of evidence, from 1 to 10 up to ten times what is needed.
const ODDS: (f64, f64) = (96.0, 16.0);

/// Evidence to 1, beside what is needed: full to what is earned, and a mark where it would be if all that is claimed counted.
pub(super) fn odds(earned: f64, claimed: f64, needed: f64, said: &str) -> Markup {
    let (low, high) = (-1.0, needed.max(10.0).log10() + 1.0);
    let x = |odds: f64| 2.0 + ((odds.max(1e-9).log10().clamp(low, high) - low) / (high - low)) * (ODDS.0 - 4.0);
    html! {
        svg class={ "dot odds" @if earned < needed { " short" } } width=(ODDS.0) height=(ODDS.1) viewBox={ "0 0 " (ODDS.0) " " (ODDS.1) } role="img" aria-label=(said) {
            title { (said) }
            rect .track x="0" y="7" width=(ODDS.0) height="2" rx="1" {}
            rect .earned x="2" y="5" width=(one(x(earned) - 2.0)) height="6" rx="2" {}
            circle .claimed cx=(one(x(claimed))) cy="8" r="3" {}
            line .aim x1=(one(x(needed))) x2=(one(x(needed))) y1="1" y2="15" {}
        }
    }
}
