//! The ledger in one DynamoDB table, keys `pk` and `sk`, both strings, and no index:
//!
//! ```text
//! pk                       sk                             holds
//! RUN#{run}                RUN                            a run, with its closure once it is closed
//! RUNS                     {as_of}#{place}#{run}          that there is such a run: the newest are the last
//! CHAIN                    RUNS                           how many runs have been opened
//! RUN#{run}                STAGE#{ticker}#{stage}         a stage's result, with its place in the ticker's chain
//! HISTORY#{ticker}#{stage} {as_of}#{place}#{run}          that there is such a result: the newest are the last
//! TICKER#{ticker}          CHAIN                          where the ticker's chain ends
//! TICKER#{ticker}          CHAMPION                       the champion pointer
//! TICKER#{ticker}          RECEIPT#{run}                  a receipt, with its place
//! RUN#{run}                ATTEMPTS#{ticker}#{ended_at}   tries of stages
//! RUN#{run}                START#{request}                which execution a request started
//! RUN#{run}                FAILURE#{ticker}               why a ticker was given up, by which execution
//! ```
//!
//! Results, receipts, attempts and what a closure says of each ticker are packed (`pipeline::packed`): a write unit is a kilobyte.
//! A place is written so that it sorts after what earlier releases wrote, which was a time.
//!
//! The last two are the cloud's own (`executions.rs`): there a run is worked on by many processes.
//!
//! What must be first or nothing is written in a transaction whose conditions are the keys themselves, so a call that is
//! repeated after days finds what stands: DynamoDB's own request tokens last ten minutes. Every read is consistent.

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::AttributeValue};
use forecasting::{Ticker, TradingDay};
use jiff::Timestamp;
use pipeline::{
    Attempt, Chain, Champion, Closure, Error, Ledger, Link, Pointing, Receipt, Run, RunEntry, RunId, Stage, StageKey,
    StageRecord,
};

use crate::{
    failure::failed,
    item::{PARTITION, SORT, item, json, packed, placed, text, word},
    race::{Setback, until_settled},
    table::{ABSENT, Sorted, Written},
};

/// A ledger in a table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoLedger {
    /// The ledger in this table, which must exist.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger { client, table: table.into() }
    }
}

/// After every sort key that starts with the text before it: no key of ours holds a character as high.
const END: char = '\u{10ffff}';

pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

pub(crate) fn run_key(run: &RunId) -> String {
    format!("RUN#{run}")
}

fn stage_key(ticker: &Ticker, stage: Stage) -> String {
    format!("STAGE#{ticker}#{stage}")
}

fn ticker_key(ticker: &Ticker) -> String {
    format!("TICKER#{ticker}")
}

fn receipt_key(run: &RunId) -> String {
    format!("RECEIPT#{run}")
}

/// A place in a sort key: later ones sort later, and all of them after the times of earlier releases.
fn place_key(as_of: &impl std::fmt::Display, sequence: u64, run: &RunId) -> String {
    format!("{as_of}#n{sequence:012}#{run}")
}

const CHAIN: &str = "CHAIN";
const RUNS: &str = "RUNS";
const RUN: &str = "RUN";
const CHAMPION: &str = "CHAMPION";

