//! The contest: who competes, over which sessions, with what losses.

use serde::{Deserialize, Serialize};

use crate::{BacktestPlan, Comparison, Error, PriceSeries, Scorecard, Specification, backtest::Holdout};

/// Scorecards of everyone who competed on one series, and how each stands against the incumbent.
///
/// No one has seen the held-out sessions: the challenger's specification was selected on what came before them, and
/// every specification is estimated anew at each origin in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// The model in service, where there is one.
    pub champion: Option<Scorecard>,
    /// The specification selected just now; `None` where none could be fitted.
    pub challenger: Option<Contender>,
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

impl Contest {
    /// Runs the contest on a series.
    ///
    /// # Errors
    /// [`Error::TooShort`] and [`Error::NoVariation`] for the series; [`Error::NotComparable`] where losses
    /// overflow; [`Error::Model`] where the champion's own specification cannot be estimated on it.
    pub fn run(series: &PriceSeries, plan: &BacktestPlan, champion: Option<&Specification>) -> Result<Contest, Error> {
        let holdout = Holdout::new(series, plan)?;
        let naive = holdout.naive_error();
        let score = |specification: &Specification| -> Result<Scored, Error> {
            let losses = holdout.roll(specification)?;
            let scorecard = Scorecard::new(*specification, &losses, naive, &plan.levels);
            if !scorecard.is_finite() {
                return Err(Error::NotComparable);
            }
            Ok(Scored { scorecard, losses: losses.iter().map(|loss| loss.pinball).collect() })
        };

        let baselines = Specification::BASELINES.iter().map(score).collect::<Result<Vec<_>, _>>()?;
        let scored_before = |specification: &Specification| {
            baselines.iter().find(|b| b.scorecard.specification == *specification).cloned()
        };
        let champion = match champion {
            None => None,
            Some(specification) => match scored_before(specification) {
                Some(baseline) => Some(baseline),
                None => Some(score(specification)?),
            },
        };
        // A challenger that cannot be selected or estimated is no challenger: the others still compete.
        let challenger = Specification::select(holdout.before()).ok().and_then(|specification| {
            let known = champion.as_ref().filter(|c| c.scorecard.specification == specification).cloned();
            known.or_else(|| scored_before(&specification)).or_else(|| score(&specification).ok())
        });

        let incumbent = champion.as_ref().unwrap_or(&baselines[0]);
        let contender = |scored: &Scored| Contender {
            against_incumbent: Comparison::new(&scored.losses, &incumbent.losses, plan.horizon),
            scorecard: scored.scorecard.clone(),
        };
        Ok(Contest {
            challenger: challenger.as_ref().map(contender),
            baselines: baselines.iter().map(contender).collect(),
            champion: champion.map(|scored| scored.scorecard),
        })
    }

    /// The random walk without drift, against which skill is measured.
    pub fn random_walk(&self) -> &Scorecard {
        &self.baselines[0].scorecard
    }

    /// Everyone who would take the champion's place, the challenger first.
    pub fn contenders(&self) -> impl Iterator<Item = &Contender> {
        self.challenger.iter().chain(&self.baselines)
    }

    /// The scorecard of a specification that competed.
    pub fn scorecard(&self, specification: &Specification) -> Option<&Scorecard> {
        let all = self.champion.iter().chain(self.contenders().map(|c| &c.scorecard));
        all.into_iter().find(|card| card.specification == *specification)
    }
}

#[derive(Clone)]
struct Scored {
    scorecard: Scorecard,
    losses: Vec<f64>,
}
