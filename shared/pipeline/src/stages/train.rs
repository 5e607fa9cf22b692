use forecasting::{Contest, Specification, Ticker, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, read_snapshot},
    fetch::Snapshot,
};
use crate::{Archive, Digest, Error, Key, Ledger, ModelVersion, Run, Stage, VersionId, error::about};

/// The contest, and the versions that could enter service by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// The champion that was challenged.
    pub champion: Option<VersionId>,
    /// Everyone's scorecards.
    pub contest: Contest,
    /// The stored versions: the challenger's, and the nominee's where that is another.
    pub versions: Vec<TrainedVersion>,
}

/// A stored version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainedVersion {
    /// What it is.
    pub specification: Specification,
    /// Its id.
    pub version: VersionId,
    /// Digest of its bytes.
    pub sha256: Digest,
}

/// Selects a challenger, holds the contest, and stores the versions that the verdict may need.
///
/// Losses are measured on held-out sessions that no one has seen; the versions stored are then estimated on everything.
pub async fn train(archive: &dyn Archive, ledger: &dyn Ledger, run: &Run, ticker: &Ticker) -> Result<Trained, Error> {
    let place = Place::new(run, ticker)?;
    if let Some(trained) = place.result(ledger, Stage::Train).await? {
        return Ok(trained);
    }
    let snapshot: Snapshot = place.required(ledger, Stage::Fetch).await?;
    let series = read_snapshot(archive, ticker, &snapshot.snapshot).await?;
    let champion = champion_on(ledger, ticker, place.as_of).await?;

    let plan = run.configuration.backtest_plan();
    let incumbent = champion.as_ref().map(|champion| &champion.specification);
    let contest = Contest::run(&series, &plan, incumbent).map_err(about(ticker))?;
    let nominee = Verdict::of(&contest, run.configuration.significance).nominee;
    let mut wanted: Vec<Specification> =
        contest.challenger.iter().map(|c| c.scorecard.specification).chain(nominee).collect();
    wanted.dedup();

    let mut versions = Vec::with_capacity(wanted.len());
    for specification in wanted {
        let version = ModelVersion::train(&series, &snapshot.snapshot, run.configuration.window, specification)?;
        let bytes = version.to_json();
        archive.create(&Key::model(ticker, &version.version), &bytes).await?;
        versions.push(TrainedVersion { specification, version: version.version, sha256: Digest::of(&bytes) });
    }
    let result = Trained { champion: champion.map(|champion| champion.version), contest, versions };
    place.commit(ledger, Stage::Train, &result).await
}
