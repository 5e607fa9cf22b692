//! The file's schema: made where it is new, brought up to date where it is old, in one transaction.

use std::time::Duration;

use forecasting::{Stamp, Ticker};
use pipeline::{Attempt, Chained, Closure, Link, Pointing, Receipt, packed::pack};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};

use super::rows::{self, RUN_COLUMNS, json};
use crate::sqlite_streams;

const SCHEMA: &str = include_str!("schema.sql");
const FORMER: &str = include_str!("former.sql");
/// The newest schema. Former ones are read, and brought up to date by whoever writes.
pub(super) const VERSION: i64 = 4;
/// The first in which records have places.
pub(super) const CHAINED: i64 = 3;

/// Makes a connection ready to write.
pub(super) fn prepare(mut connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(Duration::from_secs(10))?;
    write_ahead(&connection)?;
    // A committed result survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if is_up_to_date(&connection)? {
        return Ok(connection);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another may have made it meanwhile.
    if !is_up_to_date(&transaction)? {
        if is_empty(&transaction)? {
            transaction.execute_batch(SCHEMA)?;
        } else {
            upgrade(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0))
}

fn is_up_to_date(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(!is_empty(connection)? && !(1..VERSION).contains(&version(connection)?))
}

/// How often, and after what pause, a file is tried that another is just making.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

/// Readers and a writer do not wait for each other. Of those who change a new file to that at once, SQLite lets one, and does not have the
/// others wait.
pub(crate) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Lets whoever reads see a former schema as the present one.
pub(super) fn view_former(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    if version >= CHAINED {
        return Ok(());
    }
    connection.execute_batch(FORMER)?;
    let attempts = match version {
        1 => "SELECT '' AS run, '[]' AS attempts WHERE 0",
        _ => {
            "SELECT run, json_group_array(json_object('ticker', ticker, 'stage', stage, 'ended_at', ended_at, 'seconds', seconds,
             'setback', setback)) AS attempts FROM main.attempts GROUP BY run"
        }
    };
    connection.execute_batch(&format!("CREATE TEMP VIEW attempts AS {attempts};"))
}

/// Brings a former schema up to date.
fn upgrade(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let former = version(transaction)?;
    tracing::info!("the ledger's schema is brought from {former} to {VERSION}");
    if former < CHAINED {
        return put_in_places(transaction, former);
    }
    transaction.execute_batch("ALTER TABLE runs ADD COLUMN digest BLOB;")
}

/// Every record of a former schema, in its place by the clock of then.
fn put_in_places(transaction: &Transaction<'_>, former: i64) -> rusqlite::Result<()> {
    transaction.execute_batch("DROP INDEX stages_by_session;")?;
    for table in ["runs", "stages", "receipts", "champions", "attempts"] {
        if former > 1 || table != "attempts" {
            transaction.execute_batch(&format!("ALTER TABLE {table} RENAME TO former_{table};"))?;
        }
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(
        "INSERT INTO runs (run, as_of, trigger, configuration, opened_at)
         SELECT run, as_of, trigger, configuration, opened_at FROM former_runs ORDER BY opened_at, run;
         INSERT INTO champions SELECT * FROM former_champions;",
    )?;
    let mut statement = transaction.prepare(
        "SELECT run, closed_at, json_object('status', status, 'tickers', json(tickers), 'seconds', json(seconds),
         'report', json(report)) AS closure FROM former_runs WHERE status IS NOT NULL",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (run, closed_at): (String, Option<String>) = (row.get("run")?, row.get("closed_at")?);
        let closure: Closure = rows::column(row, "closure")?;
        transaction.execute(
            "UPDATE runs SET status = ?2, closure = ?3, closed_at = ?4 WHERE run = ?1",
            params![run, closure.status.to_string(), json(&closure), closed_at],
        )?;
    }
    drop(found);
    drop(statement);
    let mut statement = transaction.prepare("SELECT DISTINCT ticker FROM former_stages ORDER BY ticker")?;
    let tickers: Vec<Ticker> =
        statement.query_map([], |row| rows::word(row, "ticker"))?.collect::<rusqlite::Result<_>>()?;
    for ticker in &tickers {
        chained(transaction, ticker)?;
    }
    if former > 1 {
        let mut statement = transaction.prepare(
            "SELECT run, ended_at, ticker, stage, seconds, setback FROM former_attempts ORDER BY run, ended_at",
        )?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let attempt = Attempt {
                ticker: rows::word(row, "ticker")?,
                stage: rows::word(row, "stage")?,
                ended_at: row.get("ended_at")?,
                seconds: row.get("seconds")?,
                setback: row.get("setback")?,
            };
            let run: String = row.get("run")?;
            transaction.execute(
                "INSERT INTO attempts (run, attempts) VALUES (?1, ?2)",
                params![run, pack(&json(&[attempt]))],
            )?;
        }
        drop(found);
        drop(statement);
        transaction.execute_batch("DROP TABLE former_attempts;")?;
    }
    transaction.execute_batch(
        "DROP TABLE former_runs; DROP TABLE former_stages; DROP TABLE former_receipts; DROP TABLE former_champions;",
    )
}

