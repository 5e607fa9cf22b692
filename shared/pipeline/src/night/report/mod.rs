mod page;

use std::collections::BTreeMap;

use forecasting::{Decision, Ticker};
use futures::future::try_join_all;

use super::{Place, StageResults, pass::READS};
use crate::{
    Archive, Closure, Digest, Error, Evaluated, Forecasted, Key, Ledger, ObjectRef, Promoted, Run, RunId, RunStatus,
    Stage, TickerStatus, TickerSummary, legible,
    records::{
        Summary, forecast_table,
        overview::{self, Overview, Standing, TickerOverview},
        score_table,
        transcript::{self, Scribe},
    },
};

/// A reason is for people; what lies behind it is in the log.
const MAX_REASON: usize = 500;

/// Closes the run from what is committed: counts, every ticker's outcome, and one table of all forecasts.
///
/// `failures` are the errors of the tickers that were tried and not completed. Writes `reports/{run}/forecasts.csv`, `scores.csv` (past forecasts that this run could score), `summary.json`,
/// `overview.json.zst`, `index.html`, `transcript.zst` and, where anything is forecast, `night.svg`; where a run is closed again with another
/// outcome, the new report's names carry their digests, and the closure names them.
pub async fn report(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    failures: &BTreeMap<Ticker, String>,
) -> Result<Closure, Error> {
    let configuration = &run.configuration;
    let Gathered { table, scores, overview, scribe } = gather(archive, ledger, run, failures).await?;
    let tickers: Vec<TickerSummary> = overview.iter().map(summarised).collect();
    let done = tickers.iter().filter(|ticker| ticker.status == TickerStatus::Done).count();
    let status = match done {
        _ if done == tickers.len() => RunStatus::Succeeded,
        0 => RunStatus::Failed,
        _ => RunStatus::Partial,
    };
    let mut closure = Closure::of(status, &tickers);
    let summary = Summary {
        format: 1,
        run: run.id.clone(),
        as_of: run.as_of,
        status,
        market: configuration.market,
        done,
        failed: closure.failed,
        skipped: closure.skipped,
        tickers,
    };
    let summary = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    let picture = picture(run, &overview);
    let packed = Overview::new(overview);
    let files = [
        ("forecasts", "csv", Some(table.as_bytes())),
        ("scores", "csv", Some(scores.as_bytes())),
        ("summary", "json", Some(&summary[..])),
        (overview::STEM, "json.zst", Some(&packed.packed()[..])),
        ("night", "svg", picture.as_deref().map(str::as_bytes)),
    ];
    let mut written = Vec::with_capacity(files.len() + 3);
    for (stem, extension, bytes) in files {
        if let Some(bytes) = bytes {
            written.push(create_beside(archive, &run.id, stem, extension, bytes).await?);
        }
    }
    closure.report = written.iter().map(|file| file.key.clone()).collect();
    closure.summary = Some(Digest::of(&summary));
    // It names the others as they are called.
    let page = page::page(run, &closure, &packed.tickers);
    written.push(create_beside(archive, &run.id, "index", "html", page.as_bytes()).await?);
    closure.report.extend(written.last().map(|page| page.key.clone()));
    written.extend(asked_to_do(archive, run).await?);
    let before = ledger.run(&run.id).await?.and_then(|entry| entry.closure?.transcript_object());
    let transcript = scribe.finish(run, &closure, written).after(archive, before).await?;
    let transcript = create_beside(archive, &run.id, transcript::STEM, "zst", &transcript).await?;
    closure.report.push(transcript.key);
    closure.transcript = Some(transcript.sha256);
    closure.seconds = ledger.attempts(&run.id).await?.iter().map(|attempt| attempt.seconds).sum();
    ledger.close_run(&run.id, &closure).await?;
    Ok(closure)
}

/// What is committed of a run's tickers.
struct Gathered {
    /// Every forecast.
    table: String,
    /// Every score of a past forecast.
    scores: String,
    overview: Vec<TickerOverview>,
    scribe: Scribe,
}

async fn gather(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    failures: &BTreeMap<Ticker, String>,
) -> Result<Gathered, Error> {
    let configuration = &run.configuration;
    let mut table = forecast_table::header(&configuration.levels);
    let mut scores = score_table::header(&configuration.levels);
    let tickers = run.tickers(archive).await?;
    let mut overview = Vec::with_capacity(tickers.len());
    let mut scribe = Scribe::new();
    for some in tickers.chunks(READS) {
        let asked: Vec<_> = some.iter().map(|ticker| ledger.of_run(&run.id, ticker)).collect();
        for (ticker, of_run) in some.iter().zip(try_join_all(asked).await?) {
            scribe.add(ticker, &of_run);
            let place = Place::new(run, ticker);
            let results = StageResults::standing(&place, of_run.results());
            if let Some(evaluated) = results.of::<Evaluated>(Stage::Evaluate)? {
                scores += &score_table::lines(ticker, &configuration.levels, &evaluated.scores);
            }
            let forecasted: Option<Forecasted> = results.of(Stage::Forecast)?;
            overview.push(match forecasted {
                Some(forecasted) => {
                    table += &forecast_table::lines(ticker, &forecasted.champion.version, &forecasted.forecast);
                    done(&place, &results, &forecasted)?
                }
                None => not_done(ticker, failures.get(ticker)),
            });
        }
    }
    Ok(Gathered { table, scores, overview, scribe })
}

