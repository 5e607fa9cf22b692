//! A ticker's bars as they became known: rows that are only ever added, in archived segments, `prices/{ticker}/{last session}-
//! {digest8}.parquet`, and the newest rows, which wait in the ledger with the snapshot until they fill a segment. A snapshot names
//! the rows it knows, so a night adds what is new or was revised, and nothing else. Segments of one size are merged into a larger one;
//! none is overwritten.

use std::collections::BTreeMap;

use forecasting::{Cadence, Form, Period, PriceSeries, Row, Stamp, Ticker};
use serde::{Deserialize, Serialize};

use super::bar_segment;
use crate::{Archive, Digest, Error, Key, ObjectRef, error::about};

/// A bar, and the session of the run that got to know it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KnownBar {
    pub(super) known: Stamp,
    pub(super) row: Row,
}

/// The bars of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarLog {
    /// Archived bars, oldest first.
    pub segments: Vec<BarSegment>,
    /// The newest bars, `session,known,open,high,low,close,volume,adjClose,divCash,splitFactor`, then the columns to regress on.
    pub tail: Vec<String>,
}

/// Archived bars, of which a snapshot may use the first ones only: later ones were revised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarSegment {
    /// The session of its last row.
    pub last: Period,
    /// How many rows it has.
    pub rows: usize,
    /// How many of them this snapshot knows.
    pub used: usize,
    /// Digest of its bytes, which its key is made of.
    pub sha256: Digest,
}

impl BarSegment {
    /// Where it lies.
    pub fn object(&self, ticker: &Ticker) -> ObjectRef {
        ObjectRef { key: Key::bars(ticker, self.last, &self.sha256), sha256: self.sha256.clone() }
    }

    /// Segments of one level are merged: 0 is what a tail becomes, and each has `MERGED` times the rows of the one below.
    fn level(&self) -> u32 {
        let (mut level, mut rows) = (0, SEGMENT_ROWS);
        while rows < self.used {
            (level, rows) = (level + 1, rows * MERGED);
        }
        level
    }
}

/// So many rows make a segment. Less, and it would be mostly footer; more, and the ledger would hold many rows again each night.
const SEGMENT_ROWS: usize = 16;
/// So many segments of one level are merged.
const MERGED: usize = 4;
/// The newest rows stay out of segments for as long as they are likely to be revised.
const KEPT: usize = 2;

impl BarLog {
    /// Stores the rows that the log before does not have, with columns to regress on, and says where all of them lie.
    pub(crate) async fn write(
        archive: &dyn Archive,
        ticker: &Ticker,
        (cadence, regressors): (Cadence, &[String]),
        rows: impl IntoIterator<Item = Row>,
        known: Stamp,
        before: Option<BarLog>,
    ) -> Result<BarLog, Error> {
        let mut log = before.unwrap_or_default();
        let stored = log.bars(archive, ticker).await?;
        let mut bars: Vec<KnownBar> = rows.into_iter().map(|row| KnownBar { known, row }).collect();
        let alike = stored.iter().zip(&bars).take_while(|(stored, bar)| stored.row == bar.row).count();
        for (bar, stored) in bars.iter_mut().zip(&stored[..alike]) {
            bar.known = stored.known;
        }
        log.cut(alike);
        // What is merged at once is not archived first.
        let mut new = BTreeMap::new();
        log.tail.extend(bars[alike..].iter().map(line));
        if log.tail.len() >= SEGMENT_ROWS + KEPT {
            let end = bars.len() - KEPT;
            let start = bars.len() - log.tail.len();
            log.tail.drain(..end - start);
            log.add(&mut new, (cadence, regressors), &bars[start..end]);
        }
        // The first segment is the history's, however long.
        while let Some(last) = log.segments.get(1..).and_then(<[BarSegment]>::last_chunk::<MERGED>)
            && last.iter().all(|segment| segment.level() == last[0].level())
        {
            let end = log.segments.iter().map(|segment| segment.used).sum::<usize>();
            let start = end - last.iter().map(|segment| segment.used).sum::<usize>();
            log.segments.truncate(log.segments.len() - MERGED);
            log.add(&mut new, (cadence, regressors), &bars[start..end]);
        }
        for segment in &log.segments {
            if let Some(bytes) = new.get(&segment.sha256) {
                archive.create(&segment.object(ticker).key, bytes).await?;
            }
        }
        Ok(log)
    }

