use std::collections::BTreeMap;

use forecasting::{Calibration, Decision, PriceSeries, Stamp, Ticker};

use super::{
    Known, Place, StageResults, Tonight, forecast,
    plan::{Planned, give_reason, plan},
    promote::{released, restored},
    report,
};
use crate::{
    Appended, Archive, Assignment, Champion, Configuration, Error, Key, Ledger, ModelVersion, Pointing, Programs,
    Promoted, Receipt, RollbackOrder, RunEntry, Snapshot, Stage, Trigger, VersionId,
    records::{RECEIPT_FORMAT, end_of_time},
};

/// Who decides a rollback that a command asks for.
pub(crate) const PERSON: &str = "person";

/// The reason of a rollback.
pub(crate) fn in_words(back: &Champion) -> String {
    format!("rolled back to the {} at a person's word, and pinned until it is released", back.specification)
}

/// The reason of a release.
pub(crate) fn released_in_words(pinned: &Champion) -> String {
    format!("the {} is released: from the next night on it is judged like any other", pinned.specification)
}

/// Puts a version that was in service before into service again, at a person's word: a run of its own for the newest session on
/// record, with a receipt, a forecast and a report. It downloads and trains nothing. Why, in the person's words, is kept with the run.
///
/// # Errors
/// [`Error::Request`] for a version that serves already or never did; [`Error::Missing`] and [`Error::Damaged`] where it cannot
/// be read.
pub async fn rollback(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    ticker: &Ticker,
    version: &VersionId,
    why: &str,
) -> Result<Promoted, Error> {
    let decided = Box::pin(roll_back(archive, ledger, programs, ticker, version, why)).await;
    tidied(archive, ledger, ticker, decided).await
}

async fn roll_back(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    ticker: &Ticker,
    version: &VersionId,
    why: &str,
) -> Result<Promoted, Error> {
    let nothing = || Error::NoForecast { ticker: ticker.clone() };
    let refused = |reason: String| Error::Request { field: "version", reason };
    let pointer = ledger.champion(ticker).await?.ok_or_else(nothing)?;
    let receipts = ledger.receipts(ticker).await?;
    if pointer.version == *version {
        let cut_off = finished(archive, ledger, &receipts, &pointer).await?;
        return cut_off.ok_or_else(|| refused(format!("{version} is in service already")));
    }
    let served = receipts.into_iter().map(|receipt| receipt.champion).find(|champion| champion.version == *version);
    let back = served.ok_or_else(|| refused(format!("{version} has never been in service for {ticker}")))?;

    let (newest, snapshot, former) = newest_prices(ledger, ticker).await?;
    let configuration = Configuration {
        rollback: Some(RollbackOrder { version: version.clone(), sequence: pointer.sequence }),
        release: None,
        ..former
    };
    let series = snapshot.series(archive, ticker).await?;
    can_serve(archive, &back, &series, &configuration).await?;
    let order = Order { ticker, pointer: &pointer, snapshot, newest, configuration, why };
    order
        .carry_out(archive, ledger, programs, Decision::Rollback, in_words(&back), |place| {
            restored(&back, &pointer, place)
        })
        .await
}

/// Releases a version that a rollback pinned: a run of its own for the newest session on record, with a receipt. The next night
/// judges the version like any other.
///
/// # Errors
/// [`Error::Request`] where nothing is pinned.
pub async fn release(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    ticker: &Ticker,
    why: &str,
) -> Result<Promoted, Error> {
    let decided = Box::pin(let_go(archive, ledger, programs, ticker, why)).await;
    tidied(archive, ledger, ticker, decided).await
}

async fn let_go(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    ticker: &Ticker,
    why: &str,
) -> Result<Promoted, Error> {
    let nothing = || Error::NoForecast { ticker: ticker.clone() };
    let pointer = ledger.champion(ticker).await?.ok_or_else(nothing)?;
    if !pointer.pinned {
        let receipts = ledger.receipts(ticker).await?;
        let nothing = || Error::Request { field: "ticker", reason: format!("no version of {ticker} is pinned") };
        return finished(archive, ledger, &receipts, &pointer).await?.ok_or_else(nothing);
    }
    let (newest, snapshot, former) = newest_prices(ledger, ticker).await?;
    let configuration = Configuration { rollback: None, release: Some(pointer.sequence), ..former };
    let order = Order { ticker, pointer: &pointer, snapshot, newest, configuration, why };
    let reason = released_in_words(&pointer);
    order.carry_out(archive, ledger, programs, Decision::Release, reason, |place| released(&pointer, place)).await
}

/// The newest prices on record, and what their run was asked to do: a night that decided may not have come to its forecast.
async fn newest_prices(ledger: &dyn Ledger, ticker: &Ticker) -> Result<(Stamp, Snapshot, Configuration), Error> {
    let newest = ledger.history(ticker, Stage::Fetch, end_of_time(), 1).await?.pop();
    let newest = newest.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?;
    let former = newest.key.run.clone();
    let entry = ledger.run(&former).await?.ok_or_else(|| Error::Missing { key: format!("run {former}") })?;
    Ok((newest.as_of, newest.parse()?, entry.run.configuration))
}

