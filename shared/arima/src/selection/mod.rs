//! Which orders, and how much differencing.

pub mod differencing;
pub(crate) mod search;
pub(crate) mod select;
