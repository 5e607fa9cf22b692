use std::collections::{BTreeMap, BTreeSet};

use forecasting::TradingDay;
use jiff::civil::Date;

use super::{Place, train::LOOKED_THROUGH};
use crate::{Archive, Error, Key, Ledger, Receipt, Stage, Trained, VersionId};

/// Removes the versions of a ticker that have been out of service for more sessions than the configuration keeps them. The
/// champion stays, however old, and so do the contenders' models.
pub(crate) async fn retire(archive: &dyn Archive, ledger: &dyn Ledger, place: &Place<'_>) -> Result<(), Error> {
    let Some(kept) = place.run.configuration.retention else { return Ok(()) };
    let ticker = place.ticker;
    let receipts = ledger.receipts(ticker).await?;
    let last_day = last_days(&receipts);
    let mut serving: BTreeSet<VersionId> = BTreeSet::new();
    for champion in ledger.champion(ticker).await?.iter().chain(receipts.first().map(|receipt| &receipt.champion)) {
        serving.insert(champion.version.clone());
    }
    // What the contenders forecast with is what the next night goes on from: of each plan, its newest.
    let mut plans = Vec::new();
    for record in ledger.history(ticker, Stage::Train, place.as_of, LOOKED_THROUGH).await? {
        let Some(trained) = Trained::read(&record)?.filter(|trained| !plans.contains(&trained.record.plan)) else {
            continue;
        };
        serving.extend(trained.versions.into_iter().map(|version| version.version));
        plans.push(trained.record.plan);
    }
    for key in archive.list(&Key::models(ticker)).await? {
        let Some(version) = Key::version_of(&key).filter(|version| !serving.contains(version)) else { continue };
        // One that never served is as old as the prices it was trained on.
        let Some(day) = last_day.get(&version).copied().or_else(|| trained_on(&version)) else { continue };
        if day < place.as_of && day.sessions_until(place.as_of) > kept {
            tracing::info!(%ticker, %version, "out of service since {day}: removed, as the retention says");
            archive.remove(&Key::model(ticker, &version)).await?;
        }
    }
    Ok(())
}

/// The last session that each version was in service on.
fn last_days(receipts: &[Receipt]) -> BTreeMap<VersionId, TradingDay> {
    let mut last = BTreeMap::new();
    // Newest first: a version was in service until the receipt that names it as the one before.
    for receipt in receipts {
        for version in [Some(&receipt.champion.version), receipt.before.as_ref()].into_iter().flatten() {
            last.entry(version.clone()).or_insert(receipt.as_of);
        }
    }
    last
}

fn trained_on(version: &VersionId) -> Option<TradingDay> {
    let date: Date = version.as_str().get(..10)?.parse().ok()?;
    TradingDay::new(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_session() {
        assert_eq!(
            trained_on(&"2020-12-11-0123abcd".parse().expect("an id")).map(|d| d.to_string()).as_deref(),
            Some("2020-12-11")
        );
    }
}
