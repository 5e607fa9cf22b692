//! One night on one machine: the stages in the order that the state machine has in the cloud.

use std::{collections::BTreeMap, sync::Arc, thread};

use forecasting::{Stamp, Ticker};
use jiff::Timestamp;
use pipeline::{
    Archive, Assignment, Attempts, Error, Fetched, Ledger, MarketData, Next, Pass, Patience, Planned, Programs, Run,
    RunEntry, Stage, Trigger, fetch, plan, report, work,
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
    /// Models that are not ours.
    pub programs: Arc<dyn Programs>,
    /// What to do while a bar is missing, or something cannot be reached.
    pub patience: Patience,
}

impl Night {
    /// Runs the stages for every ticker, in parallel on all cores. One ticker's failure never stops the others.
    ///
    /// `finished` is called with each ticker that is done.
    ///
    /// # Errors
    /// Only where the run itself cannot be opened or closed; a ticker's errors are in the entry's closure.
    pub async fn run(
        &self,
        assignment: &Assignment,
        as_of: impl Into<Stamp>,
        trigger: Trigger,
        finished: impl Fn(&Ticker),
    ) -> Result<RunEntry, Error> {
        let planned = plan(&*self.archive, &*self.ledger, assignment, as_of.into(), trigger).await?;
        let entry = match planned {
            Planned::NoSession(entry) | Planned::Done(entry) => return Ok(entry),
            Planned::Open(entry) => entry,
        };
        let (run, tickers) = (Arc::new(entry.run.clone()), &assignment.tickers);
        let mut failures = BTreeMap::new();
        let mut pass = Pass::first(&*self.ledger, &run, tickers, self.patience).await?;
        while pass.next != Next::Report {
            if !pass.wait.is_zero() {
                tracing::info!("{} tickers are tried again in {} s", pass.tickers.len(), pass.wait.as_secs_f64());
                tokio::time::sleep(pass.wait).await;
            }
            self.go_through(&run, &pass, &mut failures, &finished).await;
            pass = pass.after(&*self.ledger, &run, tickers, |ticker| failures.contains_key(ticker)).await?;
        }
        let closure = report(&*self.archive, &*self.ledger, &run, &failures).await?;
        tracing::info!(run = %run.id, status = %closure.status, "the run is closed");
        Ok(self.ledger.run(&run.id).await?.unwrap_or(RunEntry { closure: Some(closure), ..entry }))
    }

    /// Works on each ticker of a pass for as far as it comes, and adds what failed for good.
    async fn go_through(
        &self,
        run: &Arc<Run>,
        pass: &Pass,
        failures: &mut BTreeMap<Ticker, String>,
        finished: &impl Fn(&Ticker),
    ) {
        let places = Arc::new(Places::new());
        let (mut tasks, mut begun) = (JoinSet::new(), BTreeMap::new());
        let mut to_come = pass.tickers.iter();
        loop {
            while begun.len() < places.under_way
                && let Some(ticker) = to_come.next()
            {
                let (night, run, places, worked_on) = (self.clone(), run.clone(), places.clone(), ticker.clone());
                let (next, settle) = (pass.next, pass.settle);
                let task = tasks.spawn(async move {
                    let mut attempts = Attempts::new(worked_on.clone(), Timestamp::now);
                    let outcome = night.work(&run, &worked_on, next, settle, &places, &mut attempts).await;
                    attempts.record(&*night.ledger, &run.id).await;
                    outcome
                });
                begun.insert(task.id(), ticker);
            }
            let Some(joined) = tasks.join_next_with_id().await else { return };
            let (id, outcome) = match joined {
                Ok((id, outcome)) => (id, outcome.map_err(|error| (error.is_transient(), error.to_string()))),
                Err(panic) => (panic.id(), Err((false, format!("internal error: {panic}")))),
            };
            let Some(ticker) = begun.remove(&id) else { continue };
            match outcome {
                Ok(Progress::Done) => finished(ticker),
                Ok(Progress::NoBarYet) => tracing::info!(%ticker, "no bar yet"),
                Err((true, error)) if !pass.last => tracing::warn!(%ticker, error, "may pass"),
                Err((_, error)) => {
                    failures.insert(ticker.clone(), error);
                    finished(ticker);
                }
            }
        }
    }

    /// All stages for one ticker.
    async fn work(
        &self,
        run: &Run,
        ticker: &Ticker,
        next: Next,
        settle: bool,
        places: &Places,
        attempts: &mut Attempts,
    ) -> Result<Progress, Error> {
        let (archive, ledger) = (&*self.archive, &*self.ledger);
        if next == Next::Fetch {
            let place = places.downloads.acquire().await.expect("the semaphore is never closed");
            let fetch = fetch(&*self.market, archive, ledger, run, ticker, settle);
            let fetched = attempts.at(Stage::Fetch, fetch).await?;
            drop(place);
            if fetched == Fetched::NoBarYet {
                attempts.set_back("no bar yet");
                return Ok(Progress::NoBarYet);
            }
        }
        let _core = places.cores.acquire().await.expect("the semaphore is never closed");
        work(archive, ledger, &*self.programs, run, ticker, attempts).await?;
        Ok(Progress::Done)
    }
}

/// How far a ticker came.
enum Progress {
    Done,
    NoBarYet,
}

/// How many tickers are worked on at once.
struct Places {
    /// Requests under way; one that waits for a quota keeps no core busy.
    downloads: Semaphore,
    /// One ticker a core.
    cores: Semaphore,
    /// All together: whoever waits for one of the others needs memory as well.
    under_way: usize,
}

impl Places {
    fn new() -> Places {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let downloads = DOWNLOADS.max(cores);
        let under_way = 2 * (downloads + cores);
        Places { downloads: Semaphore::new(downloads), cores: Semaphore::new(cores), under_way }
    }
}

const DOWNLOADS: usize = 4;
