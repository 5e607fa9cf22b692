use std::collections::BTreeMap;

use forecasting::{Decision, Ticker};
use jiff::civil::Date;
use serde::Serialize;

use super::{committed::Place, evaluate::Evaluated, promote::Promoted};
use crate::{
    Archive, Closure, Digest, Error, Forecasted, Key, Ledger, Run, RunId, RunStatus, Stage, TickerStatus,
    TickerSummary,
    stored::{forecast_table, score_table},
};

/// `reports/{run}/summary.json`
#[derive(Serialize)]
struct Summary<'a> {
    format: u32,
    run: &'a RunId,
    as_of: Date,
    status: RunStatus,
    market: &'a str,
    done: usize,
    failed: usize,
    skipped: usize,
    tickers: &'a [TickerSummary],
}

/// A reason is for people; what lies behind it is in the log.
const LONGEST_REASON: usize = 500;

/// Closes the run from what is committed: counts, every ticker's outcome, and one table of all forecasts.
///
/// `failures` are the errors of the tickers that were tried and not completed; `seconds` how long each ticker took.
/// Writes `reports/{run}/forecasts.csv`, `scores.csv` (past forecasts that this run could score) and `summary.json`; where a run is closed again with another outcome, the new
/// report's name carries its digest, and the closure names it.
pub async fn report(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    failures: &BTreeMap<Ticker, String>,
    seconds: &BTreeMap<Ticker, f64>,
) -> Result<Closure, Error> {
    let configuration = &run.configuration;
    let mut table = forecast_table::header(&configuration.levels);
    let mut scores = score_table::header(&configuration.levels);
    let mut tickers = Vec::with_capacity(configuration.tickers.len());
    for ticker in &configuration.tickers {
        let place = Place::new(run, ticker)?;
        if let Some(evaluated) = place.result::<Evaluated>(ledger, Stage::Evaluate).await? {
            scores += &score_table::lines(ticker, &configuration.levels, &evaluated.scores);
        }
        let forecasted: Option<Forecasted> = place.result(ledger, Stage::Forecast).await?;
        tickers.push(match forecasted {
            Some(forecasted) => {
                table += &forecast_table::lines(ticker, &forecasted.champion.version, &forecasted.forecast);
                done(ledger, &place, forecasted).await?
            }
            None => TickerSummary {
                ticker: ticker.clone(),
                status: if failures.contains_key(ticker) { TickerStatus::Failed } else { TickerStatus::Skipped },
                verdict: None,
                version: None,
                reason: failures.get(ticker).map_or_else(
                    || "neither a result nor a failure is on record".to_owned(),
                    |reason| reason.chars().take(LONGEST_REASON).collect(),
                ),
            },
        });
    }
    let count = |status: TickerStatus| tickers.iter().filter(|t| t.status == status).count();
    let done = count(TickerStatus::Done);
    let status = if done == tickers.len() { RunStatus::Closed } else { RunStatus::Partial };
    let summary = Summary {
        format: 1,
        run: &run.id,
        as_of: run.as_of,
        status,
        market: &configuration.market,
        done,
        failed: count(TickerStatus::Failed),
        skipped: count(TickerStatus::Skipped),
        tickers: &tickers,
    };
    let summary = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    let report = vec![
        create_beside(archive, &run.id, "forecasts", "csv", table.as_bytes()).await?,
        create_beside(archive, &run.id, "scores", "csv", scores.as_bytes()).await?,
        create_beside(archive, &run.id, "summary", "json", &summary).await?,
    ];
    let closure = Closure { status, seconds: all_seconds(ledger, run, &tickers, seconds).await?, tickers, report };
    ledger.close_run(&run.id, &closure).await?;
    Ok(closure)
}

async fn done(ledger: &dyn Ledger, place: &Place<'_>, forecasted: Forecasted) -> Result<TickerSummary, Error> {
    let (verdict, reason) = match place.result::<Promoted>(ledger, Stage::Promote).await? {
        Some(promoted) => (promoted.decision, promoted.reason),
        None => {
            let evaluated: Evaluated = place.required(ledger, Stage::Evaluate).await?;
            (Decision::Keep, format!("kept without training: {}", evaluated.training.reason))
        }
    };
    Ok(TickerSummary {
        ticker: place.ticker.clone(),
        status: TickerStatus::Done,
        verdict: Some(verdict),
        version: Some(forecasted.champion.version),
        reason,
    })
}

async fn create_beside(
    archive: &dyn Archive,
    run: &RunId,
    stem: &str,
    extension: &str,
    bytes: &[u8],
) -> Result<Key, Error> {
    let key = Key::report(run, &format!("{stem}.{extension}"));
    match archive.create(&key, bytes).await {
        Err(Error::Conflict { .. }) => {
            let key = Key::report(run, &format!("{stem}-{}.{extension}", Digest::of(bytes).short()));
            archive.create(&key, bytes).await?;
            Ok(key)
        }
        other => other.map(|_| key),
    }
}

/// How long each ticker took: this time, where it was still to do; otherwise when it was done.
async fn all_seconds(
    ledger: &dyn Ledger,
    run: &Run,
    tickers: &[TickerSummary],
    now: &BTreeMap<Ticker, f64>,
) -> Result<Vec<f64>, Error> {
    let former = ledger.run(&run.id).await?.and_then(|entry| entry.closure);
    let before = |ticker: &Ticker| {
        let former = former.as_ref()?;
        let place = former.tickers.iter().position(|t| t.ticker == *ticker && t.status == TickerStatus::Done)?;
        former.seconds.get(place).copied()
    };
    let seconds = |t: &TickerSummary| before(&t.ticker).or(now.get(&t.ticker).copied()).unwrap_or(0.0);
    Ok(tickers.iter().map(seconds).collect())
}
