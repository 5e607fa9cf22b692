//! Holds all that is kept against itself: each record against its chain, chains against the transcripts of runs, and each archived object
//! against the digest of whoever refers to it. Nothing is trained again: that is `verify`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use forecasting::Ticker;
use futures::future::join_all;
use serde::Serialize;

use super::verify::verify_ledger;
use crate::{
    Archive, Assignment, Chained, Digest, Error, Forecasted, Key, Ledger, Link, ObjectRef, PublicKey, RunEntry, RunId,
    Snapshot, Stage, StageRecord, Tombstone, Trained,
    packed::decompress,
    records::{
        forecast_table,
        transcript::{Transcript, plain},
    },
    signing::{signature_of, signed_by},
    stream::{Streams, verify_stream},
};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Audit {
    /// Runs on record.
    pub runs: usize,
    /// Series that have results.
    pub tickers: usize,
    /// Results and receipts, each what it was and in its place.
    pub records: usize,
    /// Rows that arrived.
    pub rows: u64,
    /// Archived objects that are what they were written as.
    pub objects: usize,
    /// Closed runs whose transcript is signed: by one of the keys given, where any is.
    pub signed: usize,
    /// Archived objects that nothing on record refers to, and should: work that was cut off, or outrun, left them.
    pub unaccounted: Vec<String>,
    /// What is not as it was, in words.
    pub findings: Vec<String>,
}

/// Where objects are kept. What people drop under `incoming/` is theirs, and a message to a chat is no result.
const PREFIXES: [&str; 11] = [
    "calendars/",
    "forecasts/",
    "forgotten/",
    "judged/",
    "judgements/",
    "models/",
    "prices/",
    "quarantine/",
    "records/",
    "reports/",
    "runs/",
];
/// To what lies there nothing refers: it is found by looking.
const BY_THEMSELVES: [&str; 5] = ["calendars/", "forgotten/", "judged/", "judgements/", "quarantine/"];
/// Objects read at the same time.
const READS: usize = 32;

/// Looks at everything. With public keys, a run signed by one of them must be among the newest of each series: by its place in the chain, it
/// stands for every record before it.
///
/// # Errors
/// Only where a store cannot be reached: whatever is wrong with what it holds is in the findings.
pub async fn audit(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    streams: Option<&dyn Streams>,
    keys: &[PublicKey],
) -> Result<Audit, Error> {
    let mut auditor = Auditor {
        archive,
        ledger,
        keys,
        audit: Audit::default(),
        on_record: BTreeSet::new(),
        retains_all: true,
        referred_to: HashSet::new(),
        ends: HashMap::new(),
    };
    let checked = ledger.check().await;
    auditor.note(checked)?;
    let mut tickers = auditor.runs().await?;
    tickers.extend(auditor.ends.keys().cloned());
    let on_record = ledger.tickers().await;
    tickers.extend(auditor.note(on_record)?.flatten().unwrap_or_default());
    for ticker in &tickers {
        let series = auditor.series(ticker).await;
        auditor.note(series)?;
    }
    if let Some(streams) = streams {
        let streamed = streams.streamed().await;
        for ticker in auditor.note(streamed)?.unwrap_or_default() {
            let verified = verify_stream(archive, ledger, streams, &ticker).await;
            auditor.audit.rows += auditor.note(verified)?.flatten().map_or(0, |stream| stream.rows);
        }
    }
    auditor.the_rest().await?;
    auditor.audit.findings.sort();
    auditor.audit.findings.dedup();
    Ok(auditor.audit)
}

struct Auditor<'a> {
    archive: &'a dyn Archive,
    ledger: &'a dyn Ledger,
    /// Whose signatures are looked for.
    keys: &'a [PublicKey],
    audit: Audit,
    /// Runs on record.
    on_record: BTreeSet<RunId>,
    /// Versions out of service are never removed.
    retains_all: bool,
    /// Keys that something on record refers to.
    referred_to: HashSet<String>,
    /// Where transcripts say that the records of each series stand.
    ends: HashMap<Ticker, Vec<End>>,
}

/// A run's last record of a series.
struct End {
    run: RunId,
    sequence: u64,
    digest: Vec<u8>,
    signed: bool,
}

