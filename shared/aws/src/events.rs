//! What is published on the event bus. An event may arrive twice, as EventBridge itself may deliver twice: `run` and `ticker`, or
//! `run` alone, name what happened.

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use forecasting::Ticker;
use pipeline::{Closure, Error, Promoted, Run, Snapshot};
use serde_json::{Value, json};

use crate::failure::failed;

/// The source of every event of ours.
pub(crate) const SOURCE: &str = "closing-bell";

/// The detail type of a request to start a run.
pub(crate) const RUN_REQUESTED: &str = "run requested";

/// What stands in the ledger stands, published or not: a bus that cannot be reached fails no stage.
pub fn published(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "an event is not published");
    }
}

/// Where events are published.
#[derive(Debug, Clone)]
pub struct Events {
    client: Client,
    bus: String,
    archive: String,
}

impl Events {
    /// Tells events on this bus, which must exist. The archive's name is in every event: a bus may hear of several.
    pub fn new(client: Client, bus: impl Into<String>, archive: impl Into<String>) -> Events {
        Events { client, bus: bus.into(), archive: archive.into() }
    }

    /// `price snapshot stored`
    pub async fn snapshot_stored(&self, run: &Run, ticker: &Ticker, snapshot: &Snapshot) -> Result<(), Error> {
        let Snapshot { snapshot, last, bar, download, .. } = snapshot;
        let detail = json!({
            "run": run.id, "ticker": ticker, "key": snapshot.key, "sha256": snapshot.sha256, "last": last, "bar": bar,
            "download": download,
        });
        self.tell("price snapshot stored", detail).await.map(|_| ())
    }

    /// `champion changed`
    pub async fn champion_changed(&self, run: &Run, ticker: &Ticker, promoted: &Promoted) -> Result<(), Error> {
        let Promoted { decision, reason, champion } = promoted;
        let detail = json!({
            "run": run.id, "ticker": ticker, "decision": decision.as_str(), "reason": reason, "version": champion.version,
            "model": champion.specification.to_string(),
        });
        self.tell("champion changed", detail).await.map(|_| ())
    }

    /// `run closed`
    pub async fn run_closed(&self, run: &Run, closure: &Closure) -> Result<(), Error> {
        let detail = json!({
            "run": run.id, "as_of": run.as_of, "trigger": run.trigger, "status": closure.status,
            "done": closure.done, "failed": closure.failed, "skipped": closure.skipped, "report": closure.report,
        });
        self.tell("run closed", detail).await.map(|_| ())
    }

    /// `run requested`: a rule starts the state machine with it. Answers with the event's id, by which its delivery is known
    /// again.
    pub async fn run_requested(&self, detail: Value) -> Result<String, Error> {
        self.tell(RUN_REQUESTED, detail).await
    }

    async fn tell(&self, detail_type: &str, mut detail: Value) -> Result<String, Error> {
        let what = || format!("the event '{detail_type}' on bus {}", self.bus);
        detail["archive"] = self.archive.as_str().into();
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .event_bus_name(&self.bus)
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| failed(&what(), "put", &error))?;
        let entry = answer.entries().first();
        match entry.and_then(|entry| entry.event_id()) {
            Some(id) => Ok(id.to_owned()),
            None => {
                let said = entry.and_then(|entry| entry.error_message()).unwrap_or("no event id in the answer");
                Err(Error::Store { what: what(), action: "put", reason: said.to_owned(), transient: true })
            }
        }
    }
}
