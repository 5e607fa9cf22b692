use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use forecasting::{Ticker, TradingDay};
use jiff::Timestamp;
use pipeline::{
    Attempt, Champion, Closure, Error, Ledger, Pointing, Receipt, Run, RunEntry, RunId, Stage, StageKey, StageRecord,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;

/// A ledger in one SQLite file.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    connection: Mutex<Connection>,
}

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 2;
/// What a ledger of schema 1 lacks.
const ATTEMPTS: &str = include_str!("attempts.sql");

impl SqliteLedger {
    /// Opens the ledger, and makes it where it is new.
    ///
    /// # Errors
    /// [`Error::Store`] where the file cannot be written, [`Error::Damaged`] where it is none of ours.
    pub fn open(path: &Path) -> Result<SqliteLedger, Error> {
        let connection = Connection::open(path).and_then(prepare).map_err(|error| failed(path, "opened", &error))?;
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
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let readable = |connection: Connection| {
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
            Ok(connection)
        };
        let connection = Connection::open_with_flags(path, flags).and_then(readable).or_else(|error| {
            // Where nothing can be written, SQLite cannot make the files that readers share with a writer; then there is no
            // writer either. What a killed writer left in its log would be missed, so that is no way to read past one.
            if path.with_extension("sqlite-wal").metadata().is_ok_and(|wal| wal.len() > 0) {
                return Err(error);
            }
            let escaped = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = format!("file:{escaped}?immutable=1");
            Connection::open_with_flags(uri, flags).and_then(readable).map_err(|_| error)
        });
        Self::checked(path, connection.map_err(|error| failed(path, "opened", &error))?)
    }

    fn checked(path: &Path, connection: Connection) -> Result<SqliteLedger, Error> {
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let version: i64 = version.map_err(|error| failed(path, "read", &error))?;
        if !(1..=SCHEMA_VERSION).contains(&version) {
            let reason = format!("its schema is {version}, and this version reads up to {SCHEMA_VERSION}");
            return Err(Error::Damaged { key: path.display().to_string(), reason });
        }
        Ok(SqliteLedger { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held left no transaction behind: it rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        query(&self.connection()).map_err(|error| failed(&self.path, "read", &error))
    }

    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut connection = self.connection();
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let value = change(&transaction)?;
                transaction.commit()?;
                Ok(value)
            })
            .map_err(|error| failed(&self.path, "written", &error))
    }
}

fn failed(path: &Path, action: &'static str, error: &rusqlite::Error) -> Error {
    let (what, reason) = (path.display().to_string(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::Damaged { key: what, reason },
        code => {
            let transient = matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
            Error::Store { what, action, reason, transient }
        }
    }
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A committed result survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = match (empty, version) {
        (true, _) => format!("{SCHEMA}{ATTEMPTS}"),
        (false, 1) => ATTEMPTS.to_owned(),
        _ => return Ok(connection),
    };
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {missing} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))?;
    Ok(connection)
}

pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records are plain data")
}

/// A JSON column. What cannot be read is an error of its column, so that it names where it stands.
fn column<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let text: String = row.get(name)?;
    parse(row, name, &text)
}

fn parse<T: DeserializeOwned>(row: &Row<'_>, name: &str, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let index = row.as_ref().column_index(name).unwrap_or(0);
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// A column that holds a word, such as a trigger or a date.
fn word<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let text: String = row.get(name)?;
    parse(row, name, &json(&text))
}

const RUN_COLUMNS: &str = "run, as_of, trigger, status, configuration, tickers, seconds, report, opened_at, closed_at";

fn run_entry(row: &Row<'_>) -> rusqlite::Result<RunEntry> {
    let status: Option<String> = row.get("status")?;
    let closure = match status {
        None => None,
        Some(_) => Some(Closure {
            status: word(row, "status")?,
            tickers: column(row, "tickers")?,
            seconds: column(row, "seconds")?,
            report: column(row, "report")?,
        }),
    };
    Ok(RunEntry {
        run: Run {
            id: word(row, "run")?,
            as_of: word(row, "as_of")?,
            trigger: word(row, "trigger")?,
            configuration: column(row, "configuration")?,
        },
        opened_at: row.get("opened_at")?,
        closed_at: row.get("closed_at")?,
        closure,
    })
}

