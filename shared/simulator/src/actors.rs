//! Who is at work: nights as one machine and as the cloud has them, the reader of a topic, people who decide, and people who ask.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use embedded::Night;
use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{
    Attempts, Error, Fetched, ForecastRequest, MarketData, Next, NoPrograms, Pass, Patience, Planned, Trigger, fetch,
    plan, predict, report, stream::Ingest, testing::Intercepted, work,
};
use rand::RngExt;

use crate::{
    chance::Chance,
    market::{SOURCE, STREAMED, TICKERS, as_of, assignments, ticker, topic},
    process::Process,
    stores::Stores,
};

/// A world of one seed.
pub(crate) struct World {
    pub(crate) chance: Arc<Chance>,
    pub(crate) stores: Stores,
    pub(crate) bars: Arc<dyn MarketData>,
    /// Numbers of processes.
    pub(crate) numbers: std::sync::atomic::AtomicUsize,
    /// What must not be, and was.
    pub(crate) violations: std::sync::Mutex<Vec<String>>,
    /// Whether a person decides, too.
    pub(crate) decided: bool,
}

/// How a night waits: longer than anybody is late.
const PATIENCE: Patience =
    Patience { asks: 40, pause: Duration::from_mins(1), retries: 2, delay: Duration::from_secs(10) };
/// So often is a night begun again, and then spared.
const LIVES: usize = 3;
/// Rows that are taken in together.
const BATCH: usize = 7;

/// What a night works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The market's tickers.
    Bars,
    /// The stream's series.
    Rows,
}

/// Who works through a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The command.
    Machine,
    /// Functions, each of which is delivered at least once.
    Cloud,
}