    /// Adds a segment whose bytes are new.
    fn add(
        &mut self,
        new: &mut BTreeMap<Digest, Vec<u8>>,
        (cadence, regressors): (Cadence, &[String]),
        bars: &[KnownBar],
    ) {
        let Some(last) = bars.last().and_then(|bar| cadence.period(bar.row.date).ok()) else { return };
        let bytes = bar_segment::write(bars, regressors);
        let sha256 = Digest::of(&bytes);
        self.segments.push(BarSegment { last, rows: bars.len(), used: bars.len(), sha256: sha256.clone() });
        new.insert(sha256, bytes);
    }

    /// Keeps the first rows only.
    fn cut(&mut self, rows: usize) {
        let mut left = rows;
        for segment in &mut self.segments {
            segment.used = segment.used.min(left);
            left -= segment.used;
        }
        self.segments.retain(|segment| segment.used > 0);
        self.tail.truncate(left);
    }

    /// The series of these bars.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] name the segment.
    pub(crate) async fn series(
        &self,
        archive: &dyn Archive,
        ticker: &Ticker,
        form: Form,
    ) -> Result<PriceSeries, Error> {
        let rows = self.bars(archive, ticker).await?.into_iter().map(|bar| bar.row).collect();
        PriceSeries::of_kept(ticker.clone(), rows, form).map_err(about(ticker))
    }

