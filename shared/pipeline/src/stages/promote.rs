use forecasting::{Decision, Scorecard, Ticker, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, end_of_time},
    evaluate::Evaluated,
    fetch::Snapshot,
    train::{Trained, TrainedVersion, barred},
};
use crate::{
    Champion, Error, Ledger, Pointing, Receipt, Run, Stage,
    stored::receipt::{RECEIPT_FORMAT, Tenure},
};

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

/// Who decides where no person does.
pub(crate) const RULE: &str = "rule";

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
    let evaluated: Evaluated = place.required(ledger, Stage::Evaluate).await?;
    let trained: Trained = place.required(ledger, Stage::Train).await?;
    let pointer = ledger.champion(ticker).await?;
    let before = champion_on(ledger, ticker, place.as_of).await?;

    let standing = ledger.receipts(ticker).await?.into_iter().find(|receipt| receipt.run == run.id);
    let receipt = if let Some(receipt) = standing {
        receipt
    } else {
        let (verdict, champion) = reach(&place, &trained, before.as_ref(), evaluated.failing.as_deref())?;
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            ticker: ticker.clone(),
            run: run.id.clone(),
            as_of: place.as_of,
            decision: verdict.decision,
            reason: verdict.reason,
            training: Some(evaluated.training.reason),
            decided_by: RULE.to_owned(),
            before: before.map(|champion| champion.version),
            champion,
            contest: Some(trained.contest),
            archived_contest: trained.archived_contest,
            snapshot: snapshot.snapshot,
            configuration: run.configuration.digest(),
        };
        ledger.decide(&receipt, pointer.as_ref(), pointing(ledger, &place).await?).await?
    };
    let result = Promoted { decision: receipt.decision, reason: receipt.reason, champion: receipt.champion };
    place.commit(ledger, Stage::Promote, &result).await
}

/// A verdict moves the pointer unless a later session has been served: then it is a replay of the past.
async fn pointing(ledger: &dyn Ledger, place: &Place<'_>) -> Result<Pointing, Error> {
    let served = ledger.history(place.ticker, Stage::Forecast, end_of_time(), 1).await?;
    let overtaken = served.iter().any(|forecast| forecast.as_of > place.as_of);
    Ok(if overtaken { Pointing::Leave } else { Pointing::Move })
}

/// The verdict, and who is in service by it: it follows from what went before, so anyone can reach it again.
pub(crate) fn reach(
    place: &Place<'_>,
    trained: &Trained,
    before: Option<&Champion>,
    failing: Option<&str>,
) -> Result<(Verdict, Champion), Error> {
    let challenged = trained.champion.as_ref() == before.map(|champion| &champion.version);
    if let (Some(failed), Some(reason), true) = (before, failing, challenged)
        && let Some(back) = failed.tenure.as_ref().and_then(|tenure| tenure.predecessor.as_deref())
    {
        let reason = format!("rolled back to the {} of before: {reason}", back.specification);
        return Ok((Verdict::rollback(back.specification, reason), restored(back, failed, place)));
    }
    let verdict = if challenged {
        let barred = barred(before, &trained.disqualified, place);
        Verdict::of(&trained.contest, place.run.configuration.significance, &barred)
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
    let champion = entering(version, scorecard, before, &verdict, place);
    Ok((verdict, champion))
}

fn entering(
    version: &TrainedVersion,
    scorecard: &Scorecard,
    before: Option<&Champion>,
    verdict: &Verdict,
    place: &Place<'_>,
) -> Champion {
    let skill = scorecard.skill.map(|skill| skill.value);
    let tenure = match before {
        Some(champion) if verdict.decision == Decision::Refit => champion.tenure.clone(),
        _ => Some(Tenure {
            since: place.as_of,
            promised_skill: skill,
            predecessor: before.map(|champion| Box::new(Champion { tenure: None, ..champion.clone() })),
            deposed: None,
        }),
    };
    Champion {
        version: version.version.clone(),
        sha256: version.sha256.clone(),
        specification: version.specification,
        as_of: place.as_of,
        sequence: before.map_or(1, |champion| champion.sequence + 1),
        backtest_skill: skill,
        backtest_coverage: scorecard.coverage.clone(),
        backtest_forecasts: scorecard.forecasts(),
        multipliers: scorecard.multipliers.clone(),
        taught_until: None,
        tenure,
    }
}

/// A former champion in service again, in the place of `failed`.
pub(crate) fn restored(back: &Champion, failed: &Champion, place: &Place<'_>) -> Champion {
    Champion {
        as_of: place.as_of,
        sequence: failed.sequence + 1,
        // Its scores since then are still its own.
        taught_until: Some(back.taught_until()),
        tenure: Some(Tenure {
            since: place.as_of,
            promised_skill: back.backtest_skill,
            predecessor: None,
            deposed: Some(failed.specification).filter(|specification| *specification != back.specification),
        }),
        ..back.clone()
    }
}
