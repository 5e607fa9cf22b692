use std::{fmt, str::FromStr};

use ::arima::Forecast;
use serde::{Deserialize, Serialize};

use super::{Member, Specification, State, Summary};
use crate::{Error, Kind, Seasons};

/// A model that is not ours: a program fits it, and says what it forecasts. What it has said is handed to the record; nothing here asks
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What the configuration calls it.
    pub program: ProgramName,
}

/// What a configuration calls a program: up to 24 small letters, digits, `-` and `_`.
///
/// ```
/// use forecasting::ProgramName;
///
/// assert_eq!("forest".parse::<ProgramName>()?.to_string(), "forest");
/// assert!("My Forest".parse::<ProgramName>().is_err());
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProgramName([u8; MAX_CHARACTERS]);

const MAX_CHARACTERS: usize = 24;

/// What a program has fitted: a text of its own, which it reads again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgramModel {
    pub(crate) model: String,
    pub(crate) observations: usize,
}

const ELSEWHERE: &str = "only its program can tell";

impl Member for Program {
    type State = ProgramModel;

    fn select(_: &[f64], _: Seasons, _: Kind) -> Result<Specification, String> {
        Err(ELSEWHERE.to_owned())
    }

    fn fit(&self, _: &[f64]) -> Result<ProgramModel, String> {
        Err(ELSEWHERE.to_owned())
    }
}

impl State for ProgramModel {
    fn advance(&mut self, _: &[f64]) -> Result<(), String> {
        Err(ELSEWHERE.to_owned())
    }

    fn forecast(&self, _: usize) -> Result<Forecast, String> {
        Err(ELSEWHERE.to_owned())
    }

    fn summary(&self) -> Summary {
        Summary { coefficients: Vec::new(), sigma2: None, observations: self.observations, aicc: None }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program {}", self.program)
    }
}

impl FromStr for ProgramName {
    type Err = Error;

    fn from_str(text: &str) -> Result<ProgramName, Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > MAX_CHARACTERS || !text.bytes().all(allowed) {
            return Err(Error::Program { text: text.chars().take(40).collect() });
        }
        let mut name = [0; MAX_CHARACTERS];
        name[..text.len()].copy_from_slice(text.as_bytes());
        Ok(ProgramName(name))
    }
}

impl fmt::Display for ProgramName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(MAX_CHARACTERS);
        f.pad(std::str::from_utf8(&self.0[..length]).unwrap_or_default())
    }
}

impl TryFrom<String> for ProgramName {
    type Error = Error;

    fn try_from(text: String) -> Result<ProgramName, Error> {
        text.parse()
    }
}

impl From<ProgramName> for String {
    fn from(name: ProgramName) -> String {
        name.to_string()
    }
}
