//! Lambda function `plan`: opens the run of an execution, and says what is left to do.

use aws::{Cloud, DynamoLedger, S3Archive, Start, serve};
use forecasting::Ticker;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use messages::{Message, Messenger};
use pipeline::{Archive, Digest, Error, Key, Ledger, Planned, Run, RunId, Settings, Stage, StageKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From the state machine: at its start, and after each pass of `fetch`.
#[derive(Deserialize)]
struct Event {
    /// The execution's name.
    execution: String,
    /// When it was started.
    started: Timestamp,
    /// What started it.
    input: Value,
    /// After a pass of `fetch`: its plan.
    #[serde(default)]
    before: Option<Before>,
}

#[derive(Deserialize)]
struct Before {
    run: RunId,
    settle: bool,
    asks_left: u32,
    wait_seconds: u64,
}

/// What to do now.
#[derive(Serialize)]
struct Answer {
    next: Next,
    run: RunId,
    /// For whoever reads the execution's history.
    why: String,
    /// The key of the list of tickers to do it for.
    list: Option<Key>,
    /// Whether `fetch` is to go on with the prices that are known.
    settle: bool,
    /// Whether it is asked for the last time.
    last_ask: bool,
    asks_left: u32,
    wait_seconds: u64,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Next {
    /// The exchange was closed, or everything was done before, or another execution has this request in hand.
    Nothing,
    /// Fetch the tickers on the list.
    Fetch,
    /// Work on the tickers on the list, from `evaluate` to `forecast`.
    Work,
    /// No ticker is left: close the run.
    Report,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    serve("plan", async |event: Event| match &event.before {
        None => open(&archive, &ledger, event).await,
        Some(before) => {
            let run = ledger.opened(&before.run).await?;
            after_fetch(&archive, &ledger, &run, event.started, before).await
        }
    })
    .await
}

/// Opens the run, or finds it, and lists the tickers whose prices it lacks.
async fn open(archive: &S3Archive, ledger: &DynamoLedger, event: Event) -> Result<Answer, Error> {
    let settings = Settings::stored(archive).await?;
    let start = Start::of(event.input, event.started)?;
    let asked = start.asked(&settings, archive).await?;
    if let Some(file) = &asked.file {
        let id = RunId::new(asked.as_of, &asked.configuration.digest());
        archive.create(&Key::run(&id, "incoming.csv"), file).await?;
    }
    let (asks, pause) = asked.patience.passes();
    let wait_seconds = pause.as_secs();
    let planned = pipeline::plan(archive, ledger, asked.configuration, asked.as_of, start.trigger).await?;
    let nothing = |run: RunId, why: String| Answer {
        next: Next::Nothing,
        run,
        why,
        list: None,
        settle: false,
        last_ask: false,
        asks_left: 0,
        wait_seconds: 0,
    };
    let run = match planned {
        Planned::NoSession(entry) => {
            return Ok(nothing(entry.run.id, "the exchange was closed on that day".to_owned()));
        }
        Planned::Done(entry) => return Ok(nothing(entry.run.id, "everything was done before".to_owned())),
        Planned::Open(entry) => entry.run,
    };
    let request = start.request.unwrap_or_else(|| event.execution.clone());
    if !ledger.claim(&run.id, &request, &event.execution).await? {
        return Ok(nothing(run.id, format!("another execution was started by this request, {request}")));
    }
    tell_start(archive, &settings, &run).await;
    let before = Before { run: run.id.clone(), settle: asked.patience.settle, asks_left: asks, wait_seconds };
    let lacking = lacking(ledger, &run, Stage::Fetch).await?;
    if lacking.is_empty() {
        return after_fetch(archive, ledger, &run, event.started, &before).await;
    }
    ask(archive, &run, &lacking, asks, &before).await
}

/// The night does not wait longer for a chat, and this function has a minute.
const TELLING: std::time::Duration = std::time::Duration::from_secs(20);

/// A webhook that is none, or fails, fails no run.
async fn tell_start(archive: &S3Archive, settings: &Settings, run: &Run) {
    match Messenger::of(&settings.webhook, None) {
        Ok(Some(messenger)) if messenger.tells_starts() => {
            let message = Message::started(run);
            if tokio::time::timeout(TELLING, messenger.tell(archive, &message)).await.is_err() {
                tracing::warn!("the run's start is not told: the chat took too long");
            }
        }
        Ok(_) => {}
        Err(reason) => tracing::warn!(%reason, "the run's start is not told"),
    }
}

/// While some lack their prices and may still get them, they alone are asked for again; then the work begins.
async fn after_fetch(
    archive: &S3Archive,
    ledger: &DynamoLedger,
    run: &Run,
    started: Timestamp,
    before: &Before,
) -> Result<Answer, Error> {
    let failures = ledger.failures(&run.id).await?;
    // By this execution, or by another that works on the same run meanwhile.
    let given_up = |ticker: &Ticker| failures.get(ticker).is_some_and(|failure| failure.failed_at >= started);
    let mut later = lacking(ledger, run, Stage::Fetch).await?;
    later.retain(|ticker| !given_up(ticker));
    if !later.is_empty() && before.asks_left > 0 {
        return ask(archive, run, &later, before.asks_left - 1, before).await;
    }
    let mut ready = lacking(ledger, run, Stage::Forecast).await?;
    ready.retain(|ticker| !given_up(ticker) && !later.contains(ticker));
    let (next, list) = if ready.is_empty() {
        (Next::Report, None)
    } else {
        let batches: Vec<Batch<'_>> = ready.chunks(BATCH).map(|tickers| Batch { tickers }).collect();
        (Next::Work, Some(write_list(archive, run, "work", &batches).await?))
    };
    let why = format!("{} tickers are ready", ready.len());
    Ok(Answer {
        next,
        run: run.id.clone(),
        why,
        list,
        settle: true,
        last_ask: true,
        asks_left: 0,
        wait_seconds: before.wait_seconds,
    })
}

/// One pass of `fetch` for these tickers, after which there are so many left.
async fn ask(
    archive: &S3Archive,
    run: &Run,
    tickers: &[Ticker],
    asks_left: u32,
    before: &Before,
) -> Result<Answer, Error> {
    let last_ask = asks_left == 0;
    Ok(Answer {
        next: Next::Fetch,
        run: run.id.clone(),
        why: format!("{} tickers lack their prices", tickers.len()),
        list: Some(write_list(archive, run, "fetch", tickers).await?),
        settle: before.settle || last_ask,
        last_ask,
        asks_left,
        wait_seconds: before.wait_seconds,
    })
}

/// Reads at the same time: a watchlist of hundreds is asked about in a second.
const READS: usize = 32;

/// The run's tickers that have no result of this stage yet, in order.
async fn lacking(ledger: &dyn Ledger, run: &Run, stage: Stage) -> Result<Vec<Ticker>, Error> {
    let asked = run.configuration.tickers.iter().map(|ticker| async move {
        let key = StageKey { run: run.id.clone(), ticker: ticker.clone(), stage };
        ledger.committed(&key).await.map(|result| result.is_none().then(|| ticker.clone()))
    });
    let answers: Vec<Option<Ticker>> = stream::iter(asked).buffered(READS).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Tickers that one call of `train` works on: few enough for its time, and for all of them to be tried alone where it fails.
const BATCH: usize = 5;

/// An item of the list for `train`.
#[derive(Serialize)]
struct Batch<'a> {
    tickers: &'a [Ticker],
}

/// Archives a list for a Distributed Map to read.
async fn write_list(archive: &dyn Archive, run: &Run, what: &str, items: &[impl Serialize]) -> Result<Key, Error> {
    let bytes = serde_json::to_vec(items).expect("tickers are plain data");
    let key = Key::run(&run.id, &format!("{what}-{}.json", Digest::of(&bytes).short()));
    archive.create(&key, &bytes).await?;
    Ok(key)
}
