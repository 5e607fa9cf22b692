//! The ledger in one DynamoDB table, keys `pk` and `sk`, both strings, and no index:
//!
//! ```text
//! pk                       sk                             holds
//! RUN#{run}                RUN                            a run, with its closure once it is closed
//! RUNS                     {as_of}#{opened_at}#{run}      that there is such a run: the newest are the last
//! RUN#{run}                STAGE#{ticker}#{stage}         a stage's result
//! HISTORY#{ticker}#{stage} {as_of}#{committed_at}#{run}   that there is such a result: the newest are the last
//! TICKER#{ticker}          CHAMPION                       the champion pointer
//! TICKER#{ticker}          RECEIPT#{run}                  a receipt
//! RUN#{run}                START#{request}                which execution a request started
//! RUN#{run}                FAILURE#{ticker}               why a ticker was given up, by which execution
//! RUN#{run}                SECONDS#{ticker}               how long a ticker has been worked on
//! ```
//!
//! The last three are the cloud's own (`executions.rs`): there a run is worked on by many processes.
//!
//! What must be first or nothing is written in a transaction whose conditions are the keys themselves, so a call that is
//! repeated after days finds what stands: DynamoDB's own request tokens last ten minutes. Every read is consistent.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    operation::{transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{ConditionCheck, Put, TransactWriteItem},
};
use forecasting::{Ticker, TradingDay};
use jiff::Timestamp;
use pipeline::{
    Attempt, Champion, Closure, Error, Ledger, Pointing, Receipt, Run, RunEntry, RunId, Stage, StageKey, StageRecord,
};

use crate::{
    failure::failed,
    item::{Item, PARTITION, SORT, Stored, item, json, text, word},
    race::{Setback, until_settled},
};

/// A ledger in a table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// Nothing stands under this key yet.
const ABSENT: &str = "attribute_not_exists(pk)";

/// What became of a transaction.
enum Written {
    Wholly,
    /// Not at all: the condition of this item, the first to fail, does not hold.
    Refused(usize),
}

impl DynamoLedger {
    /// The ledger in this table, which must exist.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger { client, table: table.into() }
    }

    async fn get(&self, partition: &str, sort: &str) -> Result<Option<Item>, Error> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PARTITION, text(partition))
            .key(SORT, text(sort))
            .consistent_read(true);
        let answer = get.send().await.map_err(|error| failed(&self.table, "read", &error))?;
        Ok(answer.item)
    }

    /// Items of a partition in the order of their sort keys, from the end where `newest` says how many at most.
    pub(crate) async fn query(
        &self,
        partition: &str,
        sort: Sorted<'_>,
        newest: Option<usize>,
    ) -> Result<Vec<Item>, Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(newest.is_none())
            .set_limit(newest.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .expression_attribute_values(":pk", text(partition));
        query = match sort {
            Sorted::All => query.key_condition_expression("pk = :pk"),
            Sorted::StartingWith(prefix) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", text(prefix)),
            Sorted::Below(bound) => {
                query.key_condition_expression("pk = :pk AND sk < :sk").expression_attribute_values(":sk", text(bound))
            }
        };
        let mut pages = query.into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(|error| failed(&self.table, "read", &error))?.items.unwrap_or_default());
            if newest.is_some_and(|limit| items.len() >= limit) {
                break;
            }
        }
        items.truncate(newest.unwrap_or(usize::MAX));
        Ok(items)
    }

    async fn write(&self, items: Vec<TransactWriteItem>) -> Result<Written, Error> {
        until_settled(|| self.attempt(items.clone())).await
    }

    async fn attempt(&self, items: Vec<TransactWriteItem>) -> Result<Written, Setback> {
        let answer = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = answer else { return Ok(Written::Wholly) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            let mut codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
            if let Some(place) = codes.clone().position(|code| code == "ConditionalCheckFailed") {
                return Ok(Written::Refused(place));
            }
            if codes
                .any(|code| matches!(code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"))
            {
                let reason = "another transaction is under way".to_owned();
                let what = self.table.clone();
                return Err(Setback::Raced(Error::Store { what, action: "written", reason, transient: true }));
            }
        }
        Err(Setback::Failed(failed(&self.table, "written", &error)))
    }

    fn put(&self, item: Item, condition: &str, values: Option<Item>) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build()
            .expect("it has a table and an item");
        TransactWriteItem::builder().put(put).build()
    }

    fn check(&self, partition: &str, sort: &str, condition: &str, values: Option<Item>) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key(PARTITION, text(partition))
            .key(SORT, text(sort))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build()
            .expect("it has a table, a key and a condition");
        TransactWriteItem::builder().condition_check(check).build()
    }

    pub(crate) fn stored<'a>(&'a self, item: &'a Item) -> Stored<'a> {
        Stored { table: &self.table, item }
    }

    /// What stands where a condition said that something does.
    fn standing<T>(&self, found: Option<T>, key: &str) -> Result<T, Error> {
        found.ok_or_else(|| Error::Missing { key: format!("{} {key}", self.table) })
    }
}

