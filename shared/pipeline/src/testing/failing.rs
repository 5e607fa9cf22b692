use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use forecasting::{Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};

use crate::{
    Appended, Archive, Attempt, Chain, Chained, Champion, Closure, Created, Error, History, Key, Ledger, MarketData,
    Receipt, Run, RunEntry, RunId, Stage, StageRecord,
};

/// Which call fails, counted over every port that shares it.
#[derive(Debug, Default)]
pub struct Faults {
    calls: AtomicUsize,
    fails: Option<usize>,
    after_effect: bool,
}

impl Faults {
    /// The call with this number fails, from 1: before it has any effect, or after it has had it.
    pub fn at(call: usize, after_effect: bool) -> Faults {
        Faults { calls: AtomicUsize::new(0), fails: Some(call), after_effect }
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn of<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let fails = Some(self.calls.fetch_add(1, Ordering::Relaxed) + 1) == self.fails;
        let gone = || {
            let (what, reason) = ("a port".to_owned(), "it was told to fail".to_owned());
            Error::Store { what, action: "reached", reason, transient: true }
        };
        match (fails, self.after_effect) {
            (false, _) => call.await,
            (true, false) => Err(gone()),
            (true, true) => call.await.and(Err(gone())),
        }
    }
}

/// A port of which one call fails.
#[derive(Debug)]
pub struct Failing<'a, T: ?Sized> {
    /// The port.
    pub inner: &'a T,
    /// Which of its calls.
    pub faults: &'a Faults,
}

#[async_trait]
impl<T: Archive + ?Sized> Archive for Failing<'_, T> {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        self.faults.of(self.inner.create(key, bytes)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.faults.of(self.inner.read(key)).await
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.faults.of(self.inner.remove(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.faults.of(self.inner.list(prefix)).await
    }
}

#[async_trait]
impl<T: MarketData + ?Sized> MarketData for Failing<'_, T> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        self.faults.of(self.inner.history(ticker, from, to)).await
    }

    async fn newest(&self, ticker: &Ticker, day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        self.inner.newest(ticker, day).await
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        self.inner.rejected(ticker).await
    }
}

#[async_trait]
impl<T: Ledger + ?Sized> Ledger for Failing<'_, T> {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        self.faults.of(self.inner.open_run(run)).await
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.faults.of(self.inner.close_run(run, closure)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.faults.of(self.inner.run(run)).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.faults.of(self.inner.runs(limit)).await
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        self.faults.of(self.inner.append(ticker, records, expected)).await
    }

    async fn results(&self, run: &RunId, ticker: &Ticker) -> Result<Vec<StageRecord>, Error> {
        self.faults.of(self.inner.results(run, ticker)).await
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.faults.of(self.inner.history(ticker, stage, up_to, limit)).await
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        self.faults.of(self.inner.record(run, attempts)).await
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        self.faults.of(self.inner.attempts(run)).await
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.faults.of(self.inner.champion(ticker)).await
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.faults.of(self.inner.forget(ticker)).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        self.faults.of(self.inner.chain(ticker)).await
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.faults.of(self.inner.receipts(ticker)).await
    }
}