/// What a person decided.
struct Order<'a> {
    ticker: &'a Ticker,
    pointer: &'a Champion,
    snapshot: Snapshot,
    newest: Stamp,
    configuration: Configuration,
    /// In the person's own words.
    why: &'a str,
}

impl Order<'_> {
    async fn carry_out(
        self,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
        programs: &dyn Programs,
        decision: Decision,
        reason: String,
        champion: impl Fn(&Place<'_>) -> Champion,
    ) -> Result<Promoted, Error> {
        let Order { ticker, pointer, snapshot, newest, configuration, why } = self;
        let assignment = Assignment { tickers: vec![ticker.clone()], configuration };
        let planned = plan(archive, ledger, &assignment, newest, Trigger::Manual).await?;
        let (Planned::Open(entry) | Planned::Done(entry) | Planned::NoSession(entry)) = planned;
        let run = entry.run;
        give_reason(archive, &run.id, why).await?;
        let place = Place::new(&run, ticker);
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            ticker: ticker.clone(),
            run: run.id.clone(),
            as_of: place.as_of,
            decision,
            reason,
            training: None,
            decided_by: PERSON.to_owned(),
            before: Some(pointer.version.clone()),
            champion: champion(&place),
            judgement: None,
            contest: None,
            archived_contest: None,
            snapshot: snapshot.snapshot.clone(),
            configuration: run.assignment.clone(),
        };
        let promoted = Promoted::by(&receipt);
        let mut results = StageResults::read(ledger, &place).await?;
        let snapshot: Snapshot = results.or(Stage::Fetch, async { Ok(snapshot) }).await?;
        let tonight = Tonight::read(archive, ledger, &place, snapshot).await?;
        let known = Known { trained: None, evaluated: None };
        let forecasted = forecast(archive, ledger, programs, &tonight, &promoted.champion, known).await?;
        results.add_receipt(receipt, Pointing::Move);
        results.add(Stage::Promote, &promoted)?;
        results.add(Stage::Forecast, &forecasted)?;
        let promoted = match results.append(ledger, Some(pointer)).await? {
            Appended::Wholly => promoted,
            Appended::Stood => StageResults::read(ledger, &place).await?.required(Stage::Promote)?,
        };
        report(archive, ledger, &run, &BTreeMap::new()).await?;
        Ok(promoted)
    }
}

/// Closes what was decided of a ticker before and cut off, once there is another decision: nobody will ask for the same again.
async fn tidied(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    decided: Result<Promoted, Error>,
) -> Result<Promoted, Error> {
    if let Err(error) = &decided
        && error.is_unreachable()
        && !matches!(error, Error::ChampionMoved { .. })
    {
        return decided;
    }
    let (mut open, reason) = (ledger.runs(LOOKED_THROUGH).await?, "it was cut off, and came to nothing");
    open.retain(|RunEntry { run, closure, .. }| {
        closure.is_none() && (run.configuration.rollback.is_some() || run.configuration.release.is_some())
    });
    for RunEntry { run, .. } in open {
        let listed = archive.read(&Key::run(&run.id, "tickers.json")).await?;
        let tickers: Option<Vec<Ticker>> = listed.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if tickers.is_some_and(|tickers| tickers == [ticker.clone()]) {
            let failures = BTreeMap::from([(ticker.clone(), reason.to_owned())]);
            report(archive, ledger, &run, &failures).await?;
        }
    }
    decided
}

/// So many of the newest runs.
const LOOKED_THROUGH: usize = 50;

/// Reads a version whole and forecasts with it, before it is put into service again.
async fn can_serve(
    archive: &dyn Archive,
    champion: &Champion,
    series: &PriceSeries,
    configuration: &Configuration,
) -> Result<(), Error> {
    let version = ModelVersion::read(archive, series.ticker(), &champion.version, Some(&champion.sha256)).await?;
    // Its program will be asked.
    if version.inputs.program.is_some() {
        return Ok(());
    }
    let horizon = configuration.horizon;
    version.forecast(series, horizon, &Calibration::first(series, horizon)).map(|_| ())
}

/// Writes the report of the decision that put the champion in service, where it was cut off before that.
async fn finished(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    receipts: &[Receipt],
    pointer: &Champion,
) -> Result<Option<Promoted>, Error> {
    let its_own = |receipt: &&Receipt| receipt.decided_by == PERSON && receipt.champion == *pointer;
    let Some(receipt) = receipts.iter().find(its_own) else { return Ok(None) };
    match ledger.run(&receipt.run).await?.filter(|entry| entry.closure.is_none()) {
        None => Ok(None),
        Some(entry) => {
            report(archive, ledger, &entry.run, &BTreeMap::new()).await?;
            Ok(Some(Promoted::by(receipt)))
        }
    }
}
