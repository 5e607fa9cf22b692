use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use forecasting::{Stamp, Ticker};

use super::{Broken, memory_streams::Arrived};
use crate::{
    Appended, Attempt, Chain, Chained, Champion, Closure, Error, Ledger, Link, OfRun, Receipt, Run, RunEntry, RunId,
    Stage, StageRecord,
    stream::{Head, Kept},
};

/// A ledger, and a log of what arrived, that last as long as they are held. Later is what came later, by no clock.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Content>);

/// All that a ledger holds, for comparison. Lists are in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Content {
    pub(super) broken: Broken,
    pub(super) arrived: Arrived,
    runs: Vec<RunEntry>,
    chains: BTreeMap<Ticker, Vec<(Link, Chained)>>,
    attempts: Vec<(RunId, Attempt)>,
    champions: BTreeMap<Ticker, Champion>,
    /// Pointers that do not move before the next records do.
    lagging: BTreeMap<Ticker, Champion>,
}

impl MemoryLedger {
    /// One that does not keep a promise.
    pub fn broken(broken: Broken) -> MemoryLedger {
        MemoryLedger(Mutex::new(Content { broken, ..Content::default() }))
    }

    /// Another ledger with the same content.
    #[must_use]
    pub fn fork(&self) -> MemoryLedger {
        MemoryLedger(Mutex::new(self.locked().clone()))
    }

    /// Chains and champions: what two nights that did the same leave alike.
    pub fn outcome(&self) -> (BTreeMap<Ticker, Chain>, BTreeMap<Ticker, Champion>) {
        let content = self.locked();
        let chains = content.chains.keys().map(|ticker| (ticker.clone(), content.chain(ticker)));
        (chains.collect(), content.champions.clone())
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn chain(&self, ticker: &Ticker) -> Chain {
        let records = self.chains.get(ticker).cloned().unwrap_or_default();
        Chain { head: records.last().map(|(link, _)| link.clone()), records }
    }

    fn results(&self, ticker: &Ticker) -> impl Iterator<Item = &StageRecord> {
        self.chains.get(ticker).into_iter().flatten().filter_map(|(_, chained)| match chained {
            Chained::Result(record) => Some(record),
            Chained::Receipt(..) => None,
        })
    }

    fn receipts(&self, ticker: &Ticker) -> impl Iterator<Item = &Receipt> {
        self.chains.get(ticker).into_iter().flatten().filter_map(|(_, chained)| match chained {
            Chained::Receipt(receipt, _) => Some(&**receipt),
            Chained::Result(_) => None,
        })
    }
}

/// Newest session first, then the last written.
fn newest_first<T: Clone>(broken: Broken, written: &[T], as_of: impl Fn(&T) -> Stamp) -> Vec<T> {
    let mut sorted: Vec<(usize, &T)> = written.iter().enumerate().collect();
    if broken == Broken::Disorders {
        sorted.reverse();
        sorted.iter_mut().enumerate().for_each(|(place, (written, _))| *written = place);
    }
    sorted.sort_by_key(|(place, item)| (Reverse(as_of(item)), Reverse(*place)));
    sorted.into_iter().map(|(_, item)| item.clone()).collect()
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        let mut content = self.locked();
        if let Some(entry) = content.runs.iter().find(|entry| entry.run.id == run.id) {
            return Ok(entry.clone());
        }
        let opened_at = format!("#{}", content.runs.len());
        let entry = RunEntry { run: run.clone(), opened_at, closed_at: None, closure: None };
        content.runs.push(entry.clone());
        Ok(entry)
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        let mut content = self.locked();
        if let Some(entry) = content.runs.iter_mut().find(|entry| entry.run.id == *run) {
            (entry.closed_at, entry.closure) = (Some(entry.opened_at.clone()), Some(closure.clone()));
        }
        Ok(())
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        Ok(self.locked().runs.iter().find(|entry| entry.run.id == *run).cloned())
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        let mut runs: Vec<RunEntry> = self.locked().runs.iter().rev().cloned().collect();
        runs.sort_by_key(|entry| Reverse(entry.run.as_of));
        runs.truncate(limit);
        Ok(runs)
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        let mut content = self.locked();
        let broken = content.broken;
        if let Some(champion) = content.lagging.remove(ticker) {
            content.champions.insert(ticker.clone(), champion);
        }
        let standing = content.chains.get(ticker).into_iter().flatten();
        if broken != Broken::Repeats
            && standing.into_iter().any(|(_, standing)| records.iter().any(|record| record.is_in_place_of(standing)))
        {
            return Ok(Appended::Stood);
        }
        let decides = records.iter().any(|record| matches!(record, Chained::Receipt(..)));
        if decides && broken != Broken::Moves && content.champions.get(ticker) != expected {
            return Err(Error::ChampionMoved { ticker: ticker.clone() });
        }
        for record in records {
            let chain = content.chains.entry(ticker.clone()).or_default();
            chain.push((Link::of(chain.last().map(|(link, _)| link), record), record.clone()));
            if let Some(champion) = record.champion() {
                if broken == Broken::Lags && content.lagging.insert(ticker.clone(), champion.clone()).is_none() {
                    continue;
                }
                content.champions.insert(ticker.clone(), champion.clone());
            }
        }
        Ok(Appended::Wholly)
    }

    async fn of_run(&self, run: &RunId, ticker: &Ticker) -> Result<OfRun, Error> {
        let content = self.locked();
        let own = content.chains.get(ticker).into_iter().flatten().filter(|(_, record)| record.run() == run);
        let end = own.clone().next_back().map(|(link, _)| link.clone());
        Ok(OfRun { records: own.map(|(link, record)| (link.sequence, record.clone())).collect(), end })
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let content = self.locked();
        let asked = |r: &&StageRecord| r.key.stage == stage && r.as_of <= up_to;
        let found: Vec<StageRecord> = content.results(ticker).filter(asked).cloned().collect();
        let mut found = newest_first(content.broken, &found, |record| record.as_of);
        found.truncate(limit);
        Ok(found)
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        self.locked().attempts.extend(attempts.iter().map(|attempt| (run.clone(), attempt.clone())));
        Ok(())
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        let content = self.locked();
        let of_run = content.attempts.iter().filter(|(of, _)| of == run);
        let mut attempts: Vec<Attempt> = of_run.map(|(_, attempt)| attempt.clone()).collect();
        attempts.sort_by(|a, b| a.ended_at.cmp(&b.ended_at));
        Ok(attempts)
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        Ok(self.locked().champions.get(ticker).cloned())
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        Ok(self.locked().arrived.series.get(ticker).map(|(head, _)| head.clone()))
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        Ok(self.rows_where(ticker, |row| row.at >= from))
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        let content = self.locked();
        let own: Vec<Receipt> = content.receipts(ticker).cloned().collect();
        Ok(newest_first(content.broken, &own, |receipt| receipt.as_of))
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        Ok(self.locked().chain(ticker))
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        let mut content = self.locked();
        content.chains.remove(ticker);
        content.champions.remove(ticker);
        content.arrived.series.remove(ticker);
        Ok(())
    }
}
