//! One night on one machine: the stages in the order that the state machine has in the cloud.

use std::{collections::BTreeMap, sync::Arc, thread};

use forecasting::Ticker;
use jiff::{Timestamp, civil::Date};
use pipeline::{
    Archive, Attempts, Configuration, Error, Fetched, Ledger, MarketData, Patience, Planned, Run, RunEntry, Stage,
    StageKey, Trigger, fetch, plan, report, work,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Where a night reads and writes.
#[derive(Clone)]
pub struct Night {
    /// The source of bars.
    pub market: Arc<dyn MarketData>,
    /// Snapshots, models, tables, reports.
    pub archive: Arc<dyn Archive>,
    /// Runs, receipts and the champion pointer.
    pub ledger: Arc<dyn Ledger>,
    /// What to do while a bar is missing, or something cannot be reached.
    pub patience: Patience,
}

impl Night {
    /// Runs the stages for every ticker, in parallel on all cores. One ticker's failure never stops the others.
    ///
    /// `finished` is told each ticker that is through.
    ///
    /// # Errors
    /// Only where the run itself cannot be opened or closed; a ticker's errors are in the entry's closure.
    pub async fn run(
        &self,
        configuration: Configuration,
        as_of: Date,
        trigger: Trigger,
        finished: impl Fn(&Ticker),
    ) -> Result<RunEntry, Error> {
        let planned = plan(&*self.archive, &*self.ledger, configuration, as_of, trigger).await?;
        let entry = match planned {
            Planned::NoSession(entry) | Planned::Done(entry) => return Ok(entry),
            Planned::Open(entry) => entry,
        };
        let run = Arc::new(entry.run.clone());
        let places = Arc::new(Places::new());
        let mut tasks = JoinSet::new();
        let mut tickers = BTreeMap::new();
        for ticker in run.configuration.tickers.clone() {
            let (night, run, places, worked_on) = (self.clone(), run.clone(), places.clone(), ticker.clone());
            let task = tasks.spawn(async move {
                let mut attempts = Attempts::new(worked_on.clone(), Timestamp::now);
                let outcome = night.work(&run, &worked_on, &places, &mut attempts).await;
                attempts.record(&*night.ledger, &run.id).await;
                outcome
            });
            tickers.insert(task.id(), ticker);
        }
        let mut failures = BTreeMap::new();
        while let Some(joined) = tasks.join_next_with_id().await {
            let (id, failure) = match joined {
                Ok((id, outcome)) => (id, outcome.err().map(|error| error.to_string())),
                Err(error) => (error.id(), Some(format!("internal error: {error}"))),
            };
            let ticker = &tickers[&id];
            if let Some(failure) = failure {
                failures.insert(ticker.clone(), failure);
            }
            finished(ticker);
        }
        let closure = report(&*self.archive, &*self.ledger, &run, &failures).await?;
        tracing::info!(run = %run.id, status = %closure.status, "the run is closed");
        Ok(self.ledger.run(&run.id).await?.unwrap_or(RunEntry { closure: Some(closure), ..entry }))
    }

    /// All stages for one ticker.
    async fn work(&self, run: &Run, ticker: &Ticker, places: &Places, attempts: &mut Attempts) -> Result<(), Error> {
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        let last = StageKey { run: run.id.clone(), ticker: ticker.clone(), stage: Stage::Forecast };
        if ledger.committed(&last).await?.is_some() {
            return Ok(());
        }
        let mut patience = self.patience;
        loop {
            let place = places.downloads.acquire().await.expect("the semaphore is never closed");
            let fetch = fetch(&*self.market, archive, ledger, run, ticker, patience.settle);
            let fetched = attempts.at(Stage::Fetch, fetch).await;
            drop(place);
            match fetched {
                Ok(Fetched::Ready(_)) => break,
                Ok(Fetched::NoBarYet) => {
                    attempts.set_back("no bar yet");
                    let pause = patience.for_a_bar().unwrap_or_default();
                    tracing::info!(%ticker, "no bar yet: asking again in {} s", pause.as_secs_f64());
                    tokio::time::sleep(pause).await;
                }
                Err(error) => wait(ticker, error, &mut patience).await?,
            }
        }
        loop {
            let core = places.cores.acquire().await.expect("the semaphore is never closed");
            let Err(error) = work(archive, ledger, run, ticker, attempts).await else { return Ok(()) };
            drop(core);
            wait(ticker, error, &mut patience).await?;
        }
    }
}

/// Waits for what may pass; otherwise the error stands.
async fn wait(ticker: &Ticker, error: Error, patience: &mut Patience) -> Result<(), Error> {
    let Some(pause) = patience.after(&error) else { return Err(error) };
    tracing::warn!(%ticker, %error, "trying again in {} s", pause.as_secs_f64());
    tokio::time::sleep(pause).await;
    Ok(())
}

/// How many tickers are worked on at once.
struct Places {
    /// Requests under way; one that waits for a quota keeps no core busy.
    downloads: Semaphore,
    /// One ticker a core.
    cores: Semaphore,
}

impl Places {
    fn new() -> Places {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Places { downloads: Semaphore::new(DOWNLOADS.max(cores)), cores: Semaphore::new(cores) }
    }
}

const DOWNLOADS: usize = 4;
