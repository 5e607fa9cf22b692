//! `status`: how things stand, in one look.

use std::process::ExitCode;

use forecasting::{Decision, Stamp};
use jiff::Timestamp;
use pipeline::{
    Market, RunEntry, RunStatus, TickerStatus, WATCHED_RUNS, Watched, newest_session, plain_reason, watched,
};
use serde::Serialize;

use super::{
    Failure,
    arguments::{CommonArguments, StoreArguments},
    output,
    serve::Schedule,
    settings::read_settings,
    stores::Stores,
};

/// Tickers that are named for each thing.
const NAMED: usize = 10;

/// What `status --json` prints.
#[derive(Serialize)]
struct Status {
    /// The configuration file, where there is one.
    configuration: Option<String>,
    /// Where results are kept.
    data: String,
    /// The newest day that forecasts know.
    as_of: Option<Stamp>,
    newest_run: Option<NewestRun>,
    tickers: usize,
    /// Tickers whose newest run failed them, and why.
    failed: Vec<Trouble>,
    /// Tickers whose night went well, and which need attention all the same: stale, losing, drifting, off their coverage.
    attention: Vec<Trouble>,
    /// Who changed what is in service in the newest run of each ticker.
    changed: Vec<Trouble>,
    /// Runs that are under way, or were cut off.
    open: Vec<String>,
    /// When the schedule's next night is, in its own time zone.
    next_night: Option<String>,
}

#[derive(Serialize)]
struct NewestRun {
    run: String,
    as_of: Stamp,
    status: String,
    done: usize,
    failed: usize,
    closed_at: Option<String>,
}

#[derive(Serialize)]
struct Trouble {
    ticker: String,
    reason: String,
}

pub(super) async fn status(common: &CommonArguments) -> Result<ExitCode, Failure> {
    let store = common.store().map_err(Failure::Usage)?;
    let file = common.config();
    let settings = read_settings(file.as_deref(), &[])?;
    let schedule = Schedule::new(&settings.schedule).map_err(Failure::Usage)?;
    let next_night = settings.schedule.enabled.then(|| schedule.next_after(Timestamp::now())).flatten();
    let configuration = file.map(|file| file.display().to_string());
    let Stores { archive, ledger, .. } = match Stores::read(&store.place).await {
        Ok(stores) => stores,
        Err(Failure::Failed(text)) if !store.place.in_cloud() && !store.place.data.exists() => {
            return Ok(nothing_yet(&store, configuration.as_deref(), &text));
        }
        Err(failure) => return Err(failure),
    };
    let Watched { runs, tickers } = watched(&*archive, &*ledger, WATCHED_RUNS).await?;
    // Recorded prices do not get newer, so that no night begins by itself.
    let next_night =
        next_night.filter(|_| runs.first().is_none_or(|entry| entry.run.configuration.market != Market::Recorded));
    let trouble = |row: &pipeline::WatchedTicker| Trouble {
        ticker: row.ticker.to_string(),
        reason: plain_reason(&row.ticker, &row.reason).to_owned(),
    };
    let has_changed = |row: &&pipeline::WatchedTicker| {
        matches!(row.verdict, Some(Decision::Promote | Decision::Demote | Decision::Rollback | Decision::Release))
    };
    let as_of = newest_session(&runs);
    let done = || tickers.iter().filter(|row| row.status == TickerStatus::Done);
    let needs = |row: &pipeline::WatchedTicker| {
        let troubles = row.troubles(as_of);
        (!troubles.is_empty()).then(|| Trouble { ticker: row.ticker.to_string(), reason: troubles.join("; ") })
    };
    let status = Status {
        configuration,
        data: place(&store),
        as_of,
        newest_run: runs.iter().find_map(newest_run),
        tickers: tickers.len(),
        failed: tickers.iter().filter(|row| row.status != TickerStatus::Done).map(trouble).collect(),
        attention: done().filter_map(needs).collect(),
        changed: done().filter(has_changed).map(trouble).collect(),
        open: runs.iter().filter(|entry| entry.closure.is_none()).map(|entry| entry.run.id.to_string()).collect(),
        next_night,
    };
    if store.json {
        output::json(&status);
    } else {
        in_words(&status);
    }
    Ok(if status.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn place(store: &StoreArguments) -> String {
    match &store.place.store {
        Some(bucket) => format!("s3://{}", bucket.0),
        None => store.place.data.display().to_string(),
    }
}

fn nothing_yet(store: &StoreArguments, configuration: Option<&str>, why: &str) -> ExitCode {
    if store.json {
        output::json(&serde_json::json!({ "configuration": configuration, "data": place(store), "tickers": 0 }));
    } else {
        output::print(&format!("{why}."));
        output::print("`closing-bell run` holds a first night; `closing-bell init` writes a configuration.");
    }
    ExitCode::SUCCESS
}

/// A day without a session is none.
fn newest_run(entry: &RunEntry) -> Option<NewestRun> {
    let closure = entry.closure.as_ref().filter(|closure| closure.status != RunStatus::NoSession)?;
    Some(NewestRun {
        run: entry.run.id.to_string(),
        as_of: entry.run.as_of,
        status: closure.status.to_string(),
        done: closure.done,
        failed: closure.failed + closure.skipped,
        closed_at: entry.closed_at.clone(),
    })
}

fn in_words(status: &Status) {
    let as_of = status.as_of.map_or_else(|| "nothing".to_owned(), |as_of| as_of.to_string());
    let tickers = output::counted(status.tickers, "ticker");
    output::print(&format!("{tickers}, forecasts as of {as_of}, in {}", status.data));
    if let Some(NewestRun { run, as_of, status, done, failed, closed_at }) = &status.newest_run {
        let closed = closed_at.as_deref().and_then(|at| at.get(..16)).unwrap_or_default().replace('T', " ");
        output::print(&format!(
            "Newest run {run} of {as_of}: {status}, {done} done, {failed} failed, closed {closed} UTC"
        ));
    }
    for run in &status.open {
        output::print(&format!("Under way, or cut off: {run} (the same command again goes on)"));
    }
    list("Failed", &status.failed);
    list("Needs attention", &status.attention);
    list("Changed", &status.changed);
    if status.failed.is_empty() && status.open.is_empty() {
        let steady = status.attention.is_empty();
        output::print(if steady { "Nothing failed, and nothing needs attention." } else { "Nothing failed." });
    }
    match &status.next_night {
        Some(next) => output::print(&format!("Next night under `closing-bell serve`: {next}")),
        None => output::print("No night begins by itself: none is scheduled, or the prices are recorded ones."),
    }
}

fn list(title: &str, troubles: &[Trouble]) {
    for Trouble { ticker, reason } in troubles.iter().take(NAMED) {
        output::print(&format!("{title}: {ticker}: {reason}"));
    }
    if troubles.len() > NAMED {
        output::print(&format!("{title}: and {} more", troubles.len() - NAMED));
    }
}
