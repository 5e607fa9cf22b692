//! The contracts of archive and ledger, on a cloud that answers as AWS does: `tests/cloud.sh` starts one (or two) and sets
//! the endpoint. Without an endpoint nothing is tested, and that is said.

mod support;

use futures::future::join_all;
use pipeline::{Archive, Created, Error, Key, Ledger, RunId, Stage, StageKey, StageRecord};
use support::{archive, cloud, ledger};

#[tokio::test]
async fn archive_in_a_bucket() {
    let Some((clients, name)) = cloud("archive").await else { return };
    pipeline::testing::conformance::archive(&archive(&clients, &name).await).await;
}

#[tokio::test]
async fn ledger_in_a_table() {
    let Some((clients, name)) = cloud("ledger").await else { return };
    pipeline::testing::conformance::ledger(&ledger(&clients, &name).await).await;
}

/// Writers at the same moment: one is first, and every other learns what stands.
#[tokio::test]
async fn one_of_many_writers_is_first() {
    let Some((clients, name)) = cloud("races").await else { return };
    let run: RunId = "2020-12-11-00000000".parse().expect("an id");

    let archive = archive(&clients, &name).await;
    let key = Key::run(&run, "tickers.json");
    let texts: Vec<String> = (0..8).map(|i| format!("writer {i}")).collect();
    let outcomes = join_all(texts.iter().map(|text| archive.create(&key, text.as_bytes()))).await;
    let first: Vec<usize> = (0..8).filter(|i| matches!(outcomes[*i], Ok(Created::New))).collect();
    let [first] = first[..] else { panic!("{outcomes:?}") };
    for (i, outcome) in outcomes.iter().enumerate().filter(|(i, _)| *i != first) {
        assert!(matches!(outcome, Err(Error::Conflict { .. })), "writer {i}: {outcome:?}");
    }
    assert_eq!(archive.read(&key).await.expect("reads").as_deref(), Some(texts[first].as_bytes()));

    let ledger = ledger(&clients, &name).await;
    let key = StageKey { run, ticker: "NLS".parse().expect("a ticker"), stage: Stage::Fetch };
    let as_of = "2020-12-11".parse().expect("a session");
    let record = |result: &String| StageRecord { key: key.clone(), as_of, result: result.clone() };
    let answers = join_all(texts.iter().map(|text| ledger.commit(record(text)))).await;
    let standing = ledger.committed(&key).await.expect("reads").expect("one of them stands");
    for (i, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("an answer"), standing, "writer {i}");
    }
    let history = ledger.history(&key.ticker, Stage::Fetch, as_of, 10).await.expect("lists");
    assert_eq!(history, [standing], "the others left no trace");
}

/// What the cloud's own records promise: a request is worked on by one execution, failures and seconds are found again.
#[tokio::test]
async fn executions_of_a_run() {
    let Some((clients, name)) = cloud("executions").await else { return };
    let ledger = ledger(&clients, &name).await;
    let run: RunId = "2020-12-11-00000000".parse().expect("an id");
    let other: RunId = "2020-12-10-00000000".parse().expect("an id");

    let racing: Vec<String> = (0..8).map(|i| format!("execution-{i}")).collect();
    let answers = join_all(racing.iter().map(|execution| ledger.claim(&run, "request", execution))).await;
    let winners: Vec<&String> =
        racing.iter().zip(answers).filter(|(_, won)| *won.as_ref().expect("answers")).map(|(e, _)| e).collect();
    let [winner] = winners[..] else { panic!("{winners:?}") };
    assert!(ledger.claim(&run, "request", winner).await.expect("answers"), "the winner may ask again");
    assert!(ledger.claim(&run, "another", "execution-9").await.expect("answers"), "another request");
    assert!(ledger.claim(&other, "request", "execution-9").await.expect("answers"), "another run");

    let ticker: forecasting::Ticker = "NLS".parse().expect("a ticker");
    assert!(ledger.failures(&run).await.expect("lists").is_empty());

    // As the state machine writes it.
    let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
    let put = clients
        .dynamodb()
        .put_item()
        .table_name(&name)
        .item("pk", text("RUN#2020-12-11-00000000"))
        .item("sk", text("FAILURE#NLS"))
        .item("ticker", text("NLS"))
        .item("failed_at", text("2020-12-11T22:01:02.345Z"))
        .item("error", text("Stale"))
        .item("cause", text(r#"{"errorType":"Stale","errorMessage":"NLS: no bar since 2020-11-30"}"#));
    put.send().await.expect("writes");
    let failures = ledger.failures(&run).await.expect("lists");
    let failure = failures.get(&ticker).expect("is there");
    assert_eq!(failure.reason, "NLS: no bar since 2020-11-30");
    assert_eq!(failure.failed_at.to_string(), "2020-12-11T22:01:02.345Z");
}
