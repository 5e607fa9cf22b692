mod rows;
pub(crate) mod schema;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use forecasting::{Stamp, Ticker};
use pipeline::{
    Appended, Attempt, Chain, Chained, Champion, Closure, Error, Ledger, Link, OfRun, Receipt, Run, RunEntry, RunId,
    Stage, StageRecord,
    packed::pack,
    stream::{Head, Kept},
};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use crate::{
    disk::{OpenedFile, wait_for},
    sqlite_streams::{self, find_head},
};
use rows::{RUN_COLUMNS, json, now};

/// A ledger in one SQLite file.
#[derive(Debug)]
pub struct SqliteLedger {
    file: OpenedFile,
    connection: Mutex<Connection>,
}

impl SqliteLedger {
    /// Opens the ledger, and makes it where it is new.
    ///
    /// # Errors
    /// [`Error::Store`] where the file cannot be written, [`Error::Damaged`] where it is none of ours.
    pub fn open(path: &Path) -> Result<SqliteLedger, Error> {
        let connection =
            Connection::open(path).and_then(schema::prepare).map_err(|error| failed(path, "opened", &error))?;
        Self::checked(path, connection)
    }

    /// Opens a ledger that exists, to read it and nothing else.
    ///
    /// # Errors
    /// [`Error::NothingYet`] where there is none; otherwise as [`SqliteLedger::open`].
    pub fn open_existing(path: &Path) -> Result<SqliteLedger, Error> {
        if !path.exists() {
            return Err(Error::NothingYet { path: path.display().to_string() });
        }
        let connection = read_only(path);
        Self::checked(path, connection.map_err(|error| failed(path, "opened", &error))?)
    }

    fn checked(path: &Path, connection: Connection) -> Result<SqliteLedger, Error> {
        let unreadable = |error| failed(path, "read", &error);
        let version = schema::version(&connection).map_err(unreadable)?;
        if !(1..=schema::VERSION).contains(&version) {
            let reason = format!("its schema is {version}, and this version reads up to {}", schema::VERSION);
            return Err(Error::Damaged { key: path.display().to_string(), reason });
        }
        if version < schema::VERSION {
            schema::view_former(&connection, version).map_err(unreadable)?;
        }
        Ok(SqliteLedger { file: OpenedFile::at(path), connection: Mutex::new(connection) })
    }

