//! Records as rows, and back.

use forecasting::{Stamp, Ticker};
use jiff::Timestamp;
use pipeline::{
    Chained, Champion, Closure, Digest, Link, Pointing, Receipt, Run, RunEntry, RunId, StageKey, StageRecord,
    packed::{pack, unpack},
};
use rusqlite::{Connection, OptionalExtension, Row, params, types::ValueRef};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("records are plain data")
}

/// What cannot be read is an error of its column, so that it names where it stands.
fn unreadable(row: &Row<'_>, name: &str, error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    let index = row.as_ref().column_index(name).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error)
}

/// A column's text, packed or plain.
fn text(row: &Row<'_>, name: &str) -> rusqlite::Result<String> {
    match row.get_ref(name)? {
        ValueRef::Blob(bytes) => unpack(bytes).map_err(|error| unreadable(row, name, error.into())),
        value => Ok(value.as_str()?.to_owned()),
    }
}

/// A column that holds JSON.
pub(super) fn column<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    serde_json::from_str(&text(row, name)?).map_err(|error| unreadable(row, name, error.into()))
}

/// A column that holds a word, such as a trigger or a date.
pub(super) fn word<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let word = serde_json::Value::from(row.get::<_, String>(name)?);
    serde_json::from_value(word).map_err(|error| unreadable(row, name, error.into()))
}

pub(super) const RUN_COLUMNS: &str = "run, as_of, trigger, configuration, closure, opened_at, closed_at";

pub(super) fn run_entry(row: &Row<'_>) -> rusqlite::Result<RunEntry> {
    let open = row.get_ref("closure")? == ValueRef::Null;
    let closure: Option<Closure> = if open { None } else { Some(column(row, "closure")?) };
    let kept: String = row.get("configuration")?;
    let run = Run::of_kept(word(row, "run")?, word(row, "as_of")?, word(row, "trigger")?, &kept);
    Ok(RunEntry {
        run: run.map_err(|error| unreadable(row, "configuration", error.into()))?,
        opened_at: row.get("opened_at")?,
        closed_at: row.get("closed_at")?,
        closure,
    })
}

pub(super) fn stage_record(row: &Row<'_>) -> rusqlite::Result<StageRecord> {
    Ok(StageRecord {
        key: StageKey { run: word(row, "run")?, ticker: word(row, "ticker")?, stage: word(row, "stage")? },
        as_of: word(row, "as_of")?,
        result: text(row, "result")?,
    })
}

/// A record in its place.
pub(super) fn chained(row: &Row<'_>) -> rusqlite::Result<(Link, Chained)> {
    let record = match row.get::<_, Option<bool>>("moves")? {
        None => Chained::Result(stage_record(row)?),
        Some(moves) => {
            let pointing = if moves { Pointing::Move } else { Pointing::Leave };
            let receipt: Receipt = column(row, "result")?;
            // By these it is found and put in order.
            let columns: (RunId, Ticker, Stamp) = (word(row, "run")?, word(row, "ticker")?, word(row, "as_of")?);
            if columns != (receipt.run.clone(), receipt.ticker.clone(), receipt.as_of) {
                return Err(unreadable(row, "run", "the receipt in this row is of another run, ticker or day".into()));
            }
            Chained::Receipt(Box::new(receipt), pointing)
        }
    };
    Ok((link(row)?, record))
}

pub(super) fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    let bytes: Vec<u8> = row.get("digest")?;
    let digest = Digest::of_hash(&bytes).map_err(|error| unreadable(row, "digest", error.into()))?;
    Ok(Link { sequence: u64::try_from(row.get::<_, i64>("sequence")?).unwrap_or_default(), digest })
}

/// Of the row as it stands, so that no later release reads another one.
pub(super) fn run_digest(row: &Row<'_>) -> rusqlite::Result<Digest> {
    let mut text = String::new();
    for name in ["run", "as_of", "trigger", "status", "configuration", "closure", "opened_at", "closed_at"] {
        text += row.get::<_, Option<String>>(name)?.as_deref().unwrap_or_default();
        text.push('\0');
    }
    Ok(Digest::of(text.as_bytes()))
}

