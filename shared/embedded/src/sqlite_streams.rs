//! The log of what arrived, in the ledger's file: rows, heads and positions of a step are one transaction.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{
    Error,
    stream::{Counts, Form, Head, How, Kept, Kin, Mark, Offset, Position, Source, Step, Streams},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::{
    disk::{OpenedFile, wait_for},
    sqlite_ledger::{failed, read_only, schema},
};

pub(crate) const SCHEMA: &str = include_str!("sqlite_streams.sql");

/// The log of what arrived, in one SQLite file.
#[derive(Debug)]
pub struct SqliteStreams {
    file: OpenedFile,
    connection: Mutex<Connection>,
}

/// Why nothing is kept.
enum Refusal {
    Sql(rusqlite::Error),
    /// Another writer came before.
    Raced(String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Sql(error)
    }
}

impl SqliteStreams {
    /// Opens the log in the file of a ledger that exists, and makes it where it is new.
    ///
    /// # Errors
    /// [`Error::Store`] where the file cannot be written.
    pub fn open(path: &Path) -> Result<SqliteStreams, Error> {
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(Duration::from_secs(10))?;
            schema::write_ahead(&connection)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| failed(path, "opened", &error))?;
        Ok(SqliteStreams { file: OpenedFile::at(path), connection: Mutex::new(connection) })
    }

    /// Opens a log that exists, to read it and nothing else; none where nothing has ever arrived.
    ///
    /// # Errors
    /// [`Error::Store`] where the file cannot be read.
    pub fn open_existing(path: &Path) -> Result<Option<SqliteStreams>, Error> {
        let connection = read_only(path).map_err(|error| failed(path, "opened", &error))?;
        let exists = is_there(&connection).map_err(|error| failed(path, "read", &error))?;
        Ok(exists.then(|| SqliteStreams { file: OpenedFile::at(path), connection: Mutex::new(connection) }))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held left no transaction behind: it rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.file.check()?;
        wait_for(|| query(&self.connection())).map_err(|error| failed(self.file.path(), "read", &error))
    }
}

/// Whether the ledger's file has such a log.
pub(crate) fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    let named = "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'arrival_counts'";
    connection.prepare_cached(named)?.query_row([], |row| row.get(0))
}

/// Removes a series' rows, where there are any.
pub(crate) fn forget(transaction: &Transaction<'_>, ticker: &Ticker) -> rusqlite::Result<()> {
    if is_there(transaction)? {
        let id = "(SELECT id FROM streams WHERE ticker = ?1)";
        transaction.execute(&format!("DELETE FROM arrivals WHERE stream = {id}"), [ticker.as_str()])?;
        transaction.execute("DELETE FROM streams WHERE ticker = ?1", [ticker.as_str()])?;
    }
    Ok(())
}

/// What the rows of a series have come to, in a ledger that may have no such log.
pub(crate) fn find_head(connection: &Connection, ticker: &Ticker) -> rusqlite::Result<Option<Head>> {
    let prepared = connection.prepare_cached("SELECT head FROM streams WHERE ticker = ?1");
    match prepared {
        Err(rusqlite::Error::SqliteFailure(_, Some(message))) if message.contains("no such table") => Ok(None),
        Err(error) => Err(error),
        Ok(mut statement) => statement.query_row([ticker.as_str()], head).optional(),
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let text: String = row.get("head")?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, "head", Box::new(error)))
}

fn unreadable(row: &Row<'_>, column: &str, error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    let place = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(place, rusqlite::types::Type::Text, error)
}

/// The rows of a period of a series and of all after it.
pub(crate) fn later(connection: &Connection, ticker: &Ticker, from: i64) -> rusqlite::Result<Vec<Kept>> {
    connection
        .prepare_cached(&format!("{ROWS} AND a.at >= ?2 ORDER BY a.sequence"))?
        .query_map(params![ticker.as_str(), from], kept)?
        .collect()
}

const ROWS: &str = "SELECT a.sequence, a.at, a.form, a.value, a.known, a.revision, s.source, a.partition, a.position, a.how, a.forecast
     FROM arrivals a LEFT JOIN sources s ON s.id = a.source
     WHERE a.stream = (SELECT id FROM streams WHERE ticker = ?1)";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let one_of = |column: &str, most: usize| -> rusqlite::Result<usize> {
        let number: i64 = row.get(column)?;
        usize::try_from(number)
            .ok()
            .filter(|number| *number < most)
            .ok_or_else(|| unreadable(row, column, format!("{number} is none of {most}").into()))
    };
    let known: i64 = row.get("known")?;
    let position = match row.get::<_, Option<String>>("source")? {
        None => None,
        Some(source) => {
            Some(Position { source, partition: row.get("partition")?, offset: Offset(row.get("position")?) })
        }
    };
    Ok(Kept {
        sequence: row.get::<_, i64>("sequence")?.cast_unsigned(),
        at: row.get("at")?,
        form: Form::ALL[one_of("form", Form::ALL.len())?],
        value: row.get("value")?,
        mark: Mark { revision: row.get("revision")?, position },
        known: Timestamp::from_millisecond(known).map_err(|error| unreadable(row, "known", Box::new(error)))?,
        how: How::ALL[one_of("how", How::ALL.len())?],
        forecast: row.get("forecast")?,
    })
}

