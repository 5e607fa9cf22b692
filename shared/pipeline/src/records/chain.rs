//! The order of a ticker's records. Each has its place, and a digest of itself and of every record before it: a record that is changed,
//! lost or out of its place is noticed, and no clock says which is the newest.

use forecasting::{Stamp, Ticker};
use serde::{Deserialize, Serialize};

use crate::{Champion, Digest, Error, Pointing, Receipt, RunId, StageKey, StageRecord};

/// A record's place in its ticker's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// From 1.
    pub sequence: u64,
    /// Of the record, and of the digest before it.
    pub digest: Digest,
}

impl Link {
    /// The place of a record after this one.
    pub fn of(before: Option<&Link>, record: &Chained) -> Link {
        match record {
            Chained::Result(StageRecord { key, as_of, result }) => {
                Link::after(before, &[key.stage.as_str(), key.run.as_str(), &as_of.to_string(), result])
            }
            Chained::Receipt(receipt, pointing) => {
                let pointing = if *pointing == Pointing::Move { "moves" } else { "leaves" };
                Link::after(before, &["receipt", receipt.run.as_str(), pointing, &json(receipt)])
            }
        }
    }

    fn after(before: Option<&Link>, parts: &[&str]) -> Link {
        let digest = before.map_or("", |link| link.digest.as_str());
        let mut content = digest.to_owned();
        for part in parts {
            // No part but the last, which is JSON, holds a line's end.
            content.push('\n');
            content.push_str(part);
        }
        let sequence = before.map_or(0, |link| link.sequence) + 1;
        Link { sequence, digest: Digest::of(content.as_bytes()) }
    }
}

fn json(receipt: &Receipt) -> String {
    serde_json::to_string(receipt).expect("a receipt is plain data")
}

/// A record in its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Chained {
    /// A stage's result.
    Result(StageRecord),
    /// A verdict, and whether it moved the champion pointer.
    Receipt(Box<Receipt>, Pointing),
}

impl Chained {
    /// The run that committed it.
    pub fn run(&self) -> &RunId {
        match self {
            Chained::Result(record) => &record.key.run,
            Chained::Receipt(receipt, _) => &receipt.run,
        }
    }

    /// That run's as-of period.
    pub(crate) fn as_of(&self) -> Stamp {
        match self {
            Chained::Result(record) => record.as_of,
            Chained::Receipt(receipt, _) => receipt.as_of,
        }
    }

    /// The champion that the pointer moves to with it.
    pub fn champion(&self) -> Option<&Champion> {
        match self {
            Chained::Receipt(receipt, Pointing::Move) => Some(&receipt.champion),
            _ => None,
        }
    }

    /// Whether both are of the same run and stage, or receipts of the same run: there is one such record.
    pub fn is_in_place_of(&self, other: &Chained) -> bool {
        match (self, other) {
            (Chained::Result(one), Chained::Result(other)) => one.key == other.key,
            (Chained::Receipt(one, _), Chained::Receipt(other, _)) => {
                (&one.ticker, &one.run) == (&other.ticker, &other.run)
            }
            _ => false,
        }
    }
}

const RECEIPT: &str = "receipt";
const MOVES: &str = "moves";
const LEAVES: &str = "leaves";

/// A record as a line: what it is, then JSON.
impl Chained {
    /// `fetch` and so on, or `receipt`.
    pub fn kind(&self) -> &'static str {
        match self {
            Chained::Result(record) => record.key.stage.as_str(),
            Chained::Receipt(..) => RECEIPT,
        }
    }

    /// Without the line's end.
    pub fn line(&self) -> String {
        match self {
            Chained::Result(record) => format!("{} {}", record.key.stage, record.result),
            Chained::Receipt(receipt, pointing) => {
                let pointing = if *pointing == Pointing::Move { MOVES } else { LEAVES };
                format!("{RECEIPT} {pointing} {}", json(receipt))
            }
        }
    }

    /// What such a line of a run says of a ticker.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn of_line(line: &str, run: &RunId, as_of: Stamp, ticker: &Ticker) -> Result<Chained, String> {
        let (kind, json) = line.split_once(' ').ok_or("a line without its kind")?;
        if kind == RECEIPT {
            let (pointing, json) = json.split_once(' ').ok_or("half a receipt")?;
            let receipt = serde_json::from_str(json).map_err(|error| error.to_string())?;
            let pointing = if pointing == MOVES { Pointing::Move } else { Pointing::Leave };
            return Ok(Chained::Receipt(Box::new(receipt), pointing));
        }
        let stage = serde_json::from_value(kind.into()).map_err(|error| error.to_string())?;
        let key = StageKey { run: run.clone(), ticker: ticker.clone(), stage };
        Ok(Chained::Result(StageRecord { key, as_of, result: json.to_owned() }))
    }
}

/// Everything that a ledger has of a ticker, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// Where the chain ends, as the ledger keeps it beside the records.
    pub head: Option<Link>,
    /// Oldest first.
    pub records: Vec<(Link, Chained)>,
}

impl Chain {
    /// Goes through all records. Answers with the champion that the last moving receipt put in service.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the first record that is not what it was or not in its place, or that the newest are gone.
    pub fn check(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        let damaged = |what: String| Error::Damaged { key: format!("the ledger of {ticker}"), reason: what };
        let (mut before, mut champion): (Option<&Link>, Option<Champion>) = (None, None);
        for (link, record) in &self.records {
            let again = Link::of(before, record);
            let what = match record {
                Chained::Result(record) => format!("the result of {} in run {}", record.key.stage, record.key.run),
                Chained::Receipt(receipt, _) => format!("the receipt of run {}", receipt.run),
            };
            champion = record.champion().cloned().or(champion);
            if again.sequence != link.sequence {
                return Err(damaged(format!("record {} is gone: {} comes next", again.sequence, what)));
            }
            if again.digest != link.digest {
                return Err(damaged(format!("{what} (record {}) is not what it was", link.sequence)));
            }
            before = Some(link);
        }
        match (&self.head, before) {
            (head, before) if head.as_ref() == before => Ok(champion),
            (Some(head), _) => Err(damaged(format!("its newest records are gone: there were {}", head.sequence))),
            (None, _) => Err(damaged("what it ends with is gone".to_owned())),
        }
    }
}
