use std::fmt;

use forecasting::Ticker;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use super::check::within;

/// The tickers of a night on Tiingo's prices: a list, or the name of a file beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Watchlist {
    file: Option<String>,
    tickers: Vec<Ticker>,
}

/// What a ledger, a report and a page of a run are made for.
pub const MAX_TICKERS: usize = 100_000;

impl Watchlist {
    /// The file that is still to be read.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The tickers; none before the file is read.
    pub fn tickers(&self) -> &[Ticker] {
        &self.tickers
    }

    /// Those that are named more than once.
    pub fn repeated(&self) -> Vec<&Ticker> {
        let mut known = std::collections::BTreeSet::new();
        self.tickers.iter().filter(|ticker| !known.insert(*ticker)).collect()
    }

    /// Reads the file's text: a ticker a line, or a CSV file whose first column they are. Empty lines, what follows a `#`, and a first line
    /// `ticker` are no tickers.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn read(&mut self, text: &str) -> Result<(), String> {
        let name = self.file.take().unwrap_or_default();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            let field = line.split(',').next().unwrap_or_default().trim().trim_matches('"');
            if field.is_empty() || (index == 0 && field.eq_ignore_ascii_case("ticker")) {
                continue;
            }
            let ticker = field.parse().map_err(|error| format!("{name} line {}: {error}", index + 1))?;
            self.tickers.push(ticker);
        }
        if self.tickers.is_empty() {
            return Err(format!("{name} names no ticker"));
        }
        self.check()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        within("the number of tickers in the watchlist", self.tickers.len(), 0..=MAX_TICKERS)
    }
}

impl<'de> Deserialize<'de> for Watchlist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Watchlist, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Watchlist;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tickers, or the name of a file")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Watchlist, A::Error> {
        let mut tickers = Vec::new();
        while let Some(ticker) = sequence.next_element()? {
            tickers.push(ticker);
        }
        Ok(Watchlist { file: None, tickers })
    }

    /// A function may read what is called so, and nothing else that lies in the bucket.
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Watchlist, E> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.starts_with("watchlist") && name.chars().all(allowed) {
            Ok(Watchlist { file: Some(name.to_owned()), tickers: Vec::new() })
        } else {
            let what = "a watchlist is a list of tickers, or a file beside this one whose name begins with 'watchlist'";
            Err(E::custom(format!("{what}, not '{name}'")))
        }
    }
}
