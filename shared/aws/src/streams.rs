//! What arrived row by row, in the ledger's table:
//!
//! ```text
//! pk                sk                holds
//! STREAM#{ticker}   ROWS#{version}    rows that were kept in one step, and the head that they left: the newest is the last
//! STREAMS           {ticker}          that the ticker has rows
//! SOURCES           {source}          how many rows came to what, counted by delivery
//! ```
//!
//! To keep rows is to put the item after the last one where none stands, as a ticker's log grows: rows and the model that they have taken
//! further are kept in one plain write, wholly or not at all. How far a source is read is Lambda's own matter.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use forecasting::Ticker;
use futures::future::try_join_all;
use jiff::Timestamp;
use pipeline::{
    Error,
    stream::{Counts, Head, Kept, Kin, Source, Step, Streams},
};

use crate::{
    DynamoLedger,
    failure::failed,
    item::{PARTITION, SORT, item, json, number, packed, text},
    table::Range,
};

const ROWS: &str = "ROWS#";
const STREAMS: &str = "STREAMS";
const SOURCES: &str = "SOURCES";
/// Writes at once.
const AT_ONCE: usize = 16;

/// After a race, and as much again at most.
const MIN_PAUSE: Duration = Duration::from_millis(200);

fn jitter() -> Duration {
    MIN_PAUSE.mul_f64(f64::from(Timestamp::now().subsec_nanosecond()) / 1e9)
}

fn partition(ticker: &Ticker) -> String {
    format!("STREAM#{ticker}")
}

impl DynamoLedger {
    /// What the rows of a ticker have come to.
    pub(crate) async fn stream_head(&self, ticker: &Ticker) -> Result<Option<Head>, Error> {
        let last = self.query(&partition(ticker), Range::StartingWith(ROWS), Some(1)).await?.pop();
        last.map(|item| self.stored(&item).json("head")).transpose()
    }

    async fn keep_series(&self, ticker: &Ticker, kin: &Kin) -> Result<(), Error> {
        let Kin { rows, before, head } = kin;
        // Where the series is new, it is listed first: one that is listed and has no rows was left by who died.
        if *before == 0 {
            self.put(item(STREAMS, ticker.as_str(), []), None).await?;
        }
        let mut kept = item(&partition(ticker), &format!("{ROWS}{:012}", head.version), []);
        kept.insert("rows".to_owned(), packed(&json(rows)));
        kept.insert("head".to_owned(), packed(&json(head)));
        let raced = || Error::Raced { what: format!("the stream of {ticker}") };
        let is_next = *before + 1 == head.version && self.stream_version(ticker).await? == *before;
        if is_next && self.put(kept, Some("attribute_not_exists(pk)")).await? { Ok(()) } else { Err(raced()) }
    }

    /// The version of the last item: a step must follow it.
    async fn stream_version(&self, ticker: &Ticker) -> Result<u64, Error> {
        Ok(self.stream_head(ticker).await?.map_or(0, |head| head.version))
    }

    /// Removes a ticker's rows.
    pub(crate) async fn forget_stream(&self, ticker: &Ticker) -> Result<(), Error> {
        for item in self.query(&partition(ticker), Range::All, None).await? {
            self.delete(&partition(ticker), self.stored(&item).string(SORT)?).await?;
        }
        self.delete(STREAMS, ticker.as_str()).await
    }

    /// Page by page: a log is read whole, and need not be held whole.
    pub(crate) async fn rows_where(&self, ticker: &Ticker, wanted: impl Fn(&Kept) -> bool) -> Result<Vec<Kept>, Error> {
        let mut rows = Vec::new();
        let mut pages = self
            .pages(&partition(ticker), Range::StartingWith(ROWS))
            .projection_expression("pk, sk, #rows")
            .expression_attribute_names("#rows", "rows")
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let items = page.map_err(|error| failed(&self.table, "read", &error))?.items.unwrap_or_default();
            for item in &items {
                rows.extend(self.stored(item).json::<Vec<Kept>>("rows")?.into_iter().filter(&wanted));
            }
        }
        Ok(rows)
    }

    async fn count(&self, step: &Step) -> Result<(), Error> {
        let Some(at) = step.at else { return Ok(()) };
        let counts = step.counts.each();
        let added: Vec<String> = counts.iter().map(|(name, _)| format!("{name} :{name}")).collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PARTITION, text(SOURCES))
            .key(SORT, text(&step.source))
            .update_expression(format!("SET #at = :at ADD {}", added.join(", ")))
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", number(at.as_millisecond().unsigned_abs()));
        for (name, n) in counts {
            update = update.expression_attribute_values(format!(":{name}"), number(n));
        }
        update.send().await.map(|_| ()).map_err(|error| failed(&self.table, "written", &error))
    }
}

#[async_trait]
impl Streams for DynamoLedger {
    /// Lambda itself knows.
    async fn positions(&self, _source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        Ok(BTreeMap::new())
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        let periods: HashSet<i64> = periods.iter().copied().collect();
        self.rows_where(ticker, |row| periods.contains(&row.at)).await
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        self.rows_where(ticker, |_| true).await
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        let series: Vec<(&Ticker, &Kin)> = step.series.iter().collect();
        for some in series.chunks(AT_ONCE) {
            if let Err(error) = try_join_all(some.iter().map(|(ticker, kin)| self.keep_series(ticker, kin))).await {
                if let Error::Raced { .. } = error {
                    // Who comes again at once is raced again.
                    tokio::time::sleep(MIN_PAUSE + jitter()).await;
                }
                return Err(error);
            }
        }
        self.count(step).await
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        let mut tickers = Vec::new();
        for item in self.query(STREAMS, Range::All, None).await? {
            tickers.push(self.stored(&item).word(SORT)?);
        }
        Ok(tickers)
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        let mut sources = BTreeMap::new();
        for item in self.query(SOURCES, Range::All, None).await? {
            let stored = self.stored(&item);
            let mut counts = Counts::default();
            for (name, n) in counts.each_mut() {
                *n = stored.number(name)?;
            }
            let at = i64::try_from(stored.number("at")?).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
            sources.insert(stored.string(SORT)?.to_owned(), Source { counts, lag: None, at });
        }
        Ok(sources)
    }
}