/// To be called after each change of a run.
pub(super) fn seal_run(connection: &Connection, run: &RunId) -> rusqlite::Result<()> {
    let digest = connection
        .prepare_cached(&format!("SELECT {RUN_COLUMNS}, status FROM runs WHERE run = ?1"))?
        .query_row([run.as_str()], run_digest)
        .optional()?;
    let Some(digest) = digest else { return Ok(()) };
    connection
        .prepare_cached("UPDATE runs SET digest = ?2 WHERE run = ?1")?
        .execute(params![run.as_str(), digest.hash()])
        .map(|_| ())
}

pub(super) fn find_run(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<RunEntry>> {
    connection
        .prepare_cached(&format!("SELECT {RUN_COLUMNS} FROM runs WHERE run = ?1"))?
        .query_row([run.as_str()], run_entry)
        .optional()
}

/// Whether a record of the same run and stage, or a receipt of the same run, is there.
pub(super) fn stands(connection: &Connection, record: &Chained) -> rusqlite::Result<bool> {
    match record {
        Chained::Result(StageRecord { key, .. }) => connection
            .prepare_cached("SELECT 1 FROM stages WHERE run = ?1 AND ticker = ?2 AND stage = ?3")?
            .exists(params![key.run.as_str(), key.ticker.as_str(), key.stage.as_str()]),
        Chained::Receipt(receipt, _) => connection
            .prepare_cached("SELECT 1 FROM receipts WHERE ticker = ?1 AND run = ?2")?
            .exists([receipt.ticker.as_str(), receipt.run.as_str()]),
    }
}

pub(super) fn find_champion(connection: &Connection, ticker: &Ticker) -> rusqlite::Result<Option<Champion>> {
    connection
        .prepare_cached("SELECT champion FROM champions WHERE ticker = ?1")?
        .query_row([ticker.as_str()], |row| column(row, "champion"))
        .optional()
}

/// Where a ticker's chain ends.
pub(super) fn find_head(connection: &Connection, ticker: &Ticker) -> rusqlite::Result<Option<Link>> {
    connection
        .prepare_cached("SELECT sequence, digest FROM chains WHERE ticker = ?1")?
        .query_row([ticker.as_str()], link)
        .optional()
}

fn place(link: &Link) -> i64 {
    i64::try_from(link.sequence).unwrap_or(i64::MAX)
}

pub(super) fn move_head(connection: &Connection, ticker: &Ticker, link: &Link) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO chains (ticker, sequence, digest) VALUES (?1, ?2, ?3)")?
        .execute(params![ticker.as_str(), place(link), link.digest.hash()])
        .map(|_| ())
}

/// Writes a record in its place, and leaves the chain's end to whoever writes the last one.
pub(super) fn insert(connection: &Connection, record: &Chained, link: &Link) -> rusqlite::Result<()> {
    match record {
        Chained::Result(record) => insert_result(connection, record, link),
        Chained::Receipt(receipt, pointing) => insert_receipt(connection, receipt, *pointing, link, &now()),
    }
}

fn insert_result(connection: &Connection, record: &StageRecord, link: &Link) -> rusqlite::Result<()> {
    let StageRecord { key, as_of, result } = record;
    connection
        .prepare_cached(
            "INSERT INTO stages (ticker, stage, as_of, run, sequence, digest, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key.ticker.as_str(),
            key.stage.as_str(),
            as_of.to_string(),
            key.run.as_str(),
            place(link),
            link.digest.hash(),
            pack(result)
        ])
        .map(|_| ())
}

/// With the moment at which it was decided, as an earlier release kept it.
pub(super) fn insert_receipt(
    connection: &Connection,
    receipt: &Receipt,
    pointing: Pointing,
    link: &Link,
    decided_at: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO receipts (ticker, run, as_of, sequence, digest, moves, receipt, decided_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            receipt.ticker.as_str(),
            receipt.run.as_str(),
            receipt.as_of.to_string(),
            place(link),
            link.digest.hash(),
            pointing == Pointing::Move,
            pack(&json(receipt)),
            decided_at
        ])
        .map(|_| ())
}

pub(super) fn move_champion(connection: &Connection, champion: &Champion, ticker: &Ticker) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO champions (ticker, version, as_of, sequence, champion, moved_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            ticker.as_str(),
            champion.version.as_str(),
            champion.as_of.to_string(),
            i64::try_from(champion.sequence).unwrap_or(i64::MAX),
            json(champion),
            now()
        ])
        .map(|_| ())
}
