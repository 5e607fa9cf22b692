use forecasting::{Decision, Promotion, Scorecard, Seat, Verdict};

use super::{Place, Tonight};
use crate::{
    Champion, Error, Evaluated, Ledger, Pointing, Promoted, Receipt, Stage, Trained, TrainedVersion,
    records::{RECEIPT_FORMAT, champion_on, end_of_time},
};

/// Who decides where no person does.
pub(crate) const RULE: &str = "rule";

/// Reaches the verdict on the record; champion pointer and receipt move together.
///
/// # Errors
/// [`Error::ChampionMoved`] where another run moved the pointer at the same moment: trying again then keeps its champion.
pub(super) async fn promote(ledger: &dyn Ledger, tonight: &Tonight<'_>) -> Result<Promoted, Error> {
    let place = &tonight.place;
    let Place { run, ticker, .. } = *place;
    if let Some(promoted) = place.result(ledger, Stage::Promote).await? {
        return Ok(promoted);
    }
    let evaluated: Evaluated = place.required(ledger, Stage::Evaluate).await?;
    let trained: Trained = place.required(ledger, Stage::Train).await?;
    let pointer = ledger.champion(ticker).await?;
    let before = champion_on(ledger, ticker, place.as_of).await?;

    let standing = ledger.receipt(ticker, &run.id).await?;
    let receipt = if let Some(receipt) = standing {
        receipt
    } else {
        let (verdict, champion) = reach(place, &trained, before.as_ref())?;
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
            judgement: Some(trained.judgement),
            contest: None,
            archived_contest: None,
            snapshot: tonight.snapshot.snapshot.clone(),
            configuration: run.assignment.clone(),
        };
        ledger.decide(&receipt, pointer.as_ref(), pointing(ledger, place).await?).await?
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
) -> Result<(Verdict, Champion), Error> {
    let promotion = place.run.configuration.promotion;
    // Who came without being asked for evidence must prove itself where evidence is asked again.
    let proven = |champion: &&Champion| !champion.unproven || promotion == Promotion::Always;
    let seat = before.filter(proven).and_then(|champion| champion.seat.as_ref());
    if let Some(before) = before {
        let contender = before.contender();
        let kept = |reason: String| Ok((Verdict { decision: Decision::Keep, contender, reason }, before.clone()));
        if trained.champion.as_ref() != Some(&before.version) {
            return kept("another run changed the champion after the record was judged".to_owned());
        }
        if before.pinned {
            return kept(format!("{} is pinned by a person until it is released", before.version));
        }
    }
    let verdict = Verdict::of(&trained.judgement, seat, promotion);
    let missing = || Error::Missing { key: format!("the model of {} for {}", verdict.contender, place.ticker) };
    let version = trained.version(verdict.contender).ok_or_else(missing)?;
    if let Some(same) = before.filter(|champion| champion.version == version.version && seat.is_some()) {
        return Ok((verdict, same.clone()));
    }
    let scorecard = trained.judgement.scorecard(verdict.contender);
    let seat = Seat::after(seat, &verdict, &trained.judgement, place.as_of);
    let unproven = promotion == Promotion::Always;
    Ok((verdict, entering(version, scorecard, before, seat, unproven, place)))
}

fn entering(
    version: &TrainedVersion,
    scorecard: Option<&Scorecard>,
    before: Option<&Champion>,
    seat: Seat,
    unproven: bool,
    place: &Place<'_>,
) -> Champion {
    Champion {
        version: version.version.clone(),
        sha256: version.sha256.clone(),
        specification: version.specification,
        as_of: place.as_of,
        sequence: before.map_or(1, |champion| champion.sequence + 1),
        record_skill: scorecard.and_then(|card| card.skill).map(|skill| skill.value),
        record_coverage: scorecard.map(|card| card.coverage.clone()).unwrap_or_default(),
        record_forecasts: scorecard.map_or(0, Scorecard::forecasts),
        record_error: scorecard.map(|card| card.mae),
        seat: Some(seat),
        pinned: false,
        unproven,
    }
}

/// A former champion in service again, in the place of `failed`: pinned, until it is released.
pub(crate) fn restored(back: &Champion, failed: &Champion, place: &Place<'_>) -> Champion {
    // Who has been dropped since stays so.
    let deposed = failed.seat.as_ref().map(|seat| seat.deposed.clone()).unwrap_or_default();
    let seat = back.seat.as_ref().map(|seat| Seat { since: place.as_of, deposed, ..seat.clone() });
    Champion { as_of: place.as_of, sequence: failed.sequence + 1, seat, pinned: true, ..back.clone() }
}

/// A pinned champion that is released: the next night judges it like any other.
pub(crate) fn released(pinned: &Champion, place: &Place<'_>) -> Champion {
    Champion { as_of: place.as_of, sequence: pinned.sequence + 1, pinned: false, ..pinned.clone() }
}
