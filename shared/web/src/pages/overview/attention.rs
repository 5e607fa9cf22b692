//! What a ticker needs of whoever looks comes before everything else, with the reason.

use forecasting::{Decision, Stamp};
use pipeline::{Source, Standing, TickerStatus, WatchedTicker, plain_reason};

use crate::pages::{percent, share};

/// In the order of a morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Attention,
    Changed,
    Steady,
}

impl Group {
    pub(super) const ALL: [Group; 3] = [Group::Attention, Group::Changed, Group::Steady];

    /// As the query names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Group::Attention => "attention",
            Group::Changed => "changed",
            Group::Steady => "steady",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Group::Attention => "Needs attention",
            Group::Changed => "Changed in the last night",
            Group::Steady => "Steady",
        }
    }
}

/// What a ticker needs, and why.
pub(super) struct Attention {
    pub(super) group: Group,
    /// As a row's style: `failed`, `watch`, `changed` or nothing.
    pub(super) style: &'static str,
    pub(super) why: String,
}

/// So many periods without a newer value are too many: the last one may be late.
const STALE: usize = 3;
/// A coverage this many standard deviations from its level is no chance (two-sided, one in a thousand of a normal distribution).
const CHANCE: f64 = 3.29;
/// Fewer live forecasts than this say nothing yet.
const MIN_LIVE: usize = 20;

impl Attention {
    pub(super) fn of(row: &WatchedTicker, today: Option<Stamp>) -> Attention {
        let needs = |style, why| Attention { group: Group::Attention, style, why };
        let reason = plain_reason(&row.ticker, &row.reason).to_owned();
        if row.status != TickerStatus::Done {
            return needs("failed", reason);
        }
        let troubles: Vec<String> = row
            .standing
            .iter()
            .flat_map(|standing| [stale(standing, today), loses(standing), held(standing), drifts(standing)])
            .flatten()
            .collect();
        if !troubles.is_empty() {
            return needs("watch", troubles.join("; "));
        }
        match row.verdict {
            Some(Decision::Promote | Decision::Demote | Decision::Rollback | Decision::Release) => {
                Attention { group: Group::Changed, style: "changed", why: reason }
            }
            _ => Attention { group: Group::Steady, style: "", why: reason },
        }
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
    Some(format!("it loses to the baseline: {} over {} live forecasts", percent(Some(value)), skill.n))
}

/// So many periods are compared with those before, where there are twice as many.
const LATELY: usize = 20;
/// Moves so many times as large as before are news about the data, whatever the model makes of them.
const DRIFT: f64 = 3.0;

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

fn held(standing: &Standing) -> Option<String> {
    let live = standing.coverage.iter().filter(|coverage| coverage.source == Source::Live);
    live.map(|coverage| &coverage.coverage).find(|coverage| coverage.n >= MIN_LIVE && is_out(coverage, standing)).map(
        |coverage| {
            format!("its {} % interval held {} of {} forecasts", coverage.level, share(coverage.realised), coverage.n)
        },
    )
}

/// How far from its level chance alone takes a coverage. Forecasts of several horizons overlap: so many origins are behind them.
pub(super) fn chance(coverage: &forecasting::Coverage, standing: &Standing) -> f64 {
    let level = coverage.level.probability();
    let origins = coverage.n as f64 / standing.steps.len().max(1) as f64;
    CHANCE * (level * (1.0 - level) / origins.max(1.0)).sqrt()
}

/// Whether a coverage is further from its level than that.
pub(super) fn is_out(coverage: &forecasting::Coverage, standing: &Standing) -> bool {
    (coverage.realised - coverage.level.probability()).abs() > chance(coverage, standing)
}
