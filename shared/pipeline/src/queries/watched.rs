use std::collections::BTreeMap;

use forecasting::{Decision, Ticker};

use crate::{Archive, Digest, Error, Ledger, Overview, RunEntry, Standing, TickerStatus};

/// Every ticker as the newest runs left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The newest runs, newest first.
    pub runs: Vec<RunEntry>,
    /// By name.
    pub tickers: Vec<WatchedTicker>,
}

/// One ticker as the newest runs left it.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedTicker {
    /// Which series.
    pub ticker: Ticker,
    /// How the newest run that worked on it ended for it.
    pub status: TickerStatus,
    /// That run's verdict, or, where it failed before one, none.
    pub verdict: Option<Decision>,
    /// The verdict's reason, or the error's text.
    pub reason: String,
    /// The newest forecast, which may be of an earlier run.
    pub standing: Option<Standing>,
}

/// On pages and in lists a ticker that none of so many of the newest runs worked on is not watched any more.
pub const WATCHED_RUNS: usize = 30;

/// The newest runs tell of every ticker: one that none of them worked on is not watched any more.
pub async fn watched(archive: &dyn Archive, ledger: &dyn Ledger, runs: usize) -> Result<Watched, Error> {
    let runs = ledger.runs(runs).await?;
    let mut tickers: BTreeMap<Ticker, WatchedTicker> = BTreeMap::new();
    let mut asked: BTreeMap<Digest, Vec<Ticker>> = BTreeMap::new();
    for entry in &runs {
        let known = |ticker: &Ticker| tickers.get(ticker).is_some_and(|known| known.standing.is_some());
        let Some(closure) = &entry.closure else { continue };
        // Most nights are asked to do the same.
        let assignment = &entry.run.assignment;
        if !asked.contains_key(assignment) {
            let tickers = readable(entry.run.tickers(archive).await, "what a run was asked to do")?.unwrap_or_default();
            asked.insert(assignment.clone(), tickers);
        }
        if asked[assignment].iter().all(known) {
            continue;
        }
        let outcomes = readable(closure.outcomes(archive).await, "a summary")?.unwrap_or_default();
        for summary in &outcomes {
            tickers.entry(summary.ticker.clone()).or_insert_with(|| WatchedTicker {
                ticker: summary.ticker.clone(),
                status: summary.status,
                verdict: summary.verdict,
                reason: summary.reason.clone(),
                standing: None,
            });
        }
        // A report is read only where it has a forecast that none of the newer ones had.
        let lacks = |ticker: &Ticker| tickers.get(ticker).is_some_and(|known| known.standing.is_none());
        if !outcomes.iter().any(|summary| summary.status == TickerStatus::Done && lacks(&summary.ticker)) {
            continue;
        }
        let overview = readable(Overview::read(archive, closure).await, "an overview")?.flatten();
        for row in overview.into_iter().flat_map(|overview| overview.tickers) {
            if let Some(known) = tickers.get_mut(&row.ticker).filter(|known| known.standing.is_none()) {
                known.standing = row.standing;
            }
        }
    }
    Ok(Watched { runs, tickers: tickers.into_values().collect() })
}

/// What cannot be read is said, and does without.
fn readable<T>(read: Result<T, Error>, what: &str) -> Result<Option<T>, Error> {
    match read {
        Err(error) if !error.is_transient() => {
            tracing::warn!(%error, "{what} cannot be read");
            Ok(None)
        }
        read => read.map(Some),
    }
}