    /// Reads the rows that this snapshot knows.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] name the segment.
    pub(super) async fn bars(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<Vec<KnownBar>, Error> {
        let mut bars = Vec::new();
        for segment in &self.segments {
            let object = segment.object(ticker);
            let damaged = |reason: String| Error::Damaged { key: object.key.to_string(), reason };
            let mut rows = bar_segment::read(object.read(archive).await?).map_err(damaged)?;
            if rows.len() != segment.rows || segment.used > segment.rows {
                return Err(damaged(format!("it has {} rows in place of {}", rows.len(), segment.rows)));
            }
            rows.truncate(segment.used);
            bars.extend(rows);
        }
        for line in &self.tail {
            let damaged = || Error::Damaged {
                key: format!("the newest prices of {ticker}"),
                reason: format!("the row '{line}' cannot be read"),
            };
            bars.push(parsed(line).ok_or_else(damaged)?);
        }
        for (index, bar) in bars.iter_mut().enumerate() {
            bar.row.number = index + 1;
        }
        Ok(bars)
    }
}

/// The numbers of a row, in the order in which they are kept.
pub(super) fn numbers(row: &Row) -> [Option<f64>; 8] {
    let Row { open, high, low, close, volume, adjusted_close, dividend, split_factor, .. } = *row;
    [open, high, low, close, volume, adjusted_close, dividend, split_factor]
}

/// A row of them.
pub(super) fn row(at: Stamp, numbers: [Option<f64>; 8]) -> Row {
    let [open, high, low, close, volume, adjusted_close, dividend, split_factor] = numbers;
    let row = Row::new(0, at);
    Row { open, high, low, close, volume, adjusted_close, dividend, split_factor, ..row }
}

fn line(bar: &KnownBar) -> String {
    let mut fields = vec![bar.row.date.to_string(), bar.known.to_string()];
    let all = numbers(&bar.row).into_iter().chain(bar.row.regressors.iter().copied());
    fields.extend(all.map(|number| number.map(|value| value.to_string()).unwrap_or_default()));
    fields.join(",")
}

fn parsed(line: &str) -> Option<KnownBar> {
    let mut fields = line.split(',');
    let (session, known) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let number = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Some),
    };
    let mut numbers = [None; 8];
    for place in &mut numbers {
        *place = number(fields.next()?)?;
    }
    let regressors = fields.map(number).collect::<Option<_>>()?;
    Some(KnownBar { known, row: Row { regressors, ..row(session, numbers) } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryArchive;

    fn history(sessions: usize, seed: u64) -> Vec<Row> {
        let mut day: Period = "2015-01-02".parse().expect("a session");
        let mut state = seed;
        let mut price = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            50.0 + (state >> 40) as f64 / 1e5
        };
        let bar = |index: usize| {
            let numbers =
                [Some(price()), None, Some(price()), Some(price()), None, Some(price()), Some(0.0), Some(1.0)];
            let row = Row { number: index + 1, ..row(day.stamp(), numbers) };
            day = day.next();
            row
        };
        (0..sessions).map(bar).collect()
    }

    fn revised(rows: &[Row], index: usize) -> Vec<Row> {
        let mut rows = rows.to_vec();
        rows[index].close = Some(1.0);
        rows
    }

    async fn read(log: &BarLog, archive: &MemoryArchive, ticker: &Ticker) -> Vec<Row> {
        log.bars(archive, ticker).await.expect("reads").into_iter().map(|bar| bar.row).collect()
    }

    /// Whatever a source says from night to night, every snapshot reads back as it was known, for ever, and a night adds little.
    #[tokio::test]
    async fn every_snapshot_stays_as_it_was_known() {
        let (archive, ticker) = (MemoryArchive::default(), "X".parse().expect("a ticker"));
        let all = history(400, 3);
        let mut night = all[0].date;
        let (mut logs, mut before) = (Vec::new(), None);
        for known in 100..400 {
            night = all[known - 1].date;
            // Now and then the last bar was preliminary, an old one is revised, or a dividend changes every earlier row.
            let rows = match known {
                _ if known % 7 == 0 => revised(&all[..known], known - 1),
                211 => revised(&all[..known], 40),
                303 => history(known, 5),
                _ => all[..known].to_vec(),
            };
            let log = BarLog::write(&archive, &ticker, (Cadence::SESSION, &[]), rows.clone(), night, before)
                .await
                .expect("writes");
            assert!(log.tail.len() < SEGMENT_ROWS + KEPT, "{known}: {}", log.tail.len());
            logs.push((log.clone(), rows));
            before = Some(log);
        }
        for (log, rows) in &logs {
            assert_eq!(read(log, &archive, &ticker).await, *rows);
        }
        let last = &logs[logs.len() - 1].0;
        assert!(last.segments.len() < 12, "{:?}", last.segments);
        let known = last.bars(&archive, &ticker).await.expect("reads");
        assert_eq!(known[399 - 1].known, night);
        assert!(archive.objects().len() < 40, "{}", archive.objects().len());
    }

    #[tokio::test]
    async fn columns_to_regress_on_are_kept() {
        let (archive, ticker) = (MemoryArchive::default(), "X".parse().expect("a ticker"));
        let mut rows = history(60, 1);
        for (t, row) in rows.iter_mut().enumerate() {
            row.regressors = vec![Some(t as f64 / 3.0), Some(0.0)];
        }
        let names = ["close".to_owned(), "it, \"rains\"".to_owned()];
        let (cadence, as_of) = (Cadence::SESSION, rows[59].date);
        let write = |rows: Vec<Row>, before| BarLog::write(&archive, &ticker, (cadence, &names), rows, as_of, before);
        let first = write(rows[..50].to_vec(), None).await.expect("writes");
        let log = write(rows.clone(), Some(first)).await.expect("writes");
        assert_eq!(read(&log, &archive, &ticker).await, rows);
        rows[3].regressors[1] = Some(1.0);
        let revised = write(rows.clone(), Some(log)).await.expect("writes");
        assert_eq!(read(&revised, &archive, &ticker).await, rows);
    }

    #[tokio::test]
    async fn what_was_changed_is_told() {
        let (archive, ticker) = (MemoryArchive::default(), "X".parse().expect("a ticker"));
        let rows = history(50, 1);
        let as_of = rows[49].date;
        let log = BarLog::write(&archive, &ticker, (Cadence::SESSION, &[]), rows, as_of, None).await.expect("writes");
        let key = log.segments[0].object(&ticker).key;
        let whole = archive.read(&key).await.expect("reads").expect("is there");
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            archive.remove(&key).await.expect("removes");
            archive.create(&key, &damaged).await.expect("writes");
            assert!(matches!(log.bars(&archive, &ticker).await, Err(Error::Damaged { .. })), "byte {place}");
        }
        let log = BarLog { tail: vec!["2015-03-17,2015-03-17,x".to_owned()], ..log };
        archive.remove(&key).await.expect("removes");
        assert!(matches!(log.bars(&archive, &ticker).await, Err(Error::Missing { .. })));
        archive.create(&key, &whole).await.expect("writes");
        let error = log.bars(&archive, &ticker).await.expect_err("no number").to_string();
        assert!(error.contains("2015-03-17,2015-03-17,x"), "{error}");
    }
}
