//! What a model is: orders, coefficients, polynomials, transforms.

pub(crate) mod coefficients;
pub(crate) mod order;
pub(crate) mod polynomial;
pub(crate) mod transform;
