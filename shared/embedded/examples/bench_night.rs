//! Where a night's time goes: `make bench-night [MARKET=folder]`.
//!
//! Runs a night on all cores as `closing-bell run` does, and the same night's stages one after the other on one core; then
//! the parts of the contest. Without a folder of price files it works on the recorded sample.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use embedded::{CsvMarket, DirectoryArchive, Night, RecordedMarket, SqliteLedger, Waits};
use forecasting::{Contest, Family, PriceSeries, Specification, Ticker, TradingDay, Verdict};
use pipeline::{
    Configuration, MarketData, Planned, Settings, Trigger, evaluate, fetch, forecast, plan, promote, report, train,
};

type Failure = Box<dyn std::error::Error>;

/// Time by what it was spent on.
#[derive(Default)]
struct Spent(Vec<(&'static str, Duration)>);

impl Spent {
    fn on<T>(&mut self, what: &'static str, start: Instant, value: T) -> T {
        let spent = start.elapsed();
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, sum)) => *sum += spent,
            None => self.0.push((what, spent)),
        }
        value
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

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let settings = Settings::parse("start = 2010-01-01")?;
    let (market, configuration): (Arc<dyn MarketData>, Configuration) = match std::env::args().nth(1) {
        Some(folder) => {
            let market = CsvMarket::open(Path::new(&folder))?;
            let tickers = market.tickers().cloned().collect();
            (Arc::new(market), settings.configuration("csv", tickers))
        }
        None => (Arc::new(RecordedMarket), settings.configuration("recorded", RecordedMarket.tickers().collect())),
    };
    // Two nights: the second has a champion to challenge, and forecasts to score.
    let last = TradingDay::new(RecordedMarket::LAST_SESSION)?;
    let before = last.previous();
    let tickers = configuration.tickers.len();

    let folder = tempfile::tempdir()?;
    let night = |name: &str| -> Result<Night, Failure> {
        let folder = folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Night {
            market: market.clone(),
            archive: Arc::new(DirectoryArchive::open(&folder)?),
            ledger: Arc::new(SqliteLedger::open(&folder.join("ledger.sqlite"))?),
            waits: Waits::NONE,
        })
    };
    let all_cores = night("all")?;
    all_cores.run(configuration.clone(), before.date(), Trigger::Backfill, |_| {}).await?;
    let start = Instant::now();
    let entry = all_cores.run(configuration.clone(), last.date(), Trigger::Manual, |_| {}).await?;
    let seconds = start.elapsed().as_secs_f64();
    let status = entry.closure.map_or_else(String::new, |closure| closure.status.to_string());
    let cores = std::thread::available_parallelism()?;
    println!("A night of {tickers} tickers on {cores} cores: {seconds:.2} s ({status}).");

    let one_core = night("one")?;
    one_core.run(configuration.clone(), before.date(), Trigger::Backfill, |_| {}).await?;
    let (archive, ledger) = (&*one_core.archive, &*one_core.ledger);
    let mut spent = Spent::default();
    let start = Instant::now();
    let planned = plan(archive, ledger, configuration.clone(), last.date(), Trigger::Manual).await?;
    let Planned::Open(entry) = spent.on("plan", start, planned) else { return Err("the night is done".into()) };
    let run = entry.run;
    let mut failures = BTreeMap::new();
    for ticker in &configuration.tickers {
        let start = Instant::now();
        let fetched = spent.on("fetch", start, fetch(&*market, archive, ledger, &run, ticker, true).await);
        if let Err(error) = fetched {
            failures.insert(ticker.clone(), error.to_string());
            continue;
        }
        let start = Instant::now();
        spent.on("evaluate", start, evaluate(archive, ledger, &run, ticker).await?);
        let start = Instant::now();
        spent.on("train", start, train(archive, ledger, &run, ticker).await?);
        let start = Instant::now();
        spent.on("promote", start, promote(ledger, &run, ticker).await?);
        let start = Instant::now();
        spent.on("forecast", start, forecast(archive, ledger, &run, ticker).await?);
    }
    let start = Instant::now();
    spent.on("report", start, report(archive, ledger, &run, &failures, &BTreeMap::new()).await?);
    spent.print("stage, on one core", tickers);

    let mut parts = Spent::default();
    for ticker in &configuration.tickers {
        contest(&*market, &configuration, ticker, last, &mut parts).await?;
    }
    parts.print("part of the contest, on one core", tickers);
    Ok(())
}

async fn contest(
    market: &dyn MarketData,
    configuration: &Configuration,
    ticker: &Ticker,
    last: TradingDay,
    parts: &mut Spent,
) -> Result<(), Failure> {
    let history = market.history(ticker, configuration.start, last.date()).await?;
    let series = PriceSeries::new(ticker.clone(), history.rows)?;
    let mut plan = configuration.backtest_plan();
    let prices = series.adjusted_closes();
    let before = &prices[..prices.len() - plan.holdout];
    let start = Instant::now();
    let selected = parts.on("ARIMA: selection", start, Specification::select(Family::Arima, before, plan.season))?;
    let start = Instant::now();
    plan.families.clear();
    let walks = parts.on("both random walks at every origin", start, Contest::run(&series, &plan, None))?;
    let start = Instant::now();
    let own = Contest::run(&series, &plan, Some(&selected));
    let own = parts.on("the selected ARIMA at every origin, beside both walks", start, own)?;
    let start = Instant::now();
    parts.on("verdict", start, (Verdict::of(&walks, 0.05, &[]), Verdict::of(&own, 0.05, &[])));
    let start = Instant::now();
    parts.on("the nominee on all prices", start, selected.fit(&prices))?;
    Ok(())
}
