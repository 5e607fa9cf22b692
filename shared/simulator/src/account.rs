//! Whether what a seed has left is accounted for: nothing is found against it, the archive alone gives the ledger back, and what is damaged afterwards is found.

use std::sync::Arc;

use pipeline::{Archive, Audit, ForecastRequest, Key, audit, predict, recover, testing::MemoryLedger};
use rand::{RngExt, seq::IndexedRandom};

use crate::{
    actors::{World, everyone},
    stores::{Content, Stores, signer},
};

/// Objects that are damaged, one after the other.
const DAMAGED: usize = 3;

pub(crate) async fn accounted_for(world: &World, content: &Content) {
    let audited = audited(&world.stores).await;
    for finding in &audited.findings {
        world.violated(format!("nothing was damaged, and yet: {finding}"));
    }
    given_back(world, content).await;

    let keys: Vec<&String> = content.objects.keys().filter(|key| !audited.unaccounted.contains(key)).collect();
    let before = answers(&world.stores).await;
    let mut random = world.chance.stream("damage", 0);
    for key in keys.sample(&mut random, DAMAGED).copied().collect::<Vec<_>>() {
        let whole = &content.objects[key];
        let at = random.random_range(0..whole.len().max(1));
        let (how, damaged) = match random.random_range(0..3) {
            0 => ("flipped", Some(flipped(whole, at))),
            1 => ("cut", Some(whole[..at].to_vec())),
            _ => ("removed", None),
        };
        replace(&*world.stores.archive, key, damaged.as_deref()).await;
        // Who takes refused rows out of quarantine may do so: no answer rests on them.
        // A newer signature stands for what an older one stood for.
        let may = damaged.is_none() && (key.starts_with("quarantine/") || key.contains("/signature-"));
        if !may && self::audited(&world.stores).await.findings.is_empty() {
            world.violated(format!("{key} was {how} at {at}, and nothing tells"));
        }
        let now = answers(&world.stores).await;
        if let Some((was, is)) = before.iter().zip(&now).find(|(was, is)| is.is_some() && was != is) {
            world.violated(format!("{key} was {how} at {at}, and an answer became another: {was:?}, {is:?}"));
        }
        replace(&*world.stores.archive, key, Some(whole)).await;
    }
}

async fn audited(stores: &Stores) -> Audit {
    audit(&*stores.archive, &*stores.ledger, Some(&*stores.streams), &[signer().public_key()]).await.expect("reads")
}

/// From an empty ledger.
async fn given_back(world: &World, content: &Content) {
    let ledger = Arc::new(MemoryLedger::default());
    match recover(&*world.stores.archive, &*ledger).await {
        Ok(recovered) => recovered.unproven.iter().for_each(|why| world.violated(format!("not recovered: {why}"))),
        Err(error) => world.violated(format!("not recovered: {error}")),
    }
    let anew = Stores { ledger, ..world.stores.clone() };
    let anew = Content::read(&anew, &everyone()).await.expect("reads");
    if let Some(what) = content.differs(&anew) {
        world.violated(format!("recovered, {what} is another"));
    }
}

/// A digit becomes another one, where there is one near: what still reads as what it was is the worst damage.
fn flipped(whole: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let digit = (at..bytes.len()).find(|place| bytes[*place].is_ascii_digit());
    if let Some(byte) = bytes.get_mut(digit.unwrap_or(at)) {
        *byte ^= 1;
    }
    bytes
}

async fn replace(archive: &dyn Archive, key: &str, bytes: Option<&[u8]>) {
    let key: Key = serde_json::from_value(key.into()).expect("a key is a text");
    archive.remove(&key).await.expect("removes");
    if let Some(bytes) = bytes {
        archive.create(&key, bytes).await.expect("creates");
    }
}

/// What each series is answered, where it is.
async fn answers(stores: &Stores) -> Vec<Option<String>> {
    let mut answers = Vec::new();
    for ticker in everyone() {
        let answer = predict(&*stores.archive, &*stores.ledger, &ticker, ForecastRequest::default()).await;
        answers.push(answer.ok().map(|answer| serde_json::to_string(&answer).expect("plain data")));
    }
    answers
}