/// A clock that has jumped, forwards or back, each time it is asked: anything from 1970 to 2106. Nothing that is decided may follow from it.
fn jumping() -> Timestamp {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_second(asked.wrapping_mul(0x9E37_79B9).into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl World {
    pub(crate) fn violated(&self, what: String) {
        self.violations.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(what);
    }

    /// A new one whose calls may fail; those of a spared one do not.
    fn process(&self, spared: bool) -> Arc<Process> {
        let number = self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (chance, stores) = (self.chance.clone(), self.stores.clone());
        if spared { Process::spared(chance, stores) } else { Process::new(number, chance, stores) }
    }

    fn market(&self, work: Work, process: &Arc<Process>) -> Arc<dyn MarketData> {
        match work {
            Work::Bars => Arc::new(Intercepted { inner: self.bars.clone(), by: process.clone() }),
            Work::Rows => Arc::new(self.stores.of_process(process).market()),
        }
    }

    /// A night, begun again until it ends.
    pub(crate) async fn night(&self, night: usize, on: Work, order: Order) {
        for life in 0..=LIVES {
            let spared = life == LIVES;
            let ended = match order {
                _ if spared => self.machine_night(night, on, true).await,
                Order::Machine => self.machine_night(night, on, false).await,
                Order::Cloud => self.cloud_night(night, on).await,
            };
            match ended {
                Some(Ok(true)) => return,
                Some(Err(error)) if spared => self.violated(format!("night {night} cannot be completed: {error}")),
                Some(Ok(false)) if spared => self.violated(format!("night {night} leaves something undone")),
                _ => {}
            }
        }
    }

    /// Whether all that can be done is done.
    async fn machine_night(&self, night: usize, on: Work, spared: bool) -> Option<Result<bool, Error>> {
        let process = self.process(spared);
        let own = self.stores.of_process(&process);
        let the = Night {
            market: self.market(on, &process),
            archive: own.archive,
            ledger: own.ledger,
            programs: Arc::new(NoPrograms),
            patience: PATIENCE,
        };
        let (bars, rows) = assignments();
        let (day, period) = as_of(night);
        let (assignment, as_of, undone) = match on {
            Work::Bars => (bars, day.into(), 1),
            Work::Rows => (rows, period, 0),
        };
        let ended = process.live(the.run(&assignment, as_of, Trigger::Schedule, |_| {})).await?;
        Some(ended.map(|entry| entry.closure.is_some_and(|closure| closure.failed + closure.skipped == undone)))
    }

    /// The same, as the state machine has it: each call is a process of its own, and may be made twice.
    async fn cloud_night(&self, night: usize, on: Work) -> Option<Result<bool, Error>> {
        let (bars, rows) = assignments();
        let (day, period) = as_of(night);
        let (assignment, as_of) = if on == Work::Bars { (bars, day.into()) } else { (rows, period) };
        let process = self.process(false);
        let own = self.stores.of_process(&process);
        let planned = process.live(plan(&*own.archive, &*own.ledger, &assignment, as_of, Trigger::Schedule)).await?;
        let run = match planned {
            Ok(Planned::Open(entry)) => entry.run,
            Ok(_) => return Some(Ok(true)),
            Err(error) => return Some(Err(error)),
        };
        let mut failures = BTreeMap::new();
        let tickers = &assignment.tickers;
        let first = process.live(Pass::first(&*own.ledger, &run, tickers, PATIENCE)).await?;
        let mut pass = match first {
            Ok(pass) => pass,
            Err(error) => return Some(Err(error)),
        };
        let mut random = self.chance.stream("deliveries", night as u64);
        while pass.next != Next::Report {
            tokio::time::sleep(pass.wait).await;
            let mut deliveries = Vec::new();
            for ticker in &pass.tickers {
                for _ in 0..=usize::from(random.random_bool(0.2)) {
                    deliveries.push(self.delivery(&run, ticker, on, (pass.next, pass.settle)));
                }
            }
            for (ticker, outcome) in futures::future::join_all(deliveries).await {
                match outcome {
                    Some(Err(error)) if !error.is_transient() || pass.last => {
                        failures.insert(ticker, error.to_string());
                    }
                    _ => {}
                }
            }
            let process = self.process(false);
            let own = self.stores.of_process(&process);
            let next = pass.after(&*own.ledger, &run, tickers, |ticker| failures.contains_key(ticker));
            pass = match process.live(next).await? {
                Ok(pass) => pass,
                Err(error) => return Some(Err(error)),
            };
        }
        let process = self.process(false);
        let own = self.stores.of_process(&process);
        let closure = process.live(report(&*own.archive, &*own.ledger, &run, &failures)).await?;
        let undone = usize::from(on == Work::Bars);
        Some(closure.map(|closure| closure.failed + closure.skipped == undone))
    }

    async fn delivery(
        &self,
        run: &pipeline::Run,
        ticker: &Ticker,
        on: Work,
        (next, settle): (Next, bool),
    ) -> (Ticker, Option<Result<(), Error>>) {
        let process = self.process(false);
        let own = self.stores.of_process(&process);
        let market = self.market(on, &process);
        let mut attempts = Attempts::new(ticker.clone(), jumping);
        let done = async {
            if next == Next::Fetch {
                return match fetch(&*market, &*own.archive, &*own.ledger, run, ticker, settle).await? {
                    Fetched::Ready(_) | Fetched::NoBarYet => Ok(()),
                };
            }
            work(&*own.archive, &*own.ledger, &NoPrograms, run, ticker, &mut attempts).await.map(|_| ())
        };
        (ticker.clone(), process.live(done).await)
    }

    /// Reads the topic as it is when a night begins, from where it was left; with or without positions of its own.
    pub(crate) async fn ingest(&self, night: usize, remembers: bool) {
        let rows = topic(night);
        let mut handed_over = 0;
        for life in 0.. {
            let process = self.process(life >= LIVES);
            let own = self.stores.of_process(&process);
            let streams = own.streams.clone();
            let mut ingest = Ingest::new(own.archive, own.ledger, own.streams, assignments().1.configuration);
            let took = process.live(async {
                loop {
                    let read = if remembers {
                        streams.positions(SOURCE).await?.get(&0).copied()
                    } else {
                        i64::try_from(handed_over).ok()
                    };
                    let from = read.and_then(|read| usize::try_from(read).ok()).unwrap_or(0);
                    if from >= rows.len() {
                        return Ok::<(), Error>(());
                    }
                    let to = (from + BATCH).min(rows.len());
                    let next = i64::try_from(to).unwrap_or(i64::MAX);
                    let positions = if remembers { BTreeMap::from([(0, (read, next))]) } else { BTreeMap::new() };
                    ingest.take((SOURCE, Timestamp::UNIX_EPOCH), &rows[from..to], &positions, None).await?;
                    handed_over = to;
                }
            });
            match took.await {
                Some(Ok(())) => return,
                Some(Err(error)) if life >= LIVES + 2 => {
                    return self.violated(format!("rows of night {night} cannot be taken in: {error}"));
                }
                _ => {}
            }
        }
    }

    /// A person puts the version before into service again, and later releases it; asked for again, as long as it fails.
    pub(crate) async fn decide(&self, pause: Duration) {
        let good = ticker(TICKERS[0]);
        for _ in 0..2 {
            tokio::time::sleep(pause).await;
            let ledger = &*self.stores.ledger;
            let receipts = ledger.receipts(&good).await.unwrap_or_default();
            let serving = ledger.champion(&good).await.ok().flatten().map(|champion| champion.version);
            let other = receipts.iter().map(|receipt| &receipt.champion.version).find(|v| Some(*v) != serving.as_ref());
            let Some(version) = other else { continue };
            self.decided("rollback", async |own| {
                pipeline::rollback(&*own.archive, &*own.ledger, &NoPrograms, &good, version, "it looks wrong")
                    .await
                    .map(|_| ())
            })
            .await;
            tokio::time::sleep(pause / 4).await;
            self.decided("release", async |own| {
                pipeline::release(&*own.archive, &*own.ledger, &NoPrograms, &good, "").await.map(|_| ())
            })
            .await;
        }
    }

    async fn decided(&self, what: &str, decision: impl AsyncFn(Stores) -> Result<(), Error>) {
        for life in 0..=LIVES {
            let process = self.process(life == LIVES);
            match process.live(decision(self.stores.of_process(&process))).await {
                // It is done, or there is nothing to be done any more.
                Some(Ok(()) | Err(Error::Request { .. } | Error::NoForecast { .. })) => return,
                Some(Err(error)) if life == LIVES && !error.is_transient() => {
                    self.violated(format!("a person cannot {what}: {error}"));
                }
                _ => {}
            }
        }
    }

    /// Asks again and again, and holds what was answered against what is answered later.
    pub(crate) async fn ask(&self, name: &str, times: usize, number: u64) {
        let own = self.stores.of_process(&self.process(true));
        let ticker = ticker(name);
        let (archive, ledger) = (&*own.archive, &*own.ledger);
        let mut random = self.chance.stream("asks", number);
        let (mut newest, mut known) = (None, Vec::new());
        for _ in 0..times {
            tokio::time::sleep(Duration::from_secs(random.random_range(1..60))).await;
            let Ok(before) = ledger.champion(&ticker).await else { continue };
            match predict(archive, ledger, &ticker, ForecastRequest::default()).await {
                Ok(answer) => {
                    let after = ledger.champion(&ticker).await.ok().flatten();
                    if before == after && before.as_ref().map(|champion| &champion.version) != Some(&answer.version) {
                        self.violated(format!("{name} is answered by {}, and {before:?} serves", answer.version));
                    }
                    if newest.is_some_and(|newest| newest > answer.origin) {
                        self.violated(format!("{name} was answered from {newest:?}, and then from {}", answer.origin));
                    }
                    newest = Some(answer.origin);
                }
                Err(Error::NoForecast { .. }) if newest.is_none() => {}
                Err(error) => self.violated(format!("{name} is not answered: {error}")),
            }
            let Ok(chain) = ledger.chain(&ticker).await else { continue };
            if let Err(error) = chain.check(&ticker) {
                self.violated(format!("{name}: {error}"));
            }
            if !chain.records.starts_with(&known) {
                self.violated(format!("the history of {name} is another one"));
            }
            known = chain.records;
        }
    }
}

/// All series.
pub(crate) fn everyone() -> Vec<Ticker> {
    TICKERS.into_iter().chain([STREAMED]).map(ticker).collect()
}
