//! Rewrites what earlier releases stored: a table of all prices for each snapshot becomes the bars that it added.

use std::collections::{BTreeMap, BTreeSet};

use forecasting::{Cadence, Form, Ticker};

use crate::{
    Archive, BarLog, Digest, Error, Key, ObjectRef,
    records::{FormerSnapshots, price_table},
};

/// The tickers that have prices as earlier releases stored them.
pub async fn to_migrate(archive: &dyn Archive) -> Result<Vec<Ticker>, Error> {
    let keys = archive.list("prices/").await?;
    let tables = keys.iter().filter_map(|key| key.strip_suffix(".csv"));
    let tickers: BTreeSet<Ticker> = tables.filter_map(|key| key.split('/').nth(1)?.parse().ok()).collect();
    Ok(tickers.into_iter().collect())
}

/// Rewrites a ticker's snapshots. Nothing is removed before everything that takes its place has been written and read back, so it
/// may be cut off at any moment and done again. Answers with how many they were.
///
/// # Errors
/// [`Error::Damaged`] names a table that is not what it was; then nothing of the ticker is removed.
pub async fn migrate(archive: &dyn Archive, ticker: &Ticker) -> Result<usize, Error> {
    let keys = archive.list(&Key::prices(ticker)).await?;
    let tables: Vec<Key> = keys.iter().filter_map(|key| Key::table(ticker, key)).collect();
    let known = FormerSnapshots::read(archive, ticker).await?;
    let (mut logs, mut before) = (BTreeMap::new(), None);
    for key in &tables {
        let Some(bytes) = archive.read(key).await? else { continue };
        let name = ObjectRef { key: key.clone(), sha256: Digest::of(&bytes) };
        let damaged = |reason: &str| Error::Damaged { key: key.to_string(), reason: reason.to_owned() };
        let last = key.last_period().and_then(|stamp| Cadence::SESSION.period(stamp).ok());
        if Key::snapshot(ticker, last.ok_or_else(|| damaged("its name tells no session"))?, &name.sha256) != *key {
            return Err(damaged("its bytes are not those that it is named after"));
        }
        let log = match known.log(&name) {
            Some(log) => log.clone(),
            None => {
                let series = price_table::read(ticker, key, &bytes, Form::PRICES)?;
                BarLog::write(
                    archive,
                    ticker,
                    (series.cadence(), &[]),
                    series.kept(),
                    series.last().day.stamp(),
                    before,
                )
                .await?
            }
        };
        // What will be read in the table's place is the table.
        if price_table::write(&log.series(archive, ticker, Form::PRICES).await?) != bytes {
            return Err(damaged("its bars do not add up to it again"));
        }
        before = Some(log.clone());
        logs.insert(key.clone(), (name.sha256, log));
    }
    let new = logs
        .iter()
        .filter(|(key, (sha256, _))| known.log(&ObjectRef { key: (*key).clone(), sha256: sha256.clone() }).is_none());
    FormerSnapshots::of(new.map(|(key, (sha256, log))| (key.clone(), sha256.clone(), log.clone())))
        .write(archive, ticker)
        .await?;
    for key in logs.keys() {
        archive.remove(key).await?;
    }
    Ok(logs.len())
}
