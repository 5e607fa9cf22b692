use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use forecasting::{Ticker, TradingDay};

use crate::{
    Attempt, Chain, Chained, Champion, Closure, Error, Ledger, Link, Pointing, Receipt, Run, RunEntry, RunId, Stage,
    StageKey, StageRecord,
};

/// A ledger that lasts as long as it is held. What came later is told by the order in which it came, and by no clock.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Content>);

/// All that a ledger holds, for comparison. Lists are in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
struct Content {
    runs: Vec<RunEntry>,
    chains: BTreeMap<Ticker, Vec<(Link, Chained)>>,
    attempts: Vec<(RunId, Attempt)>,
    champions: BTreeMap<Ticker, Champion>,
}

impl MemoryLedger {
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

    fn locked(&self) -> MutexGuard<'_, Content> {
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
fn newest_first<T: Clone>(written: &[T], as_of: impl Fn(&T) -> TradingDay) -> Vec<T> {
    let mut sorted: Vec<(usize, &T)> = written.iter().enumerate().collect();
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

    async fn commit(&self, record: StageRecord) -> Result<StageRecord, Error> {
        let mut content = self.locked();
        if let Some(standing) = content.results(&record.key.ticker).find(|standing| standing.key == record.key) {
            return Ok(standing.clone());
        }
        let chain = content.chains.entry(record.key.ticker.clone()).or_default();
        let link = Link::of_result(chain.last().map(|(link, _)| link), &record);
        chain.push((link, Chained::Result(record.clone())));
        Ok(record)
    }

    async fn committed(&self, key: &StageKey) -> Result<Option<StageRecord>, Error> {
        Ok(self.locked().results(&key.ticker).find(|record| record.key == *key).cloned())
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: TradingDay,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let content = self.locked();
        let asked = |r: &&StageRecord| r.key.stage == stage && r.as_of <= up_to;
        let found: Vec<StageRecord> = content.results(ticker).filter(asked).cloned().collect();
        let mut found = newest_first(&found, |record| record.as_of);
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

    async fn decide(
        &self,
        receipt: &Receipt,
        expected: Option<&Champion>,
        pointing: Pointing,
    ) -> Result<Receipt, Error> {
        let mut content = self.locked();
        if let Some(standing) = content.receipts(&receipt.ticker).find(|standing| standing.run == receipt.run) {
            return Ok(standing.clone());
        }
        if content.champions.get(&receipt.ticker) != expected {
            return Err(Error::ChampionMoved { ticker: receipt.ticker.clone() });
        }
        let chain = content.chains.entry(receipt.ticker.clone()).or_default();
        let link = Link::of_receipt(chain.last().map(|(link, _)| link), receipt, pointing);
        chain.push((link, Chained::Receipt(Box::new(receipt.clone()), pointing)));
        if pointing == Pointing::Move {
            content.champions.insert(receipt.ticker.clone(), receipt.champion.clone());
        }
        Ok(receipt.clone())
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        let content = self.locked();
        let own: Vec<Receipt> = content.receipts(ticker).cloned().collect();
        Ok(newest_first(&own, |receipt| receipt.as_of))
    }

    async fn receipt(&self, ticker: &Ticker, run: &RunId) -> Result<Option<Receipt>, Error> {
        Ok(self.locked().receipts(ticker).find(|receipt| receipt.run == *run).cloned())
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        Ok(self.locked().chain(ticker))
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        let mut content = self.locked();
        content.chains.remove(ticker);
        content.champions.remove(ticker);
        Ok(())
    }
}