fn keep_series(
    transaction: &Transaction<'_>,
    ticker: &Ticker,
    kin: &Kin,
    sources: &mut BTreeMap<String, i64>,
) -> Result<(), Refusal> {
    let head = serde_json::to_string(&kin.head).expect("a head is plain data");
    let id: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT id, version FROM streams WHERE ticker = ?1")?
        .query_row([ticker.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if id.map_or(0, |(_, version)| version.cast_unsigned()) != kin.before {
        return Err(Refusal::Raced(format!("the stream of {ticker}")));
    }
    let version = kin.head.version.cast_signed();
    let id = match id {
        Some((id, _)) => {
            let mut update = transaction.prepare_cached("UPDATE streams SET version = ?2, head = ?3 WHERE id = ?1")?;
            update.execute(params![id, version, head])?;
            id
        }
        None => {
            let mut insert =
                transaction.prepare_cached("INSERT INTO streams (ticker, version, head) VALUES (?1, ?2, ?3)")?;
            insert.insert(params![ticker.as_str(), version, head])?
        }
    };
    let mut insert = transaction.prepare_cached(
        "INSERT INTO arrivals (stream, sequence, at, form, value, known, revision, source, partition, position, how, forecast)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for row in &kin.rows {
        let place = |all: Option<usize>| all.and_then(|place| i64::try_from(place).ok()).unwrap_or_default();
        let (mut source, mut partition, mut offset) = (None, None, None);
        if let Some(position) = &row.mark.position {
            source = Some(source_id(transaction, &position.source, sources)?);
            (partition, offset) = (Some(position.partition), Some(&position.offset.0));
        }
        insert.execute(params![
            id,
            row.sequence.cast_signed(),
            row.at,
            place(Form::ALL.iter().position(|form| *form == row.form)),
            row.value,
            row.known.as_millisecond(),
            row.mark.revision,
            source,
            partition,
            offset,
            place(How::ALL.iter().position(|how| *how == row.how)),
            row.forecast,
        ])?;
    }
    Ok(())
}

fn source_id(transaction: &Transaction<'_>, source: &str, known: &mut BTreeMap<String, i64>) -> rusqlite::Result<i64> {
    if let Some(id) = known.get(source) {
        return Ok(*id);
    }
    transaction.prepare_cached("INSERT OR IGNORE INTO sources (source) VALUES (?1)")?.execute([source])?;
    let id = transaction
        .prepare_cached("SELECT id FROM sources WHERE source = ?1")?
        .query_row([source], |row| row.get(0))?;
    known.insert(source.to_owned(), id);
    Ok(id)
}

fn keep(transaction: &Transaction<'_>, step: &Step) -> Result<(), Refusal> {
    let mut sources = BTreeMap::new();
    for (ticker, kin) in &step.series {
        keep_series(transaction, ticker, kin, &mut sources)?;
    }
    for (partition, (before, next)) in &step.positions {
        let stored: Option<i64> = transaction
            .prepare_cached("SELECT next FROM positions WHERE source = ?1 AND partition = ?2")?
            .query_row(params![step.source, partition], |row| row.get(0))
            .optional()?;
        if stored != *before {
            return Err(Refusal::Raced(format!("partition {partition} of {}", step.source)));
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO positions (source, partition, next) VALUES (?1, ?2, ?3)")?
            .execute(params![step.source, partition, next])?;
    }
    if let Some(at) = step.at {
        let stored: Option<Counts> = transaction
            .prepare_cached("SELECT counts FROM arrival_counts WHERE source = ?1")?
            .query_row([&step.source], counts)
            .optional()?;
        let mut all = stored.unwrap_or_default();
        all.add(&step.counts);
        let json = serde_json::to_string(&all).expect("counts are plain data");
        transaction
            .prepare_cached("INSERT OR REPLACE INTO arrival_counts (source, counts, lag, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![step.source, json, step.lag.map(u64::cast_signed), at.as_millisecond()])?;
    }
    Ok(())
}

fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    let text: String = row.get("counts")?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, "counts", Box::new(error)))
}

#[async_trait]
impl Streams for SqliteStreams {
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT partition, next FROM positions WHERE source = ?1")?
                .query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        let mut periods = periods.to_vec();
        periods.sort_unstable();
        periods.dedup();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{ROWS} AND a.at = ?2 ORDER BY a.sequence"))?;
            let mut rows = Vec::new();
            for at in &periods {
                for row in statement.query_map(params![ticker.as_str(), at], kept)? {
                    rows.push(row?);
                }
            }
            Ok(rows)
        })
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{ROWS} ORDER BY a.sequence"))?
                .query_map([ticker.as_str()], kept)?
                .collect()
        })
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        let kept = wait_for(|| {
            let mut connection = self.connection();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            match keep(&transaction, step) {
                Ok(()) => transaction.commit().map(|()| None),
                Err(Refusal::Sql(error)) => Err(error),
                Err(Refusal::Raced(what)) => Ok(Some(what)),
            }
        });
        match kept.map_err(|error| failed(self.file.path(), "written", &error))? {
            None => Ok(()),
            Some(what) => Err(Error::Raced { what }),
        }
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT ticker FROM streams ORDER BY ticker")?
                .query_map([], |row| {
                    let text: String = row.get("ticker")?;
                    text.parse().map_err(|error| unreadable(row, "ticker", Box::new(error)))
                })?
                .collect()
        })
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT source, counts, lag, at FROM arrival_counts")?
                .query_map([], |row| {
                    let (lag, at): (Option<i64>, Option<i64>) = (row.get("lag")?, row.get("at")?);
                    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
                    Ok((row.get("source")?, Source { counts: counts(row)?, lag: lag.map(i64::cast_unsigned), at }))
                })?
                .collect()
        })
    }

    async fn nights(&self) -> Result<Option<i64>, Error> {
        // Results are only ever added, and forgotten; their numbers may come again then, but those of runs do not.
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT (SELECT coalesce(max(rowid), 0) FROM stages) + (SELECT coalesce(max(sequence), 0) FROM runs) * (1 << 32)",
                )?
                .query_row([], |row| row.get(0))
                .map(Some)
        })
    }
}
