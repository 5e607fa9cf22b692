use std::{fmt, str::FromStr};

use ::arima::BoxCox;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What the numbers of a series are.
///
/// ```
/// use forecasting::Kind;
///
/// assert_eq!(Kind::default(), Kind::Price);
/// let square_roots: Kind = "value^0.5".parse()?;
/// assert_eq!(square_roots.level(9.0), 4.0);
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// Positive, and modelled by its logarithm: changes are relative.
    #[default]
    Price,
    /// Any finite number, modelled as it is, or by a power of it.
    Value(Power),
}

/// A power that values are modelled by: (y^power - 1) / power, and their logarithm where it is 0 (Box & Cox 1964, J. Royal
/// Statistical Society B 26, 211-252).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Power {
    thousandths: u16,
}

impl Power {
    /// The values themselves.
    pub const ONE: Power = Power { thousandths: 1000 };

    /// One between 0 and 2, to three digits: with a negative one, forecasts would reach infinity.
    ///
    /// # Errors
    /// [`Error::Kind`] otherwise.
    pub fn new(power: f64) -> Result<Power, Error> {
        let thousandths = power * 1000.0;
        if !(0.0..=2000.0).contains(&thousandths) || (thousandths - thousandths.round()).abs() > 1e-6 {
            let text = power.to_string();
            return Err(Error::Kind { text, what: "a power is between 0 and 2, to three digits" });
        }
        // Within its bounds it is one.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Power { thousandths: thousandths.round() as u16 })
    }

    fn transform(self) -> Option<BoxCox> {
        (self != Power::ONE).then(|| BoxCox::new(f64::from(self.thousandths) / 1000.0).ok()).flatten()
    }
}

impl Kind {
    /// Values as they are.
    pub const VALUE: Kind = Kind::Value(Power::ONE);

    /// Whether it is the usual one, which is not written down.
    // serde hands over a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn is_price(&self) -> bool {
        *self == Kind::Price
    }

    /// Why a number is none of these, where it is finite.
    pub fn refusal(self, value: f64) -> Option<&'static str> {
        match self {
            Kind::Price if value <= 0.0 => {
                Some("but a price is positive and finite (kind = \"value\" is for other numbers)")
            }
            Kind::Value(Power { thousandths: 0 }) if value <= 0.0 => {
                Some("but box_cox = 0, the logarithm, takes positive values alone")
            }
            Kind::Value(power) if power != Power::ONE && value < 0.0 => Some("but box_cox takes no negative values"),
            _ => None,
        }
    }

    /// The number that models work on.
    pub fn level(self, value: f64) -> f64 {
        match self {
            Kind::Price => value.ln(),
            Kind::Value(power) => power.transform().map_or(value, |transform| transform.forward(value)),
        }
    }

    /// The number that people see.
    pub fn value(self, level: f64) -> f64 {
        match self {
            Kind::Price => level.exp(),
            Kind::Value(power) => power.transform().map_or(level, |transform| transform.back(level)),
        }
    }

    pub(crate) fn levels(self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|value| self.level(*value)).collect()
    }

    /// What a number is, over another one: a share of a price, a difference of values.
    pub(crate) fn change(self, from: f64, to: f64) -> f64 {
        match self {
            Kind::Price => (to / from).ln(),
            Kind::Value(_) => self.level(to) - self.level(from),
        }
    }
}

/// `price`, `value`, or `value^0.5`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Price => f.pad("price"),
            Kind::Value(Power::ONE) => f.pad("value"),
            Kind::Value(Power { thousandths }) => write!(f, "value^{}", f64::from(*thousandths) / 1000.0),
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Kind, Error> {
        let refused =
            || Error::Kind { text: text.chars().take(40).collect(), what: "a kind is \"price\" or \"value\"" };
        match text.split_once('^') {
            None if text == "price" => Ok(Kind::Price),
            None if text == "value" => Ok(Kind::VALUE),
            Some(("value", power)) => Power::new(power.parse().map_err(|_| refused())?).map(Kind::Value),
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for Kind {
    type Error = Error;

    fn try_from(text: String) -> Result<Kind, Error> {
        text.parse()
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> String {
        kind.to_string()
    }
}
