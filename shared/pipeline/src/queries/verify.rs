use std::sync::Mutex;

use async_trait::async_trait;
use forecasting::{Decision, Judgement, PriceSeries, Program, Specification, Ticker};
use serde::Serialize;

use crate::{
    Archive, Assignment, Champion, Created, Digest, Error, Evaluated, FittedBy, Key, Ledger, ModelVersion, Programs,
    Question, Receipt, Run, RunId, Snapshot, Stage, StageKey, Tombstone, Trained, Trigger, VersionId,
    night::{
        Heard, Night, PERSON, Place, RULE, StageResults, Voices, in_words, reach, released, released_in_words, remains,
        restored,
    },
};

/// A version that stands up to being trained again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// The series.
    pub ticker: Ticker,
    /// The version.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// Digest of its bytes, stored and trained again alike.
    pub sha256: Digest,
    /// The snapshot it was trained from.
    pub snapshot: Key,
}

/// Trains a version again from its stored snapshot; the bytes must be equal. A program is asked to fit it again.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] name the snapshot or the model, whichever is not what it was.
pub async fn verify(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    ticker: &Ticker,
    version: &VersionId,
) -> Result<Verified, Error> {
    let stored = ModelVersion::read(archive, ticker, version, None).await?;
    let inputs = &stored.inputs;
    let engine = inputs.specification.engine();
    if inputs.program.is_none() && inputs.engine != engine {
        return Err(of_another_release(version.as_str(), &inputs.engine, &engine));
    }
    let snapshot = Snapshot::named(ledger, ticker, &inputs.snapshot).await?;
    let series = snapshot.checked(archive, ticker).await?;
    let again = match &inputs.program {
        None => ModelVersion::again(&series, inputs)?,
        Some(by) => fitted_again(programs, &series, &stored, by).await?,
    };
    let key = Key::model(ticker, version);
    compare(archive, &key, &again.to_json(), "training again from its snapshot").await?;
    Ok(Verified {
        ticker: ticker.clone(),
        version: version.clone(),
        model: stored.model.specification().to_string(),
        sha256: Digest::of(&again.to_json()),
        snapshot: inputs.snapshot.key.clone(),
    })
}

/// A program's version, fitted by it again.
async fn fitted_again(
    programs: &dyn Programs,
    series: &PriceSeries,
    stored: &ModelVersion,
    by: &FittedBy,
) -> Result<ModelVersion, Error> {
    let silent = |reason: String| Error::Program { version: stored.version.clone(), reason };
    let Specification::Program(Program { program }) = stored.inputs.specification else {
        return Err(silent("it is of no program".to_owned()));
    };
    let periods = series.bars().len();
    let question = Question {
        program,
        settings: &by.settings,
        series,
        seasons: by.season,
        horizon: by.horizon,
        window: stored.inputs.window,
        model: None,
        fits: &[periods],
        from: periods,
    };
    let said = programs.ask(&question).await.map_err(silent)?;
    let model = said.model.ok_or_else(|| silent("it has fitted nothing".to_owned()))?;
    if stored.model.program_model() != Some(&model) {
        return Err(silent(
            "fitted again it is another: its program does not give the same bytes each time".to_owned(),
        ));
    }
    ModelVersion::of_program(series, &stored.inputs.snapshot, stored.inputs.window, (program, by.clone()), &model)
}

/// A receipt that stands up to being reached again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifiedReceipt {
    /// The series.
    pub ticker: Ticker,
    /// The run that decided.
    pub run: RunId,
    /// The decision, reached again.
    pub decision: Decision,
    /// Who is in service by it.
    pub version: VersionId,
    /// Scorecards that were recomputed, number for number.
    pub scorecards: usize,
    /// The archived objects that were read and found as they were written.
    pub objects: Vec<Key>,
}

/// Goes through everything that the ledger has of a ticker: every record must be what it was and in its place, and the champion
/// pointer where the last verdict put it. Answers with how many records there are.
///
/// # Errors
/// [`Error::Damaged`] names the first record that is not.
pub async fn verify_ledger(ledger: &dyn Ledger, ticker: &Ticker) -> Result<usize, Error> {
    let chain = ledger.chain(ticker).await?;
    let champion = chain.check(ticker)?;
    if !chain.records.is_empty() && ledger.champion(ticker).await? != champion {
        let reason = "it is not where the last verdict put it".to_owned();
        return Err(Error::Damaged { key: format!("the champion pointer of {ticker}"), reason });
    }
    Ok(chain.records.len())
}

