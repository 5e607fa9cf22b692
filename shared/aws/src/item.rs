//! Items of the table: how records become attributes, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use pipeline::{
    Closure, Digest, Error, Run, RunEntry,
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

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Error> {
        let found = self.item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
        found.ok_or_else(|| self.damaged(format!("attribute {name} is no number")))
    }

    /// The digest of the last record of an item, and of all before it.
    pub(crate) fn digest(&self) -> Result<Digest, Error> {
        let bytes = self.item.get("digest").and_then(|value| value.as_b().ok());
        let bytes = bytes.ok_or_else(|| self.damaged("attribute digest is not there".to_owned()))?;
        Digest::of_hash(bytes.as_ref()).map_err(|error| self.damaged(format!("attribute digest: {error}")))
    }

    /// A text, packed or plain.
    pub(crate) fn packed(&self, name: &str) -> Result<String, Error> {
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

    pub(crate) fn damaged(&self, reason: String) -> Error {
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

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("records are plain data")
}

/// A value that serialises as a word, without its quotes.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}
