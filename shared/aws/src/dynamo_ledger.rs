//! The ledger in one DynamoDB table, keys `pk` and `sk`, both strings, and no index:
//!
//! ```text
//! pk                       sk                             holds
//! RUN#{run}                RUN                            a run, with its closure once it is closed
//! RUNS                     AT#{as_of}#{place}#{run}       that there is such a run: the newest are the last
//! RUNS                     COUNT                          how many runs have been opened
//! TICKER#{ticker}          LOG#..., AT#...                results and receipts of a ticker (`log.rs`)
//! RUN#{run}                ATTEMPTS#{ticker}#{ended_at}   tries of stages
//! RUN#{run}                START#{request}                which execution a request started
//! RUN#{run}                FAILURE#{ticker}               why a ticker was given up, by which execution
//! ```
//!
//! What arrives row by row is beside them (`streams.rs`).
//!
//! The last two are the cloud's own (`executions.rs`): there a run is worked on by many processes. What a ticker's night writes is in the
//! ticker's own partition, so that no partition takes the writes of a whole watchlist.
//!
//! What must be first is put where nothing stands yet, so a call that is repeated after days finds what stands: DynamoDB's own request
//! tokens last ten minutes. Every read is consistent. What earlier releases wrote is read on (`former.rs`).

use std::cmp::Reverse;

use async_trait::async_trait;
use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::ReturnValue};
use forecasting::{Stamp, Ticker};
use futures::future::try_join_all;
use pipeline::{
    Appended, Attempt, Chain, Chained, Champion, Closure, Error, Ledger, Link, OfRun, Receipt, Run, RunEntry, RunId,
    Stage, StageRecord,
    stream::{Head, Kept},
};
use tokio::sync::OnceCell;

use crate::{
    failure::failed,
    item::{PARTITION, SORT, item, json, number, packed, text, word},
    log::{AT, READS},
    race::until_settled,
    table::{Range, now, passing},
};

/// A ledger in a table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    pub(crate) client: Client,
    pub(crate) table: String,
    /// Whether an earlier release left something in it.
    pub(crate) former: OnceCell<bool>,
}

impl DynamoLedger {
    /// The ledger in this table, which must exist.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger { client, table: table.into(), former: OnceCell::new() }
    }

    /// A place that no run has had: later runs have higher ones.
    async fn place_of_a_run(&self) -> Result<u64, Error> {
        let count = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PARTITION, text(RUNS))
            .key(SORT, text("COUNT"))
            .update_expression("ADD opened :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew);
        let answer = count.send().await.map_err(|error| failed(&self.table, "written", &error))?;
        self.stored(&answer.attributes.unwrap_or_default()).number("opened")
    }
}

pub(crate) fn run_key(run: &RunId) -> String {
    format!("RUN#{run}")
}

const RUNS: &str = "RUNS";
const RUN: &str = "RUN";

#[async_trait]
impl Ledger for DynamoLedger {
    /// Listed first: a place that its run does not have was left by a writer that lost, or died, and is passed over.
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error> {
        if let Some(standing) = self.run(&run.id).await? {
            return Ok(standing);
        }
        let place = self.place_of_a_run().await?;
        let (id, listed) = (run.id.to_string(), format!("{AT}{}#{place:012}#{}", run.as_of, run.id));
        let mut listed = item(RUNS, &listed, [("run", id.clone())]);
        listed.insert("place".to_owned(), number(place));
        self.put(listed, None).await?;
        let mut entry = item(
            &run_key(&run.id),
            RUN,
            [
                ("run", id),
                ("as_of", run.as_of.to_string()),
                ("trigger", word(&run.trigger)),
                ("configuration", run.kept()),
                ("opened_at", now()),
            ],
        );
        entry.insert("place".to_owned(), number(place));
        self.put(entry, Some("attribute_not_exists(pk)")).await?;
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
        let listed = self.query(RUNS, Range::StartingWith(AT), Some(limit)).await?;
        let mut asked = Vec::with_capacity(listed.len());
        for item in &listed {
            asked.push((self.stored(item).word::<RunId>("run")?, item.get("place")));
        }
        asked.extend(self.former_runs(limit).await?.into_iter().map(|run| (run, None)));
        let mut entries: Vec<RunEntry> = Vec::new();
        for some in asked.chunks(READS) {
            let keys: Vec<String> = some.iter().map(|(run, _)| run_key(run)).collect();
            let items = try_join_all(keys.iter().map(|key| self.get(key, RUN))).await?;
            for (item, (_, place)) in items.iter().zip(some) {
                let Some(item) = item.as_ref().filter(|item| item.get("place") == *place) else { continue };
                entries.push(self.stored(item).run_entry()?);
            }
        }
        entries.sort_by_key(|entry| Reverse(entry.run.as_of));
        entries.truncate(limit);
        Ok(entries)
    }

    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error> {
        let (run, as_of) = match records.first() {
            None => return Ok(Appended::Wholly),
            Some(Chained::Result(record)) => (&record.key.run, record.as_of),
            Some(Chained::Receipt(receipt, _)) => (&receipt.run, receipt.as_of),
        };
        until_settled(|| self.try_append(ticker, run, as_of, records, expected)).await
    }