/// Which sort keys of a partition.
pub(crate) enum Sorted<'a> {
    All,
    StartingWith(&'a str),
    Below(&'a str),
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

const RUNS: &str = "RUNS";
const RUN: &str = "RUN";
const CHAMPION: &str = "CHAMPION";

#[async_trait]
impl Ledger for DynamoLedger {
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        let opened_at = now();
        let entry = item(
            &run_key(&run.id),
            RUN,
            [
                ("run", run.id.to_string()),
                ("as_of", run.as_of.to_string()),
                ("trigger", word(&run.trigger)),
                ("configuration", json(&run.configuration)),
                ("opened_at", opened_at.clone()),
            ],
        );
        let place = format!("{}#{opened_at}#{}", run.as_of, run.id);
        let listed = item(RUNS, &place, [("run", run.id.to_string())]);
        self.write(vec![self.put(entry, ABSENT, None), self.put(listed, ABSENT, None)]).await?;
        let found = self.run(&run.id).await?;
        self.standing(found, run.id.as_str())
    }

    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PARTITION, text(run_key(run)))
            .key(SORT, text(RUN))
            .condition_expression("attribute_exists(pk)")
            .update_expression(
                "SET #s = :status, tickers = :tickers, seconds = :seconds, report = :report, closed_at = :at",
            )
            .expression_attribute_names("#s", "status")
            .expression_attribute_values(":status", text(closure.status.to_string()))
            .expression_attribute_values(":tickers", text(json(&closure.tickers)))
            .expression_attribute_values(":seconds", text(json(&closure.seconds)))
            .expression_attribute_values(":report", text(json(&closure.report)))
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
        let committed_at = now();
        let result = item(
            &run_key(run),
            &stage_key(ticker, *stage),
            [
                ("run", run.to_string()),
                ("ticker", ticker.to_string()),
                ("stage", stage.to_string()),
                ("as_of", record.as_of.to_string()),
                ("result", record.result.clone()),
                ("committed_at", committed_at.clone()),
            ],
        );
        let place = format!("{}#{committed_at}#{run}", record.as_of);
        let listed = item(&format!("HISTORY#{ticker}#{stage}"), &place, [("run", run.to_string())]);
        match self.write(vec![self.put(result, ABSENT, None), self.put(listed, ABSENT, None)]).await? {
            Written::Wholly => Ok(record),
            Written::Refused(_) => {
                let found = self.committed(&record.key).await?;
                self.standing(found, run.as_str())
            }
        }
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
        for attempt in attempts {
            let Attempt { ticker, stage, ended_at, .. } = attempt;
            let place = format!("ATTEMPT#{ended_at}#{ticker}#{stage}");
            let put = self.client.put_item().table_name(&self.table);
            let put = put.set_item(Some(item(&run_key(run), &place, [("attempt", json(attempt))])));
            put.send().await.map_err(|error| failed(&self.table, "written", &error))?;
        }
        Ok(())
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        let items = self.query(&run_key(run), Sorted::StartingWith("ATTEMPT#"), None).await?;
        items.iter().map(|item| self.stored(item).json("attempt")).collect()
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
        let appended = item(
            &partition,
            &receipt_key(run),
            [
                ("run", run.to_string()),
                ("as_of", receipt.as_of.to_string()),
                ("decision", receipt.decision.as_str().to_owned()),
                ("reason", receipt.reason.clone()),
                ("version", champion.version.to_string()),
                ("receipt", json(receipt)),
                ("decided_at", now()),
            ],
        );
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
        match self.write(vec![self.put(appended, ABSENT, None), pointer]).await? {
            Written::Wholly => Ok(receipt.clone()),
            Written::Refused(0) => {
                let found = self.get(&partition, &receipt_key(run)).await?;
                self.stored(&self.standing(found, run.as_str())?).json("receipt")
            }
            Written::Refused(_) => Err(Error::ChampionMoved { ticker: ticker.clone() }),
        }
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        let mut items = self.query(&ticker_key(ticker), Sorted::StartingWith("RECEIPT#"), None).await?;
        let place = |item: &Item| -> Result<[String; 3], Error> {
            let [as_of, decided_at, run] = ["as_of", "decided_at", "run"].map(|name| self.stored(item).string(name));
            Ok([as_of?.to_owned(), decided_at?.to_owned(), run?.to_owned()])
        };
        let mut placed = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            placed.push((place(&item)?, self.stored(&item).json("receipt")?));
        }
        placed.sort_by(|a: &([String; 3], Receipt), b| b.0.cmp(&a.0));
        Ok(placed.into_iter().map(|(_, receipt)| receipt).collect())
    }
}
