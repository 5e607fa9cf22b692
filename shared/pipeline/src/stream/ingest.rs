//! Rows into the log, and into the model in service.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use forecasting::{Cadence, Kind, Ticker};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    Arrival, Counts, Form, Head, How, Kept, Kin, Refused, Step, Streams,
    arrival::Offset,
    head::refusal,
    rules::{Meaning, meaning},
};
use crate::{Archive, Configuration, Digest, Error, Key, Ledger};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
pub enum Outcome {
    /// See [`Counts`].
    Advanced,
    /// See [`Counts`].
    Waiting,
    /// See [`Counts`].
    Ahead,
    /// See [`Counts`].
    Late,
    /// See [`Counts`].
    Revised,
    /// See [`Counts`].
    Repeated,
    /// See [`Counts`].
    Outdated,
    /// See [`Counts`].
    Refused(String),
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Accepted {
    /// In sum.
    pub counts: Counts,
    /// Of each row, in their order.
    pub rows: Vec<Outcome>,
}

/// Takes batches in, one after the other. Any number of them may be at work on one log.
pub struct Ingest {
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    streams: Arc<dyn Streams>,
    configuration: Configuration,
    /// As they were kept last; another's step is noticed when the next one is kept.
    heads: HashMap<Ticker, Head>,
    /// [`Streams::nights`] when the heads were last compared with the runs.
    nights: Option<i64>,
}

/// A batch that others' steps came before is taken again.
const ATTEMPTS: usize = 8;
/// Series that are looked at together.
const AT_ONCE: usize = 16;
/// Nobody's clock is further ahead.
const AHEAD_OF_TIME: SignedDuration = SignedDuration::from_hours(36);
/// Refused rows whose series cannot be told are kept under its name.
const NOBODY: &str = "UNKNOWN-SERIES";

impl Ingest {
    /// Into these stores, of series that the configuration reads so.
    pub fn new(
        archive: Arc<dyn Archive>,
        ledger: Arc<dyn Ledger>,
        streams: Arc<dyn Streams>,
        configuration: Configuration,
    ) -> Ingest {
        Ingest { archive, ledger, streams, configuration, heads: HashMap::new(), nights: None }
    }

