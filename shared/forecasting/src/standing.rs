//! What a record says of everyone tonight: losses, evidence, and what is asked.

use serde::{Deserialize, Serialize};

use crate::{
    Calibration, Contender, Decision, Level, Record, Scale, Scorecard, SkillInterval, Specification, Stamp, Verdict,
    evidence::{Bet, Stakes, Wealth, loss},
    record::Replay,
    scorecard::short,
};

/// How a contender came into service, and who had to leave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Who serves.
    pub contender: Contender,
    /// As-of session of the verdict that brought it.
    pub since: Stamp,
    /// Who lost its evidence, and when: it returns on evidence collected since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<Deposed>,
}

/// A contender that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Deposed {
    /// Who.
    pub contender: Contender,
    /// As-of session of the verdict that dropped it.
    pub since: Stamp,
}

impl Seat {
    /// The seat that a night's verdict leaves: the same where who serves goes on serving. Who lost its place on evidence is
    /// remembered, whoever takes it.
    pub fn after(before: Option<&Seat>, verdict: &Verdict, judgement: &Judgement, day: Stamp) -> Seat {
        let Some(before) = before else {
            return Seat { contender: verdict.contender, since: day, deposed: Vec::new() };
        };
        if before.contender == verdict.contender {
            return before.clone();
        }
        let others = before.deposed.iter().filter(|dropped| dropped.contender != verdict.contender);
        let mut deposed: Vec<Deposed> = others.copied().collect();
        let lost = judgement.challenge.is_some_and(|challenge| challenge.suffices());
        // Who has no forecast tonight has lost no evidence.
        let able = judgement.standing(before.contender).is_none_or(|own| own.specification.is_some());
        if lost || verdict.decision == Decision::Demote && able {
            deposed.push(Deposed { contender: before.contender, since: day });
        }
        Seat { contender: verdict.contender, since: day, deposed }
    }
}

/// How much of the losses is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Over all horizons: what a receipt holds.
    Short,
    /// At each horizon as well, with standard errors, and the CRPS.
    ByHorizon,
}

/// What everyone's record amounts to on one night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The rules it was reached by: [`crate::rules`].
    pub rules: String,
    /// Sessions of the record.
    pub sessions: usize,
    /// Which year of nights it is, from 1: each has an error budget of its own.
    pub year: usize,
    /// The scale that served intervals have.
    pub scale: Scale,
    /// The random walk's losses; none while no outcome has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_walk: Option<Scorecard>,
    /// Who serves where nobody has proven better: the random walk, of prices.
    #[serde(default = "random_walk", skip_serializing_if = "is_random_walk")]
    pub incumbent: Contender,
    /// Everyone else, the random walk with drift first.
    pub standings: Vec<Standing>,
    /// The incumbent's challenge to who serves in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
}

fn random_walk() -> Contender {
    Contender::RANDOM_WALK
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_random_walk(contender: &Contender) -> bool {
    *contender == Contender::RANDOM_WALK
}

/// The incumbent's challenge to who serves in its place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Evidence against it, collected since it came, to 1.
    pub evidence: f64,
    /// By what share its loss one session ahead has been lower than the random walk's over the last half year or so.
    pub gain: f64,
}

impl Challenge {
    /// Whether it is to give way.
    pub fn suffices(&self) -> bool {
        self.evidence >= ASKED_BACK && self.gain < 0.0
    }
}

/// One contender's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Who.
    pub contender: Contender,
    /// Its model now; none where it has none that can be estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<Specification>,
    /// Evidence against the random walk, to 1.
    pub evidence: f64,
    /// What is asked of it.
    pub asked: f64,
    /// By what share its loss one session ahead has been lower than the random walk's lately.
    pub gain: f64,
    /// Evidence against who serves, collected since the latter came; none against the random walk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_champion: Option<f64>,
    /// Evidence collected since it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_dropped: Option<f64>,
    /// Its losses; none while no outcome has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<Scorecard>,
}

/// The part of the error budget that the random walk with drift has; the others have equal parts of the rest.
const DRIFT_SHARE: f64 = 0.1;
/// The evidence that is asked of each of so many contenders, beside the random walk with drift: they share the error budget.
pub fn asked_of_each(significance: f64, contenders: usize) -> f64 {
    1.0 / (significance * ((1.0 - DRIFT_SHARE) / contenders as f64))
}

