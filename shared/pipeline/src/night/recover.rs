//! Makes a lost ledger anew from the transcripts of the archive. Cut off and called again, it ends the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use forecasting::Ticker;
use serde::Serialize;

use crate::{
    Archive, Assignment, Chained, Closure, Digest, Error, Key, Ledger, Link, Market, Run, RunId, Tombstone, Transcript,
};

/// What is on record again.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Recovered {
    /// Runs.
    pub runs: usize,
    /// Series.
    pub tickers: usize,
    /// Results and receipts.
    pub records: usize,
    /// What the archive does not prove, in words.
    pub unproven: Vec<String>,
    /// Runs that have no transcript: cut off, of a day without a session, or closed by an earlier release.
    pub without_transcript: Vec<RunId>,
    /// Rows arrived: those that no run had taken up are not in the archive.
    pub streamed: bool,
}

/// So many series at a time are held in memory.
const TICKERS: usize = 500;

/// Puts on record again what the archive proves: every record whose chain leads to where the transcript of its run says that it stands. Runs come last, so
/// that a ledger that is not whole yet does not pass for one.
///
/// # Errors
/// Only where a store cannot be read or written; what is damaged is in the answer.
pub async fn recover(archive: &dyn Archive, ledger: &dyn Ledger) -> Result<Recovered, Error> {
    let mut recovered = Recovered::default();
    let kept = transcripts(archive, &mut recovered).await?;
    let tickers: BTreeSet<&Ticker> = kept.iter().flat_map(|kept| kept.head.ends.iter().map(|(of, _)| of)).collect();
    let tickers: Vec<&Ticker> = tickers.into_iter().collect();
    for some in tickers.chunks(TICKERS) {
        let mut proofs: BTreeMap<&Ticker, Proof<'_>> = BTreeMap::new();
        for ticker in some {
            proofs.insert(ticker, Proof { forgotten: Tombstone::all(archive, ticker).await?, ..Proof::default() });
        }
        for Kept { head, key, .. } in &kept {
            let mut any = false;
            for (ticker, link) in &head.ends {
                let Some(proof) = proofs.get_mut(ticker) else { continue };
                proof.ends.insert((&head.run, link.sequence), &link.digest);
                any = true;
            }
            if !any {
                continue;
            }
            let (_, bytes) = Transcript::read(archive, key).await?;
            let read = head.records(&bytes, |of| proofs.contains_key(of));
            let damaged = |reason| Error::Damaged { key: key.to_string(), reason }.to_string();
            for (of, sequence, record) in read.map_err(damaged).unwrap_or_else(|why| {
                recovered.unproven.push(why);
                Vec::new()
            }) {
                if let Some(proof) = proofs.get_mut(&of).filter(|proof| !proof.is_forgotten(&head.run)) {
                    proof.records.push((sequence, record));
                }
            }
        }
        for (ticker, proof) in proofs {
            let (proven, why_no_more) = proof.proven();
            recovered.unproven.extend(why_no_more.map(|reason| format!("{ticker}: {reason}")));
            if let Some(other) = append(ledger, ticker, &proven).await? {
                recovered.unproven.push(format!("{ticker}: {other}"));
                continue;
            }
            recovered.tickers += usize::from(!proven.is_empty());
            recovered.records += proven.len();
        }
    }
    for Kept { head, run, key } in kept {
        let mut closure = head.closure;
        closure.transcript = archive.read(&key).await?.map(|bytes| Digest::of(&bytes));
        closure.report.push(key);
        reopen(ledger, &run, &closure).await?;
        recovered.runs += 1;
    }
    Ok(recovered)
}

/// The last transcript of a run.
struct Kept {
    head: Transcript,
    run: Run,
    key: Key,
}

