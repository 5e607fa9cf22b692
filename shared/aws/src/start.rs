//! What started an execution, and what it is therefore asked to do.

use forecasting::{Period, Stamp, Ticker, TradingDay};
use jiff::Timestamp;
use pipeline::{
    Archive, Assignment, Digest, Error, Incoming, Key, Patience, RunId, Settings, Trigger, price_file::PriceFile,
};
use serde::Deserialize;
use serde_json::Value;

use crate::events::{RUN_REQUESTED, SOURCE};

/// A start, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What asks for the run.
    pub trigger: Trigger,
    /// What tells a second delivery of the same request from another request; `None` where nothing can deliver it twice.
    pub request: Option<String>,
    /// The moment it is for.
    pub time: Timestamp,
    /// The day whose prices the run may know; `None` for the last one.
    pub as_of: Option<Stamp>,
    /// The tickers to work on; none for the watchlist's.
    pub tickers: Vec<Ticker>,
    /// Train every contender anew, whatever the policy says.
    pub train: bool,
    /// The file to work on.
    pub incoming: Option<Key>,
    /// The run of which to do what it has not done.
    pub run: Option<RunId>,
}

/// What a start asks for, with the configuration as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct StartPlan {
    /// Everything that decides what the run computes.
    pub assignment: Assignment,
    /// Its day.
    pub as_of: Stamp,
    /// How long what is missing is waited for: a bar, prices for which an hour's quota was too small, a source that is away.
    pub patience: Patience,
    /// The file's content, where it works on one.
    pub file: Option<Vec<u8>>,
}

/// The schedule's input, a person's at the console, or the detail of `run requested`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    trigger: Trigger,
    #[serde(default)]
    time: Option<Timestamp>,
    #[serde(default)]
    as_of: Option<Stamp>,
    #[serde(default)]
    tickers: Vec<Ticker>,
    #[serde(default)]
    train: bool,
    #[serde(default)]
    run: Option<RunId>,
    /// For whoever reads the execution's history.
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
    /// By which the rule knows whose request it is.
    #[serde(default, rename = "archive")]
    _archive: Option<String>,
}

/// An event from the bus.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Delivered {
    id: String,
    source: String,
    detail_type: String,
    time: Timestamp,
    detail: Value,
}

#[derive(Deserialize)]
struct ObjectCreated {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    /// The same however often one write is announced.
    sequencer: Option<String>,
}

impl Start {
    /// Understands the input of an execution that was started at this moment.
    ///
    /// # Errors
    /// [`Error::Request`] for an input that is none of ours.
    pub fn of(input: Value, started: Timestamp) -> Result<Start, Error> {
        let refused = |error: serde_json::Error| Error::Request { field: "input", reason: error.to_string() };
        if input.get("detail-type").is_none() {
            return Ok(Start::wanted(serde_json::from_value(input).map_err(refused)?, None, started));
        }
        let event: Delivered = serde_json::from_value(input).map_err(refused)?;
        match (event.source.as_str(), event.detail_type.as_str()) {
            ("aws.s3", "Object Created") => {
                let created: ObjectCreated = serde_json::from_value(event.detail).map_err(refused)?;
                let (key, ticker) = Key::incoming(&created.object.key)?;
                Ok(Start {
                    trigger: Trigger::Data,
                    request: Some(created.object.sequencer.unwrap_or(event.id)),
                    time: event.time,
                    as_of: None,
                    tickers: vec![ticker],
                    train: false,
                    incoming: Some(key),
                    run: None,
                })
            }
            (SOURCE, RUN_REQUESTED) => {
                let wanted = serde_json::from_value(event.detail).map_err(refused)?;
                Ok(Start::wanted(wanted, Some(event.id), event.time))
            }
            (source, kind) => {
                Err(Error::Request { field: "input", reason: format!("no run is started by '{kind}' of {source}") })
            }
        }
    }

    /// Nothing but the schedule is delivered without an id: the moment that it was due at is the same each time.
    fn wanted(wanted: RunRequest, id: Option<String>, delivered: Timestamp) -> Start {
        let due = wanted.time.filter(|_| wanted.trigger == Trigger::Schedule);
        Start {
            trigger: wanted.trigger,
            request: id.or(due.map(|time| time.to_string())),
            time: wanted.time.unwrap_or(delivered),
            as_of: wanted.as_of,
            tickers: wanted.tickers,
            train: wanted.train,
            incoming: None,
            run: wanted.run,
        }
    }

