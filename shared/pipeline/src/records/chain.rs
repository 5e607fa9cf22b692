//! The order of a ticker's records. Each has its place, and a digest of itself and of every record before it: a record that is changed,
//! lost or out of its place is noticed, and no clock says which is the newest.

use serde::{Deserialize, Serialize};

use crate::{Champion, Digest, Error, Pointing, Receipt, StageRecord};

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
    pub fn check(&self, ticker: &forecasting::Ticker) -> Result<Option<Champion>, Error> {
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