    /// Takes rows in, in their order. `positions` are those of the source's partitions: up to where it was read before, and the next
    /// one from now on; rows of earlier ones were taken in before, and are passed over.
    ///
    /// # Errors
    /// Only where a store cannot be read or written: what is wrong with a row is an outcome.
    pub async fn take(
        &mut self,
        (source, at): (&str, Timestamp),
        rows: &[Result<Arrival, Refused>],
        positions: &BTreeMap<i32, (Option<i64>, i64)>,
        lag: Option<u64>,
    ) -> Result<Accepted, Error> {
        let template =
            Step { source: source.to_owned(), positions: positions.clone(), lag, at: Some(at), ..Step::default() };
        let mut attempt = 1;
        loop {
            match self.attempt(template.clone(), rows).await {
                Ok(accepted) => return Ok(accepted),
                Err(error) => {
                    // What was kept of it is not known.
                    self.know_nothing();
                    if !matches!(error, Error::Raced { .. }) || attempt == ATTEMPTS {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }

    /// The next batch reads everything again.
    fn know_nothing(&mut self) {
        self.heads.clear();
        self.nights = None;
    }

    async fn attempt(&mut self, mut step: Step, rows: &[Result<Arrival, Refused>]) -> Result<Accepted, Error> {
        let mut touched: Vec<Ticker> = rows.iter().flatten().map(|row| row.ticker.clone()).collect();
        touched.sort();
        touched.dedup();
        let mut working = self.working(&touched).await?;
        let mut accepted = Accepted::default();
        let mut refused: BTreeMap<Ticker, Vec<Refused>> = BTreeMap::new();
        let nobody: Ticker =
            NOBODY.parse().map_err(|_| Error::Request { field: "series", reason: NOBODY.to_owned() })?;
        for row in rows {
            let outcome = match row {
                Err(row) => {
                    refused.entry(nobody.clone()).or_default().push(row.clone());
                    Outcome::Refused(row.reason.clone())
                }
                Ok(arrival) if is_behind(arrival, &step) => Outcome::Repeated,
                Ok(arrival) => {
                    let series = working.get_mut(&arrival.ticker).expect("every series was read");
                    match series.take(arrival, &*self.streams, &self.configuration).await? {
                        Ok(outcome) => outcome,
                        Err(reason) => {
                            let row = format!("{},{},{}", arrival.ticker, arrival.at, arrival.value);
                            let position = arrival.mark.position.clone();
                            let row = Refused { row, position, reason: reason.clone() };
                            refused.entry(arrival.ticker.clone()).or_default().push(row);
                            Outcome::Refused(reason)
                        }
                    }
                }
            };
            count(&mut accepted.counts, &outcome);
            accepted.rows.push(outcome);
        }
        for (ticker, rows) in &refused {
            self.quarantine(&step.source, ticker, rows).await?;
        }
        step.counts = accepted.counts.clone();
        step.series = changed(working);
        self.streams.keep(&step).await?;
        for (ticker, Kin { head, .. }) in step.series {
            self.heads.insert(ticker, head);
        }
        Ok(accepted)
    }

    /// Takes notice of runs that have forecast series since, so that who asks for a forecast is told what has arrived meanwhile.
    ///
    /// # Errors
    /// As [`Ingest::take`].
    pub async fn look_for_runs(&mut self) -> Result<(), Error> {
        let nights = self.streams.nights().await?;
        if nights.is_some() && nights != self.nights {
            let all = self.streams.streamed().await?;
            let working = self.working(&all).await;
            // Until it is kept, nothing of it is so.
            self.know_nothing();
            match self.streams.keep(&Step { series: changed(working?), ..Step::default() }).await {
                Ok(()) => self.nights = nights,
                // Rows came in between: it is looked again.
                Err(Error::Raced { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The series' heads, after the runs that there were.
    async fn working(&mut self, tickers: &[Ticker]) -> Result<BTreeMap<Ticker, Working>, Error> {
        let nights = self.streams.nights().await?;
        let as_before = nights.is_some() && nights == self.nights;
        let unknown: Vec<Ticker> = tickers.iter().filter(|ticker| !self.heads.contains_key(*ticker)).cloned().collect();
        let read = self.streams.heads(&unknown).await?;
        let mut fresh: HashMap<Ticker, Head> = HashMap::new();
        for (ticker, head) in unknown.into_iter().zip(read) {
            fresh.insert(ticker, head.unwrap_or_default());
        }
        let mut working = Vec::new();
        for ticker in tickers {
            let (head, known) = match (self.heads.get(ticker), fresh.remove(ticker)) {
                (Some(head), _) => (head.clone(), true),
                (None, head) => (head.unwrap_or_default(), false),
            };
            let series =
                Working { before: head.version, head, rows: Vec::new(), by_event: HashMap::new(), changed: false };
            working.push((ticker.clone(), series, as_before && known));
        }
        for some in working.chunks_mut(AT_ONCE) {
            let looked = some.iter_mut().filter(|(.., known)| !known).map(async |(ticker, series, _)| {
                let rows = async || self.streams.rows(ticker).await;
                series.changed = series.head.after_runs(&*self.archive, &*self.ledger, ticker, rows).await?;
                Ok(())
            });
            try_join_all(looked).await?;
        }
        let working: BTreeMap<Ticker, Working> =
            working.into_iter().map(|(ticker, series, _)| (ticker, series)).collect();
        if !as_before {
            // Those that were not looked at are when they are next touched.
            self.heads.retain(|ticker, _| working.contains_key(ticker));
            self.nights = nights;
        }
        Ok(working)
    }

    /// Keeps rows that cannot be taken in, and why.
    ///
    /// # Errors
    /// Where the archive cannot be written.
    pub async fn set_aside(
        &self,
        source: &str,
        ticker: &Ticker,
        rows: impl Iterator<Item = Arrival>,
        reason: &str,
    ) -> Result<(), Error> {
        let refused = rows.map(|row| {
            let text = format!("{},{},{}", row.ticker, row.at, row.value);
            Refused { row: text, position: row.mark.position, reason: reason.to_owned() }
        });
        self.quarantine(source, ticker, &refused.collect::<Vec<_>>()).await
    }

    /// Keeps what is refused, and why, before anything else of its batch is.
    async fn quarantine(&self, source: &str, ticker: &Ticker, rows: &[Refused]) -> Result<(), Error> {
        let lines: String =
            rows.iter().map(|row| serde_json::to_string(row).expect("rows are plain data") + "\n").collect();
        let usual = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' };
        let name: String = source.chars().take(60).map(usual).collect();
        let key = Key::quarantine(ticker, &Digest::of(lines.as_bytes()), &format!("{name}.jsonl"));
        self.archive.create(&key, lines.as_bytes()).await?;
        let reason = rows.first().map_or("", |row| row.reason.as_str());
        tracing::warn!(%ticker, rows = rows.len(), reason, "streamed rows are refused, and kept under {key}");
        Ok(())
    }
}

/// What is to be kept of series.
fn changed(working: BTreeMap<Ticker, Working>) -> BTreeMap<Ticker, Kin> {
    let changed = working.into_iter().filter(|(_, series)| series.changed);
    let kin =
        |Working { before, head, rows, .. }: Working| Kin { rows, before, head: Head { version: before + 1, ..head } };
    changed.map(|(ticker, series)| (ticker, kin(series))).collect()
}

/// Whether a row was taken in before, by its place.
fn is_behind(arrival: &Arrival, step: &Step) -> bool {
    let Some(position) = arrival.mark.position.as_ref().filter(|position| position.source == step.source) else {
        return false;
    };
    let before = step.positions.get(&position.partition).and_then(|(before, _)| *before);
    before.is_some_and(|before| position.offset < Offset::from(before))
}

fn count(counts: &mut Counts, outcome: &Outcome) {
    *match outcome {
        Outcome::Advanced => &mut counts.advanced,
        Outcome::Waiting => &mut counts.waiting,
        Outcome::Ahead => &mut counts.ahead,
        Outcome::Late => &mut counts.late,
        Outcome::Revised => &mut counts.revised,
        Outcome::Repeated => &mut counts.repeated,
        Outcome::Outdated => &mut counts.outdated,
        Outcome::Refused(_) => &mut counts.refused,
    } += 1;
}

/// A series while a batch is taken in.
struct Working {
    /// The version of the head as it was read.
    before: u64,
    head: Head,
    /// New ones.
    rows: Vec<Kept>,
    /// Places of the new ones, by their period.
    by_event: HashMap<i64, Vec<usize>>,
    changed: bool,
}

impl Working {
    async fn take(
        &mut self,
        arrival: &Arrival,
        streams: &dyn Streams,
        configuration: &Configuration,
    ) -> Result<Result<Outcome, String>, Error> {
        let (at, form) = match self.event(arrival, configuration) {
            Ok(event) => event,
            Err(reason) => return Ok(Err(reason)),
        };
        // Of a period after all others there is no row yet.
        let known = if self.head.newest.is_some_and(|newest| at <= newest) {
            let mut known = streams.of_event(&arrival.ticker, at).await?;
            known.extend(self.by_event.get(&at).into_iter().flatten().map(|place| self.rows[*place].clone()));
            known
        } else {
            Vec::new()
        };
        let meaning = meaning(&known, arrival.value, &arrival.mark);
        let taken = match self.head.take((at, arrival.value), meaning) {
            Err(reason) => return Ok(Err(reason)),
            Ok(None) if meaning == Some(Meaning::Outdated) => return Ok(Ok(Outcome::Outdated)),
            Ok(None) => return Ok(Ok(Outcome::Repeated)),
            Ok(Some(taken)) => taken,
        };
        let (how, forecast) = taken;
        self.head.sequence += 1;
        self.head.newest = self.head.newest.max(Some(at));
        self.head.indexed = Some(form == Form::Index);
        self.by_event.entry(at).or_default().push(self.rows.len());
        self.rows.push(Kept {
            sequence: self.head.sequence,
            at,
            form,
            value: arrival.value,
            mark: arrival.mark.clone(),
            known: arrival.known,
            how,
            forecast,
        });
        self.changed = true;
        Ok(Ok(match how {
            How::Advanced => Outcome::Advanced,
            How::Waiting => Outcome::Waiting,
            How::Ahead => Outcome::Ahead,
            How::Late => Outcome::Late,
            How::Revised => Outcome::Revised,
            How::Confirmed => Outcome::Repeated,
        }))
    }

    /// The row's period, or why it has none.
    fn event(&self, arrival: &Arrival, configuration: &Configuration) -> Result<(i64, Form), String> {
        let reading = configuration.reading(&arrival.ticker);
        let kind: Kind = self.head.live.as_ref().map_or(reading.kind, |live| live.model.kind());
        if let Some(reason) = refusal(kind, arrival.value) {
            return Err(reason);
        }
        let cadence: Option<Cadence> =
            self.head.cadence.or(reading.cadence.map(|cadence| cadence.of_dates_like(arrival.at)));
        let stamp = match cadence {
            Some(cadence) => cadence.period(arrival.at).map_err(|error| error.to_string())?.stamp(),
            None => arrival.at,
        };
        let (at, form) = Form::of(stamp);
        if self.head.indexed.is_some_and(|indexed| indexed != (form == Form::Index)) {
            let (is, others) = if form == Form::Index { ("an index", "dates") } else { ("a date", "indices") };
            return Err(format!("{stamp} is {is}, and its series has {others}"));
        }
        let latest: Timestamp = arrival.known.saturating_add(AHEAD_OF_TIME).unwrap_or(Timestamp::MAX);
        if form != Form::Index && at > latest.as_second() {
            return Err(format!("{stamp} is yet to come: it arrived at {}", arrival.known));
        }
        Ok((at, form))
    }
}
