//! A demonstration: the recorded sample as a stream. A broker in this process, a producer that sends an initial batch and then one session
//! after the other, with rows that come twice, late, or wrong and then corrected; who takes them in; and nights on the same rows to compare with.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use forecasting::{Period, Stamp, Ticker};
use jiff::civil::Date;
use krafka::{Kafka, Record, producer::Producer, testing::FakeBroker};
use pipeline::{
    Archive, Assignment, ForecastRequest, Ledger, MarketData, NoPrograms, Patience, Prediction, Settings, Trigger,
    stream::{Counts, StreamMarket, Streams},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{DirectoryArchive, Night, RecordedMarket, SqliteLedger};

/// What the demonstration found.
#[derive(Debug, Serialize)]
pub(crate) struct StreamDemo {
    sessions: usize,
    /// What became of the rows.
    counts: Counts,
    /// The longest that it took until all rows of a session were taken in, in milliseconds.
    longest_ms: f64,
    /// Forecasts of the next session from the model that rows take further, beside nights on the same rows.
    compared: Vec<Compared>,
    /// The largest difference of a forecast, relative, after a run on all rows: from the stream, and from the rows in their order.
    after_the_next_run: f64,
}

/// Beside nights of one policy.
#[derive(Debug, Serialize)]
struct Compared {
    nights: &'static str,
    /// Forecasts from the same session.
    forecasts: usize,
    /// The largest difference, relative.
    difference: f64,
    /// Mean absolute error of the stream's, and of the nights', relative.
    errors: [f64; 2],
}

/// Sessions of the initial batch.
const FIRST: usize = 250;
pub(crate) const MAX_SESSIONS: u32 = 100;
const TOPIC: &str = "prices";
/// ARIMA serves, whether it has proven itself or not: there is something to see.
const SETTINGS: &str =
    "families = [{ family = \"arima\", order = [2, 0, 1], constant = true }]\npromotion = \"always\"\n";
/// What is compared: nights that estimate nothing anew, and nights that always do.
const NIGHTS: [(&str, &str); 2] =
    [("never trained anew", "{ max_age = 100000 }"), ("always trained anew", "\"always\"")];
const MAX_WAIT: Duration = Duration::from_mins(1);

/// The sample's sessions and values, by ticker.
type Sample = BTreeMap<Ticker, Vec<(Stamp, f64)>>;

/// A place with an archive and a ledger.
struct Place {
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
}

impl Place {
    fn new(folder: &Path) -> Result<Place, String> {
        std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        let ledger = SqliteLedger::open(&folder.join("ledger.sqlite")).map_err(|error| error.to_string())?;
        let archive = DirectoryArchive::open(folder).map_err(|error| error.to_string())?;
        Ok(Place { archive: Arc::new(archive), ledger: Arc::new(ledger) })
    }

    async fn night(&self, market: Arc<dyn MarketData>, assignment: &Assignment, as_of: Stamp) -> Result<(), String> {
        let night = Night {
            market,
            archive: self.archive.clone(),
            ledger: self.ledger.clone(),
            programs: Arc::new(NoPrograms),
            patience: Patience::NONE,
        };
        let entry = night.run(assignment, as_of, Trigger::Manual, |_| {}).await.map_err(|error| error.to_string())?;
        let whole = entry.closure.is_some_and(|closure| closure.failed == 0 && closure.skipped == 0);
        if whole { Ok(()) } else { Err(format!("the night of {as_of} failed in part")) }
    }

    async fn next(&self, ticker: &Ticker) -> Result<(Period, f64), String> {
        let asked = ForecastRequest { horizon: Some(1), ..ForecastRequest::default() };
        let answer: Prediction =
            pipeline::predict(&*self.archive, &*self.ledger, ticker, asked).await.map_err(|error| error.to_string())?;
        let first = answer.horizons.first().ok_or("there is no forecast")?;
        Ok((answer.origin, first.mean))
    }
}

/// Nights that the stream is compared with.
struct Nightly {
    place: Place,
    market: Arc<dyn MarketData>,
    assignment: Assignment,
    compared: Compared,
}

impl Nightly {
    /// After the first night of all.
    async fn begin(
        name: &'static str,
        policy: &str,
        data: &Path,
        sample: &Sample,
        as_of: Stamp,
    ) -> Result<Nightly, String> {
        let settings = Settings::parse(&format!("{SETTINGS}policy = {policy}\n"))?;
        let nights = Nightly {
            place: Place::new(&data.join(name.replace(' ', "-")))?,
            market: Arc::new(InOrder(sample.clone())),
            assignment: settings.assignment(pipeline::Market::Csv, sample.keys().cloned().collect()),
            compared: Compared { nights: name, forecasts: 0, difference: 0.0, errors: [0.0; 2] },
        };
        nights.go_on(as_of).await?;
        Ok(nights)
    }

    async fn go_on(&self, as_of: Stamp) -> Result<(), String> {
        self.place.night(self.market.clone(), &self.assignment, as_of).await
    }

    /// The largest relative difference between what both forecast from the same session.
    async fn difference(&self, stream: &Place, tickers: &[Ticker]) -> Result<f64, String> {
        let mut largest: f64 = 0.0;
        for ticker in tickers {
            let (streamed, nightly) = (stream.next(ticker).await?, self.place.next(ticker).await?);
            if streamed.0 != nightly.0 {
                return Err(format!("{ticker} ends on {} in place of {}", streamed.0, nightly.0));
            }
            largest = largest.max((streamed.1 / nightly.1 - 1.0).abs());
        }
        Ok(largest)
    }

    /// What both forecast for a session, and what came.
    async fn compare(&mut self, stream: &Place, sample: &Sample, session: usize) -> Result<(), String> {
        for (ticker, rows) in sample {
            let (streamed, nightly) = (stream.next(ticker).await?, self.place.next(ticker).await?);
            if streamed.0 == nightly.0 {
                let came = rows[session].1;
                self.compared.forecasts += 1;
                self.compared.difference = self.compared.difference.max((streamed.1 / nightly.1 - 1.0).abs());
                self.compared.errors[0] += (streamed.1 / came - 1.0).abs();
                self.compared.errors[1] += (nightly.1 / came - 1.0).abs();
            }
        }
        Ok(())
    }
}

/// The nights' market: rows in their order, as far as they are known.
struct InOrder(Sample);

#[async_trait::async_trait]
impl MarketData for InOrder {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<pipeline::History, pipeline::Error> {
        let known = self.0[ticker].iter().filter(|(at, _)| at.is_within(from, to)).enumerate();
        let rows = known
            .map(|(place, (at, value))| forecasting::Row {
                close: Some(*value),
                adjusted_close: Some(*value),
                ..forecasting::Row::new(place + 1, *at)
            })
            .collect();
        Ok(pipeline::History { rows, read_at: None, ahead: Vec::new(), closes_alone: false })
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// How far it is.
pub(crate) struct Progress<'a> {
    pub(crate) session: Stamp,
    pub(crate) counts: &'a Counts,
    pub(crate) lag: u64,
}

/// Who takes rows in, and the page: made by the command.
pub(crate) struct Live {
    pub(crate) streams: Arc<dyn Streams>,
    /// The topic's name in the log.
    pub(crate) source: String,
}

/// Sends the sample through a broker, and compares. `begin` starts who takes rows in, from these brokers, into this folder.
///
/// # Errors
/// A message where a store fails, or a night does.
pub(crate) async fn run(
    (sessions, seed, pace): (usize, u64, Duration),
    data: &Path,
    begin: impl AsyncFnOnce(String, &str) -> Result<Live, String>,
    report: impl Fn(Progress<'_>),
) -> Result<StreamDemo, String> {
    let sample = sample(sessions).await?;
    let settings = Settings::parse(SETTINGS)?;
    let tickers: Vec<Ticker> = sample.keys().cloned().collect();
    let last = |place: usize| sample.values().next().map_or(Stamp::Index(0), |rows| rows[place].0);

    let stream = Place::new(&data.join("stream"))?;
    let broker = FakeBroker::start().await.map_err(|error| error.to_string())?;
    broker.create_topic(TOPIC, 3);
    let Live { streams, source } = begin(broker.bootstrap_servers(), TOPIC).await?;
    let kafka = Kafka::builder(broker.bootstrap_servers()).connect().await.map_err(|error| error.to_string())?;
    let producer = kafka.producer().build().await.map_err(|error| error.to_string())?;
    let mut sent = 0;
    for place in 0..FIRST {
        let rows = sample.iter().map(|(ticker, rows)| row(ticker, rows[place].0, rows[place].1));
        sent += send(&producer, rows.collect()).await?;
    }
    taken(&*streams, &source, sent).await?;
    let of_streams = settings.assignment(pipeline::Market::Stream, tickers.clone());
    stream.night(Arc::new(StreamMarket::new(streams.clone())), &of_streams, last(FIRST - 1)).await?;

    let mut nightly = Vec::new();
    for (name, policy) in NIGHTS {
        nightly.push(Nightly::begin(name, policy, data, &sample, last(FIRST - 1)).await?);
    }

    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut held = Held::new();
    let mut longest = Duration::ZERO;
    for place in FIRST..FIRST + sessions {
        let mut rows = of_session(&sample, place, &mut held, &mut random);
        if place % 10 == 0 {
            rows.push(("XOM".to_owned(), "yesterday,dear".to_owned()));
        }
        let begun = Instant::now();
        sent += send(&producer, rows).await?;
        let counts = taken(&*streams, &source, sent).await?;
        longest = longest.max(begun.elapsed());
        report(Progress { session: last(place), counts: &counts, lag: sent.saturating_sub(counts.rows()) });
        for nights in &mut nightly {
            nights.go_on(last(place)).await?;
            if place + 1 < FIRST + sessions {
                nights.compare(&stream, &sample, place + 1).await?;
            }
        }
        tokio::time::sleep(pace).await;
    }
    // What was held back comes at last.
    sent += send(&producer, held.into_iter().map(|(_, row)| row).collect()).await?;
    let counts = taken(&*streams, &source, sent).await?;
    producer.close().await.map_err(|error| error.to_string())?;
    stream.night(Arc::new(StreamMarket::new(streams)), &of_streams, last(FIRST + sessions - 1)).await?;
    // The nights that always train have trained on this session, too.
    let after_the_next_run = nightly[1].difference(&stream, &tickers).await?;
    let compared = nightly.into_iter().map(|Nightly { mut compared, .. }| {
        compared.errors = compared.errors.map(|error| error / compared.forecasts.max(1) as f64);
        compared
    });
    let longest_ms = longest.as_secs_f64() * 1e3;
    Ok(StreamDemo { sessions, counts, longest_ms, compared: compared.collect(), after_the_next_run })
}

/// The last sessions of the recorded sample.
async fn sample(sessions: usize) -> Result<Sample, String> {
    let mut sample = Sample::new();
    for ticker in RecordedMarket.tickers() {
        let history = RecordedMarket.history(&ticker, Date::MIN, RecordedMarket::LAST_SESSION.into()).await;
        let rows = history.map_err(|error| error.to_string())?.rows;
        let rows: Vec<(Stamp, f64)> = rows.iter().filter_map(|row| Some((row.date, row.adjusted_close?))).collect();
        let first = rows.len().checked_sub(FIRST + sessions).ok_or("the sample is not that long")?;
        sample.insert(ticker, rows[first..].to_vec());
    }
    Ok(sample)
}

/// Rows that are held back, and until which session.
type Held = Vec<(usize, (String, String))>;

/// A session's rows, some of them twice, some late by a session or two, some wrong, and corrected a session later.
fn of_session(sample: &Sample, place: usize, held: &mut Held, random: &mut ChaCha8Rng) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    held.retain(|(until, row)| {
        if *until == place {
            rows.push(row.clone());
        }
        *until > place
    });
    for (ticker, values) in sample {
        let (at, value) = values[place];
        let right = row(ticker, at, value);
        match random.random_range(0..100) {
            0..5 => rows.extend([right.clone(), right]),
            5..7 => held.push((place + random.random_range(1..=2), right)),
            7..9 => {
                rows.push(row(ticker, at, value * 1.02));
                held.push((place + 1, right));
            }
            _ => rows.push(right),
        }
    }
    rows
}

fn row(ticker: &Ticker, at: Stamp, value: f64) -> (String, String) {
    (ticker.to_string(), format!("{{\"date\": \"{at}\", \"adjClose\": {value}}}"))
}

async fn send(producer: &Producer, rows: Vec<(String, String)>) -> Result<u64, String> {
    let sent = rows.len() as u64;
    for (series, row) in rows {
        let _sent = producer.enqueue(Record::new(TOPIC, row).key(series)).await.map_err(|error| error.to_string())?;
    }
    producer.flush().await.map_err(|error| error.to_string())?;
    Ok(sent)
}

/// Waits until so many rows are taken in.
async fn taken(streams: &dyn Streams, source: &str, rows: u64) -> Result<Counts, String> {
    let begun = Instant::now();
    while begun.elapsed() < MAX_WAIT {
        let sources = streams.sources().await.map_err(|error| error.to_string())?;
        if let Some(known) = sources.get(source).filter(|known| known.counts.rows() >= rows) {
            return Ok(known.counts.clone());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(format!("{rows} rows are not taken in within {} s", MAX_WAIT.as_secs()))
}

impl fmt::Display for StreamDemo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Forecasts of the next session, over {} sessions of ten stocks:\n", self.sessions)?;
        writeln!(
            f,
            "| nights on the same rows | forecasts | largest difference | mean error, stream | mean error, nights |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: |")?;
        for Compared { nights, forecasts, difference, errors } in &self.compared {
            let [stream, night] = errors.map(|error| error * 100.0);
            writeln!(f, "| {nights} | {forecasts} | {difference:.1e} | {stream:.3} % | {night:.3} % |")?;
        }
        writeln!(f, "\nA session's rows were sent and taken in within {:.0} ms.", self.longest_ms)?;
        write!(
            f,
            "After the next run, late and corrected rows included, forecasts differ from those of the rows in their order by {:.1e} at most.",
            self.after_the_next_run
        )
    }
}
