//! What must hold when a seed has come to its end.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::{
    Chained, ForecastRequest, Forecasted, ModelVersion, Pointing, Stage, predict, stream::verify_stream,
    testing::Broken, verify_ledger, verify_receipt,
};

use crate::{
    account::accounted_for,
    actors::{Order, Work, World, everyone},
    chance::Chance,
    market::{STREAMED, bars, garbage, ticker},
    stores::{Content, Kind, Stores},
};

/// Holds a world against what it promises. `before` is what it had before its nights were completed; `undisturbed` says that they were held
/// one after the other, and how the topic was read: then all is as if nothing had happened.
pub(crate) async fn check(world: &World, nights: usize, before: &Content, undisturbed: Option<bool>) {
    let stores = &world.stores;
    let content = Content::read(stores, &everyone()).await.expect("reads");
    for (key, bytes) in &before.objects {
        if content.objects.get(key) != Some(bytes) {
            world.violated(format!("{key} is not what it was"));
        }
    }
    for (name, chain) in &before.chains {
        if !content.chains.get(name).is_some_and(|now| now.records.starts_with(&chain.records)) {
            world.violated(format!("the history of {name} is not what it was"));
        }
    }
    each_series(world, &content).await;
    each_run(world, &content);
    rows(world, &content, nights).await;
    accounted_for(world, &content).await;

    // Done again, nothing is done.
    for night in 0..nights {
        world.night(night, Work::Bars, Order::Machine).await;
        world.night(night, Work::Rows, Order::Machine).await;
    }
    let again = Content::read(stores, &everyone()).await.expect("reads");
    if let Some(what) = content.differs(&again) {
        world.violated(format!("done again, {what} is another"));
    }
    if let Some(remembers) = undisturbed
        && let Some(what) = content.differs(&*reference(nights, remembers).await)
    {
        world.violated(format!("{what} is not what undisturbed nights leave"));
    }
}

async fn each_series(world: &World, content: &Content) {
    let (archive, ledger) = (&*world.stores.archive, &*world.stores.ledger);
    for (name, chain) in &content.chains {
        if name.as_str() == "BAD" {
            if !chain.records.is_empty() {
                world.violated("what is no price history has results".to_owned());
            }
            continue;
        }
        if let Err(error) = verify_ledger(ledger, name).await {
            world.violated(format!("{name}: {error}"));
        }
        let (mut results, mut serving) = (BTreeSet::new(), None);
        for (_, record) in &chain.records {
            let (run, stage) = match record {
                Chained::Result(record) => (&record.key.run, record.key.stage.as_str()),
                Chained::Receipt(receipt, _) => (&receipt.run, "receipt"),
            };
            if !results.insert((run, stage)) {
                world.violated(format!("{name} has two results of {stage} in run {run}"));
            }
            if let Chained::Receipt(receipt, Pointing::Move) = record {
                if receipt.before != serving {
                    let (run, before) = (&receipt.run, &receipt.before);
                    world.violated(format!(
                        "the verdict of {run} on {name} rests on {before:?}, where {serving:?} served"
                    ));
                }
                serving = Some(receipt.champion.version.clone());
            }
            if let Chained::Result(record) = record
                && record.key.stage == Stage::Forecast
                && record.parse::<Forecasted>().is_ok_and(|made| made.forecast.origin.stamp() > record.as_of)
            {
                world.violated(format!("the forecast of {name} in run {run} knows what comes after it"));
            }
        }
        let Some(champion) = content.champions.get(name).cloned().flatten() else {
            world.violated(format!("nobody serves {name}"));
            continue;
        };
        if let Err(error) = ModelVersion::read(archive, name, &champion.version, Some(&champion.sha256)).await {
            world.violated(format!("who serves {name} cannot be read: {error}"));
        }
        match predict(archive, ledger, name, ForecastRequest::default()).await {
            Ok(answer) if answer.version == champion.version => {}
            Ok(answer) => {
                world.violated(format!("{name} is answered by {}, not by {}", answer.version, champion.version));
            }
            Err(error) => world.violated(format!("{name} is not answered: {error}")),
        }
        let receipts = ledger.receipts(name).await.expect("lists");
        if let Some(newest) = receipts.first()
            && let Err(error) = verify_receipt(archive, ledger, &receipts, name, &newest.run).await
        {
            world.violated(format!("the newest verdict on {name} is not reached again: {error}"));
        }
    }
}

/// Each run ended as one of its kind must.
fn each_run(world: &World, content: &Content) {
    for (run, status) in &content.runs {
        // Those of the market, which has one that is no price history; of the stream, and of a person.
        let expected = [
            "of 3: 2 done, 1 failed: partial",
            "of 1: 1 done, 0 failed: succeeded",
            "a person's: 1 done, 0 failed: succeeded",
            "a person's: 0 done, 1 failed: failed",
        ];
        if !status.as_deref().is_some_and(|status| expected.contains(&status)) {
            world.violated(format!("run {run} is {status:?}"));
        }
    }
}

/// Each row is kept once, or set aside.
async fn rows(world: &World, content: &Content, nights: usize) {
    let streamed = ticker(STREAMED);
    let verified = verify_stream(&*world.stores.archive, &*world.stores.ledger, &*world.stores.streams, &streamed);
    if let Err(error) = verified.await {
        world.violated(format!("rows: {error}"));
    }
    let facts = |content: &Content| -> Vec<(u64, i64, u64, Option<String>)> {
        let rows = content.rows.get(&streamed).into_iter().flatten();
        let offset = |row: &pipeline::stream::Kept| row.mark.position.as_ref().map(ToString::to_string);
        rows.map(|row| (row.sequence, row.at, row.value.to_bits(), offset(row))).collect()
    };
    let ordered = reference(nights, true).await;
    if facts(content) != facts(&ordered) {
        world.violated("rows are lost, or kept twice, or in another order".to_owned());
    }
    let aside: String = content
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with("quarantine/"))
        .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    for row in garbage(nights - 1) {
        if !aside.contains(&row) {
            world.violated(format!("'{row}' is neither kept nor set aside"));
        }
    }
}

/// What the same nights leave where nothing befalls them.
async fn reference(nights: usize, remembers: bool) -> std::sync::Arc<Content> {
    static KNOWN: std::sync::Mutex<BTreeMap<(usize, bool), std::sync::Arc<Content>>> =
        std::sync::Mutex::new(BTreeMap::new());
    let known = || KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(content) = known().get(&(nights, remembers)) {
        return content.clone();
    }
    let world = World {
        chance: std::sync::Arc::new(Chance::new(0, Some(BTreeSet::new()))),
        stores: Stores::new(Kind::Memory, Broken::Nothing),
        bars: bars(),
        numbers: 1.into(),
        violations: std::sync::Mutex::default(),
        decided: false,
    };
    for night in 0..nights {
        world.ingest(night, remembers).await;
        world.night(night, Work::Bars, Order::Machine).await;
        world.night(night, Work::Rows, Order::Machine).await;
    }
    let content = std::sync::Arc::new(Content::read(&world.stores, &everyone()).await.expect("reads"));
    known().entry((nights, remembers)).or_insert(content).clone()
}