/// The tombstone of a series that was forgotten and has not begun anew: nothing of it may be left.
///
/// # Errors
/// [`Error::Damaged`] names what is left of it.
pub async fn verify_forgotten(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
) -> Result<Option<Tombstone>, Error> {
    let Some(tombstone) = Tombstone::newest(archive, ticker).await? else { return Ok(None) };
    if ledger.chain(ticker).await?.head.is_some() {
        return Ok(None);
    }
    match remains(archive, ticker).await?.first() {
        None => Ok(Some(tombstone)),
        Some(key) => {
            let reason = format!("{ticker} was forgotten, and this is left of it: forget it again");
            Err(Error::Damaged { key: key.to_string(), reason })
        }
    }
}

/// Reaches one of a ticker's receipts (all of them, newest first) again from the stored prices: builds the rows that its night added to the record, trains its versions,
/// judges the record, and compares every number and every byte. The receipts of all nights together reach every row.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] name what is not what it was: the configuration, the snapshot, a model, a segment
/// of the record, or the receipt and which part of it.
pub async fn verify_receipt(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    receipts: &[Receipt],
    ticker: &Ticker,
    run: &RunId,
) -> Result<VerifiedReceipt, Error> {
    let Some(index) = receipts.iter().position(|receipt| receipt.run == *run) else {
        return Err(Error::Missing { key: format!("the receipt of {ticker} in run {run}") });
    };
    let (receipt, earlier) = (&receipts[index], &receipts[index + 1..]);
    let version = &receipt.champion.version;
    let snapshot = Snapshot::of_run(ledger, ticker, run).await?;
    let mut objects = vec![Key::run(run, "configuration.json")];
    objects.extend(snapshot.objects(ticker));

    let Assignment { tickers, configuration } = read_assignment(archive, receipt).await?;
    let run = Run {
        id: run.clone(),
        as_of: receipt.as_of,
        trigger: Trigger::Manual,
        configuration,
        tickers: tickers.len(),
        assignment: receipt.configuration.clone(),
    };
    let place = Place::new(&run, ticker);
    same(receipt, "snapshot", &receipt.snapshot, &snapshot.snapshot)?;
    let series = snapshot.checked(archive, ticker).await?;
    let champion_of = |version: &VersionId| {
        let champion = earlier.iter().map(|receipt| &receipt.champion).find(|champion| champion.version == *version);
        champion.ok_or_else(|| Error::Missing { key: format!("the receipt that put {ticker} {version} in service") })
    };
    let before = receipt.before.as_ref().map(champion_of).transpose()?;

    let by_person = run.configuration.rollback.is_some() || run.configuration.release.is_some();
    let scorecards = match &receipt.judgement {
        _ if by_person => {
            let failed = before.ok_or_else(|| damaged(receipt, "it names no version before"))?;
            let order = run.configuration.rollback.as_ref();
            let back = order.map(|order| champion_of(&order.version)).transpose()?;
            decided_by_person(receipt, back, failed, &place)?;
            0
        }
        None => {
            let theirs = receipt.contest.as_ref().and_then(|contest| contest.rules.as_deref());
            let theirs = theirs.unwrap_or("an earlier release");
            return Err(of_another_release(run.id.as_str(), theirs, &forecasting::rules()));
        }
        Some(recorded) => {
            let ours = forecasting::rules();
            if recorded.rules != ours {
                return Err(of_another_release(run.id.as_str(), &recorded.rules, &ours));
            }
            let judged = Judged { receipt, before, earlier, place: &place, series: &series };
            objects.extend(judged.again(archive, ledger, recorded).await?);
            recorded.standings.iter().filter(|standing| standing.scorecard.is_some()).count() + 1
        }
    };
    let model = ModelVersion::read(archive, ticker, version, Some(&receipt.champion.sha256)).await?;
    same(receipt, "champion", &receipt.champion.specification, &model.inputs.specification)?;
    objects.push(Key::model(ticker, version));
    objects.sort();
    objects.dedup();
    let (ticker, version) = (ticker.clone(), version.clone());
    Ok(VerifiedReceipt { ticker, run: run.id, decision: receipt.decision, version, scorecards, objects })
}

/// A person's decision, to go back to a version or to release the one that served.
fn decided_by_person(
    receipt: &Receipt,
    back: Option<&Champion>,
    failed: &Champion,
    place: &Place<'_>,
) -> Result<(), Error> {
    same(receipt, "decider", receipt.decided_by.as_str(), PERSON)?;
    let (decision, reason, champion) = match back {
        Some(back) => (Decision::Rollback, in_words(back), restored(back, failed, place)),
        None => (Decision::Release, released_in_words(failed), released(failed, place)),
    };
    same(receipt, "decision", &receipt.decision, &decision)?;
    same(receipt, "reason", &receipt.reason, &reason)?;
    same(receipt, "champion", &receipt.champion, &champion)
}

/// A receipt whose night is held again.
struct Judged<'a> {
    receipt: &'a Receipt,
    before: Option<&'a Champion>,
    earlier: &'a [Receipt],
    place: &'a Place<'a>,
    series: &'a PriceSeries,
}