/// What is staked anew each session on a change of places: 1 in half a year.
const RENEWED: f64 = 1.0 / 126.0;
/// Sessions after which a loss counts half: for a promotion, and for a demotion, which must not wait until the good years that
/// earned the place are forgotten (docs/verdicts.md has what shorter memories cost).
const PROMOTION_HALF_LIFE: f64 = 252.0;
/// See `PROMOTION_HALF_LIFE`.
const DEMOTION_HALF_LIFE: f64 = 126.0;
/// A champion gives way, and who was dropped returns, on evidence of so many to 1.
pub(crate) const ASKED_BACK: f64 = 10.0;

impl Standing {
    /// Whether the record has proven it better than the random walk.
    pub fn is_proven(&self) -> bool {
        self.specification.is_some()
            && self.evidence >= self.asked
            && self.gain > 0.0
            && self.since_dropped.is_none_or(|evidence| evidence >= ASKED_BACK)
    }
}

impl Judgement {
    /// Of a record, whoever serves. `models` are the contenders' models now.
    pub fn of(
        record: &Record,
        levels: &[Level],
        significance: f64,
        seat: Option<&Seat>,
        models: &[(Contender, Specification)],
        detail: Detail,
    ) -> (Judgement, Calibrations) {
        let replay = Replay::of(record, levels, detail);
        let naive = record.rows.iter().map(|row| row.change.abs()).sum::<f64>() / record.rows.len().max(1) as f64;
        let scorecard = |column: Option<usize>| scorecard(&replay, (record, column), naive, (levels, detail));
        let measures = [Contender::RANDOM_WALK, Contender::DRIFT];
        // One that cannot be estimated on these values serves nobody.
        let able = |contender: &Contender| models.iter().any(|(other, _)| other == contender);
        let incumbent = Some(record.plan.incumbent()).filter(able).unwrap_or(Contender::RANDOM_WALK);
        let by_default = record.column(incumbent);
        let seated = seat.filter(|seat| seat.contender != incumbent);
        let others = record.plan.contenders.iter().filter(|contender| !measures.contains(contender)).count().max(1);
        let standing = |(column, contender): (usize, &Contender)| {
            let baseline = [
                (Contender::RANDOM_WALK, Specification::BASELINES[0]),
                (Contender::DRIFT, Specification::BASELINES[1]),
            ];
            let known = baseline.iter().chain(models).find(|(other, _)| other == contender).map(|(_, model)| *model);
            let dropped = seat.and_then(|seat| seat.deposed.iter().rev().find(|d| d.contender == *contender));
            let champion = seated.filter(|seat| seat.contender != *contender);
            Standing {
                contender: *contender,
                specification: known,
                evidence: short(record.evidence(by_default, column)),
                asked: short(if measures.contains(contender) {
                    1.0 / (significance * DRIFT_SHARE)
                } else {
                    asked_of_each(significance, others)
                }),
                gain: short(record.gain(by_default, column, PROMOTION_HALF_LIFE)),
                against_champion: champion
                    .map(|seat| record.since(seat.since, record.column(seat.contender), Some(column))),
                since_dropped: dropped.map(|dropped| record.since(dropped.since, by_default, Some(column))),
                scorecard: known.and_then(|_| scorecard(Some(column))),
            }
        };
        let judgement = Judgement {
            rules: crate::rules(),
            sessions: record.rows.len(),
            year: Stakes::at(record.rows.len(), record.history()).1,
            scale: record.scale().unwrap_or(Scale::Constant),
            incumbent,
            random_walk: scorecard(None),
            standings: record.plan.contenders.iter().enumerate().map(standing).collect(),
            challenge: seated.and_then(|seat| {
                let column = record.column(seat.contender)?;
                let gain = short(record.gain(by_default, column, DEMOTION_HALF_LIFE));
                Some(Challenge { evidence: record.since(seat.since, Some(column), by_default), gain })
            }),
        };
        let all = std::iter::once((Contender::RANDOM_WALK, None))
            .chain(record.plan.contenders.iter().enumerate().map(|(column, contender)| (*contender, Some(column))));
        let newest = record.rows.last().filter(|_| !levels.is_empty());
        let of = |(contender, column)| newest.map(|row| (contender, replay.calibration(row, column)));
        (judgement, all.filter_map(of).collect())
    }

