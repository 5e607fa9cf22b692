//! When to train: a policy looks at the champion's live record and says so, with the reason.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::LiveRecord;

/// When a run trains a challenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    /// At every run.
    #[default]
    Always,
    /// Only when the champion's live scores are worse than its backtest promised.
    Degraded,
    /// When the champion is at least this many sessions old.
    MaxAge(usize),
}

/// What is known of the champion when the policy is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChampionEvidence {
    /// Sessions since the last one it was trained on; `None` where it cannot be read.
    pub age: Option<usize>,
    /// Mean absolute error over the random walk's in its backtest; `None` where the walk made no error.
    pub backtest_relative_error: Option<f64>,
    /// Its live scores.
    pub live: LiveRecord,
}

/// Whether to train, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// Train a challenger.
    pub due: bool,
    /// The reason in words.
    pub reason: String,
}

/// Live errors are compared only with at least this many scored forecasts.
const FEWEST_SCORES: usize = 20;
/// Live error beyond the backtest's that counts as degraded.
const TOLERATED_EXCESS: f64 = 0.10;
/// Probability that a sound model's coverage leaves its band on either side.
const BAND_TAIL: f64 = 0.005;

impl Policy {
    /// Decides. Without a champion there is always something to train.
    pub fn decide(self, champion: Option<&ChampionEvidence>) -> Training {
        let due = |reason: String| Training { due: true, reason };
        let not_due = |reason: String| Training { due: false, reason };
        let Some(champion) = champion else {
            return due("nothing is in service yet".to_owned());
        };
        let Some(age) = champion.age else {
            return due("the champion cannot be read".to_owned());
        };
        match self {
            Policy::Always => due("the policy trains at every run".to_owned()),
            Policy::MaxAge(sessions) if age >= sessions => {
                due(format!("the champion is {age} sessions old, the policy allows {sessions}"))
            }
            Policy::MaxAge(sessions) => {
                not_due(format!("the champion is {age} sessions old, the policy waits for {sessions}"))
            }
            Policy::Degraded => match degradation(champion) {
                Some(reason) => due(reason),
                None => not_due(format!(
                    "the champion holds what its backtest promised, over {} live forecasts",
                    champion.live.n
                )),
            },
        }
    }
}

/// Errors are relative to the random walk on the same days, so that a volatile week alone degrades nobody.
fn degradation(champion: &ChampionEvidence) -> Option<String> {
    let live = &champion.live;
    if live.n < FEWEST_SCORES {
        return None;
    }
    if let (Some(skill), Some(promised)) = (live.skill, champion.backtest_relative_error) {
        let relative = 1.0 - skill;
        if relative > promised * (1.0 + TOLERATED_EXCESS) {
            return Some(format!(
                "the live error is {relative:.3} of the random walk's, the backtest's was {promised:.3} ({} forecasts)",
                live.n
            ));
        }
    }
    live.coverage.iter().find_map(|coverage| {
        let held = (coverage.realised * coverage.n as f64).round() as u64;
        let binomial = Binomial::new(coverage.level.probability(), coverage.n as u64).ok()?;
        let below = binomial.cdf(held);
        let above = if held == 0 { 1.0 } else { 1.0 - binomial.cdf(held - 1) };
        (below < BAND_TAIL || above < BAND_TAIL).then(|| {
            format!("the {} % interval held {held} of {} times, outside its binomial band", coverage.level, coverage.n)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Coverage, Level};

    fn evidence(age: usize, skill: f64, realised: f64, n: usize) -> ChampionEvidence {
        let level = Level::try_from(80.0).expect("a level");
        ChampionEvidence {
            age: Some(age),
            backtest_relative_error: Some(0.95),
            live: LiveRecord { n, skill: Some(skill), coverage: vec![Coverage { level, realised, n }] },
        }
    }

    #[test]
    fn decisions() {
        let check = |policy: Policy, champion: Option<ChampionEvidence>, due: bool| {
            let training = policy.decide(champion.as_ref());
            assert_eq!(training.due, due, "{policy:?} {champion:?}: {}", training.reason);
        };
        check(Policy::Degraded, None, true);
        check(Policy::Always, Some(evidence(0, 0.05, 0.8, 100)), true);
        check(Policy::MaxAge(5), Some(evidence(4, 0.05, 0.8, 100)), false);
        check(Policy::MaxAge(5), Some(evidence(5, 0.05, 0.8, 100)), true);
        check(Policy::Degraded, Some(evidence(4, 0.05, 0.8, 100)), false);
        // Relative error 1.10 against 0.95 promised.
        check(Policy::Degraded, Some(evidence(4, -0.10, 0.8, 100)), true);
        // The same on too few forecasts.
        check(Policy::Degraded, Some(evidence(4, -0.10, 0.8, 19)), false);
        // 60 of 100 inside an 80 % interval.
        check(Policy::Degraded, Some(evidence(4, 0.05, 0.6, 100)), true);
        let unreadable = ChampionEvidence { age: None, ..evidence(0, 0.05, 0.8, 100) };
        check(Policy::Degraded, Some(unreadable), true);
        // 96 of 100 inside: too wide.
        check(Policy::Degraded, Some(evidence(4, 0.05, 0.96, 100)), true);
    }
}
