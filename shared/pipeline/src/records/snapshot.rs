use forecasting::{Ahead, Form, Kind, Period, PriceSeries, Row, Scope, Stamp, Ticker};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{BarLog, FormerSnapshots, end_of_time, price_table};
use crate::{Archive, Digest, Error, Key, Ledger, Market, ObjectRef, RunId, Stage, StageKey};

/// A price snapshot and what it covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its name, and the digest of its prices as a table (`export` writes it).
    pub snapshot: ObjectRef,
    /// Its bars; absent from earlier releases, which archived that table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bars: Option<BarLog>,
    /// The newest session it holds.
    pub last: Period,
    /// Whether that session's bar may still be corrected.
    pub bar: BarStatus,
    /// First date that was asked for.
    pub start: Option<Date>,
    /// The market that was asked.
    pub market: Market,
    /// What was downloaded.
    pub download: Download,
    /// What its numbers are.
    #[serde(default, skip_serializing_if = "Kind::is_price")]
    pub kind: Kind,
    /// Statistics of its scope.
    pub scope: Scope,
    /// What the columns to regress on are called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressors: Vec<String>,
    /// What is known of the periods after the newest: a line each, its stamp and a number for each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<String>,
}

impl Snapshot {
    /// What its rows are read as.
    fn form(&self) -> Form {
        Form { cadence: Some(self.last.cadence()), kind: self.kind }
    }

    /// Its prices, whole and checked.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] where they do not read whole.
    pub async fn series(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<PriceSeries, Error> {
        if let Some(log) = &self.bars {
            let series = log.series(archive, ticker, self.form()).await?.of_closes_alone(self.scope.closes_alone);
            let ahead = self.ahead.iter().filter_map(|line| ahead_of(line));
            return Ok(series.with_regressors(&self.regressors, ahead, self.ahead.len()));
        }
        match self.snapshot.read(archive).await {
            Ok(bytes) => price_table::read(ticker, &self.snapshot.key, &bytes, self.form()),
            Err(missing @ Error::Missing { .. }) => {
                let former = FormerSnapshots::read(archive, ticker).await?;
                former.log(&self.snapshot).ok_or(missing)?.series(archive, ticker, self.form()).await
            }
            Err(error) => Err(error),
        }
    }

    /// Its prices, and that they are those that the snapshot is named after.
    ///
    /// # Errors
    /// As [`Snapshot::series`].
    pub(crate) async fn checked(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<PriceSeries, Error> {
        let series = self.series(archive, ticker).await?;
        if Digest::of(&price_table::write(&series)) == self.snapshot.sha256 {
            return Ok(series);
        }
        let reason = "its bars are not those that it is named after".to_owned();
        Err(Error::Damaged { key: self.snapshot.key.to_string(), reason })
    }

    /// The archived objects that it is read from.
    pub(crate) fn objects(&self, ticker: &Ticker) -> Vec<Key> {
        match &self.bars {
            Some(log) => log.segments.iter().map(|segment| segment.object(ticker).key).collect(),
            None => vec![self.snapshot.key.clone()],
        }
    }

    /// The snapshot that a run works on.
    ///
    /// # Errors
    /// [`Error::Missing`] where it has none.
    pub async fn of_run(ledger: &dyn Ledger, ticker: &Ticker, run: &RunId) -> Result<Snapshot, Error> {
        let key = StageKey { run: run.clone(), ticker: ticker.clone(), stage: Stage::Fetch };
        let missing = || Error::Missing { key: format!("the prices of {ticker} in run {run}") };
        ledger.committed(&key).await?.ok_or_else(missing)?.parse()
    }

    /// The snapshot with this name and digest: one of the runs that could still have had it.
    ///
    /// # Errors
    /// [`Error::Missing`] where none had.
    pub(crate) async fn named(ledger: &dyn Ledger, ticker: &Ticker, name: &ObjectRef) -> Result<Snapshot, Error> {
        // Its run may be as of some sessions later, or of whatever a file's other series ended on.
        let near = match name.key.last_period() {
            Some(Stamp::Date(date)) => Stamp::Date(date.saturating_add(jiff::Span::new().days(14))),
            _ => end_of_time(),
        };
        for newest in [near, end_of_time()] {
            for record in ledger.history(ticker, Stage::Fetch, newest, LOOKED_THROUGH).await? {
                let snapshot: Snapshot = record.parse()?;
                if snapshot.snapshot == *name {
                    return Ok(snapshot);
                }
            }
        }
        Err(Error::Missing { key: name.key.to_string() })
    }
}

/// What is known of the periods after a series' last, as a snapshot keeps it.
pub(crate) fn ahead(series: &PriceSeries) -> Vec<String> {
    let line = |(day, known): &Ahead| {
        let numbers: String = known.iter().map(|number| format!(",{number}")).collect();
        format!("{day}{numbers}")
    };
    series.ahead().iter().map(line).collect()
}

fn ahead_of(line: &str) -> Option<Row> {
    let mut fields = line.split(',');
    let date: Stamp = fields.next()?.parse().ok()?;
    Some(Row { regressors: fields.map(|field| field.parse().ok()).collect(), ..Row::new(0, date) })
}

/// A series without a bar for this many sessions has ended.
pub(crate) const STALE_AFTER: usize = 5;
/// More snapshots of a few sessions are not looked through.
const LOOKED_THROUGH: usize = 100;

/// Whether the newest bar may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BarStatus {
    /// Read after 20:00 in New York of its own session.
    Final,
    /// Read earlier: the exchanges may still send corrections.
    Preliminary,
}

/// How a snapshot came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// The whole history, and why.
    Full(String),
    /// The rows since the last snapshot, and an overlap with it that proves it unchanged.
    Increment,
}
