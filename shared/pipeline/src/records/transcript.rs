//! `reports/{run}/transcript.zst`: what the ledger has of a closed run. The ledger is made anew from transcripts, and held against them: what is changed or
//! cut off in one of the two shows in the other.
//!
//! Two zstd frames, each with a checksum. The first is JSON, a [`Transcript`]; the second has the records, one a line: ticker, place in its chain, and the record
//! as [`Chained::line`] writes it. `zstd -dc` shows both.

use std::io::{BufRead, BufReader, Read, Write};

use forecasting::{Stamp, Ticker};
use serde::{Deserialize, Serialize};
use zstd::{
    stream::{read::Decoder, write::Encoder},
    zstd_safe::find_frame_compressed_size,
};

use crate::{Archive, Chained, Closure, Error, Key, Link, ObjectRef, OfRun, Run, RunId, Trigger, packed::compress};

/// What stands at the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    format: u32,
    /// The run.
    pub run: RunId,
    /// Its as-of period.
    pub as_of: Stamp,
    /// What started it first.
    pub trigger: Trigger,
    /// How it ended, without its timings and its transcript.
    pub closure: Closure,
    /// Its report, what it was asked to do, and its transcript as of the end before, if it was closed before.
    pub files: Vec<ObjectRef>,
    /// Where its last record of each ticker stands.
    pub ends: Vec<(Ticker, Link)>,
}

const FORMAT: u32 = 1;
const LEVEL: i32 = 3;
/// Under which name a report holds it.
pub(crate) const STEM: &str = "transcript";
/// A first frame is not larger than this unpacked: a million tickers.
const MAX_BYTES: u64 = 256 << 20;
/// No record is longer than this.
const MAX_LINE: u64 = 64 << 20;

/// A closure without what is no result (timings) and what a transcript cannot say of itself.
pub(crate) fn plain(closure: &Closure) -> Closure {
    let named = |key: &&Key| Some(*key) != closure.file(STEM);
    let report = closure.report.iter().filter(named).cloned().collect();
    Closure { seconds: 0.0, transcript: None, report, ..closure.clone() }
}

/// Writes a transcript, ticker by ticker.
pub(crate) struct Scribe {
    records: Encoder<'static, Vec<u8>>,
    ends: Vec<(Ticker, Link)>,
}

/// Of a run's end.
pub(crate) struct Written {
    head: Transcript,
    records: Vec<u8>,
}

impl Scribe {
    pub(crate) fn new() -> Scribe {
        let mut records = Encoder::new(Vec::new(), LEVEL).expect("there is memory for a context");
        records.include_checksum(true).expect("nothing is written yet");
        Scribe { records, ends: Vec::new() }
    }

    pub(crate) fn add(&mut self, ticker: &Ticker, of_run: &OfRun) {
        let Some(end) = &of_run.end else { return };
        self.ends.push((ticker.clone(), end.clone()));
        // What an earlier release left has no place.
        for (sequence, record) in of_run.records.iter().filter(|(sequence, _)| *sequence > 0) {
            writeln!(self.records, "{ticker} {sequence} {}", record.line()).expect("memory can be written");
        }
    }

    pub(crate) fn finish(self, run: &Run, closure: &Closure, files: Vec<ObjectRef>) -> Written {
        let head = Transcript {
            format: FORMAT,
            run: run.id.clone(),
            as_of: run.as_of,
            trigger: run.trigger,
            closure: plain(closure),
            files,
            ends: self.ends,
        };
        Written { head, records: self.records.finish().expect("memory can be written") }
    }
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let mut head = serde_json::to_string(&self.head).expect("a transcript is plain data");
        head.push('\n');
        let mut bytes = compress(&head);
        bytes.extend(&self.records);
        bytes
    }

    /// The object's bytes. The end before is referred to, so that no end of a run can be removed unnoticed; the same end again is the same transcript.
    pub(crate) async fn after(mut self, archive: &dyn Archive, before: Option<ObjectRef>) -> Result<Vec<u8>, Error> {
        let Some(before) = before else { return Ok(self.bytes()) };
        let own = self.head.files.len();
        match Transcript::read(archive, &before.key).await {
            Ok((head, bytes)) => {
                self.head.files.extend(head.before().cloned());
                if self.bytes() == bytes {
                    return Ok(bytes);
                }
            }
            Err(error) if error.is_unreachable() => return Err(error),
            // That it is damaged is for `verify` to tell.
            Err(_) => {}
        }
        self.head.files.truncate(own);
        self.head.files.push(before);
        Ok(self.bytes())
    }
}

impl Transcript {
    /// Reads one, of a key as it was listed: its beginning, and its bytes for [`Transcript::records`].
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`].
    pub(crate) async fn read(archive: &dyn Archive, key: &Key) -> Result<(Transcript, Vec<u8>), Error> {
        let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let head = Transcript::of_bytes(&bytes);
        let head = head.map_err(|reason| Error::Damaged { key: key.to_string(), reason })?;
        Ok((head, bytes))
    }

    /// The transcript as of the end before.
    pub(crate) fn before(&self) -> Option<&ObjectRef> {
        self.files.iter().find(|file| Key::transcript(file.key.as_str()).is_some())
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Transcript, String> {
        let (frame, _) = frames(bytes)?;
        let frame = Decoder::new(frame).map_err(|error| error.to_string())?;
        let mut json = String::new();
        frame.take(MAX_BYTES).read_to_string(&mut json).map_err(|error| error.to_string())?;
        let head: Transcript = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        if head.format == FORMAT { Ok(head) } else { Err(format!("its format {} is a later release's", head.format)) }
    }

    /// Its records, each with its place, of the tickers that are asked for.
    ///
    /// # Errors
    /// In words, where they do not read whole.
    pub(crate) fn records(
        &self,
        bytes: &[u8],
        asked: impl Fn(&Ticker) -> bool,
    ) -> Result<Vec<(Ticker, u64, Chained)>, String> {
        let (_, frame) = frames(bytes)?;
        let decoder = Decoder::new(frame).map_err(|error| error.to_string())?.single_frame();
        let (mut lines, mut line) = (BufReader::new(decoder), String::new());
        let mut records = Vec::new();
        while (&mut lines).take(MAX_LINE).read_line(&mut line).map_err(|error| error.to_string())? > 0 {
            let whole = line.strip_suffix('\n').ok_or("its last line is cut off, or too long")?;
            let mut parts = whole.splitn(3, ' ');
            let (Some(ticker), Some(sequence), Some(record)) = (parts.next(), parts.next(), parts.next()) else {
                return Err("a line has not three parts".to_owned());
            };
            let ticker: Ticker = ticker.parse().map_err(|error| format!("{error}"))?;
            if asked(&ticker) {
                let sequence = sequence.parse().map_err(|_| "a place is no number".to_owned())?;
                let record = Chained::of_line(record, &self.run, self.as_of, &ticker)?;
                records.push((ticker, sequence, record));
            }
            line.clear();
        }
        Ok(records)
    }
}

/// The beginning's, and the records'.
fn frames(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let first = find_frame_compressed_size(bytes).map_err(|_| "it does not begin with a whole frame")?;
    let (head, records) = bytes.split_at(first);
    match find_frame_compressed_size(records) {
        Ok(second) if second == records.len() => Ok((head, records)),
        _ => Err("its records are cut off, or more follows them".to_owned()),
    }
}
