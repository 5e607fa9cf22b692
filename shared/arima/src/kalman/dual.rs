//! Numbers that carry derivatives (forward-mode differentiation): what the likelihood does before it meets the data
//! is written once, for numbers, and differentiated by running it on these.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// What the initial part of the likelihood computes with.
pub(crate) trait Number:
    Copy
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The number without its derivative.
    fn value(self) -> f64;
    /// Its square root.
    fn sqrt(self) -> Self;
}

impl Number for f64 {
    fn value(self) -> f64 {
        self
    }

    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
}

/// Directions that are differentiated at once.
pub(crate) const DIRECTIONS: usize = 4;

/// A value and its derivatives in some directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dual {
    pub(crate) value: f64,
    pub(crate) slope: [f64; DIRECTIONS],
}

impl Dual {
    fn new(value: f64, slope: impl Fn(usize) -> f64) -> Dual {
        let mut dual = Dual::from(value);
        for (i, s) in dual.slope.iter_mut().enumerate() {
            *s = slope(i);
        }
        dual
    }
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Dual { value, slope: [0.0; DIRECTIONS] }
    }
}

impl Number for Dual {
    fn value(self) -> f64 {
        self.value
    }

    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        Dual::new(value, |i| 0.5 * self.slope[i] / value)
    }
}

impl Add for Dual {
    type Output = Dual;

    fn add(self, other: Dual) -> Dual {
        Dual::new(self.value + other.value, |i| self.slope[i] + other.slope[i])
    }
}

impl Sub for Dual {
    type Output = Dual;

    fn sub(self, other: Dual) -> Dual {
        Dual::new(self.value - other.value, |i| self.slope[i] - other.slope[i])
    }
}

impl Mul for Dual {
    type Output = Dual;

    #[allow(clippy::suspicious_arithmetic_impl, reason = "the product rule")]
    fn mul(self, other: Dual) -> Dual {
        Dual::new(self.value * other.value, |i| self.slope[i] * other.value + self.value * other.slope[i])
    }
}

impl Div for Dual {
    type Output = Dual;

    fn div(self, other: Dual) -> Dual {
        let inverse = 1.0 / other.value;
        let value = self.value / other.value;
        Dual::new(value, |i| (self.slope[i] - value * other.slope[i]) * inverse)
    }
}

impl Neg for Dual {
    type Output = Dual;

    fn neg(self) -> Dual {
        Dual::new(-self.value, |i| -self.slope[i])
    }
}
