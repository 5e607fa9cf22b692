//! When to train: a policy looks at the champion's live scores and says so, with the reason.

mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::{ChangePoint, Comparison, Level, Period, Score};

/// When a run trains its contenders anew. Their forecasts, scores and verdicts go on every night all the same.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Policy {
    /// At every run.
    #[default]
    Always,
    /// Only when the champion's live scores are worse than its record promised.
    Degraded(Degraded),
    /// When the contenders were last trained at least this many sessions ago.
    MaxAge(usize),
}

/// What counts as degraded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Degraded {
    /// Live error beyond the promised one, as a share of it.
    pub bound: f64,
    /// The last so many origins are looked at, as soon as there are so many; `None` for all since the last training, of which
    /// there must be 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Probability that such an excess came by chance, at most; 1 asks for no test. The question is asked every evening.
    pub significance: f64,
    /// What the error is measured against.
    pub against: Against,
}

/// What a live error is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The random walk's on the same days, so that a volatile week alone degrades nobody.
    #[default]
    RandomWalk,
    /// The record's mean error, whatever the market does.
    Record,
}

impl Default for Degraded {
    fn default() -> Self {
        Degraded { bound: 0.10, window: None, significance: 0.01, against: Against::RandomWalk }
    }
}

/// What is known of the champion when the policy is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChampionEvidence {
    /// Sessions since the contenders were last trained; `None` where what serves cannot be read.
    pub age: Option<usize>,
    /// Mean absolute error over the random walk's on its record; `None` where the walk made no error.
    pub promised_relative_error: Option<f64>,
    /// Mean absolute error on its record, of log prices.
    pub promised_error: Option<f64>,
    /// Scores of what it has forecast since the last training, in any order: what was asked once is answered.
    pub scores: Vec<Score>,
    /// The season in sessions; 1 for none.
    pub season: usize,
}

/// Whether to train, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// Train the contenders.
    pub due: bool,
    /// Select their models anew as well, because the old ones are no longer believed; otherwise that is done in its turn.
    #[serde(default)]
    pub select: bool,
    /// The reason in words: of training, or of the branch that was taken instead.
    pub reason: String,
}

/// Live errors are compared only over at least this many origins.
pub const MIN_ORIGINS: usize = 20;
/// Probability that a sound model's coverage leaves its band on either side, on one evening.
const BAND_TAIL: f64 = 0.000_5;

impl Policy {
    /// Decides. Without a champion there is always something to train; and whatever the policy, where the live error passes
    /// `bound` times the random walk's.
    pub fn decide(self, bound: Option<f64>, champion: Option<&ChampionEvidence>) -> Training {
        let due = |reason: String| Training { due: true, select: false, reason };
        let anew = |reason: String| Training { due: true, select: true, reason };
        let not_due = |reason: String| Training { due: false, select: false, reason };
        let Some(champion) = champion else {
            return due("nothing is in service yet".to_owned());
        };
        let Some(age) = champion.age else {
            return anew("the champion cannot be read".to_owned());
        };
        let live = LiveErrors::of(&champion.scores);
        if let Some(reason) = bound.and_then(|bound| live.beyond(bound)) {
            return anew(reason);
        }
        match self {
            Policy::Always => due("the policy trains at every run".to_owned()),
            Policy::MaxAge(sessions) if age >= sessions => {
                due(format!("trained {age} sessions ago, the policy allows {sessions}"))
            }
            Policy::MaxAge(sessions) => not_due(format!("trained {age} sessions ago, the policy waits for {sessions}")),
            Policy::Degraded(rule) => {
                let excess = live.excess(rule, champion);
                match excess.or_else(|| coverage_left_its_band(&champion.scores)) {
                    Some(reason) => anew(reason),
                    None => errors_changed(champion).map_or_else(|| not_due(champion.holds(&live)), anew),
                }
            }
        }
    }
}

/// Absolute errors at each origin that has all its sessions, averaged over them: the model's and the random walk's on the
/// same days, so that a volatile week alone degrades nobody.
struct LiveErrors {
    own: Vec<f64>,
    walk: Vec<f64>,
    horizon: usize,
}

impl LiveErrors {
    fn of(scores: &[Score]) -> LiveErrors {
        let mut origins: BTreeMap<Period, Vec<&Score>> = BTreeMap::new();
        for score in scores {
            origins.entry(score.origin).or_default().push(score);
        }
        let horizon = origins.values().map(Vec::len).max().unwrap_or(1);
        let complete = || origins.values().filter(|scores| scores.len() == horizon);
        let mean = |of: fn(&Score) -> f64| {
            complete().map(|scores| scores.iter().map(|s| of(s)).sum::<f64>() / horizon as f64).collect()
        };
        LiveErrors { own: mean(|score| score.error), walk: mean(|score| score.naive_error), horizon }
    }

