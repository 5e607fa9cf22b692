//! A ticker's track record: segments of rows in the archive, `records/{ticker}/{last session}-{digest8}.csv.gz`, and the newest
//! rows, which wait in the ledger with the night's result until they fill a segment. So a night adds its own row, and now and
//! then what the last days, weeks or months added once more: segments are merged into larger ones, and none is overwritten.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use forecasting::{Period, Record, RecordPlan, RecordRow, Scale, Ticker};
use serde::{Deserialize, Serialize};

use crate::{Archive, Digest, Error, Key, ObjectRef, RunId};

/// Where a record's rows lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRecord {
    /// What it is kept of.
    pub plan: RecordPlan,
    /// The session of its first night.
    pub opened: Period,
    /// The run whose record this one goes on; none on the first night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RunId>,
    /// Archived rows, oldest first.
    pub segments: Vec<Segment>,
    /// The newest rows, as lines of the next segment.
    pub tail: Vec<String>,
}

/// Archived rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The session of its last row.
    pub last: Period,
    /// How many rows.
    pub rows: usize,
    /// Digest of its bytes, which its key is made of.
    pub sha256: Digest,
}

impl Segment {
    /// Where it lies.
    pub fn object(&self, ticker: &Ticker) -> ObjectRef {
        ObjectRef { key: Key::record(ticker, self.last, &self.sha256), sha256: self.sha256.clone() }
    }
}

/// So many rows make a segment, and so many segments of one size are merged into one: a night adds little, and a year is read
/// from a dozen objects.
const SEGMENT_ROWS: usize = 4;
const MERGED: usize = 4;
/// No record is larger than this unpacked: a century of sessions.
const MAX_BYTES: u64 = 64 << 20;

impl StoredRecord {
    /// Stores the rows that `before` does not have, and says where all of them lie.
    pub(crate) async fn write(
        archive: &dyn Archive,
        ticker: &Ticker,
        record: &Record,
        before: Option<(RunId, StoredRecord)>,
    ) -> Result<StoredRecord, Error> {
        let plan = record.plan.clone();
        let (after, mut stored) = match before {
            Some((run, stored)) => (Some(run), stored),
            None => {
                let segments = Vec::new();
                (None, StoredRecord { plan, opened: record.opened, after: None, segments, tail: Vec::new() })
            }
        };
        stored.after = after;
        let known = stored.rows();
        stored.tail.extend(record.rows[known..].iter().map(line));
        // What is merged at once is not archived first.
        let mut new = BTreeMap::new();
        if stored.tail.len() >= SEGMENT_ROWS {
            let lines = std::mem::take(&mut stored.tail);
            stored.add(&mut new, record, lines.len(), &lines.concat());
        }
        // The first segment is the history's, however long.
        while let Some(alike) = stored.segments.get(1..).and_then(<[Segment]>::last_chunk::<MERGED>)
            && alike.iter().all(|segment| segment.rows == alike[0].rows)
        {
            let rows = MERGED * alike[0].rows;
            stored.segments.truncate(stored.segments.len() - MERGED);
            let from: usize = stored.segments.iter().map(|segment| segment.rows).sum();
            let lines: String = record.rows[from..from + rows].iter().map(line).collect();
            stored.add(&mut new, record, rows, &lines);
        }
        for segment in &stored.segments {
            if let Some(bytes) = new.get(&segment.sha256) {
                archive.create(&segment.object(ticker).key, bytes).await?;
            }
        }
        Ok(stored)
    }

