use std::{collections::BTreeMap, fmt, ops::Deref};

use async_trait::async_trait;
use forecasting::{Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};

use crate::{
    Appended, Archive, Attempt, Chain, Chained, Champion, Closure, Created, Error, History, Key, Ledger, MarketData,
    OfRun, Receipt, Run, RunEntry, RunId, Stage, StageRecord,
    stream::{Head, Kept, Source, Step, Streams},
};

/// A call of a port; one that writes has all that it would need to be made again.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the port's method of that name")]
pub enum Call<'a> {
    Create(&'a Key, &'a [u8]),
    Read(&'a Key),
    Remove(&'a Key),
    List(&'a str),
    OpenRun(&'a Run),
    CloseRun(&'a RunId, &'a Closure),
    Run(&'a RunId),
    Runs,
    Append(&'a Ticker, &'a [Chained], Option<&'a Champion>),
    OfRun(&'a RunId, &'a Ticker),
    History(&'a Ticker, Stage),
    Record(&'a RunId),
    Attempts(&'a RunId),
    Champion(&'a Ticker),
    Head(&'a Ticker),
    Arrived(&'a Ticker, i64),
    Receipts(&'a Ticker),
    Chain(&'a Ticker),
    Forget(&'a Ticker),
    Check,
    Positions(&'a str),
    OfPeriods(&'a Ticker),
    Rows(&'a Ticker),
    Keep(&'a Step),
    Streamed,
    Sources,
    Bars(&'a Ticker, Stamp),
    Newest(&'a Ticker),
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Create(key, _) => write!(f, "create {key}"),
            Call::Read(key) => write!(f, "read {key}"),
            Call::Remove(key) => write!(f, "remove {key}"),
            Call::List(prefix) => write!(f, "list {prefix}"),
            Call::OpenRun(run) => write!(f, "open run {}", run.id),
            Call::CloseRun(run, _) => write!(f, "close run {run}"),
            Call::Run(run) => write!(f, "run {run}"),
            Call::Runs => f.write_str("runs"),
            Call::Append(ticker, records, _) => write!(f, "append {} records of {ticker}", records.len()),
            Call::OfRun(run, ticker) => write!(f, "what run {run} has of {ticker}"),
            Call::History(ticker, stage) => write!(f, "history of {ticker}, {stage}"),
            Call::Record(run) => write!(f, "record attempts of run {run}"),
            Call::Attempts(run) => write!(f, "attempts of run {run}"),
            Call::Champion(ticker) => write!(f, "champion of {ticker}"),
            Call::Head(ticker) => write!(f, "head of {ticker}"),
            Call::Arrived(ticker, from) => write!(f, "rows of {ticker} from {from}"),
            Call::Receipts(ticker) => write!(f, "receipts of {ticker}"),
            Call::Chain(ticker) => write!(f, "chain of {ticker}"),
            Call::Forget(ticker) => write!(f, "forget {ticker}"),
            Call::Check => f.write_str("check"),
            Call::Positions(source) => write!(f, "positions of {source}"),
            Call::OfPeriods(ticker) => write!(f, "rows of some periods of {ticker}"),
            Call::Rows(ticker) => write!(f, "rows of {ticker}"),
            Call::Keep(step) => write!(f, "keep {}", step.counts),
            Call::Streamed => f.write_str("series that have rows"),
            Call::Sources => f.write_str("sources of rows"),
            Call::Bars(ticker, to) => write!(f, "bars of {ticker} up to {to}"),
            Call::Newest(ticker) => write!(f, "newest bar of {ticker}"),
        }
    }
}

/// Who stands before a port: to note what is asked of it, or to have it fail.
pub trait Intercept: Send + Sync {
    /// Sees each call, and decides what becomes of it.
    fn intercept<T: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, Error>> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send;
}

/// A port before which somebody stands.
#[derive(Debug, Clone)]
pub struct Intercepted<P, I> {
    /// The port.
    pub inner: P,
    /// Who.
    pub by: I,
}

#[async_trait]
impl<P, I> Archive for Intercepted<P, I>
where
    P: Deref<Target: Archive> + Send + Sync,
    I: Deref<Target: Intercept> + Send + Sync,
{
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        self.by.intercept(Call::Create(key, bytes), self.inner.create(key, bytes)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.by.intercept(Call::Read(key), self.inner.read(key)).await
    }

    async fn remove(&self, key: &Key) -> Result<(), Error> {
        self.by.intercept(Call::Remove(key), self.inner.remove(key)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.by.intercept(Call::List(prefix), self.inner.list(prefix)).await
    }
}

#[async_trait]
impl<P, I> Ledger for Intercepted<P, I>
where
    P: Deref<Target: Ledger> + Send + Sync,
    I: Deref<Target: Intercept> + Send + Sync,
{
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        self.by.intercept(Call::OpenRun(run), self.inner.open_run(run)).await
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.by.intercept(Call::CloseRun(run, closure), self.inner.close_run(run, closure)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.by.intercept(Call::Run(run), self.inner.run(run)).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.by.intercept(Call::Runs, self.inner.runs(limit)).await
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        let call = Call::Append(ticker, records, expected);
        self.by.intercept(call, self.inner.append(ticker, records, expected)).await
    }

    async fn of_run(&self, run: &RunId, ticker: &Ticker) -> Result<OfRun, Error> {
        self.by.intercept(Call::OfRun(run, ticker), self.inner.of_run(run, ticker)).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.by.intercept(Call::Check, self.inner.check()).await
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.by.intercept(Call::History(ticker, stage), self.inner.history(ticker, stage, up_to, limit)).await
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        self.by.intercept(Call::Record(run), self.inner.record(run, attempts)).await
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        self.by.intercept(Call::Attempts(run), self.inner.attempts(run)).await
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.by.intercept(Call::Champion(ticker), self.inner.champion(ticker)).await
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        self.by.intercept(Call::Head(ticker), self.inner.head(ticker)).await
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.by.intercept(Call::Arrived(ticker, from), self.inner.arrived(ticker, from)).await
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.by.intercept(Call::Receipts(ticker), self.inner.receipts(ticker)).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        self.by.intercept(Call::Chain(ticker), self.inner.chain(ticker)).await
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.by.intercept(Call::Forget(ticker), self.inner.forget(ticker)).await
    }
}

#[async_trait]
impl<P, I> Streams for Intercepted<P, I>
where
    P: Deref<Target: Streams> + Send + Sync,
    I: Deref<Target: Intercept> + Send + Sync,
{
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        self.by.intercept(Call::Positions(source), self.inner.positions(source)).await
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        self.by.intercept(Call::OfPeriods(ticker), self.inner.of_periods(ticker, periods)).await
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        self.by.intercept(Call::Rows(ticker), self.inner.rows(ticker)).await
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        self.by.intercept(Call::Keep(step), self.inner.keep(step)).await
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        self.by.intercept(Call::Streamed, self.inner.streamed()).await
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        self.by.intercept(Call::Sources, self.inner.sources()).await
    }
}

#[async_trait]
impl<P, I> MarketData for Intercepted<P, I>
where
    P: Deref<Target: MarketData> + Send + Sync,
    I: Deref<Target: Intercept> + Send + Sync,
{
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        self.by.intercept(Call::Bars(ticker, to), self.inner.history(ticker, from, to)).await
    }

    async fn newest(&self, ticker: &Ticker, day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        self.by.intercept(Call::Newest(ticker), self.inner.newest(ticker, day)).await
    }

    /// It is asked as one over the network, whose calls can fail.
    fn is_local(&self) -> bool {
        false
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        self.inner.rejected(ticker).await
    }
}
