//! Prices from Tiingo: at the end of the day (`GET /tiingo/daily/{ticker}/prices`), and bars of crypto currencies, currencies and shares
//! within the day.
//!
//! A status alone is never trusted: some of Tiingo's errors come with status 200. Rows are accepted only from a JSON array
//! of rows or a CSV with the exact header, absence only where Tiingo says "not found" (`answer`); everything else is a
//! quota, or temporary.

mod answer;
mod client;
mod feed;
mod newest;
mod outage;
mod quota;
mod token;

pub use client::{Client, Settings};
pub use feed::Feed;
pub use token::Token;
