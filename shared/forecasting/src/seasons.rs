use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Cadence, Calendar, Kind, time::Step};

/// The periods of a series' seasons: none, one, or two of which the longer holds the shorter several times, such as a day and a week of
/// hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seasons {
    short: usize,
    long: usize,
}

impl Seasons {
    /// No season.
    pub const NONE: Seasons = Seasons { short: 1, long: 1 };
    /// A year of days has as many periods, and so have ten days of 15 minutes.
    pub const MAX: usize = 1000;

    /// All of them, the short one first.
    pub fn all(self) -> Vec<usize> {
        [self.short, self.long].into_iter().filter(|period| *period > 1).collect()
    }

    /// One season.
    pub fn one(period: usize) -> Seasons {
        Seasons { short: period.max(1), long: 1 }
    }

    /// These, in any order.
    ///
    /// # Errors
    /// A sentence that says which seasons there can be.
    pub fn of(periods: &[usize]) -> Result<Seasons, String> {
        let within = |period: usize| {
            if (1..=Seasons::MAX).contains(&period) {
                Ok(period)
            } else {
                Err(format!("season is {period}, but must be within 1 and {}", Seasons::MAX))
            }
        };
        match *periods {
            [] => Ok(Seasons::NONE),
            [one] => Ok(Seasons::one(within(one)?)),
            [a, b] => {
                let (short, long) = (within(a.min(b))?, within(a.max(b))?);
                if short == 1 || long % short != 0 || long == short {
                    return Err(format!("season is [{a}, {b}], but of two the longer holds the shorter several times"));
                }
                Ok(Seasons { short, long })
            }
            _ => Err("season has more than two periods".to_owned()),
        }
    }

    /// Those that a series of a cadence usually has: prices of sessions have none, but other numbers of working days follow the week.
    pub fn usual(cadence: Cadence, kind: Kind) -> Seasons {
        let (short, long) = match (cadence.step, cadence.calendar) {
            (Step::Day, Calendar::Exchange(_)) if kind == Kind::Price => (1, 1),
            (Step::Index | Step::Months { count: 12, .. }, _) | (Step::Day, Calendar::Dates(_)) => (1, 1),
            (Step::Day, Calendar::Always) => (7, 1),
            (Step::Day, Calendar::Weekdays | Calendar::Exchange(_)) => (5, 1),
            (Step::Week { .. }, _) => (52, 1),
            (Step::Months { count, .. }, _) => (12 / usize::from(count.max(1)), 1),
            (Step::Minutes { count, offset }, Calendar::Exchange(exchange)) => {
                (exchange.bars_of_a_session(count, offset), 1)
            }
            (Step::Minutes { count, .. }, calendar) => {
                let day = 1440 / usize::from(count);
                (day, if calendar == Calendar::Always { 7 * day } else { 5 * day })
            }
        };
        let known = |period: usize| period <= Seasons::MAX;
        match (short, long) {
            (short, _) if !known(short) => Seasons::NONE,
            (short, long) if known(long) => Seasons { short, long },
            (short, _) => Seasons::one(short),
        }
    }

    /// The shorter one; 1 for none.
    pub fn short(self) -> usize {
        self.short
    }

    /// The longer one of two.
    pub fn long(self) -> Option<usize> {
        (self.long > 1).then_some(self.long)
    }

    /// The longest there is; 1 for none.
    pub fn longest(self) -> usize {
        self.short.max(self.long)
    }
}

impl Serialize for Seasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.long() {
            None => self.short.serialize(serializer),
            Some(long) => [self.short, long].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Seasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seasons, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a season is a number of periods, or a list of them")]
        enum Written {
            One(usize),
            Several(Vec<usize>),
        }
        let periods = match Written::deserialize(deserializer).map_err(D::Error::custom)? {
            Written::One(period) => vec![period],
            Written::Several(periods) => periods,
        };
        Seasons::of(&periods).map_err(D::Error::custom)
    }
}

impl fmt::Display for Seasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.long() {
            None => write!(f, "{}", self.short),
            Some(long) => write!(f, "{} and {long}", self.short),
        }
    }
}