impl Auditor<'_> {
    /// Notes what is wrong; what could not be reached is no finding.
    fn note<T>(&mut self, outcome: Result<T, Error>) -> Result<Option<T>, Error> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_unreachable() => Err(error),
            Err(error) => {
                self.audit.findings.push(error.to_string());
                Ok(None)
            }
        }
    }

    fn find(&mut self, key: &str, reason: &str) {
        let error = Error::Damaged { key: key.to_owned(), reason: reason.to_owned() };
        self.audit.findings.push(error.to_string());
    }

    /// Objects must be there, with these digests. Those that were looked at before are not looked at again.
    async fn objects(&mut self, objects: Vec<ObjectRef>) -> Result<(), Error> {
        let new: Vec<ObjectRef> =
            objects.into_iter().filter(|object| self.referred_to.insert(object.key.as_str().to_owned())).collect();
        for some in new.chunks(READS) {
            for outcome in join_all(some.iter().map(|object| object.read(self.archive))).await {
                self.audit.objects += usize::from(self.note(outcome)?.is_some());
            }
        }
        Ok(())
    }

    /// Every run, and what it was asked to do. Answers with all their tickers.
    async fn runs(&mut self) -> Result<BTreeSet<Ticker>, Error> {
        let listed = self.ledger.runs(usize::MAX).await;
        let entries = self.note(listed)?.unwrap_or_default();
        self.audit.runs = entries.len();
        self.retains_all = entries.iter().all(|entry| entry.run.configuration.retention.is_none());
        let mut tickers = BTreeSet::new();
        let mut known: HashMap<Digest, Assignment> = HashMap::new();
        for RunEntry { run, closure, .. } in &entries {
            self.objects(vec![ObjectRef { key: run.key(), sha256: run.assignment.clone() }]).await?;
            if RunId::new(run.as_of, &run.assignment) != run.id {
                self.find(&format!("run {}", run.id), "it is not named after what it was asked to do");
            }
            if !known.contains_key(&run.assignment) {
                let read = run.assigned(self.archive).await;
                let Some(assignment) = self.note(read)? else { continue };
                known.insert(run.assignment.clone(), assignment);
            }
            let assignment = &known[&run.assignment];
            if assignment.configuration != run.configuration {
                self.find(&format!("run {}", run.id), "its configuration is not the archived one");
            }
            // How long stages took is held against nothing, but can be read.
            let attempts = self.ledger.attempts(&run.id).await;
            self.note(attempts)?;
            let list = serde_json::to_vec(&assignment.tickers).expect("tickers are plain data");
            self.objects(vec![ObjectRef { key: Key::run(&run.id, "tickers.json"), sha256: Digest::of(&list) }]).await?;
            tickers.extend(assignment.tickers.iter().cloned());
            if let Some(closure) = closure
                && let Some(object) = closure.transcript_object()
            {
                let Some((transcript, signed)) = self.transcript(object).await? else { continue };
                self.audit.signed += usize::from(signed);
                let recorded = (&transcript.run, transcript.as_of, transcript.trigger, &transcript.closure);
                if recorded != (&run.id, run.as_of, run.trigger, &plain(closure)) {
                    self.find(&format!("run {}", run.id), "the ledger has another end of it than its transcript");
                }
                let mut before = transcript.before().cloned();
                for (ticker, link) in transcript.ends {
                    let end = End { run: run.id.clone(), sequence: link.sequence, digest: link.digest.hash(), signed };
                    self.ends.entry(ticker).or_default().push(end);
                }
                while let Some(object) = before.take() {
                    before = self.transcript(object).await?.and_then(|(earlier, _)| earlier.before().cloned());
                }
            } else if let Some(closure) = closure {
                // By an earlier release, whose summary alone has a digest.
                self.referred_to.extend(closure.report.iter().map(|key| key.as_str().to_owned()));
                let read = closure.outcomes(self.archive).await;
                self.note(read)?;
            }
        }
        self.on_record = entries.into_iter().map(|entry| entry.run.id).collect();
        self.reports().await?;
        Ok(tickers)
    }

    /// A transcript, which must be there, and all that it refers to; and whether it is signed by whom it should be.
    async fn transcript(&mut self, object: ObjectRef) -> Result<Option<(Transcript, bool)>, Error> {
        self.referred_to.insert(object.key.as_str().to_owned());
        let read = object.read(self.archive).await;
        let Some(bytes) = self.note(read)? else { return Ok(None) };
        self.audit.objects += 1;
        let signed = self.is_signed(&object, &bytes).await?;
        match Transcript::of_bytes(&bytes) {
            Ok(transcript) => {
                let files = transcript.files.iter().filter(|file| Key::transcript(file.key.as_str()).is_none());
                self.objects(files.cloned().collect()).await?;
                Ok(Some((transcript, signed)))
            }
            Err(reason) => {
                self.find(object.key.as_str(), &reason);
                Ok(None)
            }
        }
    }

    /// Whether a transcript has a signature, by one of the keys where any is given. One that does not verify is a finding.
    async fn is_signed(&mut self, object: &ObjectRef, bytes: &[u8]) -> Result<bool, Error> {
        let Some(key) = signature_of(object) else { return Ok(false) };
        let Some(signature) = self.archive.read(&key).await? else { return Ok(false) };
        self.referred_to.insert(key.as_str().to_owned());
        match signed_by(&signature, bytes) {
            Ok(signer) => {
                self.audit.objects += 1;
                Ok(self.keys.is_empty() || self.keys.contains(&signer))
            }
            Err(reason) => {
                self.find(key.as_str(), &reason);
                Ok(false)
            }
        }
    }

    /// Each report is of a run on record.
    async fn reports(&mut self) -> Result<(), Error> {
        let listed = self.archive.list("reports/").await?;
        let reported: BTreeSet<RunId> = listed.iter().filter_map(|listed| Key::run_of_report(listed)).collect();
        for run in reported.difference(&self.on_record.clone()) {
            self.note::<()>(Err(Error::OtherLedger { run: run.clone() }))?;
        }
        Ok(())
    }

    /// A series' records, and what they refer to.
    async fn series(&mut self, ticker: &Ticker) -> Result<(), Error> {
        let counted = verify_ledger(self.ledger, ticker).await;
        self.audit.records += self.note(counted)?.unwrap_or(0);
        let chain = self.ledger.chain(ticker).await?;
        self.audit.tickers += usize::from(!chain.records.is_empty());
        self.ends_of(ticker, &chain.records).await?;
        let champion = self.ledger.champion(ticker).await?;
        let mut needed: BTreeSet<Key> = champion.iter().map(|champion| Key::model(ticker, &champion.version)).collect();
        let mut objects: BTreeMap<Key, Digest> = BTreeMap::new();
        let trained =
            |record: &&(Link, Chained)| matches!(&record.1, Chained::Result(r) if r.key.stage == Stage::Train);
        let newest = chain.records.iter().filter(trained).max_by_key(|(link, record)| (record.as_of(), link.sequence));
        let newest = newest.map(|(link, _)| link.sequence);
        for (link, record) in &chain.records {
            let Chained::Result(record) = record else { continue };
            match record.key.stage {
                Stage::Fetch => {
                    let snapshot: Snapshot = record.parse()?;
                    match &snapshot.bars {
                        Some(log) => {
                            objects.extend(referred(log.segments.iter().map(|segment| segment.object(ticker))));
                        }
                        // By an earlier release: a table, or what `migrate` made of it.
                        None => {
                            let read = snapshot.checked(self.archive, ticker).await;
                            self.note(read)?;
                            self.referred_to.insert(snapshot.snapshot.key.as_str().to_owned());
                        }
                    }
                }
                Stage::Train => {
                    let Some(trained) = Trained::read(record)? else { continue };
                    objects.extend(referred(trained.record.segments.iter().map(|segment| segment.object(ticker))));
                    for version in trained.versions {
                        let key = Key::model(ticker, &version.version);
                        if newest == Some(link.sequence) {
                            needed.insert(key.clone());
                        }
                        objects.insert(key, version.sha256);
                    }
                }
                Stage::Forecast => self.table(ticker, record).await?,
                Stage::Evaluate | Stage::Promote => {}
            }
        }
        // Versions out of service may have been removed, where a retention is set.
        let mut there = Vec::with_capacity(objects.len());
        for (key, sha256) in objects {
            let removable = !self.retains_all && key.as_str().starts_with("models/") && !needed.contains(&key);
            if removable && self.archive.read(&key).await?.is_none() {
                self.referred_to.insert(key.as_str().to_owned());
            } else {
                there.push(ObjectRef { key, sha256 });
            }
        }
        self.objects(there).await
    }

    /// A series' records stand where the transcripts of its runs say, and a signature covers them where one is looked for.
    async fn ends_of(&mut self, ticker: &Ticker, records: &[(Link, Chained)]) -> Result<(), Error> {
        let forgotten = Tombstone::all(self.archive, ticker).await?;
        let places: HashMap<u64, Vec<u8>> =
            records.iter().map(|(link, _)| (link.sequence, link.digest.hash())).collect();
        let ends = self.ends.remove(ticker).unwrap_or_default();
        // What stands in no transcript is covered by none; nor is what a signed run had before the series was forgotten.
        let stands = |end: &&End| end.signed && places.get(&end.sequence) == Some(&end.digest);
        let covered = ends.iter().filter(stands).map(|end| end.sequence).max();
        if !self.keys.is_empty() && covered < places.keys().max().copied() {
            let what = format!("the ledger of {ticker}");
            let after = covered.map_or_else(String::new, |sequence| format!(" after {sequence}"));
            let reason = format!("no signature by the given key covers its records{after}");
            self.audit.findings.push(Error::Damaged { key: what, reason }.to_string());
        }
        for end in ends {
            let was_forgotten = forgotten.iter().any(|tombstone| tombstone.has(&end.run));
            if !was_forgotten && places.get(&end.sequence) != Some(&end.digest) {
                let what = format!("the ledger of {ticker}");
                let reason = format!("record {} is not what the transcript of run {} says", end.sequence, end.run);
                self.audit.findings.push(Error::Damaged { key: what, reason }.to_string());
            }
        }
        Ok(())
    }

    /// A forecast table follows from its forecast.
    async fn table(&mut self, ticker: &Ticker, record: &StageRecord) -> Result<(), Error> {
        let forecasted: Forecasted = record.parse()?;
        let levels = forecasted.forecast.steps.first();
        let levels: Vec<_> =
            levels.into_iter().flat_map(|step| &step.served.intervals).map(|interval| interval.level).collect();
        let table = forecast_table::header(&levels)
            + &forecast_table::lines(ticker, &forecasted.champion.version, &forecasted.forecast);
        self.objects(vec![ObjectRef { key: forecasted.table, sha256: Digest::of(table.as_bytes()) }]).await
    }

    /// Lists of tickers that functions hand to each other.
    fn is_list_of_a_run(&self, key: &Key) -> bool {
        Key::run_of(key.as_str()).is_some_and(|run| self.on_record.contains(&run))
    }

    /// Objects that nothing refers to: many have the beginning of their digest in their name.
    async fn the_rest(&mut self) -> Result<(), Error> {
        for prefix in PREFIXES {
            let mut rest = self.archive.list(prefix).await?;
            rest.retain(|listed| !self.referred_to.contains(listed));
            for some in rest.chunks(READS) {
                let keys: Vec<Key> = some.iter().map(|listed| Key::listed(listed)).collect();
                for (key, bytes) in keys.iter().zip(join_all(keys.iter().map(|key| self.archive.read(key))).await) {
                    let Some(bytes) = bytes? else { continue };
                    if !is_sound(key, &bytes) {
                        self.find(key.as_str(), "its bytes are not those that it is named after");
                    } else if BY_THEMSELVES.contains(&prefix) || self.is_list_of_a_run(key) {
                        self.audit.objects += 1;
                    } else {
                        self.audit.unaccounted.push(key.to_string());
                    }
                }
            }
        }
        self.audit.unaccounted.sort();
        Ok(())
    }
}