    async fn of_run(&self, run: &RunId, ticker: &Ticker) -> Result<OfRun, Error> {
        // What earlier releases left has its places in `chain` alone.
        let former = self.former_records(ticker, run).await?;
        let mut of_run = OfRun { records: former.into_iter().map(|record| (0, record)).collect(), end: None };
        for appendix in self.pages_of_run(ticker, run).await? {
            of_run.end = appendix.records.last().map(|(link, _)| link.clone());
            of_run.records.extend(appendix.records.into_iter().map(|(link, record)| (link.sequence, record)));
        }
        Ok(of_run)
    }

    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let mut found = Vec::new();
        for appendix in self.newest(ticker, stage.as_str(), up_to, limit).await? {
            found.extend(appendix.results().filter(|record| record.key.stage == stage).cloned());
        }
        let former = self.former_history(ticker, stage, up_to, limit).await?;
        if !former.is_empty() {
            found.extend(former);
            // What an earlier release wrote came before, whichever session it was for.
            found.sort_by_key(|record| Reverse(record.as_of));
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error> {
        let Some(Attempt { ticker, ended_at, .. }) = attempts.last() else { return Ok(()) };
        let mut tried = item(&run_key(run), &format!("ATTEMPTS#{ticker}#{ended_at}"), []);
        tried.insert("attempts".to_owned(), packed(&json(attempts)));
        tried.extend(passing());
        self.put(tried, None).await.map(|_| ())
    }

    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error> {
        let mut attempts: Vec<Attempt> = Vec::new();
        // Earlier releases wrote each try by itself.
        for item in self.query(&run_key(run), Range::StartingWith("ATTEMPT"), None).await? {
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
        let tail = self.tail(ticker).await?;
        self.champion_of(ticker, tail.as_ref()).await
    }

    async fn head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        self.stream_head(ticker).await
    }

    async fn arrived(&self, ticker: &Ticker, from: i64) -> Result<Vec<Kept>, Error> {
        self.rows_where(ticker, |row| row.at >= from).await
    }

    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error> {
        let mut receipts: Vec<Receipt> = Vec::new();
        for appendix in self.log(ticker).await?.into_iter().rev() {
            receipts.extend(appendix.records.into_iter().rev().filter_map(|(_, record)| match record {
                Chained::Receipt(receipt, _) => Some(*receipt),
                Chained::Result(_) => None,
            }));
        }
        receipts.extend(self.former_receipts(ticker).await?);
        receipts.sort_by_key(|receipt| Reverse(receipt.as_of));
        Ok(receipts)
    }

    async fn forget(&self, ticker: &Ticker) -> Result<(), Error> {
        self.forget_former(ticker).await?;
        self.forget_stream(ticker).await?;
        self.forget_log(ticker).await
    }

    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error> {
        let mut records = self.former_chain(ticker).await?;
        let mut head = self.former_head(ticker).await?;
        for appendix in self.log(ticker).await? {
            let mut before = head.take();
            let digest = appendix.records.last().map(|(link, _)| link.clone());
            let several = appendix.records.len() - 1;
            for (i, (stored, record)) in appendix.records.into_iter().enumerate() {
                // An item has the digest of its last record, which the others' go into.
                let link = if i == several { stored } else { Link::of(before.as_ref(), &record) };
                before = Some(link.clone());
                records.push((link, record));
            }
            head = digest;
        }
        Ok(Chain { head, records })
    }
}