/// A ticker's records, in the order in which they were written: each receipt comes before its run's `promote`.
fn chained(transaction: &Transaction<'_>, ticker: &Ticker) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "SELECT committed_at AS at, 1 AS second, run, ticker, stage, as_of, result FROM former_stages WHERE ticker = ?1
         UNION ALL
         SELECT decided_at, 0, run, ticker, NULL, as_of, receipt FROM former_receipts WHERE ticker = ?1
         ORDER BY at, second, run, stage",
    )?;
    let mut found = statement.query([ticker.as_str()])?;
    let (mut link, mut served): (Option<Link>, Option<Stamp>) = (None, None);
    while let Some(row) = found.next()? {
        if row.get::<_, Option<String>>("stage")?.is_some() {
            let record = Chained::Result(rows::stage_record(row)?);
            let next = Link::of(link.as_ref(), &record);
            rows::insert(transaction, &record, &next)?;
            link = Some(next);
        } else {
            let receipt: Receipt = rows::column(row, "result")?;
            let at: String = row.get("at")?;
            // The rule of then as of now: a verdict on a past session leaves the pointer where a later one has put it.
            let pointing = if Some(receipt.as_of) < served { Pointing::Leave } else { Pointing::Move };
            served = served.max(Some(receipt.as_of));
            let record = Chained::Receipt(Box::new(receipt.clone()), pointing);
            let next = Link::of(link.as_ref(), &record);
            rows::insert_receipt(transaction, &receipt, pointing, &next, &at)?;
            link = Some(next);
        }
    }
    if let Some(link) = link {
        rows::move_head(transaction, ticker, &link)?;
    }
    Ok(())
}

/// What is wrong with the file, in words, that no record of a chain tells.
pub(super) fn wrong(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut wrong: Vec<String> = listed(connection, "PRAGMA integrity_check(10)")?;
    wrong.retain(|line| line != "ok");
    if version(connection)? < VERSION {
        return Ok(wrong);
    }
    wrong.extend(other_tables(connection)?);
    let mut runs = connection.prepare(&format!("SELECT {RUN_COLUMNS}, status, digest FROM runs"))?;
    let mut found = runs.query([])?;
    while let Some(row) = found.next()? {
        // None of a run that an earlier release closed.
        let digest: Option<Vec<u8>> = row.get("digest")?;
        if digest.is_some_and(|digest| rows::run_digest(row).is_ok_and(|again| again.hash() != digest)) {
            wrong.push(format!("run {} is not what it was", row.get::<_, String>("run")?));
        }
    }
    for (what, query) in [
        ("attempts of a run that is not on record", "SELECT run FROM attempts WHERE run NOT IN (SELECT run FROM runs)"),
        (
            "results of a series that has no chain",
            "SELECT ticker FROM stages WHERE ticker NOT IN (SELECT ticker FROM chains)",
        ),
        (
            "a champion of a series that has no chain",
            "SELECT ticker FROM champions WHERE ticker NOT IN (SELECT ticker FROM chains)",
        ),
        ("a chain without results", "SELECT ticker FROM chains WHERE ticker NOT IN (SELECT ticker FROM stages)"),
        (
            "columns beside a champion are not its own",
            "SELECT ticker FROM champions WHERE version <> champion ->> 'version' OR as_of <> champion ->> 'as_of'
             OR sequence <> champion ->> 'sequence'",
        ),
    ] {
        wrong.extend(listed(connection, &format!("{query} LIMIT 1"))?.into_iter().map(|of| format!("{what}: {of}")));
    }
    Ok(wrong)
}

/// Tables and indices must be those that this version makes: a column that is read as another would tell something else.
fn other_tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    const SHAPE: &str =
        "SELECT t.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk
        FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'
        UNION ALL SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
    let ours = Connection::open_in_memory()?;
    ours.execute_batch(SCHEMA)?;
    if sqlite_streams::is_there(connection)? {
        ours.execute_batch(sqlite_streams::SCHEMA)?;
    }
    let (ours, theirs) = (listed(&ours, SHAPE)?, listed(connection, SHAPE)?);
    let missing = ours.iter().find(|line| !theirs.contains(line)).map(|line| format!("its schema lacks {line}"));
    let more = theirs.iter().find(|line| !ours.contains(line)).map(|line| format!("its schema has {line}"));
    Ok(missing.into_iter().chain(more).collect())
}

fn listed(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use pipeline::{Ledger, RunId};

    use super::*;
    use crate::SqliteLedger;

    /// A ledger that an earlier release has left is read as it is, and brought up to date by who writes to it.
    #[tokio::test]
    async fn former_schemas() {
        let fixture = include_str!("../../tests/stored/ledger_2.sql");
        let (tables, attempts) = fixture.split_once("-- Tries of stages").expect("both parts");
        for version in [1, 2] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("ledger.sqlite");
            let former = Connection::open(&path).expect("opens");
            let attempts = if version == 1 { String::new() } else { format!("-- {attempts}") };
            former.execute_batch(&format!("{tables}{attempts} PRAGMA user_version = {version};")).expect("a ledger");
            let run: RunId = "2020-12-11-aaaaaaaa".parse().expect("an id");
            let read = SqliteLedger::open_existing(&path).expect("reads");
            assert!(read.attempts(&run).await.expect("none").is_empty());
            assert!(read.runs(10).await.expect("reads").is_empty());
            drop(read);
            let attempt = Attempt {
                ticker: "NLS".parse().expect("a ticker"),
                stage: pipeline::Stage::Fetch,
                ended_at: rows::now(),
                seconds: 0.5,
                setback: None,
            };
            let written = SqliteLedger::open(&path).expect("opens");
            written.record(&run, std::slice::from_ref(&attempt)).await.expect("records");
            assert_eq!(written.attempts(&run).await.expect("lists"), [attempt]);
            drop(SqliteLedger::open(&path).expect("a second time nothing is changed"));
        }
    }
}
