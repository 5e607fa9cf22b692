use forecasting::Stamp;

use crate::{
    Archive, Assignment, Closure, Digest, Error, Key, Ledger, Run, RunEntry, RunId, RunStatus, Trigger, calendars,
    know_each_other,
};

/// What there is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// The exchange was closed on that day; the run is closed as "no session".
    NoSession(RunEntry),
    /// Everything was done before.
    Done(RunEntry),
    /// The run is open: each of its tickers is to be worked on.
    Open(RunEntry),
}

/// Opens the run of an assignment for a day, or finds it.
///
/// Writes `runs/{run}/configuration.json` and `runs/{run}/tickers.json` before the ledger knows of the run, so a run on
/// record always has them.
pub async fn plan(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    assignment: &Assignment,
    as_of: Stamp,
    trigger: Trigger,
) -> Result<Planned, Error> {
    if ledger.runs(1).await?.is_empty() {
        // The first of all nights, or a ledger that was lost.
        know_each_other(archive, ledger).await?;
    }
    let run = Run::new(as_of, trigger, assignment);
    calendars::keep(archive, &assignment.configuration).await?;
    archive.create(&run.key(), &assignment.to_json()).await?;
    let tickers = serde_json::to_vec(&assignment.tickers).expect("tickers are plain data");
    archive.create(&Key::run(&run.id, "tickers.json"), &tickers).await?;

    let entry = ledger.open_run(&run).await?;
    match entry.closure.as_ref().map(|closure| closure.status) {
        Some(RunStatus::NoSession) => Ok(Planned::NoSession(entry)),
        Some(RunStatus::Succeeded) => Ok(Planned::Done(entry)),
        Some(RunStatus::Partial | RunStatus::Failed) => Ok(Planned::Open(entry)),
        None if assignment.configuration.has_period(as_of) => Ok(Planned::Open(entry)),
        None => {
            let closure = Closure::of(RunStatus::NoSession, &[]);
            ledger.close_run(&run.id, &closure).await?;
            Ok(Planned::NoSession(RunEntry { closure: Some(closure), ..entry }))
        }
    }
}

/// Keeps why someone asked for a run, in their own words, beside what it was asked to do.
///
/// # Errors
/// The archive's.
pub async fn give_reason(archive: &dyn Archive, run: &RunId, why: &str) -> Result<(), Error> {
    if why.is_empty() {
        return Ok(());
    }
    let name = format!("reason-{}.txt", Digest::of(why.as_bytes()).short());
    archive.create(&Key::run(run, &name), why.as_bytes()).await.map(|_| ())
}
