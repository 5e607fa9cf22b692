//! The contest: who competes, over which sessions, with what losses.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    BacktestPlan, Comparison, Error, IntervalKind, PriceSeries, Scorecard, SkillInterval, Specification,
    backtest::Holdout, scorecard::OriginLoss,
};

/// Scorecards of everyone who competed on one series, and how each stands against the incumbent.
///
/// No one has seen the held-out sessions: the challengers' specifications were selected on what came before them, and
/// every specification is estimated anew at each origin in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// The rules it was held by, [`crate::rules`]; absent from the first contests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// The intervals that were scored; older contests scored the models' own.
    #[serde(default = "models_own")]
    pub intervals: IntervalKind,
    /// The model in service, where there is one.
    pub champion: Option<Scorecard>,
    /// Why the model in service does not compete: it cannot be estimated on these prices any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forfeited: Option<String>,
    /// The specifications selected just now, one a family where one could be fitted, that of the lowest loss first.
    #[serde(alias = "challenger", deserialize_with = "one_or_more")]
    pub challengers: Vec<Contender>,
    /// The random walk without and with drift.
    pub baselines: Vec<Contender>,
}

/// Someone who would take the incumbent's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Its losses.
    pub scorecard: Scorecard,
    /// Against the champion, or against the random walk where nothing is in service yet.
    pub against_incumbent: Comparison,
}

fn models_own() -> IntervalKind {
    IntervalKind::Model
}

/// The first format of a contest had one challenger or none.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Contender>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        More(Vec<Contender>),
        One(Option<Box<Contender>>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::More(challengers) => challengers,
        Written::One(challenger) => challenger.map(|c| *c).into_iter().collect(),
    })
}

impl Contest {
    /// Runs the contest on a series.
    ///
    /// # Errors
    /// [`Error::TooShort`] and [`Error::NoVariation`] for the series; [`Error::NotComparable`] where losses overflow.
    pub fn run(series: &PriceSeries, plan: &BacktestPlan, champion: Option<&Specification>) -> Result<Contest, Error> {
        let holdout = Holdout::new(series, plan)?;
        let mut field = Field { naive: holdout.naive_error(), holdout, plan, scored: Vec::new() };
        for baseline in &Specification::BASELINES {
            field.score(baseline)?;
        }
        let forfeited = champion.and_then(|champion| field.score(champion).err()).map(|error| error.to_string());
        let champion = champion.filter(|_| forfeited.is_none());
        // A challenger that cannot be selected or estimated is no challenger: the others still compete.
        let mut challengers: Vec<Specification> = Vec::new();
        for family in &plan.families {
            let selected = Specification::select(*family, field.holdout.before(), plan.season);
            match selected.and_then(|specification| field.score(&specification).map(|()| specification)) {
                Ok(specification) if !challengers.contains(&specification) => challengers.push(specification),
                _ => {}
            }
        }
        let incumbent = *champion.unwrap_or(&Specification::BASELINES[0]);
        let contender = |specification: &Specification| field.contender(specification, &incumbent);
        let mut challengers: Vec<Contender> = challengers.iter().map(contender).collect();
        challengers.sort_by(|a, b| a.scorecard.pinball.total_cmp(&b.scorecard.pinball));
        Ok(Contest {
            rules: Some(crate::rules()),
            intervals: plan.intervals,
            champion: champion.map(|champion| field.scorecard(champion)),
            forfeited,
            challengers,
            baselines: Specification::BASELINES.iter().map(contender).collect(),
        })
    }

    /// The random walk without drift, against which skill is measured.
    pub fn random_walk(&self) -> &Scorecard {
        &self.baselines[0].scorecard
    }

    /// Everyone who would take the champion's place, the challengers first.
    pub fn contenders(&self) -> impl Iterator<Item = &Contender> {
        self.challengers.iter().chain(&self.baselines)
    }

    /// The scorecard of a specification that competed.
    pub fn scorecard(&self, specification: &Specification) -> Option<&Scorecard> {
        let all = self.champion.iter().chain(self.contenders().map(|c| &c.scorecard));
        all.into_iter().find(|card| card.specification == *specification)
    }

    /// Without the losses at each horizon: what a receipt holds.
    #[must_use]
    pub fn in_short(mut self) -> Contest {
        let contenders = self.challengers.iter_mut().chain(&mut self.baselines).map(|c| &mut c.scorecard);
        contenders.chain(&mut self.champion).for_each(|card| card.horizons.clear());
        self
    }
}

/// Everyone scored so far: each specification once, under whatever names it competes.
struct Field<'a> {
    holdout: Holdout<'a>,
    naive: f64,
    plan: &'a BacktestPlan,
    scored: Vec<Scored>,
}

struct Scored {
    scorecard: Scorecard,
    /// Of each origin.
    pinball: Vec<f64>,
    absolute: Vec<f64>,
}

impl Field<'_> {
    fn score(&mut self, specification: &Specification) -> Result<(), Error> {
        if self.scored.iter().any(|scored| scored.scorecard.specification == *specification) {
            return Ok(());
        }
        let (losses, multipliers) = self.holdout.roll(specification)?;
        let mut scorecard = Scorecard::new(*specification, &losses, self.naive, &self.plan.levels);
        if !scorecard.is_finite() {
            return Err(Error::NotComparable);
        }
        let absolute: Vec<f64> = losses.iter().map(OriginLoss::absolute).collect();
        let walk = self.scored.first().map_or(&absolute, |walk| &walk.absolute);
        scorecard.skill = SkillInterval::of(&absolute, walk, self.plan.horizon);
        scorecard.multipliers = Some(multipliers);
        let pinball = losses.iter().map(OriginLoss::pinball).collect();
        self.scored.push(Scored { scorecard, pinball, absolute });
        Ok(())
    }

    fn find(&self, specification: &Specification) -> &Scored {
        let found = self.scored.iter().find(|scored| scored.scorecard.specification == *specification);
        found.expect("who competes has been scored")
    }

    fn scorecard(&self, specification: &Specification) -> Scorecard {
        self.find(specification).scorecard.clone()
    }

    fn contender(&self, specification: &Specification, incumbent: &Specification) -> Contender {
        let (losses, others) = (&self.find(specification).pinball, &self.find(incumbent).pinball);
        Contender {
            scorecard: self.scorecard(specification),
            against_incumbent: Comparison::new(losses, others, self.plan.horizon),
        }
    }
}
