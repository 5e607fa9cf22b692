//! Lambda function `plan`: opens the run of an execution, and says what is to be done next.

use aws::{Cloud, DynamoLedger, S3Archive, Start, serve, write_list};
use jiff::Timestamp;
use messages::{Message, Messenger};
use pipeline::{Archive, Error, Key, Next, Pass, Planned, Run, RunId, Settings, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From the state machine: at its start, and after each pass.
#[derive(Deserialize)]
struct Event {
    /// The execution's name.
    execution: String,
    /// When it was started.
    started: Timestamp,
    /// What started it.
    input: Value,
    /// After a pass: what was to be done in it.
    #[serde(default)]
    before: Option<Before>,
}

#[derive(Deserialize)]
struct Before {
    run: RunId,
    pass: Pass,
}

/// What to do now.
#[derive(Serialize)]
struct Answer {
    /// None where the schedule is paused.
    run: Option<RunId>,
    /// None where the run was closed before, or is in other hands.
    next: Option<Next>,
    /// For whoever reads the execution's history.
    why: String,
    /// The key of the list of tickers to do it for.
    list: Option<Key>,
    pass: Option<Pass>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    serve("plan", async |event: Event| match &event.before {
        None => open(&cloud, &archive, &ledger, event).await,
        Some(Before { run, pass }) => {
            let run = ledger.opened(run).await?;
            let failures = ledger.failures(&run.id).await?;
            // By this execution, or by another that works on the same run meanwhile.
            let given_up = |ticker: &_| {
                let failure = failures.get(ticker).filter(|failure| failure.failed_at >= event.started);
                failure.is_some_and(|failure| !failure.may_pass)
            };
            let tickers = run.tickers(&archive).await?;
            answer(&archive, &run, pass.after(&ledger, &run, &tickers, given_up).await?).await
        }
    })
    .await
}

/// Opens the run, or finds it, and begins with what it lacks.
async fn open(cloud: &Cloud, archive: &S3Archive, ledger: &DynamoLedger, event: Event) -> Result<Answer, Error> {
    let settings = Settings::stored(archive).await?;
    let start = Start::of(event.input, event.started)?;
    let nothing =
        |run: Option<RunId>, why: &str| Answer { run, next: None, why: why.to_owned(), list: None, pass: None };
    let asked = start.asked(&settings, archive).await?;
    let off = asked.as_of.date().is_some_and(|day| !settings.schedule.is_on(day));
    if start.trigger == Trigger::Schedule && off {
        return Ok(nothing(None, "the schedule is paused, or not on that day, in closing-bell.toml"));
    }
    if let Some(file) = &asked.file {
        let id = RunId::new(asked.as_of, &asked.assignment.digest());
        archive.create(&Key::run(&id, "incoming.csv"), file).await?;
    }
    let planned = pipeline::plan(archive, ledger, &asked.assignment, asked.as_of, start.trigger).await?;
    let run = match planned {
        Planned::NoSession(entry) => return Ok(nothing(Some(entry.run.id), "the exchange was closed on that day")),
        Planned::Done(entry) => return Ok(nothing(Some(entry.run.id), "everything was done before")),
        Planned::Open(entry) => entry.run,
    };
    let request = start.request.unwrap_or_else(|| event.execution.clone());
    if !ledger.claim(&run.id, &request, &event.execution).await? {
        return Ok(nothing(Some(run.id), &format!("another execution was started by this request, {request}")));
    }
    tell_start(cloud, archive, &settings, &run).await;
    let first = Pass::first(ledger, &run, &asked.assignment.tickers, asked.patience).await?;
    answer(archive, &run, first).await
}

/// Archives the pass's list, for a Distributed Map to read.
async fn answer(archive: &S3Archive, run: &Run, pass: Pass) -> Result<Answer, Error> {
    let list = write_list(archive, run, &pass).await?;
    let why = match pass.next {
        Next::Fetch => format!("{} tickers are asked for", pass.tickers.len()),
        Next::Work => format!("{} tickers are ready", pass.tickers.len()),
        Next::Report => "nothing is left to do".to_owned(),
    };
    Ok(Answer { run: Some(run.id.clone()), next: Some(pass.next), why, list, pass: Some(pass) })
}

/// The night does not wait longer for a chat, and this function has a minute.
const TELLING: std::time::Duration = std::time::Duration::from_secs(20);

/// A webhook that is none, or fails, fails no run.
async fn tell_start(cloud: &Cloud, archive: &S3Archive, settings: &Settings, run: &Run) {
    let address = match cloud.webhook_address().await {
        Ok(address) => address,
        Err(error) => return tracing::warn!(%error, "the run's start is not sent"),
    };
    match Messenger::of(&settings.webhook, address.as_deref()) {
        Ok(Some(messenger)) if messenger.tells_starts() => {
            let message = Message::started(run);
            if tokio::time::timeout(TELLING, messenger.tell(archive, &message)).await.is_err() {
                tracing::warn!("the run's start is not sent: the chat took too long");
            }
        }
        Ok(_) => {}
        Err(reason) => tracing::warn!(%reason, "the run's start is not sent"),
    }
}
