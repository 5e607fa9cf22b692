//! Rows into the log, and into the model in service.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use forecasting::Ticker;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::{Arrival, Counts, Form, Head, Kin, Refused, Step, Streams, arrival::Offset, working::Working};
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
/// Refused rows whose series is unknown are kept under its name.
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
        let placed: Vec<Placed<'_>> = rows.iter().map(|row| self.place(row, &step, &working)).collect();
        let known: Vec<(&Arrival, i64)> = placed.iter().filter_map(Placed::period).collect();
        self.read_known(&mut working, &known).await?;
        let mut accepted = Accepted::default();
        let mut refused: BTreeMap<Ticker, Vec<Refused>> = BTreeMap::new();
        let nobody: Ticker =
            NOBODY.parse().map_err(|_| Error::Request { field: "series", reason: NOBODY.to_owned() })?;
        for placed in placed {
            let outcome = match placed {
                Placed::NoRow(row) => {
                    refused.entry(nobody.clone()).or_default().push(row.clone());
                    Outcome::Refused(row.reason.clone())
                }
                Placed::Behind => Outcome::Repeated,
                Placed::Row(arrival, event) => {
                    let series = working.get_mut(&arrival.ticker).expect("every series was read");
                    let taken = match event {
                        Ok(event) => series.take(arrival, event, &*self.ledger).await?,
                        Err(reason) => Err(reason),
                    };
                    taken.unwrap_or_else(|reason| {
                        let row = format!("{},{},{}", arrival.ticker, arrival.at, arrival.value);
                        let position = arrival.mark.position.clone();
                        let row = Refused { row, position, reason: reason.clone() };
                        refused.entry(arrival.ticker.clone()).or_default().push(row);
                        Outcome::Refused(reason)
                    })
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

    fn place<'a>(
        &self,
        row: &'a Result<Arrival, Refused>,
        step: &Step,
        working: &BTreeMap<Ticker, Working>,
    ) -> Placed<'a> {
        match row {
            Err(row) => Placed::NoRow(row),
            Ok(arrival) if is_behind(arrival, step) => Placed::Behind,
            Ok(arrival) => Placed::Row(arrival, working[&arrival.ticker].event(arrival, step.at, &self.configuration)),
        }
    }

    /// Takes notice of runs that have forecast series since, so that a forecast knows what has arrived meanwhile.
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
        let mut all = BTreeMap::new();
        for some in tickers.chunks(AT_ONCE) {
            let series = some.iter().map(|ticker| self.series(ticker, as_before));
            all.extend(some.iter().cloned().zip(try_join_all(series).await?));
        }
        if !as_before {
            // Those that were not looked at are when they are next touched.
            self.heads.retain(|ticker, _| all.contains_key(ticker));
            self.nights = nights;
        }
        Ok(all)
    }

    async fn series(&self, ticker: &Ticker, as_before: bool) -> Result<Working, Error> {
        let cached = self.heads.get(ticker);
        let (head, broken) = match cached {
            Some(head) => (Ok(Some(head.clone())), None),
            None => match self.ledger.head(ticker).await {
                Err(error @ Error::Damaged { .. }) => (Ok(None), Some(error.to_string())),
                read => (read, None),
            },
        };
        let head = head?.unwrap_or_default();
        let before = head.version;
        let mut series = Working { before, head, broken, ..Working::default() };
        if series.broken.is_none() && !(as_before && cached.is_some()) {
            let rows = async || self.streams.rows(ticker).await;
            series.changed = series.head.after_runs(&*self.archive, &*self.ledger, ticker, rows).await?;
        }
        Ok(series)
    }

    /// Reads what the log has of the rows' periods. Of one after all others there is nothing yet.
    async fn read_known(&self, working: &mut BTreeMap<Ticker, Working>, rows: &[(&Arrival, i64)]) -> Result<(), Error> {
        let mut asked: BTreeMap<&Ticker, Vec<i64>> = BTreeMap::new();
        for (arrival, at) in rows {
            if working[&arrival.ticker].head.newest.is_some_and(|newest| *at <= newest) {
                asked.entry(&arrival.ticker).or_default().push(*at);
            }
        }
        let asked: Vec<(&Ticker, Vec<i64>)> = asked.into_iter().collect();
        for some in asked.chunks(AT_ONCE) {
            let read = some.iter().map(|(ticker, periods)| self.streams.of_periods(ticker, periods));
            for ((ticker, _), rows) in some.iter().zip(try_join_all(read).await?) {
                let series = working.get_mut(*ticker).expect("every series was read");
                for row in rows {
                    series.known.entry(row.at).or_default().push(row);
                }
            }
        }
        Ok(())
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

/// A row of a batch, before it is taken in.
enum Placed<'a> {
    NoRow(&'a Refused),
    /// Taken in before.
    Behind,
    /// With its period, or why it has none.
    Row(&'a Arrival, Result<(i64, Form), String>),
}

impl<'a> Placed<'a> {
    fn period(&self) -> Option<(&'a Arrival, i64)> {
        match self {
            Placed::Row(arrival, Ok((at, _))) => Some((arrival, *at)),
            _ => None,
        }
    }
}
