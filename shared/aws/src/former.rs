//! What earlier releases left in the table, which is read on and never written: each record in an item of its own.
//!
//! ```text
//! RUN#{run}                STAGE#{ticker}#{stage}         a stage's result
//! HISTORY#{ticker}#{stage} {as_of}#{place}#{run}          that there is such a result
//! RUNS                     {as_of}#{place}#{run}          that there is such a run
//! TICKER#{ticker}          RECEIPT#{run}                  a receipt
//! TICKER#{ticker}          CHAMPION                       the champion pointer
//! TICKER#{ticker}          CHAIN                          where the ticker's chain ended
//! ```
//!
//! A place was a time once, and records had no place in a chain then.

use forecasting::{Stamp, Ticker};
use pipeline::{Chained, Champion, Error, Link, Pointing, Receipt, RunId, Stage, StageKey, StageRecord};

use crate::{
    DynamoLedger,
    item::{SORT, Stored},
    log::partition,
    table::Range,
};

const RECEIPT: &str = "RECEIPT#";

fn run_partition(run: &RunId) -> String {
    format!("RUN#{run}")
}

impl Stored<'_> {
    fn former_result(&self) -> Result<StageRecord, Error> {
        Ok(StageRecord {
            key: StageKey { run: self.word("run")?, ticker: self.word("ticker")?, stage: self.word("stage")? },
            as_of: self.word("as_of")?,
            result: self.packed("result")?,
        })
    }

    /// A record's place, where it has one.
    fn former_link(&self) -> Result<Option<Link>, Error> {
        if !self.item.contains_key("digest") {
            return Ok(None);
        }
        Ok(Some(Link { sequence: self.number("place")?, digest: self.digest()? }))
    }

    fn former_receipt(&self) -> Result<Chained, Error> {
        let moves = self.item.get("moves").and_then(|value| value.as_bool().ok()).copied().unwrap_or(true);
        let pointing = if moves { Pointing::Move } else { Pointing::Leave };
        Ok(Chained::Receipt(Box::new(self.json("receipt")?), pointing))
    }
}

impl DynamoLedger {
    /// Whether there is any of it: asked once, since it never comes to be.
    async fn has_former(&self) -> Result<bool, Error> {
        let look = async || {
            // Runs that this release opens are listed elsewhere.
            Ok::<_, Error>(!self.query("RUNS", Range::Below("A"), Some(1)).await?.is_empty())
        };
        self.former.get_or_try_init(look).await.copied()
    }

    pub(crate) async fn former_head(&self, ticker: &Ticker) -> Result<Option<Link>, Error> {
        if !self.has_former().await? {
            return Ok(None);
        }
        let found = self.get(&partition(ticker), "CHAIN").await?;
        found.map(|item| self.stored(&item).former_link()).transpose().map(Option::flatten)
    }

    pub(crate) async fn former_champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        if !self.has_former().await? {
            return Ok(None);
        }
        let found = self.get(&partition(ticker), "CHAMPION").await?;
        found.map(|item| self.stored(&item).json("champion")).transpose()
    }

    /// Results and the receipt of a run.
    pub(crate) async fn former_records(&self, ticker: &Ticker, run: &RunId) -> Result<Vec<Chained>, Error> {
        let mut records = Vec::new();
        if self.has_former().await? {
            let results = Range::StartingWith(&format!("STAGE#{ticker}#"));
            for item in self.query(&run_partition(run), results, None).await? {
                records.push(Chained::Result(self.stored(&item).former_result()?));
            }
            if let Some(item) = self.get(&partition(ticker), &format!("{RECEIPT}{run}")).await? {
                records.push(self.stored(&item).former_receipt()?);
            }
        }
        Ok(records)
    }

    /// Results of a stage, newest first.
    pub(crate) async fn former_history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let mut records = Vec::new();
        if self.has_former().await? {
            let bound = format!("{up_to}#\u{10ffff}");
            for listed in self.query(&format!("HISTORY#{ticker}#{stage}"), Range::Below(&bound), Some(limit)).await? {
                let run: RunId = self.stored(&listed).word("run")?;
                let (partition, key) = (run_partition(&run), format!("STAGE#{ticker}#{stage}"));
                let found = self.get(&partition, &key).await?;
                records.push(self.stored(&self.standing(found, &format!("{partition} {key}"))?).former_result()?);
            }
        }
        Ok(records)
    }

    /// All receipts, newest first.
    pub(crate) async fn former_receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        if !self.has_former().await? {
            return Ok(Vec::new());
        }
        let items = self.query(&partition(ticker), Range::StartingWith(RECEIPT), None).await?;
        let mut receipts = Vec::with_capacity(items.len());
        for item in &items {
            let stored = self.stored(item);
            // Before places, a time gave the order.
            let place = (stored.former_link()?.map(|link| link.sequence), stored.string("decided_at")?.to_owned());
            receipts.push((place, stored.json::<Receipt>("receipt")?));
        }
        receipts.sort_by(|(at, one), (other_at, other)| (other.as_of, other_at).cmp(&(one.as_of, at)));
        Ok(receipts.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// Runs by their sessions, newest first.
    pub(crate) async fn former_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        if !self.has_former().await? {
            return Ok(Vec::new());
        }
        let listed = self.query("RUNS", Range::Below("A"), Some(limit)).await?;
        listed.iter().map(|item| self.stored(item).word("run")).collect()
    }

    /// Every record that has a place, in order.
    pub(crate) async fn former_chain(&self, ticker: &Ticker) -> Result<Vec<(Link, Chained)>, Error> {
        let mut records = Vec::new();
        if !self.has_former().await? {
            return Ok(records);
        }
        for item in self.query(&partition(ticker), Range::StartingWith(RECEIPT), None).await? {
            let stored = self.stored(&item);
            if let Some(link) = stored.former_link()? {
                records.push((link, stored.former_receipt()?));
            }
        }
        for stage in Stage::ALL {
            for listed in self.query(&format!("HISTORY#{ticker}#{stage}"), Range::All, None).await? {
                let run: RunId = self.stored(&listed).word("run")?;
                let Some(item) = self.get(&run_partition(&run), &format!("STAGE#{ticker}#{stage}")).await? else {
                    continue;
                };
                let stored = self.stored(&item);
                if let Some(link) = stored.former_link()? {
                    records.push((link, Chained::Result(stored.former_result()?)));
                }
            }
        }
        records.sort_by_key(|(link, _)| link.sequence);
        Ok(records)
    }

    /// Item by item, and the chain's end last: cut off, it goes on where it was.
    pub(crate) async fn forget_former(&self, ticker: &Ticker) -> Result<(), Error> {
        if !self.has_former().await? {
            return Ok(());
        }
        let partition = partition(ticker);
        self.delete(&partition, "CHAMPION").await?;
        for stage in Stage::ALL {
            let history = format!("HISTORY#{ticker}#{stage}");
            for listed in self.query(&history, Range::All, None).await? {
                let stored = self.stored(&listed);
                let run: RunId = stored.word("run")?;
                self.delete(&run_partition(&run), &format!("STAGE#{ticker}#{stage}")).await?;
                self.delete(&history, stored.string(SORT)?).await?;
            }
        }
        for receipt in self.query(&partition, Range::StartingWith(RECEIPT), None).await? {
            self.delete(&partition, self.stored(&receipt).string(SORT)?).await?;
        }
        self.delete(&partition, "CHAIN").await
    }
}