    /// One contender's.
    pub fn standing(&self, contender: Contender) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.contender == contender)
    }

    /// A contender's losses.
    pub fn scorecard(&self, contender: Contender) -> Option<&Scorecard> {
        match self.standing(contender) {
            Some(standing) => standing.scorecard.as_ref(),
            None => self.random_walk.as_ref().filter(|_| contender == Contender::RANDOM_WALK),
        }
    }
}

/// The losses of a column of the record, none being the random walk's.
fn scorecard(
    replay: &Replay,
    (record, column): (&Record, Option<usize>),
    naive: f64,
    (levels, detail): (&[Level], Detail),
) -> Option<Scorecard> {
    let losses = replay.losses(column).filter(|losses| losses.origins() > 0)?;
    let mut card = Scorecard::new(losses, naive, levels);
    let walk = replay.losses(record.column(record.plan.measure()))?.absolute();
    card.skill = SkillInterval::of(&losses.absolute(), &walk, record.plan.horizon);
    if detail == Detail::ByHorizon {
        card.crps = Some(losses.crps());
        card.horizons = losses.by_horizon(naive, levels);
    }
    Some(card)
}

/// What makes each contender's intervals tonight.
pub type Calibrations = Vec<(Contender, Calibration)>;

impl Record {
    /// This year's wealth of the bets on a contender against the incumbent.
    fn evidence(&self, incumbent: Option<usize>, column: usize) -> f64 {
        let (stakes, _) = Stakes::at(self.rows.len(), self.history());
        let mut wealth = Wealth::default();
        for (session, bet) in self.bets(0, incumbent, Some(column)) {
            wealth.stake(stakes.part(session));
            wealth.settle(bet);
        }
        wealth.total()
    }

    /// The wealth of bets on one forecaster against another, from the forecasts of a session on. A stake of 1 is put in there,
    /// and a little more each session: what was right for a year and then turned wrong must not have lost everything that
    /// could tell (the sum over starting points of Shiryaev 1963 and Roberts 1966; Shin, Ramdas & Rinaldo 2023, E-detectors). This
    /// bounds how often a sound champion is dropped, not the error budget.
    fn since(&self, day: Stamp, incumbent: Option<usize>, challenger: Option<usize>) -> f64 {
        let from = self.rows.partition_point(|row| row.session.stamp() < day);
        let mut wealth = Wealth::default();
        wealth.stake(1.0);
        for (_, bet) in self.bets(from, incumbent, challenger) {
            wealth.settle(bet);
            wealth.stake(RENEWED);
        }
        short(wealth.total())
    }

    /// How much lower a contender's loss has been than the incumbent's, as a share of the latter; a session counts half
    /// after so many.
    fn gain(&self, incumbent: Option<usize>, column: usize, half_life: f64) -> f64 {
        let decay = 0.5_f64.powf(1.0 / half_life);
        let (mut gained, mut lost) = (0.0, 0.0);
        for (_, bet) in self.bets(0, incumbent, Some(column)) {
            gained = decay * gained + bet.gain();
            lost = decay * lost + loss(bet.error);
        }
        if lost > 0.0 { gained / lost } else { 0.0 }
    }

    /// The bets of the forecasts whose next session has come; no column is the random walk.
    fn bets(
        &self,
        from: usize,
        incumbent: Option<usize>,
        challenger: Option<usize>,
    ) -> impl Iterator<Item = (usize, Bet)> {
        let horizon = self.plan.horizon;
        self.rows[from.min(self.rows.len())..].windows(2).enumerate().map(move |(i, pair)| {
            let centre = |column: Option<usize>| column.map_or(0.0, |column| pair[0].centres[column * horizon]);
            let deviation = pair[0].chosen()[0];
            let (own, other) = (centre(incumbent), centre(challenger));
            (from + i, Bet { error: (pair[1].change - own) / deviation, distance: (other - own) / deviation })
        })
    }
}
