use std::collections::{BTreeMap, BTreeSet};

use forecasting::Stamp;

use super::{Place, Tonight, train::LOOKED_THROUGH};
use crate::{Archive, Champion, Error, Key, Ledger, Receipt, Stage, Trained, VersionId};

/// Removes the versions of a ticker that have been out of service for more sessions than the configuration keeps them. The
/// champion stays, however old, and so do the contenders' models.
///
/// `champion` and `trained` are tonight's, which are not on record yet.
pub(super) async fn retire(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    tonight: &Tonight<'_>,
    champion: &Champion,
    trained: Option<&Trained>,
) -> Result<(), Error> {
    let Tonight { place, pointer, .. } = tonight;
    let Place { run, ticker, as_of } = **place;
    let Some(kept) = run.configuration.retention else { return Ok(()) };
    let receipts = ledger.receipts(ticker).await?;
    let last_day = last_days(&receipts);
    let newest = receipts.first().map(|receipt| &receipt.champion);
    let in_service = [Some(champion), pointer.as_ref(), newest];
    let mut serving: BTreeSet<VersionId> =
        in_service.into_iter().flatten().map(|champion| champion.version.clone()).collect();
    // What the contenders forecast with is what the next night goes on from: of each plan, its newest.
    let mut plans = Vec::new();
    let mut on_record: Vec<Trained> = trained.into_iter().cloned().collect();
    for record in ledger.history(ticker, Stage::Train, as_of, LOOKED_THROUGH).await? {
        on_record.extend(Trained::read(&record)?);
    }
    for trained in on_record {
        if !plans.contains(&trained.record.plan) {
            serving.extend(trained.versions.into_iter().map(|version| version.version));
            plans.push(trained.record.plan);
        }
    }
    for key in archive.list(&Key::models(ticker)).await? {
        let Some(version) = Key::version_of(&key).filter(|version| !serving.contains(version)) else { continue };
        // One that never served is as old as the prices it was trained on.
        let day = last_day.get(&version).copied().unwrap_or_else(|| version.as_of());
        if day < as_of && tonight.series.age(day) > kept {
            tracing::info!(%ticker, %version, "out of service since {day}: removed, as the retention says");
            archive.remove(&Key::model(ticker, &version)).await?;
        }
    }
    Ok(())
}

/// The last session that each version was in service on.
fn last_days(receipts: &[Receipt]) -> BTreeMap<VersionId, Stamp> {
    let mut last = BTreeMap::new();
    // Newest first: a version was in service until the receipt that names it as the one before.
    for receipt in receipts {
        for version in [Some(&receipt.champion.version), receipt.before.as_ref()].into_iter().flatten() {
            last.entry(version.clone()).or_insert(receipt.as_of);
        }
    }
    last
}