/// Whether an object to which nothing refers is what it was, as far as it tells by itself.
fn is_sound(key: &Key, bytes: &[u8]) -> bool {
    // Named after its rows alone, it has a checksum of its own.
    if key.as_str().starts_with("judged/") {
        return decompress(bytes).is_ok();
    }
    let Some(named) = key.named_digest() else { return true };
    // Some are named after what they hold unpacked.
    let unpacked = || decompress(bytes).is_ok_and(|text| Digest::of(text.as_bytes()).short() == named);
    Digest::of(bytes).short() == named || unpacked()
}

fn referred(objects: impl Iterator<Item = ObjectRef>) -> impl Iterator<Item = (Key, Digest)> {
    objects.map(|object| (object.key, object.sha256))
}

/// A ledger beside an archive must know the newest run that the archive has a report of: otherwise it was lost, emptied or exchanged, and
/// to go on would be to begin anew.
///
/// # Errors
/// [`Error::OtherLedger`] names that run.
pub async fn know_each_other(archive: &dyn Archive, ledger: &dyn Ledger) -> Result<(), Error> {
    let Some(newest) = newest_reported(archive).await? else { return Ok(()) };
    match ledger.run(&newest).await? {
        Some(_) => Ok(()),
        None => Err(Error::OtherLedger { run: newest }),
    }
}

/// The newest run that the archive has a report of.
///
/// # Errors
/// Where the archive cannot be reached.
pub async fn newest_reported(archive: &dyn Archive) -> Result<Option<RunId>, Error> {
    let listed = archive.list("reports/").await?;
    Ok(listed.iter().filter_map(|listed| Key::run_of_report(listed)).max_by_key(RunId::as_of))
}
