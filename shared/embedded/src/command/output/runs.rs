//! Runs, as they are printed.

use std::collections::BTreeMap;

use forecasting::{Decision, Stamp, Ticker, price};
use pipeline::{
    Archive, Closure, Error, Forecasted, Ledger, RunEntry, RunId, RunStatus, Stage, StageKey, TickerStatus,
    TickerSummary, Trigger, plain_reason,
};
use serde::Serialize;

use super::{percent, print, table, tabulate};

/// What `run --json` prints.
#[derive(Serialize)]
pub(in crate::command) struct RunOutput<'a> {
    run: &'a RunId,
    as_of: Stamp,
    status: String,
    tickers: Vec<TickerOutput>,
}

#[derive(Serialize)]
struct TickerOutput {
    #[serde(flatten)]
    summary: TickerSummary,
    seconds: f64,
}

impl<'a> RunOutput<'a> {
    pub(in crate::command) async fn of(
        entry: &'a RunEntry,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
    ) -> Result<RunOutput<'a>, Error> {
        let mut seconds: BTreeMap<Ticker, f64> = BTreeMap::new();
        for attempt in ledger.attempts(&entry.run.id).await? {
            *seconds.entry(attempt.ticker).or_default() += attempt.seconds;
        }
        let outcomes = match &entry.closure {
            Some(closure) => closure.outcomes(archive).await?,
            None => Vec::new(),
        };
        let seconds = |ticker: &Ticker| seconds.get(ticker).copied().unwrap_or_default();
        let tickers = outcomes.into_iter().map(|summary| TickerOutput { seconds: seconds(&summary.ticker), summary });
        Ok(RunOutput { run: &entry.run.id, as_of: entry.run.as_of, status: status(entry), tickers: tickers.collect() })
    }
}

/// What `runs --json` prints for each run.
#[derive(Serialize)]
pub(in crate::command) struct RunListing<'a> {
    #[serde(flatten)]
    run: RunOutput<'a>,
    trigger: Trigger,
    opened_at: &'a str,
    closed_at: Option<&'a str>,
}

impl<'a> RunListing<'a> {
    pub(in crate::command) async fn of(
        entry: &'a RunEntry,
        archive: &dyn Archive,
        ledger: &dyn Ledger,
    ) -> Result<RunListing<'a>, Error> {
        Ok(RunListing {
            run: RunOutput::of(entry, archive, ledger).await?,
            trigger: entry.run.trigger,
            opened_at: &entry.opened_at,
            closed_at: entry.closed_at.as_deref(),
        })
    }
}

fn status(entry: &RunEntry) -> String {
    entry.closure.as_ref().map_or_else(|| "open".to_owned(), |closure| closure.status.to_string())
}

/// The table at the end of a night.
pub(in crate::command) async fn night(
    entry: &RunEntry,
    output: &RunOutput<'_>,
    ledger: &dyn Ledger,
) -> Result<(), Error> {
    let RunOutput { run, as_of, status, tickers } = output;
    if entry.closure.as_ref().is_some_and(|closure| closure.status == RunStatus::NoSession) {
        print(&format!("The exchange was closed on {as_of}: no session, nothing to do."));
        return Ok(());
    }
    let first_level = entry.run.configuration.levels.first().map(|level| format!("{level} % interval"));
    let interval = first_level.unwrap_or_default();
    let values = !entry.run.configuration.kind.is_price();
    let (last, next) = if values { ("Last value", "Next period") } else { ("Last close", "Next session") };
    let header = ["Ticker", last, next, "Forecast", &interval, "Model", "Verdict", "Skill", "Seconds"];
    let mut rows = table(&header, &[1, 3, 4, 7, 8]);
    for TickerOutput { summary, seconds } in tickers {
        let key = StageKey { run: (*run).clone(), ticker: summary.ticker.clone(), stage: Stage::Forecast };
        let Some(record) = ledger.committed(&key).await? else { continue };
        let forecasted: Forecasted = record.parse()?;
        let Some(next) = forecasted.forecast.steps.first().map(|step| &step.served) else { continue };
        let interval =
            next.intervals.first().map(|i| format!("{} - {}", price(i.lower), price(i.upper))).unwrap_or_default();
        rows.add_row([
            summary.ticker.to_string(),
            price(forecasted.forecast.price),
            next.date.to_string(),
            price(next.mean),
            interval,
            forecasted.champion.specification.to_string(),
            summary.verdict.map_or("-", Decision::as_str).to_owned(),
            percent(forecasted.champion.record_skill),
            format!("{seconds:.2}"),
        ]);
    }
    if rows.row_count() > 0 {
        tabulate(&mut rows);
    }
    let done = tickers.iter().filter(|ticker| ticker.summary.status == TickerStatus::Done).count();
    print(&format!("Run {run}, as of {as_of}: {status}, {done} of {} tickers done.", tickers.len()));
    if done > 0 {
        let measure = if values { "the (seasonal) naive forecast" } else { "a random walk" };
        print(&format!("Skill is against {measure}, on the track record. This is no investment advice."));
    }
    for ticker in tickers.iter().filter(|ticker| ticker.summary.status != TickerStatus::Done) {
        print(&failure(&ticker.summary));
    }
    Ok(())
}

/// One line for a ticker that is not done.
fn failure(TickerSummary { ticker, status, reason, .. }: &TickerSummary) -> String {
    let what = if *status == TickerStatus::Failed { "Failed" } else { "Skipped" };
    format!("{what}: {ticker}: {}", plain_reason(ticker, reason))
}

/// What failed in one night of a backfill.
pub(in crate::command) fn troubles(RunOutput { as_of, tickers, .. }: &RunOutput<'_>) {
    for ticker in tickers.iter().filter(|ticker| ticker.summary.status != TickerStatus::Done) {
        print(&format!("{as_of} {}", failure(&ticker.summary)));
    }
}

pub(in crate::command) fn runs(entries: &[RunEntry]) {
    let header = [
        "As of",
        "Run",
        "Trigger",
        "Status",
        "Done",
        "Failed",
        "Promoted",
        "Demoted",
        "Kept",
        "By a person",
        "Closed at",
    ];
    let mut rows = table(&header, &[4, 5, 6, 7, 8, 9]);
    for entry in entries {
        let number = |of: &dyn Fn(&Closure) -> usize| entry.closure.as_ref().map_or(0, of).to_string();
        let verdicts = |decisions: &[Decision]| number(&|closure| closure.verdicts(decisions));
        rows.add_row([
            entry.run.as_of.to_string(),
            entry.run.id.to_string(),
            format!("{:?}", entry.run.trigger).to_lowercase(),
            status(entry),
            number(&|closure| closure.done),
            number(&|closure| closure.failed),
            verdicts(&[Decision::Promote]),
            verdicts(&[Decision::Demote]),
            // A refit was what earlier releases called a keep on newer data.
            verdicts(&[Decision::Keep, Decision::Refit]),
            verdicts(&[Decision::Rollback, Decision::Release]),
            entry.closed_at.clone().unwrap_or_default(),
        ]);
    }
    tabulate(&mut rows);
}
