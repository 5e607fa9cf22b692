//! The likelihood of a series, by the Kalman filter.

pub(crate) mod autocovariance;
pub(crate) mod differenced;
pub(crate) mod dual;
pub(crate) mod gains;
pub(crate) mod gaps;
pub(crate) mod imputation;
pub(crate) mod innovations;
pub(crate) mod likelihood;
pub(crate) mod matrix;
pub(crate) mod series;
pub(crate) mod start;
pub(crate) mod state;
