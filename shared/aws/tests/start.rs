//! What executions are started with, and what they are asked to do.

use std::{fs, path::Path};

use aws::{Start, StartPlan};
use embedded::DirectoryArchive;
use jiff::Timestamp;
use pipeline::{Archive, Error, Key, RunId, Settings, Trigger};
use serde_json::{Value, json};

const CONFIGURATION: &str = "watchlist = [\"NLS\", \"KO\", \"NLS\"]\n[fetch]\nask_limit = 7";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// The evening of Friday 2020-12-11 in New York.
fn evening() -> Timestamp {
    at("2020-12-11T22:00:05Z")
}

async fn asked(input: Value, files: &[(&str, &str)]) -> Result<(Start, StartPlan), Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = DirectoryArchive::open(folder.path()).expect("opens");
    for (key, text) in files {
        archive.create(&Key::incoming(key)?.0, text.as_bytes()).await?;
    }
    let start = Start::of(input, evening())?;
    let asked = start.asked(&Settings::parse(CONFIGURATION).expect("reads"), &archive).await?;
    Ok((start, asked))
}

fn delivered(source: &str, kind: &str, detail: &Value) -> Value {
    json!({ "version": "0", "id": "e-1", "source": source, "detail-type": kind, "account": "0", "region": "us-east-1",
            "time": "2020-12-11T23:30:00Z", "resources": [], "detail": detail })
}

#[tokio::test]
async fn the_clock() {
    let check = async |time: &str, as_of: &str, settle: bool| {
        let (start, asked) = asked(json!({ "trigger": "schedule", "time": time }), &[]).await.expect("understood");
        assert_eq!(start.trigger, Trigger::Schedule);
        assert_eq!(start.request.as_deref(), Some(time), "the moment it was due at tells two deliveries apart");
        assert_eq!((asked.as_of.to_string().as_str(), asked.patience.asks == 0), (as_of, settle), "{time}");
    };
    check("2020-12-11T22:00:00Z", "2020-12-11", false).await;
    let (_, tonight) =
        asked(json!({ "trigger": "schedule", "time": "2020-12-11T22:00:00Z" }), &[]).await.expect("understood");
    assert_eq!(tonight.patience.asks, 7);
    // In summer New York is an hour nearer.
    check("2020-07-10T21:00:00Z", "2020-07-10", false).await;
    // Long after the evening nothing is waited for.
    check("2020-12-12T04:00:00Z", "2020-12-11", true).await;
    // Holidays and weekends are for the run to close as "no session".
    check("2020-12-25T22:00:00Z", "2020-12-25", true).await;
    check("2020-12-12T22:00:00Z", "2020-12-12", true).await;
    // Before the bell, the last session that has closed.
    check("2020-12-11T14:00:00Z", "2020-12-10", true).await;
}

#[tokio::test]
async fn the_order_of_tickers_does_not_matter() {
    let (_, whole) = asked(json!({ "trigger": "schedule" }), &[]).await.expect("understood");
    assert_eq!(serde_json::to_value(&whole.assignment.tickers).expect("JSON"), json!(["KO", "NLS"]));
    assert_eq!(whole.assignment.configuration.market, pipeline::Market::Tiingo);
    let manual = json!({ "trigger": "manual", "tickers": ["NLS", "KO", "KO"], "reason": "I want to see" });
    let (start, same) = asked(manual, &[]).await.expect("understood");
    assert_eq!((same, start.request), (whole, None), "the same run");
}

#[tokio::test]
async fn requests_and_days() {
    let detail = json!({ "trigger": "manual", "tickers": ["nls"], "as_of": "2020-12-09", "reason": "" });
    let (start, whole) = asked(delivered("closing-bell", "run requested", &detail), &[]).await.expect("understood");
    assert_eq!((start.request.as_deref(), start.time), (Some("e-1"), at("2020-12-11T23:30:00Z")));
    assert_eq!((whole.as_of.to_string().as_str(), whole.patience.asks == 0), ("2020-12-09", true));

    let check = async |input: Value, expected: &str| {
        let error = asked(input.clone(), &[]).await.expect_err("refused");
        assert!(error.to_string().contains(expected), "{input}: {error}");
        assert!(!error.is_transient());
    };
    check(json!({ "trigger": "manual", "as_of": "2020-12-14" }), "has not closed yet").await;
    check(json!({ "trigger": "manual", "tickers": ["../x"] }), "not a ticker").await;
    check(json!({ "trigger": "sometimes" }), "sometimes").await;
    check(json!({ "trigger": "manual", "tikers": [] }), "tikers").await;
    check(json!({ "trigger": "schedule", "time": "<aws.scheduler.scheduled-time>" }), "input").await;
    check(delivered("aws.s3", "Object Deleted", &json!({})), "no run is started by 'Object Deleted'").await;
    let created = |key: &str| delivered("aws.s3", "Object Created", &json!({ "object": { "key": key } }));
    check(created("incoming/NLS.csv"), "incoming/TICKER/NAME.csv").await;
    check(created("incoming/N L S/x.csv"), "'N L S' is not a ticker").await;
    check(created("incoming/NLS/x.csv"), "missing").await;
}

#[tokio::test]
async fn a_file() {
    let key = "incoming/NLS/new.csv";
    let detail = json!({ "bucket": { "name": "b" }, "object": { "key": key, "size": 40, "sequencer": "00F1" } });
    let event = || delivered("aws.s3", "Object Created", &detail);
    let text = "date,value\n2020-12-08,15\n2020-12-09,16\n2020-12-10,\n2029-01-02,20\n";
    let (start, first) = asked(event(), &[(key, text)]).await.expect("understood");
    assert_eq!((start.trigger, start.request.as_deref()), (Trigger::Data, Some("00F1")));
    assert_eq!(first.as_of.to_string(), "2020-12-09", "the newest session that has a price and has closed");
    assert_eq!(first.file.as_deref(), Some(text.as_bytes()));
    let Some(incoming) = &first.assignment.configuration.incoming else { panic!("{first:?}") };
    assert_eq!((incoming.key.as_str(), first.assignment.configuration.market), (key, pipeline::Market::Incoming));

    let (_, other) = asked(event(), &[(key, "date,value\n2020-12-09,17\n")]).await.expect("understood");
    assert_ne!(first.assignment.digest(), other.assignment.digest(), "other content is another run");
    // Nonsense is fetch's to refuse, and to keep.
    let (_, nonsense) = asked(event(), &[(key, "%PDF-1.4")]).await.expect("understood");
    assert_eq!(nonsense.as_of.to_string(), "2020-12-11");
}

/// The samples are one night's: each names the run that the plan's opens on the configuration that the project ships.
#[tokio::test]
async fn samples_are_of_one_run() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |name: &str| fs::read_to_string(project.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let sample = |name: &str| serde_json::from_str::<Value>(&read(&format!("events/{name}.json"))).expect("JSON");
    let settings = Settings::parse(&read("closing-bell.toml")).expect("reads");
    let folder = tempfile::tempdir().expect("a folder");
    let archive = DirectoryArchive::open(folder.path()).expect("opens");
    let plan = sample("plan");
    let started = at(plan["started"].as_str().expect("a moment"));
    let asked = Start::of(plan["input"].clone(), started).expect("understood").asked(&settings, &archive).await;
    let asked = asked.expect("understood");
    let run = RunId::new(asked.as_of, &asked.assignment.digest());
    for name in ["fetch", "train", "report"] {
        assert_eq!(sample(name)["run"], run.as_str(), "events/{name}.json");
    }
}
