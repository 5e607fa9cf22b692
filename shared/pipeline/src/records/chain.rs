//! The order of a ticker's records. Each has its place, and a digest of itself and of every record before it: a record that is changed,
//! lost or out of its place is noticed, and no clock says which is the newest.

use serde::{Deserialize, Serialize};

use crate::{Champion, Digest, Error, Pointing, Receipt, Run, StageRecord};

/// A record's place in its ticker's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// From 1.
    pub sequence: u64,
    /// Of the record, and of the digest before it.
    pub digest: Digest,
}

impl Link {
    /// The place of a stage's result after this one.
    pub fn of_result(before: Option<&Link>, record: &StageRecord) -> Link {
        let StageRecord { key, as_of, result } = record;
        Link::after(before, &[key.stage.as_str(), key.run.as_str(), &as_of.to_string(), result])
    }

    /// The place of a receipt after this one.
    pub fn of_receipt(before: Option<&Link>, receipt: &Receipt, pointing: Pointing) -> Link {
        let pointing = if pointing == Pointing::Move { "moves" } else { "leaves" };
        Link::after(before, &["receipt", receipt.run.as_str(), pointing, &json(receipt)])
    }

    /// The place of a run among all that were opened.
    pub fn of_run(before: Option<&Link>, run: &Run) -> Link {
        Link::after(before, &["run", run.id.as_str()])
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
            let (again, what) = match record {
                Chained::Result(record) => (
                    Link::of_result(before, record),
                    format!("the result of {} in run {}", record.key.stage, record.key.run),
                ),
                Chained::Receipt(receipt, pointing) => {
                    if *pointing == Pointing::Move {
                        champion = Some(receipt.champion.clone());
                    }
                    (Link::of_receipt(before, receipt, *pointing), format!("the receipt of run {}", receipt.run))
                }
            };
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
