use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// The probability of a central prediction interval, in percent, from 1 to 99.99: beyond that the ends say more of the
/// assumed distribution than of the price, and 0.8 is a share that was meant to be 80.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "f64")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 99.99, example = 80))]
pub struct Level(f64);

impl Level {
    /// For constants, which are within the bounds.
    pub(crate) const fn new(percent: f64) -> Level {
        Level(percent)
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        self.0
    }

    /// The probability below its upper end.
    pub(crate) fn upper_tail(self) -> f64 {
        0.5 + self.probability() / 2.0
    }

    /// As a probability.
    pub fn probability(self) -> f64 {
        self.0 / 100.0
    }
}

impl TryFrom<f64> for Level {
    type Error = Error;

    fn try_from(percent: f64) -> Result<Self, Error> {
        if (1.0..=99.99).contains(&percent) {
            Ok(Level(percent))
        } else {
            Err(Error::Level { got: percent.to_string() })
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<f64>().map_err(|_| Error::Level { got: text.to_owned() })?.try_into()
    }
}

/// 80 rather than 80.0, as people and the HTTP interface write it.
impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 { serializer.serialize_u64(self.0 as u64) } else { serializer.serialize_f64(self.0) }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
