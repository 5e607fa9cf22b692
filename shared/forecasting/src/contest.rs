//! What verdicts of earlier releases rest on: a contest over the last sessions, which were held out. Receipts of that time are
//! read; none is held any more ([`crate::record`]).

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Comparison, IntervalKind, Scorecard};

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
    pub challengers: Vec<Challenger>,
    /// The random walk without and with drift.
    pub baselines: Vec<Challenger>,
}

/// Someone who would take the incumbent's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Challenger {
    /// Its losses.
    pub scorecard: Scorecard,
    /// Against the champion, or against the random walk where nothing is in service yet.
    pub against_incumbent: Comparison,
}

fn models_own() -> IntervalKind {
    IntervalKind::Model
}

/// The first format of a contest had one challenger or none.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Challenger>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        More(Vec<Challenger>),
        One(Option<Box<Challenger>>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::More(challengers) => challengers,
        Written::One(challenger) => challenger.map(|c| *c).into_iter().collect(),
    })
}

impl Contest {
    /// Everyone who would take the champion's place, the challengers first.
    pub fn contenders(&self) -> impl Iterator<Item = &Challenger> {
        self.challengers.iter().chain(&self.baselines)
    }
}