    /// Applies the configuration. Nothing here reads a clock: the start's own moment decides which session has closed.
    ///
    /// # Errors
    /// [`Error::Request`] for a day that has not closed yet or a start without tickers; [`Error::Missing`] for a file that
    /// is gone.
    pub async fn asked(&self, settings: &Settings, archive: &dyn Archive) -> Result<StartPlan, Error> {
        let request = |field, reason: String| Error::Request { field, reason };
        let last = TradingDay::last_closed(self.time).map_err(|e| request("time", e.to_string()))?;
        if let (Some(key), [ticker]) = (&self.incoming, self.tickers.as_slice()) {
            return asked_of_file(settings, archive, key, ticker, self.time).await;
        }
        if let Some(run) = &self.run {
            return asked_again(settings, archive, run, self.time).await;
        }
        let tickers =
            if self.tickers.is_empty() { settings.watchlist.tickers().to_vec() } else { self.tickers.clone() };
        if tickers.is_empty() {
            return Err(request("watchlist", "no tickers: name them in closing-bell.toml".to_owned()));
        }
        if settings.works_on_streams() {
            return Ok(self.asked_of_streams(settings, tickers));
        }
        let as_of = match self.as_of {
            Some(Stamp::Date(day)) if TradingDay::has_closed(day, self.time) => day.into(),
            Some(day) => return Err(request("as_of", format!("{day}: that session has not closed yet"))),
            // A holiday is the schedule's to find out: its run closes as "no session".
            None if self.trigger == Trigger::Schedule => {
                TradingDay::due_at(self.time).map_err(|e| request("time", e.to_string()))?.into()
            }
            None => last.into(),
        };
        let mut assignment = settings.assignment(pipeline::Market::Tiingo, tickers);
        assignment.configuration.train = self.train;
        Ok(StartPlan { assignment, as_of, patience: Patience::of(settings, as_of, self.time), file: None })
    }
}

impl Start {
    /// What has arrived up to the start's moment, each series up to its own last period.
    fn asked_of_streams(&self, settings: &Settings, tickers: Vec<Ticker>) -> StartPlan {
        let ended = settings.cadence().and_then(|cadence| cadence.last_ended(self.time));
        // Where no cadence is declared, each start is a run of its own: more may have arrived.
        let as_of = self.as_of.or(ended.map(Period::stamp)).unwrap_or(Stamp::moment(self.time));
        let mut assignment = settings.assignment(pipeline::Market::Stream, tickers);
        assignment.configuration.train = self.train;
        StartPlan { assignment, as_of, patience: Patience::NONE, file: None }
    }
}

/// A run's own tickers, day and configuration.
async fn asked_again(
    settings: &Settings,
    archive: &dyn Archive,
    run: &RunId,
    time: Timestamp,
) -> Result<StartPlan, Error> {
    let key = Key::run(run, "configuration.json");
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
    let assignment: Assignment = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let as_of = run.as_of();
    let configuration = &assignment.configuration;
    if configuration.rollback.is_some() || configuration.release.is_some() {
        let reason = "what a person decided is completed by asking for the same again".to_owned();
        return Err(Error::Request { field: "run", reason });
    }
    Ok(StartPlan { patience: Patience::of(settings, as_of, time), assignment, as_of, file: None })
}

async fn asked_of_file(
    settings: &Settings,
    archive: &dyn Archive,
    key: &Key,
    ticker: &Ticker,
    time: Timestamp,
) -> Result<StartPlan, Error> {
    let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let sha256 = Digest::of(&bytes);
    // What cannot be read is fetch's to refuse, and to keep.
    let newest = PriceFile::new(ticker.clone(), key.as_str(), bytes.clone())
        .with(settings.columns.clone())
        .last_ended(settings.cadence_of(ticker), time)
        .map_or_else(|| TradingDay::last_closed(time).map(Stamp::from), |period| Ok(period.stamp()))
        .map_err(|e| Error::Request { field: "time", reason: e.to_string() })?;
    let mut assignment = settings.assignment(pipeline::Market::Incoming, vec![ticker.clone()]);
    assignment.configuration.incoming = Some(Incoming { key: key.clone(), sha256 });
    Ok(StartPlan { assignment, as_of: newest, patience: Patience::NONE, file: Some(bytes) })
}
