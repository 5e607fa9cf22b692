use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of one series, as Tiingo spells it: `FSLY`, `BRK-A`, or a user's own, such as `STORE_17`.
///
/// It becomes part of keys, paths and URLs, so it is letters, digits, `-` and `_` alone, in upper case: nothing that could
/// leave its folder, and no two names that differ only by case.
///
/// ```
/// use forecasting::Ticker;
///
/// assert_eq!("brk-a".parse::<Ticker>()?.as_str(), "BRK-A");
/// assert!("../secrets".parse::<Ticker>().is_err());
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(description = "The name of one series, such as NLS or BRK-A.", value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", example = "NLS"))]
pub struct Ticker(String);

const MAX_CHARACTERS: usize = 32;

impl Ticker {
    /// The ticker of a series that is called so elsewhere: what a ticker cannot hold becomes `_`, as in `STORE_1_ITEM_2`.
    ///
    /// # Errors
    /// [`Error::Ticker`] of a name that is too long, or empty.
    pub fn of_name(name: &str) -> Result<Ticker, Error> {
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
        let plain: String = name.trim().chars().map(allowed).collect();
        let begins = plain.starts_with(|c: char| c.is_ascii_alphanumeric());
        let ticker = plain.trim_start_matches(['-', '_']);
        if begins { &plain } else { ticker }.parse()
    }

    /// The ticker in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ticker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why| Err(Error::Ticker { text: text.chars().take(40).collect(), why });
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_CHARACTERS {
            return refuse("it is longer than 32 characters");
        }
        if text.contains('.') && text.chars().all(|c| allowed(c) || c == '.') {
            return refuse("Tiingo writes '-' where others write '.', as in BRK-A");
        }
        if !text.chars().all(allowed) {
            return refuse("only letters, digits, '-' and '_' are allowed");
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return refuse("it must start with a letter or a digit");
        }
        Ok(Ticker(text.to_ascii_uppercase()))
    }
}

impl TryFrom<String> for Ticker {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Ticker> for String {
    fn from(ticker: Ticker) -> String {
        ticker.0
    }
}

impl fmt::Display for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_and_refused() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Ticker>().ok().as_ref().map(Ticker::as_str), expected, "{text:?}");
        };
        check("FSLY", Some("FSLY"));
        check("fsly", Some("FSLY"));
        check("SPG-P-J", Some("SPG-P-J"));
        check("STORE_17", Some("STORE_17"));
        check("BRK.A", None);
        check("", None);
        check("..", None);
        check("../NLS", None);
        check("a/b", None);
        check("a\\b", None);
        check("-A", None);
        check("A B", None);
        check("A\0", None);
        check("ÄÖ", None);
        check(&"A".repeat(33), None);
    }
}
