use forecasting::{Barred, Contest, PriceSeries, Specification, Ticker, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, read_snapshot},
    fetch::Snapshot,
};
use crate::{
    Archive, Champion, Digest, Error, Key, Ledger, ModelVersion, ObjectRef, Run, Stage, VersionId, error::about,
};

/// The contest, and the versions that could enter service by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// The champion that was challenged.
    pub champion: Option<VersionId>,
    /// Everyone's scorecards.
    pub contest: Contest,
    /// The same with the losses at each horizon, `contests/{ticker}/...`; absent from the first contests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_contest: Option<ObjectRef>,
    /// The stored versions: the best challenger's, and the nominee's where that is another.
    pub versions: Vec<TrainedVersion>,
    /// Who competed, but cannot be trained on all prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disqualified: Vec<Barred>,
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

/// Selects a challenger of each family, holds the contest on the snapshot, and stores the versions that its verdict may
/// need, trained on all of it.
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
    let bytes = contest_bytes(&contest);
    let sha256 = Digest::of(&bytes);
    let archived = ObjectRef { key: Key::contest(ticker, place.as_of, &sha256), sha256 };
    archive.create(&archived.key, &bytes).await?;

    let mut versions = Vec::new();
    let candidates = Candidates::train(&contest, &series, &snapshot.snapshot, champion.as_ref(), &place)?;
    for version in candidates.versions {
        let bytes = version.to_json();
        archive.create(&Key::model(ticker, &version.version), &bytes).await?;
        let specification = version.inputs.specification;
        versions.push(TrainedVersion { specification, version: version.version, sha256: Digest::of(&bytes) });
    }
    let champion = champion.map(|champion| champion.version);
    let result = Trained {
        champion,
        contest: contest.in_short(),
        archived_contest: Some(archived),
        versions,
        disqualified: candidates.disqualified,
    };
    place.commit(ledger, Stage::Train, &result).await
}

/// The versions that a verdict may need.
pub(crate) struct Candidates {
    pub(crate) versions: Vec<ModelVersion>,
    /// Who was estimated at every origin, but cannot be on all prices.
    pub(crate) disqualified: Vec<Barred>,
}

impl Candidates {
    /// Trains the best challenger and the nominee. Who cannot be trained cannot be nominated: the verdict is reached again
    /// without it.
    pub(crate) fn train(
        contest: &Contest,
        series: &PriceSeries,
        snapshot: &ObjectRef,
        champion: Option<&Champion>,
        place: &Place<'_>,
    ) -> Result<Candidates, Error> {
        let configuration = &place.run.configuration;
        let mut candidates = Candidates { versions: Vec::new(), disqualified: Vec::new() };
        let best = contest.challengers.first().map(|challenger| challenger.scorecard.specification);
        let mut wanted = best;
        loop {
            if let Some(specification) = wanted
                && candidates.versions.iter().all(|version| version.inputs.specification != specification)
            {
                match ModelVersion::train(series, snapshot, configuration.window, specification) {
                    Ok(version) => candidates.versions.push(version),
                    Err(error) if specification == Specification::BASELINES[0] => return Err(error),
                    Err(error) => candidates.disqualified.push(Barred { specification, reason: error.to_string() }),
                }
            }
            let barred = barred(champion, &candidates.disqualified, place);
            let nominee = Verdict::of(contest, configuration.significance, &barred).nominee;
            let trained = |n: &Specification| candidates.versions.iter().any(|v| v.inputs.specification == *n);
            match nominee.filter(|nominee| !trained(nominee)) {
                Some(nominee) => wanted = Some(nominee),
                None => return Ok(candidates),
            }
        }
    }
}

/// What a contest is archived as.
pub(crate) fn contest_bytes(contest: &Contest) -> Vec<u8> {
    serde_json::to_vec_pretty(contest).expect("a contest is plain data")
}

/// Who may not be nominated: whoever was disqualified, and what was rolled back from until all the sessions that a contest
/// holds out have come since then.
pub(crate) fn barred(champion: Option<&Champion>, disqualified: &[Barred], place: &Place<'_>) -> Vec<Barred> {
    let tenure = champion.and_then(|champion| champion.tenure.as_ref());
    let recent = tenure.filter(|tenure| tenure.since.sessions_until(place.as_of) < place.run.configuration.holdout);
    let deposed = recent
        .and_then(|tenure| tenure.deposed)
        .map(|specification| Barred { specification, reason: "it was rolled back from not long ago".to_owned() });
    disqualified.iter().cloned().chain(deposed).collect()
}
