//! Items of the table: how records become attributes, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use pipeline::{
    Chained, Closure, Digest, Error, Link, Pointing, Run, RunEntry, StageKey, StageRecord,
    packed::{pack, unpack},
};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) const PARTITION: &str = "pk";
pub(crate) const SORT: &str = "sk";

/// An item as it was read. What does not fit is an error that names its keys.
pub(crate) struct Stored<'a> {
    pub(crate) table: &'a str,
    pub(crate) item: &'a Item,
}

impl<'a> Stored<'a> {
    /// A run, with its closure once it is closed.
    pub(crate) fn run_entry(&self) -> Result<RunEntry, Error> {
        let closure: Option<Closure> = match (self.item.get("status"), self.item.get("closure")) {
            (None, _) => None,
            (_, Some(_)) => Some(self.json("closure")?),
            // As earlier releases wrote it.
            (Some(_), None) => {
                let part = |name| self.json::<serde_json::Value>(name);
                let closure = serde_json::json!({
                    "status": self.string("status")?, "tickers": part("tickers")?, "seconds": part("seconds")?, "report": part("report")?,
                });
                Some(serde_json::from_value(closure).map_err(|error| self.damaged(error.to_string()))?)
            }
        };
        let (id, as_of, trigger) = (self.word("run")?, self.word("as_of")?, self.word("trigger")?);
        let run = Run::of_kept(id, as_of, trigger, self.string("configuration")?);
        Ok(RunEntry {
            run: run.map_err(|error| self.damaged(error.to_string()))?,
            opened_at: self.string("opened_at")?.to_owned(),
            closed_at: self.item.get("closed_at").and_then(|value| value.as_s().ok()).cloned(),
            closure,
        })
    }

    /// A stage's result.
    pub(crate) fn stage_record(&self) -> Result<StageRecord, Error> {
        Ok(StageRecord {
            key: StageKey { run: self.word("run")?, ticker: self.word("ticker")?, stage: self.word("stage")? },
            as_of: self.word("as_of")?,
            result: self.packed("result")?,
        })
    }

    /// A result or a receipt in its place; none of an item that an earlier release wrote.
    pub(crate) fn chained(&self) -> Result<Option<(Link, Chained)>, Error> {
        let Some(link) = self.link()? else { return Ok(None) };
        let record = match self.item.get("moves").and_then(|value| value.as_bool().ok()) {
            None => Chained::Result(self.stage_record()?),
            Some(moves) => {
                let pointing = if *moves { Pointing::Move } else { Pointing::Leave };
                Chained::Receipt(Box::new(self.json("receipt")?), pointing)
            }
        };
        Ok(Some((link, record)))
    }

    /// A record's place in its ticker's chain, where it has one.
    pub(crate) fn link(&self) -> Result<Option<Link>, Error> {
        let Some(digest) = self.item.get("digest").and_then(|value| value.as_b().ok()) else { return Ok(None) };
        let digest =
            Digest::of_hash(digest.as_ref()).map_err(|error| self.damaged(format!("attribute digest: {error}")))?;
        let sequence = self.item.get("place").and_then(|value| value.as_n().ok()?.parse().ok());
        let sequence = sequence.ok_or_else(|| self.damaged("attribute place is no number".to_owned()))?;
        Ok(Some(Link { sequence, digest }))
    }

    /// A text, packed or plain.
    fn packed(&self, name: &str) -> Result<String, Error> {
        match self.item.get(name) {
            Some(AttributeValue::B(bytes)) => {
                unpack(bytes.as_ref()).map_err(|error| self.damaged(format!("attribute {name}: {error}")))
            }
            _ => self.string(name).map(str::to_owned),
        }
    }

    pub(crate) fn string(&self, name: &str) -> Result<&'a str, Error> {
        let found = self.item.get(name).and_then(|value| value.as_s().ok());
        found.map(String::as_str).ok_or_else(|| self.damaged(format!("attribute {name} is not there")))
    }

    /// An attribute that holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let json = self.packed(name)?;
        serde_json::from_str(&json).map_err(|error| self.damaged(format!("attribute {name}: {error}")))
    }

    /// An attribute that holds a word, such as a trigger or a date.
    pub(crate) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let word = serde_json::Value::from(self.string(name)?);
        serde_json::from_value(word).map_err(|error| self.damaged(format!("attribute {name}: {error}")))
    }

    fn damaged(&self, reason: String) -> Error {
        let part = |name| self.item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        Error::Damaged { key: format!("{} {} {}", self.table, part(PARTITION), part(SORT)), reason }
    }
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn item<const N: usize>(partition: &str, sort: &str, attributes: [(&str, String); N]) -> Item {
    let keys = [(PARTITION, partition.to_owned()), (SORT, sort.to_owned())];
    keys.into_iter().chain(attributes).map(|(name, value)| (name.to_owned(), text(value))).collect()
}

/// A text, packed.
pub(crate) fn packed(text: &str) -> AttributeValue {
    AttributeValue::B(pack(text).into())
}

/// The attributes of a record's place.
pub(crate) fn placed(link: &Link) -> [(String, AttributeValue); 2] {
    let place = AttributeValue::N(link.sequence.to_string());
    [("place".to_owned(), place), ("digest".to_owned(), AttributeValue::B(link.digest.hash().into()))]
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("records are plain data")
}

/// A value that serialises as a word, without its quotes.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}
