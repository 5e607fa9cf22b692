use forecasting::{Contest, Decision, PriceSeries, Specification, Ticker};
use serde::Serialize;

use super::{
    committed::{Place, read_snapshot},
    evaluate::Evaluated,
    promote::{RULE, reach, restored},
    rollback::{PERSON, in_words},
    train::{Candidates, Trained, TrainedVersion, contest_bytes},
};
use crate::{
    Archive, Champion, Configuration, Digest, Error, Key, Ledger, ModelVersion, ObjectRef, Receipt, Run, RunId, Stage,
    Trigger, VersionId, error::about,
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

/// Trains a version again from its stored snapshot; the bytes must be equal.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] name the snapshot or the model, whichever is not what it was.
pub async fn verify(archive: &dyn Archive, ticker: &Ticker, version: &VersionId) -> Result<Verified, Error> {
    let stored = ModelVersion::read(archive, ticker, version, None).await?;
    let inputs = &stored.inputs;
    let engine = inputs.specification.engine();
    if inputs.engine != engine {
        return Err(of_another_release(version.as_str(), &inputs.engine, &engine));
    }
    let series = read_snapshot(archive, ticker, &inputs.snapshot).await?;
    let again = ModelVersion::train(&series, &inputs.snapshot, inputs.window, inputs.specification)?;
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

/// Reaches a receipt's verdict again from the stored prices: holds its contest, trains its versions, and compares every number
/// and every byte.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] name what is not what it was: the configuration, the snapshot, a model, the
/// archived contest, or the receipt and which part of it.
pub async fn verify_receipt(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    run: &RunId,
) -> Result<VerifiedReceipt, Error> {
    let receipts = ledger.receipts(ticker).await?;
    let Some(index) = receipts.iter().position(|receipt| receipt.run == *run) else {
        return Err(Error::Missing { key: format!("the receipt of {ticker} in run {run}") });
    };
    let (receipt, earlier) = (&receipts[index], &receipts[index + 1..]);
    let version = &receipt.champion.version;
    let mut objects = vec![Key::run(run, "configuration.json"), receipt.snapshot.key.clone()];

    let configuration = read_configuration(archive, receipt).await?;
    let run = Run { id: run.clone(), as_of: receipt.as_of.date(), trigger: Trigger::Manual, configuration };
    let place = Place::new(&run, ticker)?;
    let series = read_snapshot(archive, ticker, &receipt.snapshot).await?;
    let champion_of = |version: &VersionId| {
        let champion = earlier.iter().map(|receipt| &receipt.champion).find(|champion| champion.version == *version);
        champion.ok_or_else(|| Error::Missing { key: format!("the receipt that put {ticker} {version} in service") })
    };
    let before = receipt.before.as_ref().map(champion_of).transpose()?;

    let scorecards = match (&receipt.contest, &run.configuration.rollback) {
        (None, Some(order)) => {
            let failed = before.ok_or_else(|| damaged(receipt, "it names no version before"))?;
            let back = champion_of(&order.version)?;
            same(receipt, "decision", &receipt.decision, &Decision::Rollback)?;
            same(receipt, "reason", &receipt.reason, &in_words(back))?;
            same(receipt, "decider", receipt.decided_by.as_str(), PERSON)?;
            same(receipt, "champion", &receipt.champion, &restored(back, failed, &place))?;
            0
        }
        (None, None) => return Err(damaged(receipt, "it has no contest, and nobody asked for a rollback")),
        (Some(contest), _) => {
            let ours = forecasting::rules();
            if contest.rules.as_ref() != Some(&ours) {
                let theirs = contest.rules.as_deref().unwrap_or("an earlier release");
                return Err(of_another_release(run.id.as_str(), theirs, &ours));
            }
            let held = Held { receipt, before, place: &place, series: &series };
            objects.extend(held.again(archive, ledger, contest).await?);
            contest.champion.iter().count() + contest.contenders().count()
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

/// A receipt whose contest is held again.
struct Held<'a> {
    receipt: &'a Receipt,
    before: Option<&'a Champion>,
    place: &'a Place<'a>,
    series: &'a PriceSeries,
}

impl Held<'_> {
    /// What the version is that was challenged.
    async fn specification(
        &self,
        archive: &dyn Archive,
        version: Option<&VersionId>,
    ) -> Result<Option<Specification>, Error> {
        match (version, self.before) {
            (None, _) => Ok(None),
            (Some(version), Some(before)) if before.version == *version => Ok(Some(before.specification)),
            (Some(version), _) => {
                let stored = ModelVersion::read(archive, self.place.ticker, version, None).await?;
                Ok(Some(stored.inputs.specification))
            }
        }
    }

    /// Answers with the objects that were compared.
    async fn again(&self, archive: &dyn Archive, ledger: &dyn Ledger, told: &Contest) -> Result<Vec<Key>, Error> {
        let Held { receipt, before, place, series } = *self;
        let ticker = place.ticker;
        let mut objects = Vec::new();
        // Where another run changed the champion meanwhile, the contest was held against the one before that.
        let recorded: Option<Trained> = place.result(ledger, Stage::Train).await?;
        let champion = recorded.map_or_else(|| receipt.before.clone(), |trained| trained.champion);
        let challenged = self.specification(archive, champion.as_ref()).await?;
        let contest = Contest::run(series, &place.run.configuration.backtest_plan(), challenged.as_ref());
        let contest = contest.map_err(about(ticker))?;
        if let Some(ObjectRef { key, .. }) = &receipt.archived_contest {
            compare(archive, key, &contest_bytes(&contest), "holding the contest again").await?;
            objects.push(key.clone());
        }
        let Candidates { versions, disqualified } =
            Candidates::train(&contest, series, &receipt.snapshot, before, place)?;
        let mut trained = Vec::with_capacity(versions.len());
        for version in versions {
            let (key, bytes) = (Key::model(ticker, &version.version), version.to_json());
            compare(archive, &key, &bytes, "training again from its snapshot").await?;
            objects.push(key);
            let specification = version.inputs.specification;
            trained.push(TrainedVersion { specification, version: version.version, sha256: Digest::of(&bytes) });
        }
        let contest = contest.in_short();
        same(receipt, "contest", told, &contest)?;
        let evaluated: Option<Evaluated> = place.result(ledger, Stage::Evaluate).await?;
        if let Some(evaluated) = &evaluated {
            same(receipt, "training", &receipt.training, &Some(evaluated.training.reason.clone()))?;
        }
        let failing = evaluated.and_then(|evaluated| evaluated.failing);
        let trained = Trained { champion, contest, archived_contest: None, versions: trained, disqualified };
        let (verdict, champion) = reach(place, &trained, before, failing.as_deref())?;
        same(receipt, "decider", receipt.decided_by.as_str(), RULE)?;
        same(receipt, "decision", &receipt.decision, &verdict.decision)?;
        same(receipt, "reason", &receipt.reason, &verdict.reason)?;
        same(receipt, "champion", &receipt.champion, &champion)?;
        Ok(objects)
    }
}

async fn read_configuration(archive: &dyn Archive, receipt: &Receipt) -> Result<Configuration, Error> {
    let key = Key::run(&receipt.run, "configuration.json");
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    let digest = Digest::of(&bytes);
    let wrong = |reason: String| Error::Damaged { key: key.to_string(), reason };
    if RunId::new(receipt.as_of.date(), &digest) != receipt.run {
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
fn same<T: Serialize + ?Sized>(receipt: &Receipt, part: &str, told: &T, again: &T) -> Result<(), Error> {
    let text = |value: &T| serde_json::to_string(value).expect("receipts are plain data");
    if text(told) == text(again) {
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