impl Judged<'_> {
    /// Builds the night's rows again from its prices and the record before it, judges them, and reaches the verdict. Answers with the
    /// objects that were compared.
    async fn again(
        &self,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        judgement: &Judgement,
    ) -> Result<Vec<Key>, Error> {
        let Judged { receipt, before, earlier, place, series } = *self;
        let ticker = place.ticker;
        let results = StageResults::read(ledger, place).await?;
        let (recorded, evaluated): (Trained, Evaluated) =
            (results.required(Stage::Train)?, results.required(Stage::Evaluate)?);
        // Where another run changed the champion meanwhile, the record was judged against the one before that.
        let judged = recorded.champion.as_ref().and_then(|version| {
            let known = before.into_iter().chain(earlier.iter().map(|receipt| &receipt.champion));
            known.into_iter().find(|champion| champion.version == *version)
        });
        let previous = match &recorded.record.after {
            None => None,
            Some(run) => {
                let key = StageKey { run: run.clone(), ticker: ticker.clone(), stage: Stage::Train };
                let record = ledger.committed(&key).await?;
                let missing = || Error::Missing { key: key.to_string() };
                Some((run.clone(), record.ok_or_else(missing)?.parse()?))
            }
        };
        let checking = Checking { archive, compared: Mutex::new(Vec::new()) };
        let night = Night { place, series, snapshot: &receipt.snapshot, champion: judged };
        // What programs said is taken as it was said: all that followed from it is reached again.
        let heard = Heard::recorded(archive, series, &recorded.record.plan, &recorded).await?;
        let (trained, versions) = night.train(&checking, previous, &evaluated, Voices::Recorded(&heard)).await?;
        for version in versions {
            checking.create(&Key::model(ticker, &version.version), &version.to_json()).await?;
        }
        same(receipt, "record", &recorded, &trained)?;
        same(receipt, "judgement", judgement, &trained.judgement)?;
        same(receipt, "training", &receipt.training, &Some(evaluated.training.reason))?;
        let (verdict, champion) = reach(place, &trained, before)?;
        same(receipt, "decider", receipt.decided_by.as_str(), RULE)?;
        same(receipt, "decision", &receipt.decision, &verdict.decision)?;
        same(receipt, "reason", &receipt.reason, &verdict.reason)?;
        same(receipt, "champion", &receipt.champion, &champion)?;
        Ok(checking.compared.into_inner().unwrap_or_default())
    }
}

/// An archive to which nothing is written: what would be must be there already, byte for byte.
struct Checking<'a> {
    archive: &'a dyn Archive,
    compared: Mutex<Vec<Key>>,
}

#[async_trait]
impl Archive for Checking<'_> {
    async fn create(&self, key: &Key, bytes: &[u8]) -> Result<Created, Error> {
        compare(self.archive, key, bytes, "doing it again").await?;
        if let Ok(mut compared) = self.compared.lock() {
            compared.push(key.clone());
        }
        Ok(Created::Existed)
    }

    async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.archive.read(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.archive.list(prefix).await
    }

    async fn remove(&self, _: &Key) -> Result<(), Error> {
        Ok(())
    }
}

async fn read_assignment(archive: &dyn Archive, receipt: &Receipt) -> Result<Assignment, Error> {
    let key = Key::run(&receipt.run, "configuration.json");
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let digest = Digest::of(&bytes);
    let wrong = |reason: String| Error::Damaged { key: key.to_string(), reason };
    if RunId::new(receipt.as_of, &digest) != receipt.run {
        return Err(wrong(format!("its bytes are not those that run {} is named after", receipt.run)));
    }
    same(receipt, "configuration", &receipt.configuration, &digest)?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

/// An archived object must have these bytes.
async fn compare(archive: &dyn Archive, key: &Key, again: &[u8], how: &str) -> Result<(), Error> {
    let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    if bytes == again {
        Ok(())
    } else {
        Err(Error::Damaged { key: key.to_string(), reason: format!("{how} gives other bytes") })
    }
}

/// A part of a receipt must be what it is found to be again.
fn same<T: Serialize + ?Sized>(receipt: &Receipt, part: &str, recorded: &T, again: &T) -> Result<(), Error> {
    let text = |value: &T| serde_json::to_string(value).expect("receipts are plain data");
    if text(recorded) == text(again) {
        Ok(())
    } else {
        Err(damaged(receipt, &format!("its {part} is not what is found again")))
    }
}

fn damaged(receipt: &Receipt, reason: &str) -> Error {
    Error::Damaged {
        key: format!("the receipt of {} in run {}", receipt.ticker, receipt.run),
        reason: reason.to_owned(),
    }
}

fn of_another_release(what: &str, theirs: &str, ours: &str) -> Error {
    Error::OtherRelease { what: what.to_owned(), theirs: theirs.to_owned(), ours: ours.to_owned() }
}
