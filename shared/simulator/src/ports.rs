//! The ports as one process has them: over the stores that all share, and any call may fail.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use forecasting::{Row, Stamp, Ticker};
use futures::future::{BoxFuture, FutureExt};
use jiff::{Timestamp, civil::Date};
use pipeline::{
    Appended, Archive, Attempt, Chain, Chained, Champion, Closure, Created, Error, History, Key, Ledger, MarketData,
    Receipt, Run, RunEntry, RunId, Stage, StageRecord,
    stream::{Head, Kept, Source, Step, Streams},
};

use crate::process::Process;

/// A port of which calls fail.
pub(crate) struct Failing<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) process: Arc<Process>,
}

type Again = BoxFuture<'static, ()>;

/// What is read has no effect that could come again.
fn never() -> Option<Again> {
    None
}

impl<T: ?Sized> Failing<T> {
    async fn read<R>(
        &self,
        what: impl FnOnce() -> String,
        effect: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        self.process.call(what, effect, never).await
    }
}

#[async_trait]
impl Archive for Failing<dyn Archive> {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        let again = || {
            let (inner, key, bytes) = (self.inner.clone(), key.clone(), bytes.to_vec());
            Some(async move { drop(inner.create(&key, &bytes).await) }.boxed())
        };
        self.process.call(|| format!("create {key}"), self.inner.create(key, bytes), again).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.read(|| format!("read {key}"), self.inner.read(key)).await
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.read(|| format!("remove {key}"), self.inner.remove(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.read(|| format!("list {prefix}"), self.inner.list(prefix)).await
    }
}

#[async_trait]
impl Ledger for Failing<dyn Ledger> {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        let again = || {
            let (inner, run) = (self.inner.clone(), run.clone());
            Some(async move { drop(inner.open_run(&run).await) }.boxed())
        };
        self.process.call(|| format!("open {}", run.id), self.inner.open_run(run), again).await
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.read(|| format!("close {run}"), self.inner.close_run(run, closure)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.read(|| format!("run {run}"), self.inner.run(run)).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.read(|| "runs".to_owned(), self.inner.runs(limit)).await
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        let again = || {
            let (inner, ticker) = (self.inner.clone(), ticker.clone());
            let (records, expected) = (records.to_vec(), expected.cloned());
            Some(async move { drop(inner.append(&ticker, &records, expected.as_ref()).await) }.boxed())
        };
        let what = || format!("append {} records of {ticker}", records.len());
        self.process.call(what, self.inner.append(ticker, records, expected), again).await
    }

    async fn results(&self, run: &RunId, ticker: &Ticker) -> Result<Vec<StageRecord>, Error> {
        self.read(|| format!("results of {ticker} in {run}"), self.inner.results(run, ticker)).await
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.read(|| format!("history of {ticker}, {stage}"), self.inner.history(ticker, stage, up_to, limit)).await
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        self.read(|| format!("record {run}"), self.inner.record(run, attempts)).await
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        self.read(|| format!("attempts of {run}"), self.inner.attempts(run)).await
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.read(|| format!("champion of {ticker}"), self.inner.champion(ticker)).await
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        self.read(|| format!("head of {ticker}"), self.inner.head(ticker)).await
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.read(|| format!("arrivals of {ticker}"), self.inner.arrived(ticker, from)).await
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.read(|| format!("forget {ticker}"), self.inner.forget(ticker)).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        self.read(|| format!("chain of {ticker}"), self.inner.chain(ticker)).await
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.read(|| format!("receipts of {ticker}"), self.inner.receipts(ticker)).await
    }
}

#[async_trait]
impl Streams for Failing<dyn Streams> {
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        self.read(|| format!("positions of {source}"), self.inner.positions(source)).await
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        self.read(|| format!("periods of {ticker}"), self.inner.of_periods(ticker, periods)).await
    }

    async fn later(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.read(|| format!("rows of {ticker} from {from}"), self.inner.later(ticker, from)).await
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        self.read(|| format!("rows of {ticker}"), self.inner.rows(ticker)).await
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        let again = || {
            let (inner, step) = (self.inner.clone(), step.clone());
            Some(async move { drop(inner.keep(&step).await) }.boxed())
        };
        self.process.call(|| format!("keep {}", step.counts), self.inner.keep(step), again).await
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        self.read(|| "streamed".to_owned(), self.inner.streamed()).await
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        self.read(|| "sources".to_owned(), self.inner.sources()).await
    }
}

#[async_trait]
impl MarketData for Failing<dyn MarketData> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        self.read(|| format!("bars of {ticker} up to {to}"), self.inner.history(ticker, from, to)).await
    }

    async fn newest(&self, ticker: &Ticker, day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        self.read(|| format!("newest bar of {ticker}"), self.inner.newest(ticker, day)).await
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        self.inner.rejected(ticker).await
    }
}
