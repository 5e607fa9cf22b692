use forecasting::{Decision, Promotion, Scorecard, Seat, Verdict};

use super::{Place, StageResults, Tonight};
use crate::{
    Champion, Error, Evaluated, Ledger, Pointing, Promoted, Receipt, Stage, Trained, TrainedVersion,
    records::{RECEIPT_FORMAT, end_of_time},
};

/// Who decides where no person does.
pub(crate) const RULE: &str = "rule";

/// A verdict, and whether the champion pointer moves with it.
pub(super) struct Decided {
    pub(super) receipt: Receipt,
    pointing: Pointing,
    /// An earlier release appended it before the night's other results.
    stands: bool,
}

impl Decided {
    /// Champion pointer and receipt move together, with the night's other results.
    pub(super) fn add_to(self, results: &mut StageResults<'_>) -> Result<(), Error> {
        let promoted = Promoted::by(&self.receipt);
        if !self.stands {
            results.add_receipt(self.receipt, self.pointing);
        }
        results.add(Stage::Promote, &promoted)
    }
}

/// Reaches the verdict on the record.
pub(super) async fn promote(
    ledger: &dyn Ledger,
    tonight: &Tonight<'_>,
    results: &StageResults<'_>,
    evaluated: &Evaluated,
    trained: &Trained,
) -> Result<Decided, Error> {
    let Tonight { place, champion: before, .. } = tonight;
    let Place { run, ticker, .. } = **place;
    let pointing = pointing(ledger, place).await?;
    if results.has(Stage::Train) {
        let receipt = ledger.receipts(ticker).await?.into_iter().find(|receipt| receipt.run == run.id);
        if let Some(receipt) = receipt {
            return Ok(Decided { receipt, pointing, stands: true });
        }
    }
    let (verdict, champion) = reach(place, trained, before.as_ref())?;
    let receipt = Receipt {
        format: RECEIPT_FORMAT,
        ticker: ticker.clone(),
        run: run.id.clone(),
        as_of: place.as_of,
        decision: verdict.decision,
        reason: verdict.reason,
        training: Some(evaluated.training.reason.clone()),
        decided_by: RULE.to_owned(),
        before: before.as_ref().map(|champion| champion.version.clone()),
        champion,
        judgement: Some(trained.judgement.clone()),
        contest: None,
        archived_contest: None,
        snapshot: tonight.snapshot.snapshot.clone(),
        configuration: run.assignment.clone(),
    };
    Ok(Decided { receipt, pointing, stands: false })
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
