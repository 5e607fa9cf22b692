//! Lambda function `ingest`: rows from SQS, Kinesis or Kafka into the log, and into the models in service. What is wrong with a row is kept
//! under quarantine/, and the row is done; only a store that cannot be reached has rows delivered again.

mod event;

use std::{collections::BTreeMap, sync::Arc};

use aws::{Cloud, measured, serve};
use event::batches;
use jiff::Timestamp;
use pipeline::{
    Archive, Configuration, Error, Ledger, Settings,
    stream::{Arrival, Counts, Ingest, Refused, Streams},
};
use serde::Serialize;
use serde_json::Value;

/// Messages of a queue that are to be delivered again; who polls a stream does not read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Vec<Failure>,
    counts: Counts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

/// Of one series they are some forty kilobytes, of four hundred that an item can have.
const ROWS_OF_A_STEP: usize = 2000;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let archive: Arc<dyn Archive> = Arc::new(cloud.archive()?);
    let ledger = Arc::new(cloud.ledger()?);
    serve("ingest", async |event: Value| {
        let now = Timestamp::now();
        let streams: Arc<dyn Streams> = ledger.clone();
        let ledger: Arc<dyn Ledger> = ledger.clone();
        let batches = batches(event)?;
        // Told first: rows that cannot be taken in grow old, whoever delivers them.
        if let Some(oldest) = batches.values().flat_map(|batch| batch.rows.iter().flatten()).map(|row| row.known).min()
        {
            measured(&[("RowsAge", "Seconds", now.duration_since(oldest).as_secs_f64().max(0.0))]);
        }
        let configuration = configuration(&*archive).await?;
        let mut ingest = Ingest::new(archive.clone(), ledger, streams, configuration);
        let mut answer = Answer { batch_item_failures: Vec::new(), counts: Counts::default() };
        for (source, batch) in batches {
            match take(&mut ingest, &source, &batch.rows, now).await {
                Ok(counts) => answer.counts.add(&counts),
                Err(error) if !batch.messages.is_empty() => {
                    tracing::error!(source, %error, "a batch is to be delivered again");
                    let again = batch.messages.into_iter().map(|item_identifier| Failure { item_identifier });
                    answer.batch_item_failures.extend(again);
                }
                Err(error) => return Err(error),
            }
        }
        let Counts { advanced, refused, .. } = answer.counts;
        measured(&[
            ("RowsArrived", "Count", answer.counts.rows() as f64),
            ("RowsAdvanced", "Count", advanced as f64),
            ("RowsRefused", "Count", refused as f64),
        ]);
        Ok(answer)
    })
    .await
}

/// How rows are read; a deployment without a configuration has the usual one.
async fn configuration(archive: &dyn Archive) -> Result<Configuration, Error> {
    match Settings::stored(archive).await {
        Ok(settings) => Ok(settings.of_streams()),
        Err(Error::Missing { .. }) => Ok(Settings::default().of_streams()),
        Err(error) => Err(error),
    }
}

/// Takes a batch in, in parts that an item of the table can hold.
async fn take(
    ingest: &mut Ingest,
    source: &str,
    batch: &[Result<Arrival, Refused>],
    now: Timestamp,
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for rows in batch.chunks(ROWS_OF_A_STEP) {
        counts.add(&ingest.take((source, now), rows, &BTreeMap::new(), None).await?.counts);
    }
    Ok(counts)
}
