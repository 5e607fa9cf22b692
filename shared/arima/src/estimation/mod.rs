//! Estimates, and how sure they are.

pub(crate) mod fit;
pub(crate) mod information;
pub mod optimise;
pub(crate) mod parameters;
pub(crate) mod regressed;
pub(crate) mod regression;
pub(crate) mod uncertainty;