/// Of each run, in an order in which they may have been held.
async fn transcripts(archive: &dyn Archive, recovered: &mut Recovered) -> Result<Vec<Kept>, Error> {
    let mut found: BTreeMap<RunId, Kept> = BTreeMap::new();
    for listed in archive.list("reports/").await? {
        let Some(key) = Key::transcript(&listed) else { continue };
        let kept = async {
            let (head, _) = Transcript::read(archive, &key).await?;
            let run = planned(archive, &head).await?;
            Ok::<Kept, Error>(Kept { head, run, key })
        };
        match kept.await {
            Ok(kept) => {
                // Closed again, a run has come further.
                let further = |kept: &Kept| (kept.head.ends.len(), kept.head.closure.done, kept.key.clone());
                let known = found.get(&kept.head.run).map(further);
                if known.is_none_or(|known| known < further(&kept)) {
                    found.insert(kept.head.run.clone(), kept);
                }
            }
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => recovered.unproven.push(error.to_string()),
        }
    }
    let planned: BTreeSet<RunId> =
        archive.list("runs/").await?.iter().filter_map(|listed| Key::run_of(listed)).collect();
    recovered.without_transcript = planned.into_iter().filter(|run| !found.contains_key(run)).collect();
    let mut kept: Vec<Kept> = found.into_values().collect();
    recovered.streamed = kept.iter().any(|kept| kept.run.configuration.market == Market::Stream);
    let last = |kept: &Kept| kept.head.ends.iter().map(|(_, link)| link.sequence).max();
    kept.sort_by_key(|kept| (kept.run.as_of, last(kept), kept.run.id.clone()));
    Ok(kept)
}

/// The run that a transcript is of, from what it was asked to do.
async fn planned(archive: &dyn Archive, head: &Transcript) -> Result<Run, Error> {
    let key = Key::run(&head.run, "configuration.json");
    let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let assignment: Assignment = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let digest = Digest::of(&bytes);
    if RunId::new(head.as_of, &digest) != head.run {
        return Err(damaged("its bytes are not those that its run is named after".to_owned()));
    }
    Ok(Run { id: head.run.clone(), assignment: digest, ..Run::new(head.as_of, head.trigger, &assignment) })
}

/// What transcripts tell of a series.
#[derive(Default)]
struct Proof<'a> {
    forgotten: Vec<Tombstone>,
    records: Vec<(u64, Chained)>,
    /// By run and place: the digest of its last record and of all before it.
    ends: HashMap<(&'a RunId, u64), &'a Digest>,
}

impl Proof<'_> {
    fn is_forgotten(&self, run: &RunId) -> bool {
        self.forgotten.iter().any(|tombstone| tombstone.has(run))
    }

    /// The records up to the last one that stands where a transcript says, and why there are no more.
    fn proven(mut self) -> (Vec<Chained>, Option<String>) {
        self.records.sort_by_key(|(sequence, _)| *sequence);
        let newest = self.records.last().map_or(0, |(sequence, _)| *sequence);
        let (mut link, mut proven): (Option<Link>, usize) = (None, 0);
        let mut why_no_more = None;
        for (place, (sequence, record)) in self.records.iter().enumerate() {
            if *sequence != place as u64 + 1 {
                why_no_more = Some(format!("record {} is in no transcript, and there were {newest}", place + 1));
                break;
            }
            let next = Link::of(link.as_ref(), record);
            match self.ends.get(&(record.run(), *sequence)) {
                Some(end) if **end != next.digest => {
                    why_no_more = Some(format!("record {sequence} of {newest} is not what its transcript says"));
                    break;
                }
                Some(_) => proven = place + 1,
                None => {}
            }
            link = Some(next);
        }
        self.records.truncate(proven);
        (self.records.into_iter().map(|(_, record)| record).collect(), why_no_more)
    }
}

/// Appends what one run after the other had committed, after what is on record; or says why it cannot be.
async fn append(ledger: &dyn Ledger, ticker: &Ticker, records: &[Chained]) -> Result<Option<String>, Error> {
    let standing = ledger.chain(ticker).await?.records;
    let known = standing.len().min(records.len());
    let mut link: Option<Link> = None;
    for record in &records[..known] {
        link = Some(Link::of(link.as_ref(), record));
    }
    if known > 0 && link.as_ref() != Some(&standing[known - 1].0) {
        return Ok(Some("the ledger has other records of it than the archive".to_owned()));
    }
    let mut pointer = ledger.champion(ticker).await?;
    for of_run in records[known..].chunk_by(|a, b| a.run() == b.run()) {
        ledger.append(ticker, of_run, pointer.as_ref()).await?;
        pointer = of_run.iter().rev().find_map(Chained::champion).cloned().or(pointer);
    }
    Ok(None)
}

async fn reopen(ledger: &dyn Ledger, run: &Run, closure: &Closure) -> Result<(), Error> {
    ledger.open_run(run).await?;
    ledger.close_run(&run.id, closure).await
}
