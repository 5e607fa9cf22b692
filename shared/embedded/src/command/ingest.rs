//! `ingest`: rows into the log as they arrive, until their source ends or it is told to stop.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use pipeline::{
    Ledger, Settings,
    stream::{Arrival, Counts, Format, Ingest, Message, Offset, Position, Refused, Step, Streams, read},
};
use rand::RngExt;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader},
    sync::{Mutex, watch},
};

use super::{
    Failure,
    arguments::{IngestArguments, KafkaArguments, RowFormat, StoreArguments},
    output,
    settings::read_settings,
    stores::ledger_path,
};
use crate::{
    DirectoryArchive, SqliteLedger, SqliteStreams,
    kafka::{KafkaSettings, Mechanism, Sasl, Topic, Trouble, Trust},
};

/// The stores that rows go into, one batch after the other. Nights may be at work on them meanwhile.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) ingest: Arc<Mutex<Ingest>>,
    pub(super) streams: Arc<dyn Streams>,
}

impl Opened {
    pub(super) async fn new(data: &Path, settings: &Settings) -> Result<Opened, Failure> {
        let archive = Arc::new(DirectoryArchive::open(data)?);
        pipeline::know_calendars(&*archive).await?;
        let path = ledger_path(data);
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&path)?);
        let streams: Arc<dyn Streams> = Arc::new(SqliteStreams::open(&path)?);
        let ingest = Ingest::new(archive, ledger, streams.clone(), settings.of_streams());
        Ok(Opened { ingest: Arc::new(Mutex::new(ingest)), streams })
    }

    /// Takes notice of runs for as long as it is asked to: what has arrived since then goes on from them.
    pub(super) async fn look_for_runs(self) {
        let mut pause = LOOK;
        loop {
            tokio::time::sleep(pause).await;
            let begun = Instant::now();
            if let Err(error) = self.ingest.lock().await.look_for_runs().await {
                tracing::warn!(%error, "what has arrived does not go on from the newest run yet");
            }
            // Where a night commits one series after the other, rows come before looking.
            pause = LOOK.max(begun.elapsed() * 20);
        }
    }
}

/// How often it is looked for runs, or seldomer.
const LOOK: Duration = Duration::from_secs(1);
const STDIN: &str = "stdin";
/// Lines that are taken in together, and for how long they are gathered.
const LINES: usize = 5_000;
const GATHER: Duration = Duration::from_millis(100);
/// A line that is longer is cut there, and refused.
const MAX_LINE: u64 = 128 << 10;
/// How long a poll of the broker waits for rows.
const POLL: Duration = Duration::from_millis(200);
/// With `--until-end`, so many failures in a row end it.
const FAILURES: u32 = 8;
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn ingest(
    arguments: IngestArguments,
    config: Option<&Path>,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    if store.place.in_cloud() {
        return Err(Failure::Usage(
            "rows are taken into a data directory of this machine: in the cloud the ingest function does it".to_owned(),
        ));
    }
    let settings = read_settings(config, &arguments.set)?;
    let kafka = kafka_settings(&arguments.kafka)?;
    let opened = Opened::new(&store.place.data, &settings).await?;
    tokio::spawn(opened.clone().look_for_runs());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        super::stop::asked().await;
        let _ = stop.send(true);
    });
    let format = format(arguments.rows);
    let counts = match kafka {
        Some(kafka) => topic(&opened, &kafka, format, arguments.until_end, stopped).await?,
        None => lines(&opened.ingest, BufReader::new(tokio::io::stdin()), format, stopped).await?,
    };
    opened.ingest.lock().await.look_for_runs().await?;
    if store.json {
        output::json(&counts);
    } else {
        output::print(&format!("{counts}."));
    }
    Ok(ExitCode::from(u8::from(counts.refused > 0)))
}

fn format(format: RowFormat) -> Format {
    match format {
        RowFormat::Either => Format::Either,
        RowFormat::Json => Format::Json,
        RowFormat::Csv => Format::Csv,
    }
}

/// Lines of a stream of text until it ends.
async fn lines(
    ingest: &Mutex<Ingest>,
    mut input: impl AsyncBufRead + Unpin,
    format: Format,
    mut stopped: watch::Receiver<bool>,
) -> Result<Counts, Failure> {
    let mut all = Counts::default();
    // What is read of a line stays here, however the wait for the rest ends.
    let mut line = Vec::new();
    let mut ended = false;
    while !ended && !*stopped.borrow() {
        let mut gathered: Vec<Vec<u8>> = Vec::new();
        let until = tokio::time::sleep(GATHER);
        tokio::pin!(until);
        while gathered.len() < LINES {
            tokio::select! {
                read = async { (&mut input).take(MAX_LINE).read_until(b'\n', &mut line).await } => {
                    let read = read.map_err(|error| Failure::Failed(format!("standard input cannot be read: {error}")))?;
                    ended = read == 0;
                    if !line.is_empty() {
                        gathered.push(std::mem::take(&mut line));
                    }
                    if ended {
                        break;
                    }
                }
                () = &mut until, if !gathered.is_empty() => break,
                _ = stopped.changed() => break,
            }
        }
        let known = Timestamp::now();
        let rows: Vec<Result<Arrival, Refused>> = gathered
            .iter()
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| read(format, &Message { key: None, body: line, position: None, known }))
            .collect();
        if !rows.is_empty() {
            let taken = ingest.lock().await.take((STDIN, known), &rows, &BTreeMap::new(), None).await?;
            all.add(&taken.counts);
        }
    }
    Ok(all)
}

