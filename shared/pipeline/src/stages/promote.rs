use forecasting::{Decision, Ticker, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, end_of_time},
    fetch::Snapshot,
    train::Trained,
};
use crate::{Champion, Error, Ledger, Pointing, Receipt, Run, Stage};

/// The verdict that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promoted {
    /// The decision.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Who is in service by it.
    pub champion: Champion,
}

impl Promoted {
    /// Whether another version is in service by it than before.
    pub fn changed(&self) -> bool {
        self.decision != Decision::Keep
    }
}

const RECEIPT_FORMAT: u32 = 1;

/// Reaches the verdict on the contest; champion pointer and receipt move together.
///
/// # Errors
/// [`Error::ChampionMoved`] where another run moved the pointer at the same moment: trying again then keeps its champion.
pub async fn promote(ledger: &dyn Ledger, run: &Run, ticker: &Ticker) -> Result<Promoted, Error> {
    let place = Place::new(run, ticker)?;
    if let Some(promoted) = place.result(ledger, Stage::Promote).await? {
        return Ok(promoted);
    }
    let snapshot: Snapshot = place.required(ledger, Stage::Fetch).await?;
    let trained: Trained = place.required(ledger, Stage::Train).await?;
    let pointer = ledger.champion(ticker).await?;
    let before = champion_on(ledger, ticker, place.as_of).await?;

    let standing = ledger.receipts(ticker).await?.into_iter().find(|receipt| receipt.run == run.id);
    let receipt = if let Some(receipt) = standing {
        receipt
    } else {
        let (verdict, champion) = reach(&place, &trained, before.as_ref())?;
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            ticker: ticker.clone(),
            run: run.id.clone(),
            as_of: place.as_of,
            decision: verdict.decision,
            reason: verdict.reason,
            decided_by: "rule".to_owned(),
            before: before.map(|champion| champion.version),
            champion,
            contest: trained.contest,
            snapshot: snapshot.snapshot,
            configuration: run.configuration.digest(),
        };
        let served = ledger.history(ticker, Stage::Forecast, end_of_time(), 1).await?;
        let overtaken = served.iter().any(|forecast| forecast.as_of > place.as_of);
        let pointing = if overtaken { Pointing::Leave } else { Pointing::Move };
        ledger.decide(&receipt, pointer.as_ref(), pointing).await?
    };
    let result = Promoted { decision: receipt.decision, reason: receipt.reason, champion: receipt.champion };
    place.commit(ledger, Stage::Promote, &result).await
}

/// The verdict, and who is in service by it.
fn reach(place: &Place<'_>, trained: &Trained, before: Option<&Champion>) -> Result<(Verdict, Champion), Error> {
    let verdict = if trained.champion.as_ref() == before.map(|champion| &champion.version) {
        Verdict::of(&trained.contest, place.run.configuration.significance)
    } else {
        Verdict::keep("kept: another run changed the champion after this contest was held".to_owned())
    };
    let Some(nominee) = verdict.nominee else {
        let champion = before.cloned().ok_or_else(|| Error::Missing { key: format!("{}'s champion", place.ticker) })?;
        return Ok((verdict, champion));
    };
    let missing = || Error::Missing { key: format!("the trained {nominee} of {}", place.ticker) };
    let version = trained.versions.iter().find(|version| version.specification == nominee).ok_or_else(missing)?;
    let scorecard = trained.contest.scorecard(&nominee).ok_or_else(missing)?;
    if let Some(same) = before.filter(|champion| champion.version == version.version) {
        // Trained before on the very same prices, by another run.
        let reason = format!("kept: {} is the {nominee} on these prices already", same.version);
        return Ok((Verdict::keep(reason), same.clone()));
    }
    let champion = Champion {
        version: version.version.clone(),
        sha256: version.sha256.clone(),
        specification: nominee,
        as_of: place.as_of,
        sequence: before.map_or(1, |champion| champion.sequence + 1),
        backtest_skill: scorecard.skill_against(trained.contest.random_walk()),
        backtest_coverage: scorecard.coverage.clone(),
        backtest_forecasts: scorecard.forecasts(),
    };
    Ok((verdict, champion))
}
