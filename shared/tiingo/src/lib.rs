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

/// What a client does with an answer, without a server.
#[cfg(feature = "testing")]
pub mod testing {
    use forecasting::Row;

    use crate::{
        Token,
        answer::{self, Answer},
    };

    /// The rows of an answer about a daily series.
    ///
    /// # Errors
    /// What is said instead, in words.
    pub fn read(status: u16, body: &str, token: &Token) -> Result<Vec<Row>, String> {
        match answer::read(status, &token.scrub(body), None) {
            Answer::Rows(rows) => Ok(rows),
            Answer::Unknown(said)
            | Answer::HourlyQuota(said)
            | Answer::OtherQuota(said)
            | Answer::Unauthorized(said)
            | Answer::Unavailable(said)
            | Answer::Unusable(said) => Err(said),
        }
    }
}
