use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Family, Kind, Program, ProgramName, RandomWalk, Sample, Seasons, Specification};

/// Who may serve: a family, which selects its member by itself, or a specification that the configuration pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Contender {
    /// The family's selection.
    Family(Family),
    /// This one alone.
    Pinned(Specification),
    /// A program that is not ours.
    Program(Program),
}

impl Contender {
    /// The random walk without drift: in service wherever nobody proves better.
    pub const RANDOM_WALK: Contender = Contender::Pinned(Specification::RandomWalk(RandomWalk { drift: false }));
    /// The random walk with drift, which must prove better like anyone else.
    pub const DRIFT: Contender = Contender::Pinned(Specification::RandomWalk(RandomWalk { drift: true }));

    /// Whether it is one of the random walks: they have nothing to train.
    pub fn is_baseline(self) -> bool {
        self == Contender::RANDOM_WALK || self == Contender::DRIFT
    }

    /// Its member for these prices.
    ///
    /// # Errors
    /// [`crate::Error::Model`] where the family has none for them.
    pub fn select(self, prices: &Sample, kind: Kind, season: Seasons) -> Result<Specification, crate::Error> {
        match self {
            Contender::Family(family) => Specification::select(family, prices, kind, season),
            Contender::Pinned(specification) => Ok(specification),
            Contender::Program(program) => Ok(Specification::Program(program)),
        }
    }

    /// The program that it is.
    pub fn program(self) -> Option<ProgramName> {
        if let Contender::Program(Program { program }) = self { Some(program) } else { None }
    }
}

/// A family as the configuration writes it, a pinned specification by its name.
impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contender::Family(family) => f.pad(&family.to_string()),
            Contender::Pinned(specification) => f.pad(&specification.to_string()),
            Contender::Program(Program { program }) => program.fmt(f),
        }
    }
}
