//! Daily prices from Tiingo's end-of-day interface (`GET /tiingo/daily/{ticker}/prices`).
//!
//! A status alone is never trusted: some of Tiingo's errors come with status 200. Rows are accepted only from a JSON array
//! of rows or a CSV with the exact header, absence only where Tiingo says "not found" (`answer`); everything else is a
//! quota, or temporary.

mod answer;
mod client;
mod newest;
mod quota;
mod token;

pub use client::{Client, Settings};
pub use token::Token;
