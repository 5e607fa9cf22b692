use serde::{Deserialize, Serialize};

/// What the numbers of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    /// Positive, and modelled by its logarithm: changes are relative.
    #[default]
    Price,
    /// Any finite number, modelled as it is.
    Value,
}

impl Kind {
    /// Whether it is the usual one, which is not written down.
    // serde hands over a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn is_price(&self) -> bool {
        *self == Kind::Price
    }

    /// The number that models work on.
    pub fn level(self, value: f64) -> f64 {
        match self {
            Kind::Price => value.ln(),
            Kind::Value => value,
        }
    }

    /// The number that people see.
    pub fn value(self, level: f64) -> f64 {
        match self {
            Kind::Price => level.exp(),
            Kind::Value => level,
        }
    }

    pub(crate) fn levels(self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|value| self.level(*value)).collect()
    }

    /// What a number is, over another one: a share of a price, a difference of values.
    pub(crate) fn change(self, from: f64, to: f64) -> f64 {
        match self {
            Kind::Price => (to / from).ln(),
            Kind::Value => to - from,
        }
    }
}