    /// The own error over the walk's, where enough is known of both.
    fn relative(&self) -> Option<f64> {
        let walk: f64 = self.walk.iter().sum();
        (self.own.len() >= MIN_ORIGINS && walk > 0.0).then(|| self.own.iter().sum::<f64>() / walk)
    }

    fn beyond(&self, bound: f64) -> Option<String> {
        let relative = self.relative().filter(|relative| *relative > bound)?;
        let n = self.own.len();
        Some(format!("the live error is {relative:.3} of the random walk's over {n} origins, the bound is {bound}"))
    }

    /// Where the error is beyond what was promised by more than the rule tolerates, and not by chance.
    fn excess(&self, rule: Degraded, champion: &ChampionEvidence) -> Option<String> {
        let Degraded { bound, window, significance, against } = rule;
        let n = window.unwrap_or(self.own.len());
        if self.own.len() < window.unwrap_or(MIN_ORIGINS).max(1) {
            return None;
        }
        let (own, walk) = (&self.own[self.own.len() - n..], &self.walk[self.walk.len() - n..]);
        let promise: Vec<f64> = match against {
            Against::RandomWalk => walk.iter().map(|w| champion.promised_relative_error.map(|p| p * w)).collect(),
            Against::Record => own.iter().map(|_| champion.promised_error).collect::<Option<Vec<f64>>>(),
        }?;
        let (lost, promised) = (own.iter().sum::<f64>(), promise.iter().sum::<f64>());
        if !(promised > 0.0 && lost > promised * (1.0 + bound)) {
            return None;
        }
        let over = (lost / promised - 1.0) * 100.0;
        if significance >= 1.0 {
            return Some(format!("the live error is {over:.1} % above what the record promised, over {n} origins"));
        }
        let comparison = Comparison::new(&promise, own, self.horizon);
        (comparison.p_value <= significance).then(|| {
            let p = comparison.p_value;
            format!("the live error is {over:.1} % above what the record promised (p = {p:.4} over {n} origins)")
        })
    }
}

/// One session ahead: longer forecasts overlap, and are no independent draws.
fn one_step(scores: &[Score]) -> Vec<&Score> {
    let mut ahead: Vec<&Score> = scores.iter().filter(|score| score.horizon == 1).collect();
    ahead.sort_by_key(|score| score.date);
    ahead
}

fn coverage_left_its_band(scores: &[Score]) -> Option<String> {
    let mut held: BTreeMap<String, (Level, u64, u64)> = BTreeMap::new();
    for (level, inside) in one_step(scores).into_iter().flat_map(|score| &score.inside) {
        let (_, count, n) = held.entry(level.to_string()).or_insert((*level, 0, 0));
        *count += u64::from(*inside);
        *n += 1;
    }
    held.into_values().filter(|(_, _, n)| *n >= MIN_ORIGINS as u64).find_map(|(level, held, n)| {
        let binomial = Binomial::new(level.probability(), n).ok()?;
        let below = binomial.cdf(held);
        let above = if held == 0 { 1.0 } else { 1.0 - binomial.cdf(held - 1) };
        (below < BAND_TAIL || above < BAND_TAIL)
            .then(|| format!("the {level} % interval held {held} of {n} times, outside its binomial band"))
    })
}

fn standardised(champion: &ChampionEvidence) -> Vec<f64> {
    one_step(&champion.scores).into_iter().filter_map(|score| score.standardised).collect()
}

fn errors_changed(champion: &ChampionEvidence) -> Option<String> {
    let (change, enough) = ChangePoint::strongest(&standardised(champion), champion.season);
    enough.then(|| format!("{} for {} sessions (evidence {:.1})", change.alternative, change.sessions, change.evidence))
}

