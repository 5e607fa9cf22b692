//! A series' forecasts as they came, with the time and the newest period that was known then.

use std::collections::BTreeMap;

use forecasting::{Kind, Level, Outlook, Period, PriceSeries, ProgramName, Stamp, Ticker};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::table::read;
use crate::{Archive, Digest, Error, Key, Ledger, newest_snapshot};

/// Forecasts of one series as they were seen first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    /// When that was.
    at: Timestamp,
    /// The newest period that was known then, and its value: later splits and dividends rebase prices.
    known: (Period, f64),
    /// What was said.
    rows: Vec<Forecast>,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forecast {
    pub(super) origin: Stamp,
    pub(super) date: Stamp,
    pub(super) mean: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) intervals: Vec<(Level, f64, f64)>,
}

/// What was said of one series, by origin and date, and whether it was here before its outcome.
pub(super) type AllSaid = BTreeMap<(Period, Period), (Forecast, bool)>;

/// Keeps a file's forecasts, of each series apart; what is here already is not kept twice.
pub(super) async fn keep(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    name: ProgramName,
    text: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let rows = read(text).map_err(|reason| Error::Request { field: "forecasts", reason })?;
    let mut series: BTreeMap<Ticker, (PriceSeries, Vec<Forecast>)> = BTreeMap::new();
    for (index, (ticker, row)) in rows.into_iter().enumerate() {
        if !series.contains_key(&ticker) {
            series.insert(ticker.clone(), (newest_series(archive, ledger, &ticker).await?.1, Vec::new()));
        }
        let (series, rows) = series.get_mut(&ticker).expect("just put there");
        check(index, &row, series)?;
        rows.push(row);
    }
    for (ticker, (series, rows)) in series {
        let digest = Digest::of(serde_json::to_string(&rows).expect("forecasts are plain data").as_bytes());
        let listed = archive.list(&Key::judged(&ticker, name)).await?;
        if listed.iter().any(|key| key.ends_with(&format!("-{}.json.zst", digest.short()))) {
            continue;
        }
        let submission = Submission { at, known: (series.last().day, series.last().adjusted_close), rows };
        let json = serde_json::to_string(&submission).expect("forecasts are plain data");
        let key = Key::judged_file(&ticker, name, listed.len() + 1, &digest);
        archive.create(&key, &crate::packed::compress(&json)).await?;
    }
    Ok(())
}

/// A series' newest snapshot, and itself.
pub(super) async fn newest_series(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
) -> Result<(Digest, PriceSeries), Error> {
    let newest = newest_snapshot(ledger, ticker).await?.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?;
    let series = newest.series(archive, ticker).await?;
    Ok((newest.snapshot.sha256, series))
}

/// All that was said of a series under a name, as it was said first, in the present basis of its prices.
pub(super) async fn all_said(archive: &dyn Archive, name: ProgramName, series: &PriceSeries) -> Result<AllSaid, Error> {
    let mut said = AllSaid::new();
    for listed in archive.list(&Key::judged(series.ticker(), name)).await? {
        let Some(key) = Key::of(series.ticker(), &listed) else { continue };
        let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
        let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let json = crate::packed::decompress(&bytes).map_err(damaged)?;
        let submission: Submission = serde_json::from_str(&json).map_err(|error| damaged(error.to_string()))?;
        let (known, value) = submission.known;
        let factor = match (series.kind(), series.on(known)) {
            (Kind::Price, Some(bar)) => bar.adjusted_close / value,
            _ => 1.0,
        };
        for mut row in submission.rows {
            let cadence = series.cadence();
            let (Ok(origin), Ok(date)) = (cadence.period(row.origin), cadence.period(row.date)) else { continue };
            row.mean *= factor;
            for (_, lower, upper) in &mut row.intervals {
                (*lower, *upper) = (*lower * factor, *upper * factor);
            }
            // Of a series without dates the order alone tells.
            let over = !matches!(row.date, Stamp::Index(_)) && date.has_ended(submission.at);
            said.entry((origin, date)).or_insert((row, date > known && !over));
        }
    }
    Ok(said)
}

/// Refuses what the series has no place for.
fn check(index: usize, row: &Forecast, series: &PriceSeries) -> Result<(), Error> {
    let refused = |what: String| Error::Request { field: "forecasts", reason: format!("row {}: {what}", index + 1) };
    for stamp in [row.origin, row.date] {
        series.cadence().period(stamp).map_err(|error| refused(error.to_string()))?;
    }
    let possible = |value: f64| Outlook::of_values(series.kind(), series.last().adjusted_close, &[value], None).is_ok();
    if !possible(row.mean) {
        return Err(refused(format!("{} is no value of {}", row.mean, series.ticker())));
    }
    Ok(())
}
