//! Lambda function `admit`: lets starts that wait in the queue in, a few at a time. A thousand files at once, or a backfill, come to their turn
//! and take no function from the night.

use aws::{Admitted, Cloud, serve};
use pipeline::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From the queue: each message is an event of the bus.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

/// Those that stay in the queue: it offers them again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Vec<Waiting>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    item_identifier: String,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let executions = Cloud::from_environment().await.executions()?;
    serve("admit", async |event: Event| {
        let mut batch_item_failures = Vec::new();
        for Message { message_id, body } in event.records {
            let outcome = match serde_json::from_str::<Value>(&body) {
                Ok(start) => executions.admit(&start).await,
                Err(error) => Err(Error::Request { field: "body", reason: error.to_string() }),
            };
            match outcome {
                Ok(Admitted::Begun) => tracing::info!(message_id, "begun"),
                // After its receives it is in the queue of missed starts, where a person finds it.
                Ok(Admitted::Later) => batch_item_failures.push(Waiting { item_identifier: message_id }),
                Err(error) => {
                    tracing::error!(message_id, %error, "not begun");
                    batch_item_failures.push(Waiting { item_identifier: message_id });
                }
            }
        }
        Ok::<_, Error>(Answer { batch_item_failures })
    })
    .await
}