#[async_trait]
impl Ledger for DynamoLedger {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        let entry = item(
            &run_key(&run.id),
            RUN,
            [
                ("run", run.id.to_string()),
                ("as_of", run.as_of.to_string()),
                ("trigger", word(&run.trigger)),
                ("configuration", run.kept()),
                ("opened_at", now()),
            ],
        );
        until_settled(async || {
            if let Some(standing) = self.run(&run.id).await? {
                return Ok(standing);
            }
            let before = self.head(CHAIN, RUNS).await?;
            let link = Link::of_run(before.as_ref(), run);
            let listed = item(RUNS, &place_key(&run.as_of, link.sequence, &run.id), [("run", run.id.to_string())]);
            let opened = vec![
                self.put(entry.clone(), ABSENT, None),
                self.put(listed, ABSENT, None),
                self.move_head((CHAIN, RUNS), before.as_ref(), &link),
            ];
            match self.attempt(opened).await? {
                Written::Wholly => {
                    let found = self.run(&run.id).await?;
                    Ok(self.standing(found, run.id.as_str())?)
                }
                Written::Refused(_) => Err(self.raced()),
            }
        })
        .await
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PARTITION, text(run_key(run)))
            .key(SORT, text(RUN))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #s = :status, closure = :closure, closed_at = :at")
            .expression_attribute_names("#s", "status")
            .expression_attribute_values(":status", text(closure.status.to_string()))
            .expression_attribute_values(":closure", text(json(closure)))
            .expression_attribute_values(":at", text(now()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Err(Error::Missing { key: format!("{} {run}", self.table) })
            }
            Err(error) => Err(failed(&self.table, "written", &error)),
        }
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error> {
        let found = self.get(&run_key(run), RUN).await?;
        found.map(|item| self.stored(&item).run_entry()).transpose()
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error> {
        let mut entries = Vec::new();
        for listed in self.query(RUNS, Sorted::All, Some(limit)).await? {
            let run: RunId = self.stored(&listed).word("run")?;
            let found = self.run(&run).await?;
            entries.push(self.standing(found, run.as_str())?);
        }
        Ok(entries)
    }

    async fn commit(&self, record: StageRecord) -> Result<StageRecord, Error> {
        let StageKey { run, ticker, stage } = &record.key;
        let chain = ticker_key(ticker);
        until_settled(async || {
            let before = self.head(&chain, CHAIN).await?;
            let link = Link::of_result(before.as_ref(), &record);
            let mut result = item(
                &run_key(run),
                &stage_key(ticker, *stage),
                [
                    ("run", run.to_string()),
                    ("ticker", ticker.to_string()),
                    ("stage", stage.to_string()),
                    ("as_of", record.as_of.to_string()),
                ],
            );
            result.insert("result".to_owned(), packed(&record.result));
            result.extend(placed(&link));
            let place = place_key(&record.as_of, link.sequence, run);
            let listed = item(&format!("HISTORY#{ticker}#{stage}"), &place, [("run", run.to_string())]);
            let committed = vec![
                self.put(result, ABSENT, None),
                self.put(listed, ABSENT, None),
                self.move_head((&chain, CHAIN), before.as_ref(), &link),
            ];
            match self.attempt(committed).await? {
                Written::Wholly => Ok(record.clone()),
                Written::Refused(0) => {
                    let found = self.committed(&record.key).await?;
                    Ok(self.standing(found, run.as_str())?)
                }
                Written::Refused(_) => Err(self.raced()),
            }
        })
        .await
    }

    async fn committed(&self, key: &StageKey) -> Result<Option<StageRecord>, Error> {
        let found = self.get(&run_key(&key.run), &stage_key(&key.ticker, key.stage)).await?;
        found.map(|item| self.stored(&item).stage_record()).transpose()
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: TradingDay,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let (partition, bound) = (format!("HISTORY#{ticker}#{stage}"), format!("{up_to}#{END}"));
        let mut records = Vec::new();
        for listed in self.query(&partition, Sorted::Below(&bound), Some(limit)).await? {
            let run: RunId = self.stored(&listed).word("run")?;
            let found = self.committed(&StageKey { run: run.clone(), ticker: ticker.clone(), stage }).await?;
            records.push(self.standing(found, run.as_str())?);
        }
        Ok(records)
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        let Some(Attempt { ticker, ended_at, .. }) = attempts.last() else { return Ok(()) };
        let mut tried = item(&run_key(run), &format!("ATTEMPTS#{ticker}#{ended_at}"), []);
        tried.insert("attempts".to_owned(), packed(&json(attempts)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(tried));
        put.send().await.map(|_| ()).map_err(|error| failed(&self.table, "written", &error))
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        let mut attempts: Vec<Attempt> = Vec::new();
        // Earlier releases wrote each try by itself.
        for item in self.query(&run_key(run), Sorted::StartingWith("ATTEMPT"), None).await? {
            let stored = self.stored(&item);
            if item.contains_key("attempts") {
                attempts.extend(stored.json::<Vec<Attempt>>("attempts")?);
            } else {
                attempts.push(stored.json("attempt")?);
            }
        }
        attempts.sort_by(|a, b| (&a.ended_at, &a.ticker, a.stage).cmp(&(&b.ended_at, &b.ticker, b.stage)));
        Ok(attempts)
    }

    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error> {
        let found = self.get(&ticker_key(ticker), CHAMPION).await?;
        found.map(|item| self.stored(&item).json("champion")).transpose()
    }

    async fn decide(
        &self,
        receipt: &Receipt,
        expected: Option<&Champion>,
        pointing: Pointing,
    ) -> Result<Receipt, Error> {
        let Receipt { ticker, run, champion, .. } = receipt;
        let partition = ticker_key(ticker);
        // The pointer as it is expected: each one has its version and its place in the sequence.
        let (condition, values) = match expected {
            None => (ABSENT, None),
            Some(expected) => {
                let values = [(":version", expected.version.to_string()), (":sequence", expected.sequence.to_string())];
                let values = values.into_iter().map(|(name, value)| (name.to_owned(), text(value)));
                ("version = :version AND sequence_number = :sequence", Some(values.collect()))
            }
        };
        let pointer = if pointing == Pointing::Move && expected != Some(champion) {
            let moved = item(
                &partition,
                CHAMPION,
                [
                    ("version", champion.version.to_string()),
                    ("as_of", champion.as_of.to_string()),
                    ("sequence_number", champion.sequence.to_string()),
                    ("champion", json(champion)),
                    ("moved_at", now()),
                ],
            );
            self.put(moved, condition, values)
        } else {
            self.check(&partition, CHAMPION, condition, values)
        };
        until_settled(async || {
            let before = self.head(&partition, CHAIN).await?;
            let link = Link::of_receipt(before.as_ref(), receipt, pointing);
            let mut appended = item(
                &partition,
                &receipt_key(run),
                [
                    ("run", run.to_string()),
                    ("as_of", receipt.as_of.to_string()),
                    ("decision", receipt.decision.as_str().to_owned()),
                    ("reason", receipt.reason.clone()),
                    ("version", champion.version.to_string()),
                    ("decided_at", now()),
                ],
            );
            appended.insert("receipt".to_owned(), packed(&json(receipt)));
            appended.insert("moves".to_owned(), AttributeValue::Bool(pointing == Pointing::Move));
            appended.extend(placed(&link));
            let decided = vec![
                self.put(appended, ABSENT, None),
                pointer.clone(),
                self.move_head((&partition, CHAIN), before.as_ref(), &link),
            ];
            match self.attempt(decided).await? {
                Written::Wholly => Ok(receipt.clone()),
                Written::Refused(0) => {
                    let found = self.receipt(ticker, run).await?;
                    Ok(self.standing(found, run.as_str())?)
                }
                Written::Refused(1) => Err(Setback::Failed(Error::ChampionMoved { ticker: ticker.clone() })),
                Written::Refused(_) => Err(self.raced()),
            }
        })
        .await
    }

    async fn receipt(&self, ticker: &Ticker, run: &RunId) -> Result<Option<Receipt>, Error> {
        let found = self.get(&ticker_key(ticker), &receipt_key(run)).await?;
        found.map(|item| self.stored(&item).json("receipt")).transpose()
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        let items = self.query(&ticker_key(ticker), Sorted::StartingWith("RECEIPT#"), None).await?;
        let mut placed = Vec::with_capacity(items.len());
        for item in &items {
            let stored = self.stored(item);
            // Of earlier releases a time tells the order, and all of them came before.
            let place = (stored.string("as_of")?.to_owned(), stored.link()?.map(|link| link.sequence));
            placed.push((place, stored.string("decided_at")?.to_owned(), stored.json("receipt")?));
        }
        placed.sort_by(|a: &(_, _, Receipt), b| (&b.0, &b.1, &b.2.run).cmp(&(&a.0, &a.1, &a.2.run)));
        Ok(placed.into_iter().map(|(_, _, receipt)| receipt).collect())
    }

    /// Item by item, and the chain's end last: cut off, it goes on where it was.
    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        let partition = ticker_key(ticker);
        self.delete(&partition, CHAMPION).await?;
        for stage in Stage::ALL {
            let history = format!("HISTORY#{ticker}#{stage}");
            for listed in self.query(&history, Sorted::All, None).await? {
                let stored = self.stored(&listed);
                let run: RunId = stored.word("run")?;
                self.delete(&run_key(&run), &stage_key(ticker, stage)).await?;
                self.delete(&history, stored.string(SORT)?).await?;
            }
        }
        for receipt in self.query(&partition, Sorted::StartingWith("RECEIPT#"), None).await? {
            self.delete(&partition, self.stored(&receipt).string(SORT)?).await?;
        }
        self.delete(&partition, CHAIN).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        let mut records = Vec::new();
        for item in self.query(&ticker_key(ticker), Sorted::StartingWith("RECEIPT#"), None).await? {
            records.extend(self.stored(&item).chained()?);
        }
        for stage in Stage::ALL {
            for listed in self.query(&format!("HISTORY#{ticker}#{stage}"), Sorted::All, None).await? {
                let run: RunId = self.stored(&listed).word("run")?;
                let result = self.get(&run_key(&run), &stage_key(ticker, stage)).await?;
                records.extend(result.map(|item| self.stored(&item).chained()).transpose()?.flatten());
            }
        }
        records.sort_by_key(|(link, _)| link.sequence);
        Ok(Chain { head: self.head(&ticker_key(ticker), CHAIN).await?, records })
    }
}
