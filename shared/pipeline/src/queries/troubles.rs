//! What is wrong with a ticker whose night went well: what a person should look at, in words.

use forecasting::{Coverage, Stamp};

use super::WatchedTicker;
use crate::{RunEntry, RunStatus, Source, Standing};

/// So many periods without a newer value are too many: the last one may be late.
const STALE: usize = 3;
/// A coverage this many standard deviations from its level is no chance (two-sided, one in a thousand of a normal distribution).
const CHANCE: f64 = 3.29;
/// Fewer live forecasts than this say nothing yet.
const MIN_LIVE: usize = 20;
/// So many periods are compared with those before, where there are twice as many.
const LATELY: usize = 20;
/// Moves so many times as large as before are news about the data, whatever the model makes of them.
const DRIFT: f64 = 3.0;

/// The newest day that forecasts know: a holiday has nothing to say of anything.
pub fn newest_session(runs: &[RunEntry]) -> Option<Stamp> {
    let worked = |entry: &&RunEntry| {
        entry.closure.as_ref().is_some_and(|closure| closure.status != RunStatus::NoSession && closure.done > 0)
    };
    runs.iter().filter(worked).map(|entry| entry.run.as_of).max()
}

impl WatchedTicker {
    /// Its values are stale, its model loses to the baseline, its intervals are off, or its data drifts, as of a day.
    pub fn troubles(&self, today: Option<Stamp>) -> Vec<String> {
        let of = |standing: &Standing| [stale(standing, today), loses(standing), is_off(standing), drifts(standing)];
        self.standing.iter().flat_map(of).flatten().collect()
    }
}

impl Standing {
    /// How far from its level chance alone takes a coverage. Forecasts of several horizons overlap: so many origins are behind them.
    pub fn chance(&self, coverage: &Coverage) -> f64 {
        let level = coverage.level.probability();
        let origins = coverage.n as f64 / self.steps.len().max(1) as f64;
        CHANCE * (level * (1.0 - level) / origins.max(1.0)).sqrt()
    }

    /// Whether a coverage is further from its level than that.
    pub fn is_out(&self, coverage: &Coverage) -> bool {
        (coverage.realised - coverage.level.probability()).abs() > self.chance(coverage)
    }
}

fn stale(standing: &Standing, today: Option<Stamp>) -> Option<String> {
    let cadence = standing.origin.cadence();
    let missed = standing.origin.periods_until(cadence.up_to(today?, standing.origin));
    (missed >= STALE).then(|| format!("its newest value is of {}, {} ago", standing.origin, cadence.count(missed)))
}

fn loses(standing: &Standing) -> Option<String> {
    let skill = &standing.skill;
    let loses = !standing.baseline && skill.source == Source::Live && skill.n >= MIN_LIVE;
    let value = skill.value.filter(|value| loses && *value < 0.0)?;
    Some(format!("it loses to the baseline: {:.1} % over {} live forecasts", value * 100.0, skill.n))
}

fn is_off(standing: &Standing) -> Option<String> {
    let live = standing.coverage.iter().filter(|coverage| coverage.source == Source::Live);
    let out = |coverage: &&Coverage| coverage.n >= MIN_LIVE && standing.is_out(coverage);
    let Coverage { level, realised, n } = live.map(|coverage| &coverage.coverage).find(out)?;
    Some(format!("its {level} % interval held {:.1} % of {n} forecasts", realised * 100.0))
}

/// Whether values move otherwise than before: medians, which one outlier does not move.
fn drifts(standing: &Standing) -> Option<String> {
    let mut moves: Vec<f64> = standing.recent.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let lately = moves.split_off(moves.len().checked_sub(LATELY).filter(|before| *before >= LATELY)?);
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (before, lately) = (median(moves), median(lately));
    // Calm is no trouble.
    let times = lately / before;
    let unit = standing.origin.cadence().unit();
    (times.is_finite() && times >= DRIFT)
        .then(|| format!("its values move {times:.1} times as much in the last {LATELY} {unit}s as before"))
}
