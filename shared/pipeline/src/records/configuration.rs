//! What a run is asked to do. Its digest is part of the run's id.

use std::{collections::BTreeMap, fmt};

use forecasting::{
    Cadence, Contender, Family, Form, IntervalKind, Kind, Level, Policy, PriceSeries, ProgramName, Promotion,
    RecordPlan, Row, Seasons, Stamp, Ticker, TradingDay, Window,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::{Digest, History, Key, ProgramSettings, VersionId, price_file::ColumnNames, settings::SESSIONS_START};

/// A run's task: everything that decides what it computes. `runs/{run}/configuration.json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Assignment {
    /// The tickers to work on, in order.
    pub tickers: Vec<Ticker>,
    /// What applies to each of them.
    #[serde(flatten)]
    pub configuration: Configuration,
}

impl TryFrom<Map<String, Value>> for Assignment {
    type Error = serde_json::Error;

    /// Not by `flatten`, which would let unknown fields pass.
    fn try_from(mut fields: Map<String, Value>) -> Result<Assignment, serde_json::Error> {
        let tickers = fields.remove("tickers").ok_or_else(|| serde_json::Error::missing_field("tickers"))?;
        Ok(Assignment {
            tickers: serde_json::from_value(tickers)?,
            configuration: serde_json::from_value(Value::Object(fields))?,
        })
    }
}

impl Assignment {
    /// Digest of its canonical JSON.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// Canonical JSON: fields in their order, shortest numbers.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a configuration is plain data")
    }
}

/// Where prices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Market {
    /// Tiingo's interface.
    Tiingo,
    /// Tiingo's interface for crypto currencies.
    TiingoCrypto,
    /// Tiingo's interface for pairs of currencies.
    TiingoFx,
    /// Tiingo's interface for shares within the day.
    TiingoIex,
    /// The sample that is shipped.
    Recorded,
    /// A folder of files.
    Csv,
    /// A query of a PostgreSQL server.
    Postgres,
    /// What arrives row by row.
    Stream,
    /// A file that was put under `incoming/`.
    Incoming,
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Market::Tiingo => "tiingo",
            Market::TiingoCrypto => "tiingo-crypto",
            Market::TiingoFx => "tiingo-fx",
            Market::TiingoIex => "tiingo-iex",
            Market::Recorded => "recorded",
            Market::Csv => "csv",
            Market::Postgres => "postgres",
            Market::Stream => "stream",
            Market::Incoming => "incoming",
        })
    }
}

/// What a run does for each of its tickers, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where prices come from.
    pub market: Market,
    /// The series' cadence; found in the rows where none is named.
    #[serde(default = "sessions", skip_serializing_if = "is_sessions")]
    pub cadence: Option<Cadence>,
    /// What the numbers are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: Kind,
    /// First date of the histories; `null` for all there is, of sessions for those since 2015.
    pub start: Option<Date>,
    /// Sessions to forecast.
    pub horizon: usize,
    /// Interval levels of the forecast tables, in percent.
    pub levels: Vec<Level>,
    /// Sessions held out to compare models: what earlier releases had in place of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<usize>,
    /// Which sessions to train on.
    pub window: Window,
    /// The families and pinned specifications that compete with the random walks.
    #[serde(default = "only_arima")]
    pub families: Vec<Contender>,
    /// The programs among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<ProgramName, ProgramSettings>,
    /// The seasons; `null` where they are those that the series' cadence usually has.
    #[serde(default = "no_season")]
    pub season: Option<Seasons>,
    /// The intervals that are scored and served.
    #[serde(default = "models_own")]
    pub intervals: IntervalKind,
    /// When to train.
    pub policy: Policy,
    /// Live error over the random walk's beyond which to train, whatever the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_bound: Option<f64>,
    /// The error budget of a ticker and a year: the probability of a promotion without anything in it, at most.
    pub significance: f64,
    /// What a challenger must bring.
    #[serde(default, skip_serializing_if = "is_default")]
    pub promotion: Promotion,
    /// Train whatever the policy says, because someone asked for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub train: bool,
    /// Versions are removed when they have been out of service for more sessions than this; `None` keeps them for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<usize>,
    /// Series that the market knows by another name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<Ticker, Ticker>,
    /// What the columns of files are called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub columns: ColumnNames,
    /// What PostgreSQL is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Series that are read otherwise than the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<Ticker, Reading>,
    /// The file to work on, where the market is `incoming`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incoming: Option<Incoming>,
    /// What someone asked to roll back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackOrder>,
    /// The state of the champion pointer that someone released from being pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<u64>,
}