    /// Gives the space of what has been rewritten back to the disk.
    ///
    /// # Errors
    /// [`Error::Store`] where there is no room for the copy that this takes meanwhile.
    pub fn compact(&self) -> Result<(), Error> {
        wait_for(|| self.connection().execute_batch("VACUUM"))
            .map_err(|error| failed(self.file.path(), "written", &error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held left no transaction behind: it rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.file.check()?;
        wait_for(|| query(&self.connection())).map_err(|error| failed(self.file.path(), "read", &error))
    }

    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.file.check()?;
        let changed = wait_for(|| {
            let mut connection = self.connection();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        changed.map_err(|error| failed(self.file.path(), "written", &error))
    }
}

/// A connection that reads, and nothing else.
pub(crate) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let readable = |connection: Connection| {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        Ok(connection)
    };
    Connection::open_with_flags(path, flags).and_then(readable).or_else(|error| {
        // Where nothing can be written, SQLite cannot make the files that readers share with a writer; then there is no
        // writer either. What a killed writer left in its log would be missed, so that is no way to read past one.
        if path.with_extension("sqlite-wal").metadata().is_ok_and(|wal| wal.len() > 0) {
            return Err(error);
        }
        let escaped = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let uri = format!("file:{escaped}?immutable=1");
        Connection::open_with_flags(uri, flags).and_then(readable).map_err(|_| error)
    })
}

pub(crate) fn failed(path: &Path, action: &'static str, error: &rusqlite::Error) -> Error {
    let (what, reason) = (path.display().to_string(), error.to_string());
    // What was read is not what was written.
    if let rusqlite::Error::FromSqlConversionFailure(..) = error {
        return Error::Damaged { key: what, reason };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::Damaged { key: what, reason },
        code => {
            let transient = matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
            Error::Store { what, action, reason, transient }
        }
    }
}

/// SQLite counts in signed integers.
fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        self.write(|transaction| {
            let opened = transaction.execute(
                "INSERT OR IGNORE INTO runs (run, as_of, trigger, configuration, opened_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    run.id.as_str(),
                    run.as_of.to_string(),
                    json(&run.trigger).trim_matches('"'),
                    run.kept(),
                    now()
                ],
            )?;
            if opened > 0 {
                rows::seal_run(transaction, &run.id)?;
            }
            rows::find_run(transaction, &run.id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE runs SET status = ?2, closure = ?3, closed_at = ?4 WHERE run = ?1",
                params![run.as_str(), closure.status.to_string(), json(closure), now()],
            )?;
            rows::seal_run(transaction, run)
        })
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.read(|connection| rows::find_run(connection, run))
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs ORDER BY as_of DESC, sequence DESC LIMIT ?1"))?
                .query_map([at_most(limit)], rows::run_entry)?
                .collect()
        })
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        self.write(|transaction| {
            for record in records {
                if rows::stands(transaction, record)? {
                    return Ok(Some(Appended::Stood));
                }
            }
            let pointer = rows::find_champion(transaction, ticker)?;
            if pointer.as_ref() != expected && records.iter().any(|record| matches!(record, Chained::Receipt(..))) {
                return Ok(None);
            }
            let mut head = rows::find_head(transaction, ticker)?;
            for record in records {
                head = Some(Link::of(head.as_ref(), record));
                rows::insert(transaction, record, head.as_ref().expect("it has just been made"))?;
                if let Some(champion) = record.champion().filter(|champion| pointer.as_ref() != Some(champion)) {
                    rows::move_champion(transaction, champion, ticker)?;
                }
            }
            if let Some(head) = head {
                rows::move_head(transaction, ticker, &head)?;
            }
            Ok(Some(Appended::Wholly))
        })?
        .ok_or_else(|| Error::ChampionMoved { ticker: ticker.clone() })
    }

    async fn of_run(&self, run: &RunId, ticker: &Ticker) -> Result<OfRun, Error> {
        let found: Vec<(Link, Chained)> = self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT CAST(sequence AS INTEGER) AS sequence, digest, NULL AS moves, run, ticker, stage, as_of, result FROM stages
                     WHERE run = ?1 AND ticker = ?2
                     UNION ALL
                     SELECT CAST(sequence AS INTEGER), digest, moves, run, ticker, NULL, as_of, receipt FROM receipts
                     WHERE run = ?1 AND ticker = ?2
                     ORDER BY sequence",
                )?
                .query_map([run.as_str(), ticker.as_str()], rows::chained)?
                .collect()
        })?;
        let end = found.last().map(|(link, _)| link.clone());
        Ok(OfRun { records: found.into_iter().map(|(link, record)| (link.sequence, record)).collect(), end })
    }

    async fn check(&self) -> Result<(), Error> {
        let wrong = self.read(schema::wrong)?;
        match wrong.into_iter().next() {
            None => Ok(()),
            Some(reason) => Err(Error::Damaged { key: self.file.path().display().to_string(), reason }),
        }
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT run, ticker, stage, as_of, result FROM stages
                     WHERE ticker = ?1 AND stage = ?2 AND as_of <= ?3 ORDER BY as_of DESC, sequence DESC LIMIT ?4",
                )?
                .query_map(params![ticker.as_str(), stage.as_str(), up_to.bound(), at_most(limit)], rows::stage_record)?
                .collect()
        })
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        if attempts.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            transaction
                .prepare_cached("INSERT INTO attempts (run, attempts) VALUES (?1, ?2)")?
                .execute(params![run.as_str(), pack(&json(attempts))])
        })
        .map(|_| ())
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        let lists: Vec<Vec<Attempt>> = self.read(|connection| {
            connection
                .prepare_cached("SELECT attempts FROM attempts WHERE run = ?1")?
                .query_map([run.as_str()], |row| rows::column(row, "attempts"))?
                .collect()
        })?;
        let mut attempts = lists.concat();
        attempts.sort_by(|a, b| (&a.ended_at, &a.ticker, a.stage).cmp(&(&b.ended_at, &b.ticker, b.stage)));
        Ok(attempts)
    }

    async fn tickers(&self) -> Result<Option<Vec<Ticker>>, Error> {
        let named = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let names: Vec<String> = self.read(|connection| {
            connection.prepare_cached("SELECT ticker FROM chains ORDER BY ticker")?.query_map([], named)?.collect()
        })?;
        let what = || format!("{}, the table chains", self.file.path().display());
        let ticker = |name: &String| {
            name.parse()
                .map_err(|error| Error::Damaged { key: what(), reason: format!("'{name}' is no ticker: {error}") })
        };
        names.iter().map(ticker).collect::<Result<_, _>>().map(Some)
    }

    async fn revision(&self) -> Result<Option<u64>, Error> {
        self.file.check()?;
        // What others have written, and what we have.
        let connection = self.connection();
        let others: rusqlite::Result<i64> =
            connection.prepare_cached("PRAGMA data_version").and_then(|mut s| s.query_row([], |row| row.get(0)));
        let others = others.map_err(|error| failed(self.file.path(), "read", &error))?;
        Ok(Some((others.cast_unsigned() << 32) ^ connection.total_changes()))
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.read(|connection| rows::find_champion(connection, ticker))
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        self.read(|connection| find_head(connection, ticker))
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.read(|connection| sqlite_streams::later(connection, ticker, from))
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT receipt FROM receipts WHERE ticker = ?1 ORDER BY as_of DESC, sequence DESC")?
                .query_map([ticker.as_str()], |row| rows::column(row, "receipt"))?
                .collect()
        })
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.write(|transaction| {
            for table in ["champions", "chains", "receipts", "stages"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE ticker = ?1"), [ticker.as_str()])?;
            }
            sqlite_streams::forget(transaction, ticker)?;
            Ok(())
        })
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        self.read(|connection| {
            if schema::version(connection)? < schema::CHAINED {
                // Its records have no places yet.
                return Ok(Chain::default());
            }
            let records = connection
                .prepare_cached(
                    "SELECT sequence, digest, NULL AS moves, run, ticker, stage, as_of, result FROM stages WHERE ticker = ?1
                     UNION ALL
                     SELECT sequence, digest, moves, run, ticker, NULL, as_of, receipt FROM receipts WHERE ticker = ?1
                     ORDER BY sequence",
                )?
                .query_map([ticker.as_str()], rows::chained)?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Chain { head: rows::find_head(connection, ticker)?, records })
        })
    }
}
