use std::collections::BTreeMap;

use forecasting::{Decision, Ticker};

use super::{
    committed::{Place, end_of_time, parse, read_snapshot},
    evaluate::can_serve,
    fetch::Snapshot,
    forecast::forecast,
    plan::{Planned, plan},
    promote::{Promoted, restored},
    report::report,
};
use crate::{
    Archive, Champion, Configuration, Error, Ledger, Pointing, Receipt, RollbackOrder, Run, Stage, Trigger, VersionId,
    stored::receipt::RECEIPT_FORMAT,
};

/// Who decides a rollback that a command asks for.
pub(crate) const PERSON: &str = "person";

/// Its reason.
pub(crate) fn in_words(back: &Champion) -> String {
    format!("rolled back to the {} at a person's word", back.specification)
}

/// Puts a version that was in service before into service again, at a person's word: a run of its own for the newest session on
/// record, with a receipt, a forecast and a report. It downloads and trains nothing.
///
/// # Errors
/// [`Error::Request`] for a version that serves already or never did; [`Error::Missing`] and [`Error::Damaged`] where it cannot
/// be read.
pub async fn rollback(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    version: &VersionId,
) -> Result<Promoted, Error> {
    let nothing = || Error::NoForecast { ticker: ticker.clone() };
    let refused = |reason: String| Error::Request { field: "version", reason };
    let pointer = ledger.champion(ticker).await?.ok_or_else(nothing)?;
    let receipts = ledger.receipts(ticker).await?;
    if pointer.version == *version {
        return match unfinished(ledger, &receipts, &pointer).await? {
            Some((run, receipt)) => finish(archive, ledger, &run, ticker, receipt.clone()).await,
            None => Err(refused(format!("{version} is in service already"))),
        };
    }
    let served = receipts.into_iter().map(|receipt| receipt.champion).find(|champion| champion.version == *version);
    let back = served.ok_or_else(|| refused(format!("{version} has never been in service for {ticker}")))?;

    // The newest prices on record: a night that decided may not have come to its forecast.
    let newest = ledger.history(ticker, Stage::Fetch, end_of_time(), 1).await?.pop().ok_or_else(nothing)?;
    let snapshot: Snapshot = parse(&newest)?;
    let former = newest.key.run;
    let entry = ledger.run(&former).await?.ok_or_else(|| Error::Missing { key: format!("run {former}") })?;
    let configuration = Configuration {
        tickers: vec![ticker.clone()],
        rollback: Some(RollbackOrder { version: version.clone(), sequence: pointer.sequence }),
        ..entry.run.configuration
    };
    let series = read_snapshot(archive, ticker, &snapshot.snapshot).await?;
    can_serve(archive, &back, &series, &configuration).await?;
    let planned = plan(archive, ledger, configuration, newest.as_of.date(), Trigger::Manual).await?;
    let (Planned::Open(entry) | Planned::Done(entry) | Planned::NoSession(entry)) = planned;
    let run = entry.run;
    let place = Place::new(&run, ticker)?;
    let snapshot: Snapshot = place.commit(ledger, Stage::Fetch, &snapshot).await?;

    let receipt = Receipt {
        format: RECEIPT_FORMAT,
        ticker: ticker.clone(),
        run: run.id.clone(),
        as_of: place.as_of,
        decision: Decision::Rollback,
        reason: in_words(&back),
        training: None,
        decided_by: PERSON.to_owned(),
        before: Some(pointer.version.clone()),
        champion: restored(&back, &pointer, &place),
        contest: None,
        archived_contest: None,
        snapshot: snapshot.snapshot,
        configuration: run.configuration.digest(),
    };
    let receipt = ledger.decide(&receipt, Some(&pointer), Pointing::Move).await?;
    finish(archive, ledger, &run, ticker, receipt).await
}

/// The run of the rollback that put the champion in service, where it was cut off before its end.
async fn unfinished<'a>(
    ledger: &dyn Ledger,
    receipts: &'a [Receipt],
    pointer: &Champion,
) -> Result<Option<(Run, &'a Receipt)>, Error> {
    let its_own = |receipt: &&Receipt| receipt.decided_by == PERSON && receipt.champion == *pointer;
    let Some(receipt) = receipts.iter().find(its_own) else { return Ok(None) };
    let entry = ledger.run(&receipt.run).await?;
    Ok(entry.filter(|entry| entry.closure.is_none()).map(|entry| (entry.run, receipt)))
}

/// After the verdict: its result, the forecast and the report.
async fn finish(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    ticker: &Ticker,
    receipt: Receipt,
) -> Result<Promoted, Error> {
    let promoted = Promoted { decision: receipt.decision, reason: receipt.reason, champion: receipt.champion };
    let promoted = Place::new(run, ticker)?.commit(ledger, Stage::Promote, &promoted).await?;
    forecast(archive, ledger, run, ticker).await?;
    report(archive, ledger, run, &BTreeMap::new(), &BTreeMap::new()).await?;
    Ok(promoted)
}