/// What a series is read as, and who competes to forecast it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Its cadence; found in the rows where none is named.
    pub cadence: Option<Cadence>,
    /// What the numbers are.
    pub kind: Kind,
    /// Its seasons; `null` where they are those that its cadence usually has.
    pub season: Option<Seasons>,
    /// The families and pinned specifications that compete with the random walks.
    pub families: Vec<Contender>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

// serde hands over a reference.
#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)]
fn is_sessions(cadence: &Option<Cadence>) -> bool {
    *cadence == Some(Cadence::SESSION)
}

// What runs did before these could be chosen, of the fields' own types.
#[allow(clippy::unnecessary_wraps)]
fn sessions() -> Option<Cadence> {
    Some(Cadence::SESSION)
}

fn only_arima() -> Vec<Contender> {
    vec![Contender::Family(Family::Arima)]
}

#[allow(clippy::unnecessary_wraps)]
fn no_season() -> Option<Seasons> {
    Some(Seasons::NONE)
}

fn models_own() -> IntervalKind {
    IntervalKind::Model
}

/// A person's word: this version is to serve again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackOrder {
    /// The version.
    pub version: VersionId,
    /// The state of the champion pointer that the order was given on: given again on another one, it is another order.
    pub sequence: u64,
}

/// A price file that was put under `incoming/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// Where it was put; it may be gone from there, or be another by now.
    pub key: Key,
    /// Digest of the content that the run works on.
    pub sha256: Digest,
}

impl Configuration {
    /// The name by which the market knows a series.
    pub(crate) fn symbol<'a>(&'a self, series: &'a Ticker) -> &'a Ticker {
        self.aliases.get(series).unwrap_or(series)
    }

    /// Whether its series may have a period then: only of sessions it is known beforehand that there are none on a day.
    pub(crate) fn has_period(&self, as_of: Stamp) -> bool {
        match (self.cadence, as_of) {
            (Some(Cadence::SESSION), Stamp::Date(date)) => TradingDay::new(date).is_ok(),
            _ => true,
        }
    }

    /// The series of a history: its rows are as they are declared to be, or as they say themselves. Where no start is configured, a series
    /// begins with its rows, and sessions with those since 2015.
    ///
    /// # Errors
    /// As [`PriceSeries::of`].
    pub fn series(&self, ticker: &Ticker, history: History) -> Result<PriceSeries, forecasting::Error> {
        let mut rows = history.rows;
        let Reading { cadence, kind, .. } = self.reading(ticker);
        let mut form = Form { cadence, kind };
        if self.start.is_none() && form.cadence.is_none() {
            let cadence = Cadence::of(&rows.iter().map(|row| row.date).collect::<Vec<_>>())?;
            if cadence == Cadence::SESSION {
                rows.retain(|row| row.date >= SESSIONS_START.into());
            }
            form.cadence = Some(cadence);
        }
        let known = rows.iter().rposition(|row| row.adjusted_close.is_some()).map_or(0, |last| last + 1);
        let without: Vec<Row> = rows[known..].to_vec();
        let series = PriceSeries::of(ticker.clone(), rows, form)?;
        let series = series.of_closes_alone(history.closes_alone);
        let last = series.last().day;
        if !last.has_after(self.horizon) {
            let why = format!("its calendar has fewer than {} periods after it: add some to the list", self.horizon);
            return Err(forecasting::Error::NoPeriod { stamp: last.stamp(), cadence: last.cadence(), why });
        }
        Ok(series.with_regressors(&self.columns.regressors, without.into_iter().chain(history.ahead), self.horizon))
    }

    /// The first date that is asked for.
    pub fn from(&self) -> Date {
        self.start.unwrap_or(Date::MIN)
    }

    /// What a series is read as.
    pub fn reading(&self, ticker: &Ticker) -> Reading {
        let &Configuration { cadence, kind, season, ref families, .. } = self;
        self.series.get(ticker).cloned().unwrap_or_else(|| Reading {
            cadence,
            kind,
            season,
            families: families.clone(),
        })
    }

    /// The seasons of a series, which has this cadence.
    pub fn seasons(&self, ticker: &Ticker, cadence: Cadence) -> Seasons {
        let Reading { season, kind, .. } = self.reading(ticker);
        season.unwrap_or_else(|| Seasons::usual(cadence, kind))
    }

    /// What the record of a series is kept of, which has this cadence.
    pub fn record_plan(&self, ticker: &Ticker, cadence: Cadence) -> RecordPlan {
        let Reading { families, kind, .. } = self.reading(ticker);
        RecordPlan::new(&families, self.horizon, self.window, self.seasons(ticker, cadence), kind)
            .with_regressors(&self.columns.regressors)
    }
}