fn done(place: &Place<'_>, results: &StageResults<'_>, forecasted: &Forecasted) -> Result<TickerOverview, Error> {
    let (verdict, reason) = match results.of::<Promoted>(Stage::Promote)? {
        Some(promoted) => (promoted.decision, promoted.reason),
        None => {
            let evaluated: Evaluated = results.required(Stage::Evaluate)?;
            (Decision::Keep, format!("kept without training: {}", evaluated.training.reason))
        }
    };
    Ok(TickerOverview {
        ticker: place.ticker.clone(),
        status: TickerStatus::Done,
        verdict: Some(verdict),
        reason,
        standing: Some(Standing::of(forecasted)),
    })
}

fn not_done(ticker: &Ticker, failure: Option<&String>) -> TickerOverview {
    let unknown = || "neither a result nor a failure is on record".to_owned();
    TickerOverview {
        ticker: ticker.clone(),
        status: if failure.is_some() { TickerStatus::Failed } else { TickerStatus::Skipped },
        verdict: None,
        reason: failure.map_or_else(unknown, |reason| legible(reason).chars().take(MAX_REASON).collect()),
        standing: None,
    }
}

fn summarised(overview: &TickerOverview) -> TickerSummary {
    let TickerOverview { ticker, status, verdict, reason, standing } = overview;
    TickerSummary {
        ticker: ticker.clone(),
        status: *status,
        verdict: *verdict,
        version: standing.as_ref().map(|standing| standing.version.clone()),
        reason: reason.clone(),
    }
}

/// So many fans fit into a message's picture.
const MAX_FANS: usize = 12;

/// The night's picture: the tickers whose champion changed before the others. A night without any forecast has none, and one that
/// cannot be drawn closes all the same.
fn picture(run: &Run, overview: &[TickerOverview]) -> Option<String> {
    let changed = |t: &&TickerOverview| matches!(t.verdict, Some(Decision::Promote | Decision::Rollback));
    let (first, others): (Vec<&TickerOverview>, Vec<_>) = overview.iter().partition(changed);
    let shown = first.into_iter().chain(others).filter_map(|t| Some(t.standing.as_ref()?.fan(&t.ticker)));
    let fans: Vec<pictures::Fan<'_>> = shown.take(MAX_FANS).collect();
    let done = overview.iter().filter(|t| t.status == TickerStatus::Done).count();
    let more = if done > fans.len() { format!(", {} of them here", fans.len()) } else { String::new() };
    let subtitle = format!("{done} of {} tickers done{more}", overview.len());
    let drawn = pictures::night(&format!("Night of {}", run.as_of), &subtitle, &fans, pictures::Theme::Light);
    match drawn {
        Err(pictures::Error::Empty(_)) => None,
        drawn => drawn.inspect_err(|error| tracing::warn!(%error, "the night has no picture")).ok(),
    }
}

async fn create_beside(
    archive: &dyn Archive,
    run: &RunId,
    stem: &str,
    extension: &str,
    bytes: &[u8],
) -> Result<ObjectRef, Error> {
    let sha256 = Digest::of(bytes);
    let key = Key::report(run, &format!("{stem}.{extension}"));
    match archive.create(&key, bytes).await {
        Err(Error::Conflict { .. }) => {
            let key = Key::report(run, &format!("{stem}-{}.{extension}", sha256.short()));
            archive.create(&key, bytes).await?;
            Ok(ObjectRef { key, sha256 })
        }
        other => other.map(|_| ObjectRef { key, sha256 }),
    }
}

/// What the run was asked to do, and why, as far as that is on record now.
async fn asked_to_do(archive: &dyn Archive, run: &Run) -> Result<Vec<ObjectRef>, Error> {
    let mut keys = vec![run.key(), Key::run(&run.id, "tickers.json")];
    let reasons = archive.list(&Key::reasons(&run.id)).await?;
    keys.extend(reasons.iter().map(|listed| Key::reason(&run.id, listed)));
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(bytes) = archive.read(&key).await? {
            found.push(ObjectRef { key, sha256: Digest::of(&bytes) });
        }
    }
    Ok(found)
}
