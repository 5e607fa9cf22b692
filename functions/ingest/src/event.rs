//! What Lambda delivers: messages of a queue, records of a stream, records of a topic.

use std::collections::BTreeMap;

use aws_lambda_events::{kafka::KafkaEvent, kinesis::KinesisEvent, sqs::SqsEvent};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use pipeline::{
    Error,
    stream::{Arrival, Format, Message, Offset, Position, Refused, read},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// By source.
pub(crate) type Batches = BTreeMap<String, Batch>;

/// Rows of one source, in their order.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Result<Arrival, Refused>>,
    /// The messages that they came in, where single ones can be delivered again.
    pub(crate) messages: Vec<String>,
}

/// Understands an event.
///
/// # Errors
/// [`Error::Request`] for one of another kind.
pub(crate) fn batches(event: Value) -> Result<Batches, Error> {
    let first = event["Records"][0]["eventSource"].as_str().or_else(|| event["eventSource"].as_str());
    match first.unwrap_or_default() {
        "aws:sqs" => Ok(queue(parsed(event)?)),
        "aws:kinesis" => Ok(stream(parsed(event)?)),
        "aws:kafka" | "SelfManagedKafka" => Ok(topic(parsed(event)?)),
        other => {
            let reason = format!("'{other}' is neither a queue nor a stream nor a topic");
            Err(Error::Request { field: "event", reason })
        }
    }
}

fn parsed<T: DeserializeOwned>(event: Value) -> Result<T, Error> {
    serde_json::from_value(event).map_err(|error| Error::Request { field: "event", reason: error.to_string() })
}

/// The last part of an ARN.
fn named(kind: &str, arn: Option<&str>) -> String {
    let name = arn.and_then(|arn| arn.rsplit([':', '/']).next()).unwrap_or_default();
    format!("{kind}:{name}")
}

fn milliseconds(text: Option<&String>) -> Timestamp {
    let read = text.and_then(|text| Timestamp::from_millisecond(text.parse().ok()?).ok());
    read.unwrap_or_else(Timestamp::now)
}

/// A message may have several rows, a line each. A queue puts them in no order.
fn queue(event: SqsEvent) -> Batches {
    let mut batches = Batches::new();
    for message in event.records {
        let source = named("sqs", message.event_source_arn.as_deref());
        let known = milliseconds(message.attributes.get("SentTimestamp"));
        let batch = batches.entry(source.clone()).or_default();
        let body = message.body.unwrap_or_default();
        for line in body.lines().filter(|line| !line.trim().is_empty()) {
            let message = Message { key: None, body: line.as_bytes(), position: None, known };
            batch.rows.push(read(Format::Either, &message));
        }
        batch.messages.extend(message.message_id);
    }
    batches
}

fn stream(event: KinesisEvent) -> Batches {
    let mut batches = Batches::new();
    for record in event.records {
        let source = named("kinesis", record.event_source_arn.as_deref());
        // shardId-000000000006:49590338271490256608559692538361571095921575989136588898
        let shard = record.event_id.as_deref().and_then(|id| id.split(':').next()?.rsplit('-').next()?.parse().ok());
        let position = Position {
            source: source.clone(),
            partition: shard.unwrap_or_default(),
            offset: Offset(record.kinesis.sequence_number.clone()),
        };
        let known = Timestamp::from_millisecond(record.kinesis.approximate_arrival_timestamp.timestamp_millis());
        let message = Message {
            key: Some(record.kinesis.partition_key.as_bytes()),
            body: &record.kinesis.data,
            position: Some(position),
            known: known.unwrap_or_else(|_| Timestamp::now()),
        };
        let row = read(Format::Either, &message);
        batches.entry(source).or_default().rows.push(row);
    }
    batches
}

fn topic(event: KafkaEvent) -> Batches {
    let mut batches = Batches::new();
    // By partition, which is how they are in order.
    let partitions: BTreeMap<_, _> = event.records.into_iter().collect();
    for record in partitions.into_values().flatten() {
        let source = format!("kafka:{}", record.topic.unwrap_or_default());
        let decoded =
            |text: &Option<String>| text.as_ref().map(|text| BASE64_STANDARD.decode(text).unwrap_or_default());
        let (key, value) = (decoded(&record.key), decoded(&record.value).unwrap_or_default());
        let position = Position {
            source: source.clone(),
            partition: i32::try_from(record.partition).unwrap_or_default(),
            offset: Offset::from(record.offset),
        };
        let known = Timestamp::from_millisecond(record.timestamp.timestamp_millis());
        let message = Message {
            key: key.as_deref(),
            body: &value,
            position: Some(position),
            known: known.unwrap_or_else(|_| Timestamp::now()),
        };
        let row = read(Format::Either, &message);
        batches.entry(source).or_default().rows.push(row);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(event: Value) -> Vec<(String, Vec<Arrival>)> {
        let batches = batches(event).expect("understood");
        batches.into_iter().map(|(source, batch)| (source, batch.rows.into_iter().flatten().collect())).collect()
    }

    /// The sample events, as Lambda's documentation has them.
    #[test]
    fn what_lambda_delivers() {
        let sample: Value = serde_json::from_str(include_str!("../../../events/ingest.json")).expect("JSON");
        let [(source, arrived)] = &rows(sample)[..] else { panic!("one source") };
        assert_eq!((source.as_str(), arrived.len()), ("sqs:rows", 2));
        assert_eq!((arrived[1].ticker.as_str(), arrived[1].value, arrived[1].mark.revision), ("NLS", 22.5, Some(2)));

        let data = BASE64_STANDARD.encode("{\"ds\": \"2026-11-20\", \"y\": 12.5}");
        let kinesis = serde_json::json!({ "Records": [{
            "eventSource": "aws:kinesis", "eventID": "shardId-000000000006:495903", "eventName": "aws:kinesis:record",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/rows", "eventVersion": "1.0",
            "awsRegion": "us-east-1", "invokeIdentityArn": "arn:aws:iam::123456789012:role/x",
            "kinesis": { "kinesisSchemaVersion": "1.0", "partitionKey": "KO", "sequenceNumber": "495903", "data": data, "approximateArrivalTimestamp": 1_545_084_650.987 },
        }] });
        let [(source, arrived)] = &rows(kinesis)[..] else { panic!("one source") };
        assert_eq!((source.as_str(), arrived[0].ticker.as_str()), ("kinesis:rows", "KO"));
        let position = arrived[0].mark.position.clone().expect("a place");
        assert_eq!((position.partition, position.offset), (6, Offset("495903".to_owned())));
        assert_eq!(arrived[0].known.as_millisecond(), 1_545_084_650_987);

        let kafka = serde_json::json!({
            "eventSource": "SelfManagedKafka", "bootstrapServers": "b-1:9092",
            "records": { "rows-0": [{ "topic": "rows", "partition": 0, "offset": 15, "timestamp": 1_545_084_650_987_i64,
                "timestampType": "CREATE_TIME", "key": BASE64_STANDARD.encode("KO"), "value": data, "headers": [] }] },
        });
        let [(source, arrived)] = &rows(kafka)[..] else { panic!("one source") };
        assert_eq!((source.as_str(), arrived[0].ticker.as_str(), arrived[0].value), ("kafka:rows", "KO", 12.5));
        assert!(batches(serde_json::json!({ "Records": [{ "eventSource": "aws:s3" }] })).is_err());
        assert!(batches(Value::Null).is_err());
    }
}
