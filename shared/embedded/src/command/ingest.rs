//! `ingest`: rows into the log as they arrive, until their source ends or it is told to stop.

use std::{
    collections::BTreeMap,
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
    sync::watch,
};

use super::{
    Failure,
    arguments::{Beginning, IngestArguments, KafkaArguments, Mechanism, RowFormat},
    output,
    settings::read_settings,
    stores::ledger_path,
};
use crate::{
    DirectoryArchive, SqliteLedger, SqliteStreams,
    kafka::{self, From, KafkaSettings, Sasl, Topic, Trouble, Trust},
};

/// The stores that rows go into. Nights may be at work on them meanwhile.
pub(super) struct Opened {
    pub(super) ingest: Ingest,
    pub(super) streams: Arc<dyn Streams>,
}

impl Opened {
    pub(super) async fn new(data: &std::path::Path, settings: &Settings) -> Result<Opened, Failure> {
        let archive = Arc::new(DirectoryArchive::open(data)?);
        pipeline::know_calendars(&*archive).await?;
        let path = ledger_path(data);
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&path)?);
        let streams: Arc<dyn Streams> = Arc::new(SqliteStreams::open(&path)?);
        Ok(Opened { ingest: Ingest::new(archive, ledger, streams.clone(), settings.of_streams()), streams })
    }
}

const STDIN: &str = "stdin";
/// Lines that are taken in together, and for how long they are gathered.
const LINES: usize = 5_000;
const GATHER: Duration = Duration::from_millis(100);
/// A line that is longer is cut there, and refused.
const LONGEST_LINE: u64 = 128 << 10;
/// How long a poll of the broker waits for rows.
const POLL: Duration = Duration::from_millis(200);
/// With `--until-end`, so many failures in a row end it.
const FAILURES: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn ingest(arguments: IngestArguments) -> Result<ExitCode, Failure> {
    let settings = read_settings(arguments.config.as_deref(), &arguments.set)?;
    let kafka = kafka_settings(&arguments.kafka)?;
    let mut opened = Opened::new(&arguments.data, &settings).await?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        super::serve::asked_to_stop().await;
        let _ = stop.send(true);
    });
    let format = format(arguments.format);
    let counts = match kafka {
        Some(kafka) => topic(&mut opened, &kafka, format, arguments.until_end, stopped).await?,
        None => lines(&mut opened.ingest, BufReader::new(tokio::io::stdin()), format, stopped).await?,
    };
    if arguments.json {
        output::json(&counts);
    } else {
        output::line(&format!("{counts}."));
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
    ingest: &mut Ingest,
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
                read = async { (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut line).await } => {
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
            all.add(&ingest.take((STDIN, known), &rows, &BTreeMap::new(), None).await?.counts);
        }
    }
    Ok(all)
}

/// Rows of a topic until it is told to stop, or, where that is asked for, until there are no more.
pub(super) async fn topic(
    opened: &mut Opened,
    settings: &KafkaSettings,
    format: Format,
    until_end: bool,
    mut stopped: watch::Receiver<bool>,
) -> Result<Counts, Failure> {
    let source = format!("kafka:{}", settings.topic);
    let mut all = Counts::default();
    let mut failures = 0;
    let mut reading: Option<Topic> = None;
    let mut told = Instant::now();
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
                if told.elapsed() > Duration::from_secs(30) && counts.rows() > 0 {
                    told = Instant::now();
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
                let pause = Duration::from_millis(250).saturating_mul(1 << failures.min(7)).min(LONGEST_PAUSE);
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
    opened: &mut Opened,
    settings: &KafkaSettings,
    (source, format): (&str, Format),
    reading: &mut Option<Topic>,
    until_end: bool,
) -> Result<Option<Counts>, Trouble> {
    let store = |error: pipeline::Error| {
        let text = error.to_string();
        if error.is_transient() { Trouble::Passing(text) } else { Trouble::Lasting(text) }
    };
    let mut stored = opened.streams.positions(source).await.map_err(store)?;
    let topic = match reading {
        Some(topic) => topic,
        None => reading.insert(Topic::open(settings, &stored).await?),
    };
    let begun = topic.begun();
    if !begun.is_empty() {
        // Where it begins is decided once.
        let positions = begun.iter().map(|(partition, next)| (*partition, (None, *next))).collect();
        let step = Step { source: source.to_owned(), positions, ..Step::default() };
        opened.streams.keep(&step).await.map_err(store)?;
        stored.extend(begun);
    }
    let records = topic.poll(POLL).await?;
    if records.is_empty() {
        opened.ingest.look_for_runs().await.map_err(store)?;
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
    let accepted = opened.ingest.take((source, Timestamp::now()), &rows, &positions, lag).await;
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
            let mechanism = match mechanism {
                Mechanism::Plain => kafka::Mechanism::Plain,
                Mechanism::ScramSha256 => kafka::Mechanism::ScramSha256,
                Mechanism::ScramSha512 => kafka::Mechanism::ScramSha512,
            };
            Some(Sasl { mechanism, username: variable(USERNAME_VARIABLE)?, password: variable(PASSWORD_VARIABLE)? })
        }
    };
    let from = match arguments.from {
        Beginning::Start => From::Beginning,
        Beginning::End => From::End,
        Beginning::Time(time) => From::Time(time),
    };
    let trust = arguments.ca.clone().map_or(Trust::Machine, Trust::Authority);
    let tls = arguments.tls.then_some(trust);
    Ok(Some(KafkaSettings { brokers: arguments.kafka.clone(), topic, from, tls, sasl }))
}