    /// Adds a segment with the rows after those of the segments so far, whose bytes are new.
    fn add(&mut self, new: &mut BTreeMap<Digest, Vec<u8>>, record: &Record, rows: usize, lines: &str) {
        let end = self.segments.iter().map(|segment| segment.rows).sum::<usize>() + rows;
        let last = record.rows[end - 1].session;
        let bytes = packed(&(header(&self.plan) + lines));
        let sha256 = Digest::of(&bytes);
        self.segments.push(Segment { last, rows, sha256: sha256.clone() });
        new.insert(sha256, bytes);
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] name the segment.
    pub async fn read(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<Record, Error> {
        let mut rows = Vec::with_capacity(self.rows());
        for segment in &self.segments {
            let object = segment.object(ticker);
            let damaged = |reason: String| Error::Damaged { key: object.key.to_string(), reason };
            let bytes = object.read(archive).await?;
            let before = rows.len();
            self.parse(&unpacked(&bytes).map_err(damaged)?, &mut rows).map_err(damaged)?;
            if rows.len() - before != segment.rows {
                return Err(damaged(format!("it has {} rows in place of {}", rows.len() - before, segment.rows)));
            }
        }
        let damaged = |reason: String| Error::Damaged { key: format!("the newest rows of {ticker}'s record"), reason };
        self.parse(&(header(&self.plan) + &self.tail.concat()), &mut rows).map_err(damaged)?;
        Ok(Record { plan: self.plan.clone(), opened: self.opened, rows })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows).sum::<usize>() + self.tail.len()
    }

    fn parse(&self, text: &str, rows: &mut Vec<RecordRow>) -> Result<(), String> {
        let expected = header(&self.plan);
        let Some(lines) = text.strip_prefix(&expected) else {
            return Err("its header names other columns".to_owned());
        };
        for (number, line) in lines.lines().enumerate() {
            let row = parsed(line, &self.plan).ok_or_else(|| format!("row {} cannot be read", number + 1))?;
            rows.push(row);
        }
        Ok(())
    }
}

/// `session,change,scale,` the scales' deviations (one where each session ahead is alike), and each contender's forecasts by
/// horizon.
fn header(plan: &RecordPlan) -> String {
    let mut names = vec!["session".to_owned(), "change".to_owned(), "scale".to_owned()];
    for scale in Scale::of(plan.kind).iter().copied() {
        let columns = 1..=columns(scale, plan.horizon);
        names.extend(columns.map(|h| format!("{}_{h}", scale.as_str())));
    }
    for contender in &plan.contenders {
        let name = contender.to_string().replace([',', ' '], "_");
        names.extend((1..=plan.horizon).map(|h| format!("{name}_{h}")));
    }
    names.join(",") + "\n"
}

fn columns(scale: Scale, horizon: usize) -> usize {
    if scale.is_flat() { 1 } else { horizon }
}

fn line(row: &RecordRow) -> String {
    let mut fields = vec![String::from(row.session), row.change.to_string(), row.scale.as_str().to_owned()];
    let scales: &[Scale] = if row.scale == Scale::Model { &[Scale::Model] } else { &Scale::ALL };
    for scale in scales.iter().copied() {
        let path = row.path(scale);
        fields.extend(path.iter().take(columns(scale, path.len())).map(f64::to_string));
    }
    fields.extend(row.centres.iter().map(f64::to_string));
    fields.join(",") + "\n"
}

fn parsed(line: &str, plan: &RecordPlan) -> Option<RecordRow> {
    let mut fields = line.split(',');
    let session = fields.next()?.parse().ok()?;
    let number = |text: Option<&str>| text?.parse::<f64>().ok().filter(|value| value.is_finite());
    let change = number(fields.next())?;
    let name = fields.next()?;
    let scales = Scale::of(plan.kind);
    let scale = scales.iter().copied().find(|scale| scale.as_str() == name)?;
    let mut deviations = Vec::with_capacity(scales.len() * plan.horizon);
    for (place, scale) in scales.iter().copied().enumerate() {
        for _ in 0..columns(scale, plan.horizon) {
            deviations.push(number(fields.next())?);
        }
        let first = deviations[deviations.len() - 1];
        deviations.resize((place + 1) * plan.horizon, first);
    }
    let mut centres = Vec::with_capacity(plan.contenders.len() * plan.horizon);
    for _ in 0..plan.contenders.len() * plan.horizon {
        centres.push(number(fields.next())?);
    }
    fields.next().is_none().then(|| RecordRow::new(session, change, scale, deviations, centres))
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn unpacked(bytes: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    let read = GzDecoder::new(bytes).take(MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 == MAX_BYTES { Err("it is larger than a record can be".to_owned()) } else { Ok(text) }
}
