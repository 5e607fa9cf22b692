//! Where a night's time goes: `make bench-night [MARKET=folder]`.
//!
//! Runs a first night, which builds the track records from the histories, and a later one on all cores as `closing-bell run` does; then
//! the later night's stages one after the other on one core. Without a folder of price files it works on the recorded sample.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use embedded::{CsvMarket, DirectoryArchive, Night, RecordedMarket, SqliteLedger};
use forecasting::Cadence;
use jiff::Timestamp;
use pipeline::{Assignment, Attempts, MarketData, Planned, Settings, Stage, Trigger, fetch, plan, report, work};

type Failure = Box<dyn std::error::Error>;

/// Time by what it was spent on.
#[derive(Default)]
struct Spent(Vec<(&'static str, Duration)>);

impl Spent {
    fn on<T>(&mut self, what: &'static str, start: Instant, value: T) -> T {
        self.add(what, start.elapsed());
        value
    }

    fn add(&mut self, what: &'static str, spent: Duration) {
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, sum)) => *sum += spent,
            None => self.0.push((what, spent)),
        }
    }

    fn print(&self, title: &str, tickers: usize) {
        let all: f64 = self.0.iter().map(|(_, spent)| spent.as_secs_f64()).sum();
        println!("\n| {title} | seconds | ms a ticker | share |\n| --- | ---: | ---: | ---: |");
        for (what, spent) in &self.0 {
            let seconds = spent.as_secs_f64();
            println!(
                "| {what} | {seconds:.2} | {:.2} | {:.0} % |",
                seconds * 1e3 / tickers as f64,
                seconds / all * 100.0
            );
        }
    }
}

/// Bytes of everything in a folder, those that the disk sets aside for it, and how many files there are.
fn size_of(folder: &Path) -> Result<(u64, u64, u64), Failure> {
    let mut sum = (0, 0, 0);
    for entry in std::fs::read_dir(folder)? {
        let (path, data) = {
            let entry = entry?;
            (entry.path(), entry.metadata()?)
        };
        let (bytes, allocated, files) = if data.is_dir() { size_of(&path)? } else { (0, 0, 1) };
        sum = (sum.0 + bytes + data.len(), sum.1 + allocated + data.blocks() * 512, sum.2 + files);
    }
    Ok(sum)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let settings = Settings::parse("start = 2010-01-01")?;
    let (market, assignment): (Arc<dyn MarketData>, Assignment) = match std::env::args().nth(1) {
        Some(folder) => {
            let market = CsvMarket::open(Path::new(&folder), &pipeline::price_file::ColumnNames::default())?;
            let tickers = market.tickers().cloned().collect();
            (Arc::new(market), settings.assignment(pipeline::Market::Csv, tickers))
        }
        None => (
            Arc::new(RecordedMarket),
            settings.assignment(pipeline::Market::Recorded, RecordedMarket.tickers().collect()),
        ),
    };
    // The later night has a record to go on with, and forecasts to score.
    let last = Cadence::SESSION.period(RecordedMarket::LAST_SESSION.into())?;
    let before = last.previous();
    let tickers = assignment.tickers.len();

    let folder = tempfile::tempdir()?;
    let night = |name: &str| -> Result<Night, Failure> {
        let folder = folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Night {
            programs: Arc::new(pipeline::NoPrograms),
            market: market.clone(),
            archive: Arc::new(DirectoryArchive::open(&folder)?),
            ledger: Arc::new(SqliteLedger::open(&folder.join("ledger.sqlite"))?),
            patience: pipeline::Patience::NONE,
        })
    };
    let all_cores = night("all")?;
    let cores = std::thread::available_parallelism()?;
    let mut size = (0, 0, 0);
    for (which, day, trigger) in [("first", before, Trigger::Backfill), ("later", last, Trigger::Manual)] {
        let start = Instant::now();
        let entry = all_cores.run(&assignment, day.date(), trigger, |_| {}).await?;
        let seconds = start.elapsed().as_secs_f64();
        let status = entry.closure.map_or_else(String::new, |closure| closure.status.to_string());
        let (bytes, allocated, files) = std::mem::replace(&mut size, size_of(&folder.path().join("all"))?);
        let a_ticker = |after: u64, before: u64| (after - before) as f64 / tickers as f64;
        println!(
            "A {which} night of {tickers} tickers on {cores} cores: {seconds:.2} s ({status}). It adds {:.0} bytes ({:.0} allocated) and {:.2} files a ticker.",
            a_ticker(size.0, bytes),
            a_ticker(size.1, allocated),
            a_ticker(size.2, files)
        );
    }

    let one_core = night("one")?;
    one_core.run(&assignment, before.date(), Trigger::Backfill, |_| {}).await?;
    let (archive, ledger) = (&*one_core.archive, &*one_core.ledger);
    let mut spent = Spent::default();
    let start = Instant::now();
    let planned = plan(archive, ledger, &assignment, last.into(), Trigger::Manual).await?;
    let Planned::Open(entry) = spent.on("plan", start, planned) else { return Err("the night is done".into()) };
    let run = entry.run;
    let mut failures = BTreeMap::new();
    for ticker in &assignment.tickers {
        let mut attempts = Attempts::new(ticker.clone(), Timestamp::now);
        let outcome = async {
            attempts.at(Stage::Fetch, fetch(&*market, archive, ledger, &run, ticker, true)).await?;
            work(archive, ledger, &pipeline::NoPrograms, &run, ticker, &mut attempts).await
        };
        if let Err(error) = outcome.await {
            failures.insert(ticker.clone(), error.to_string());
        }
        for attempt in attempts.tried() {
            spent.add(attempt.stage.as_str(), Duration::from_secs_f64(attempt.seconds));
        }
    }
    let start = Instant::now();
    spent.on("report", start, report(archive, ledger, &run, &failures).await?);
    spent.print("stage of a later night, on one core", tickers);

    Ok(())
}