fn stage_record(row: &Row<'_>) -> rusqlite::Result<StageRecord> {
    Ok(StageRecord {
        key: StageKey { run: word(row, "run")?, ticker: word(row, "ticker")?, stage: word(row, "stage")? },
        as_of: word(row, "as_of")?,
        result: row.get("result")?,
    })
}

fn find_run(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<RunEntry>> {
    connection
        .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs WHERE run = ?1"))?
        .query_row([run.as_str()], run_entry)
        .optional()
}

fn find_stage(connection: &Connection, key: &StageKey) -> rusqlite::Result<Option<StageRecord>> {
    connection
        .prepare_cached(
            "SELECT run, ticker, stage, as_of, result FROM stages WHERE run = ?1 AND ticker = ?2 AND stage = ?3",
        )?
        .query_row(params![key.run.as_str(), key.ticker.as_str(), key.stage.as_str()], stage_record)
        .optional()
}

fn find_champion(connection: &Connection, ticker: &Ticker) -> rusqlite::Result<Option<Champion>> {
    connection
        .prepare_cached("SELECT champion FROM champions WHERE ticker = ?1")?
        .query_row([ticker.as_str()], |row| column(row, "champion"))
        .optional()
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR IGNORE INTO runs (run, as_of, trigger, configuration, opened_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    run.id.as_str(),
                    run.as_of.to_string(),
                    json(&run.trigger).trim_matches('"'),
                    json(&run.configuration),
                    now()
                ],
            )?;
            find_run(transaction, &run.id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE runs SET status = ?2, tickers = ?3, seconds = ?4, report = ?5, closed_at = ?6 WHERE run = ?1",
                params![
                    run.as_str(),
                    closure.status.to_string(),
                    json(&closure.tickers),
                    json(&closure.seconds),
                    json(&closure.report),
                    now()
                ],
            )
        })
        .map(|_| ())
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        self.read(|connection| find_run(connection, run))
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {RUN_COLUMNS} FROM runs ORDER BY as_of DESC, opened_at DESC, run DESC LIMIT ?1"
                ))?
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], run_entry)?
                .collect()
        })
    }

    async fn commit(&self, record: StageRecord) -> Result<StageRecord, Error> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR IGNORE INTO stages (run, ticker, stage, as_of, result, committed_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    record.key.run.as_str(),
                    record.key.ticker.as_str(),
                    record.key.stage.as_str(),
                    record.as_of.to_string(),
                    record.result,
                    now()
                ],
            )?;
            find_stage(transaction, &record.key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }

    async fn committed(&self, key: &StageKey) -> Result<Option<StageRecord>, Error> {
        self.read(|connection| find_stage(connection, key))
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: TradingDay,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT run, ticker, stage, as_of, result FROM stages
                     WHERE ticker = ?1 AND stage = ?2 AND as_of <= ?3 ORDER BY as_of DESC, committed_at DESC, run DESC LIMIT ?4",
                )?
                .query_map(
                    params![
                        ticker.as_str(),
                        stage.as_str(),
                        up_to.to_string(),
                        i64::try_from(limit).unwrap_or(i64::MAX)
                    ],
                    stage_record,
                )?
                .collect()
        })
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        if attempts.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO attempts (run, ended_at, ticker, stage, seconds, setback)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for Attempt { ticker, stage, ended_at, seconds, setback } in attempts {
                insert.execute(params![run.as_str(), ended_at, ticker.as_str(), stage.as_str(), seconds, setback])?;
            }
            Ok(())
        })
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        self.read(|connection| {
            // A ledger of schema 1 that nothing has been written to since.
            let known: bool =
                connection.query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'attempts'", [], |row| {
                    row.get(0)
                })?;
            if !known {
                return Ok(Vec::new());
            }
            connection
                .prepare_cached(
                    "SELECT ended_at, ticker, stage, seconds, setback FROM attempts WHERE run = ?1
                     ORDER BY ended_at, ticker, stage",
                )?
                .query_map([run.as_str()], |row| {
                    Ok(Attempt {
                        ticker: word(row, "ticker")?,
                        stage: word(row, "stage")?,
                        ended_at: row.get("ended_at")?,
                        seconds: row.get("seconds")?,
                        setback: row.get("setback")?,
                    })
                })?
                .collect()
        })
    }

    async fn revision(&self) -> Result<Option<u64>, Error> {
        // What others have written, and what we have.
        let connection = self.connection();
        let others: rusqlite::Result<i64> =
            connection.prepare_cached("PRAGMA data_version").and_then(|mut s| s.query_row([], |row| row.get(0)));
        let others = others.map_err(|error| failed(&self.path, "read", &error))?;
        Ok(Some((others.cast_unsigned() << 32) ^ connection.total_changes()))
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        self.read(|connection| find_champion(connection, ticker))
    }

    async fn decide(
        &self,
        receipt: &Receipt,
        expected: Option<&Champion>,
        pointing: Pointing,
    ) -> Result<Receipt, Error> {
        let moved = || Error::ChampionMoved { ticker: receipt.ticker.clone() };
        self.write(|transaction| {
            let standing: Option<Receipt> = transaction
                .prepare_cached("SELECT receipt FROM receipts WHERE ticker = ?1 AND run = ?2")?
                .query_row([receipt.ticker.as_str(), receipt.run.as_str()], |row| column(row, "receipt"))
                .optional()?;
            if standing.is_some() {
                return Ok(standing);
            }
            let pointer = find_champion(transaction, &receipt.ticker)?;
            if pointer.as_ref() != expected {
                return Ok(None);
            }
            transaction.execute(
                "INSERT INTO receipts (ticker, run, as_of, decision, reason, version, receipt, decided_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    receipt.ticker.as_str(),
                    receipt.run.as_str(),
                    receipt.as_of.to_string(),
                    receipt.decision.as_str(),
                    receipt.reason,
                    receipt.champion.version.as_str(),
                    json(receipt),
                    now()
                ],
            )?;
            if pointing == Pointing::Move && pointer.as_ref() != Some(&receipt.champion) {
                transaction.execute(
                    "INSERT OR REPLACE INTO champions (ticker, version, as_of, sequence, champion, moved_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        receipt.ticker.as_str(),
                        receipt.champion.version.as_str(),
                        receipt.champion.as_of.to_string(),
                        i64::try_from(receipt.champion.sequence).unwrap_or(i64::MAX),
                        json(&receipt.champion),
                        now()
                    ],
                )?;
            }
            Ok(Some(receipt.clone()))
        })?
        .ok_or_else(moved)
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT receipt FROM receipts WHERE ticker = ?1 ORDER BY as_of DESC, decided_at DESC, run DESC",
                )?
                .query_map([ticker.as_str()], |row| column(row, "receipt"))?
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger of before there were attempts is read as it is, and written to when it has got its table for them.
    #[tokio::test]
    async fn schema_1() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.sqlite");
        let former = Connection::open(&path).expect("opens");
        former.execute_batch(&format!("{SCHEMA} PRAGMA user_version = 1;")).expect("a ledger");
        let run: RunId = "2020-12-11-aaaaaaaa".parse().expect("an id");
        let read = SqliteLedger::open_existing(&path).expect("reads");
        assert!(read.attempts(&run).await.expect("none").is_empty());
        assert!(read.runs(10).await.expect("reads").is_empty());
        let attempt = Attempt {
            ticker: "NLS".parse().expect("a ticker"),
            stage: Stage::Fetch,
            ended_at: now(),
            seconds: 0.5,
            setback: None,
        };
        let written = SqliteLedger::open(&path).expect("opens");
        written.record(&run, std::slice::from_ref(&attempt)).await.expect("records");
        assert_eq!(read.attempts(&run).await.expect("lists"), [attempt], "whoever reads needs not open it again");
        drop(SqliteLedger::open(&path).expect("a second time nothing is changed"));
    }
}