/// Rows of a topic until it is stopped, or, where that is asked for, until there are no more.
pub(super) async fn topic(
    opened: &Opened,
    settings: &KafkaSettings,
    format: Format,
    until_end: bool,
    mut stopped: watch::Receiver<bool>,
) -> Result<Counts, Failure> {
    let source = format!("kafka:{}", settings.topic);
    let mut all = Counts::default();
    let mut failures = 0;
    let mut reading: Option<Topic> = None;
    let mut reported = Instant::now();
    while !*stopped.borrow() {
        let outcome = tokio::select! {
            outcome = further(opened, settings, (&source, format), &mut reading, until_end) => outcome,
            _ = stopped.changed() => break,
        };
        match outcome {
            Ok(None) => break,
            Ok(Some(counts)) => {
                failures = 0;
                all.add(&counts);
                if reported.elapsed() > Duration::from_secs(30) && counts.rows() > 0 {
                    reported = Instant::now();
                    tracing::info!(%source, "{all}");
                }
            }
            Err(Trouble::Lasting(reason)) => return Err(Failure::Usage(reason)),
            Err(Trouble::Passing(reason)) => {
                failures += 1;
                if until_end && failures > FAILURES {
                    return Err(Failure::Unavailable(reason));
                }
                // Rows that were read and not kept are read again.
                reading = None;
                let pause = Duration::from_millis(250).saturating_mul(1 << failures.min(7)).min(MAX_PAUSE);
                let pause = pause.mul_f64(rand::rng().random_range(0.5..1.0));
                tracing::warn!(%source, reason, ?pause, "it is tried again");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stopped.changed() => break,
                }
            }
        }
    }
    if let Some(topic) = reading {
        topic.close().await;
    }
    Ok(all)
}

/// Takes the next rows in; nothing where all are, and no more are waited for.
async fn further(
    opened: &Opened,
    settings: &KafkaSettings,
    (source, format): (&str, Format),
    reading: &mut Option<Topic>,
    until_end: bool,
) -> Result<Option<Counts>, Trouble> {
    // A disk that is full has room again some day.
    let store = |error: pipeline::Error| Trouble::Passing(error.to_string());
    let mut stored = opened.streams.positions(source).await.map_err(store)?;
    let topic = match reading {
        Some(topic) => topic,
        None => reading.insert(Topic::open(settings, &stored).await?),
    };
    let records = topic.poll(POLL).await?;
    let begun = topic.begun();
    if !begun.is_empty() {
        // Where it begins is decided once.
        let positions = begun.iter().map(|(partition, next)| (*partition, (None, *next))).collect();
        let step = Step { source: source.to_owned(), positions, ..Step::default() };
        opened.streams.keep(&step).await.map_err(store)?;
        stored.extend(begun);
    }
    if records.is_empty() {
        return Ok(if until_end && topic.is_at_end().await? { None } else { Some(Counts::default()) });
    }
    let mut positions: BTreeMap<i32, (Option<i64>, i64)> = BTreeMap::new();
    let mut rows = Vec::with_capacity(records.len());
    for record in &records {
        let position =
            Position { source: source.to_owned(), partition: record.partition, offset: Offset::from(record.offset) };
        let message =
            Message { key: record.key.as_deref(), body: &record.value, position: Some(position), known: record.known };
        rows.push(read(format, &message));
        let next = positions.entry(record.partition).or_insert((stored.get(&record.partition).copied(), 0));
        next.1 = next.1.max(record.offset + 1);
    }
    let lag = topic.lag().await;
    let accepted = opened.ingest.lock().await.take((source, Timestamp::now()), &rows, &positions, lag).await;
    Ok(Some(accepted.map_err(store)?.counts))
}

const USERNAME_VARIABLE: &str = "KAFKA_USERNAME";
const PASSWORD_VARIABLE: &str = "KAFKA_PASSWORD";

/// What the arguments say of a topic; none where they name none.
pub(super) fn kafka_settings(arguments: &KafkaArguments) -> Result<Option<KafkaSettings>, Failure> {
    let Some(topic) = arguments.topic.clone().filter(|_| !arguments.kafka.is_empty()) else { return Ok(None) };
    let sasl = match arguments.sasl {
        None => None,
        Some(mechanism) => {
            let variable = |name: &str| {
                std::env::var(name)
                    .map_err(|_| Failure::Usage(format!("--sasl needs {USERNAME_VARIABLE} and {PASSWORD_VARIABLE}")))
            };
            if mechanism == Mechanism::Plain && !arguments.tls && !arguments.kafka.iter().all(|broker| is_here(broker))
            {
                let why = "--sasl plain sends the password as it is: beyond this machine it needs --tls";
                return Err(Failure::Usage(why.to_owned()));
            }
            Some(Sasl { mechanism, username: variable(USERNAME_VARIABLE)?, password: variable(PASSWORD_VARIABLE)? })
        }
    };
    let trust = arguments.ca.clone().map_or(Trust::Machine, Trust::Authority);
    let tls = arguments.tls.then_some(trust);
    Ok(Some(KafkaSettings { brokers: arguments.kafka.clone(), topic, from: arguments.from, tls, sasl }))
}

/// Whether a broker is on this machine.
fn is_here(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