impl ChampionEvidence {
    fn holds(&self, live: &LiveErrors) -> String {
        let n = standardised(self).len();
        let known = match (live.relative(), self.promised_relative_error) {
            (Some(relative), Some(promised)) => {
                format!("live error {relative:.3} of the random walk's, {promised:.3} promised")
            }
            _ => "too few to compare errors".to_owned(),
        };
        format!("the champion holds what its record promised, over {n} live sessions: {known}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IntervalKind;

    /// One step ahead, `n` sessions: each error this share of the random walk's but for some noise, which of the intervals held, and the
    /// standardised errors.
    fn scores(n: usize, relative: f64, inside: impl Fn(usize) -> bool, error: impl Fn(usize) -> f64) -> Vec<Score> {
        let level = Level::try_from(80.0).expect("a level");
        let mut origin: Period = "2019-01-02".parse().expect("a session");
        (0..n)
            .map(|t| {
                let date = origin.next();
                let noise = 1.0 + 0.1 * (t as f64 * 2.4).sin();
                let score = Score {
                    origin,
                    horizon: 1,
                    date,
                    prices: None,
                    error: relative * 0.01 * noise,
                    naive_error: 0.01,
                    pinball: None,
                    other_pinball: None,
                    standardised: Some(error(t)),
                    intervals: IntervalKind::Model,
                    inside: vec![(level, inside(t))],
                    other_inside: Vec::new(),
                };
                origin = date;
                score
            })
            .collect()
    }

    fn sound(t: usize) -> bool {
        !t.is_multiple_of(5)
    }

    /// Independent to the eye of every alternative.
    fn noise(t: usize) -> f64 {
        let mut x = t as u64 + 1;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) as f64 / u64::MAX as f64 - 0.5) * 12.0_f64.sqrt()
    }

    fn evidence(age: usize, scores: Vec<Score>) -> ChampionEvidence {
        ChampionEvidence {
            age: Some(age),
            promised_relative_error: Some(0.95),
            promised_error: Some(0.0095),
            scores,
            season: 1,
        }
    }

    #[test]
    fn decisions() {
        let check = |policy: Policy, champion: Option<ChampionEvidence>, expected: Result<&str, &str>| {
            let training = policy.decide(None, champion.as_ref());
            let (due, reason) = match expected {
                Ok(reason) => (true, reason),
                Err(reason) => (false, reason),
            };
            assert_eq!(training.due, due, "{policy:?}: {}", training.reason);
            assert!(training.reason.contains(reason), "{policy:?}: {}", training.reason);
        };
        let degraded = Policy::Degraded(Degraded::default());
        let holds = || evidence(4, scores(100, 0.95, sound, noise));
        check(degraded, None, Ok("nothing is in service"));
        check(Policy::Always, Some(holds()), Ok("at every run"));
        check(Policy::MaxAge(5), Some(holds()), Err("waits for 5"));
        check(Policy::MaxAge(4), Some(holds()), Ok("the policy allows 4"));
        check(degraded, Some(holds()), Err("holds what its record promised"));
        let worse = |n| evidence(4, scores(n, 1.10, sound, noise));
        check(degraded, Some(worse(100)), Ok("above what the record promised (p = 0.0"));
        check(degraded, Some(worse(19)), Err("too few"));
        let narrow = evidence(4, scores(100, 0.95, |t| t % 5 > 1, noise));
        check(degraded, Some(narrow), Ok("held 60 of 100 times"));
        let wide = evidence(4, scores(100, 0.95, |t| !t.is_multiple_of(50), noise));
        check(degraded, Some(wide), Ok("held 98 of 100 times"));
        let shifted = evidence(4, scores(40, 0.95, sound, |t| noise(t) + if t < 20 { 0.0 } else { 1.5 }));
        check(degraded, Some(shifted), Ok("forecasts have become too low"));
        let weekly = evidence(4, scores(60, 0.95, sound, |t| noise(t) + [2.0, -1.0, 1.0, -1.5, -0.5][t % 5]));
        check(degraded, Some(weekly), Ok("recur after 5 sessions"));
        check(degraded, Some(ChampionEvidence { age: None, ..holds() }), Ok("cannot be read"));
    }

    #[test]
    fn a_bound_counts_whatever_the_policy() {
        let champion = evidence(1, scores(30, 1.10, sound, noise));
        let training = Policy::MaxAge(100).decide(Some(1.05), Some(&champion));
        assert!(training.due && training.reason.contains("the bound is 1.05"), "{}", training.reason);
        assert!(!Policy::MaxAge(100).decide(Some(1.2), Some(&champion)).due);
    }

    /// False alarms on noise: one in some 700 sessions, over as many as a century has.
    #[test]
    fn noise_seldom_alarms() {
        let normal = |t: usize| (12 * t..12 * t + 12).map(noise).sum::<f64>() / 12.0_f64.sqrt();
        let errors: Vec<f64> = (0..25_000).map(normal).collect();
        let (mut alarms, mut from) = (0, 0);
        for t in 1..=errors.len() {
            if ChangePoint::strongest(&errors[from.max(t.saturating_sub(250))..t], 1).1 {
                (alarms, from) = (alarms + 1, t);
            }
        }
        assert!((15..=60).contains(&alarms), "{alarms} alarms in 25,000 sessions");
    }
}
