//! A ticker's records as a log in one partition. An item is what was appended in one step:
//!
//! ```text
//! TICKER#{ticker}   LOG#{first}               records from this place on, packed, and the digest of the last of them
//! TICKER#{ticker}   AT#{as_of}#{first}#{run}  that there is such an item, and of which records
//! ```
//!
//! To append is to put the item after the last one where none stands: DynamoDB lets one writer do so, and whoever lost looks again. It is one plain
//! write, so there is no transaction to pay twice for, and what a run adds is added wholly or not at all. The second item is how a run's
//! or a session's records are found. It is written first: one that points to nothing, or to another run's item, is left by a writer that
//! lost, or died, and is passed over.

use aws_sdk_dynamodb::types::AttributeValue;
use forecasting::{Stamp, Ticker};
use futures::future::try_join_all;
use pipeline::{Appended, Chained, Champion, Error, Link, RunId, StageRecord};

use crate::{
    DynamoLedger,
    item::{Item, SORT, item, number, packed},
    race::Setback,
    table::{Range, now},
};

/// After every sort key that starts with the text before it: no key of ours holds a character as high.
const END: char = '\u{10ffff}';
const LOG: &str = "LOG#";
pub(crate) const AT: &str = "AT#";

pub(crate) fn partition(ticker: &Ticker) -> String {
    format!("TICKER#{ticker}")
}

fn log_key(first: u64) -> String {
    format!("{LOG}{first:012}")
}

/// Where a log ends.
pub(crate) struct Tail {
    pub(crate) link: Link,
    /// The item with the receipt that put the champion in service.
    champion_at: Option<u64>,
}

/// What was appended in one step.
pub(crate) struct Appendix {
    run: RunId,
    pub(crate) records: Vec<(Link, Chained)>,
}

impl Appendix {
    fn first(&self) -> u64 {
        self.records.first().map_or(0, |(link, _)| link.sequence)
    }

    pub(crate) fn results(&self) -> impl Iterator<Item = &StageRecord> {
        self.records.iter().filter_map(|(_, record)| match record {
            Chained::Result(record) => Some(record),
            Chained::Receipt(..) => None,
        })
    }
}

impl DynamoLedger {
    /// Where a ticker's log ends; what an earlier release left is what it begins after.
    pub(crate) async fn tail(&self, ticker: &Ticker) -> Result<Option<Tail>, Error> {
        let last = self.query(&partition(ticker), Range::StartingWith(LOG), Some(1)).await?.pop();
        if let Some(last) = last {
            let stored = self.stored(&last);
            let link = Link { sequence: stored.number("last")?, digest: stored.digest()? };
            let champion_at = last.contains_key("champion_at").then(|| stored.number("champion_at")).transpose()?;
            return Ok(Some(Tail { link, champion_at }));
        }
        let former = self.former_head(ticker).await?;
        Ok(former.map(|link| Tail { link, champion_at: None }))
    }

    /// The champion that the last moving receipt put in service.
    pub(crate) async fn champion_of(&self, ticker: &Ticker, tail: Option<&Tail>) -> Result<Option<Champion>, Error> {
        let Some(first) = tail.and_then(|tail| tail.champion_at) else { return self.former_champion(ticker).await };
        let (partition, key) = (partition(ticker), log_key(first));
        let found = self.get(&partition, &key).await?;
        let item = self.standing(found, &format!("{partition} {key}"))?;
        let records = self.appendix(ticker, &item)?.records;
        Ok(records.iter().rev().find_map(|(_, record)| record.champion()).cloned())
    }

    /// Tries to append records of one run after the last one.
    pub(crate) async fn try_append(
        &self,
        ticker: &Ticker,
        run: &RunId,
        as_of: Stamp,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Setback> {
        // The end before what stands: whoever adds to it meanwhile is noticed at the put.
        let tail = self.tail(ticker).await?;
        if self.stands(ticker, run, records).await? {
            return Ok(Appended::Stood);
        }
        let decides = records.iter().any(|record| matches!(record, Chained::Receipt(..)));
        if decides && self.champion_of(ticker, tail.as_ref()).await?.as_ref() != expected {
            return Err(Setback::Failed(Error::ChampionMoved { ticker: ticker.clone() }));
        }
        let first = tail.as_ref().map_or(0, |tail| tail.link.sequence) + 1;
        let mut link = tail.as_ref().map(|tail| tail.link.clone());
        for record in records {
            link = Some(Link::of(link.as_ref(), record));
        }
        let Some(last) = link else { return Ok(Appended::Wholly) };
        let moves = records.iter().any(|record| record.champion().is_some());
        let champion_at = if moves { Some(first) } else { tail.and_then(|tail| tail.champion_at) };

        let partition = partition(ticker);
        let holds = records.iter().map(Chained::kind).collect::<Vec<_>>().join(" ");
        let index = item(
            &partition,
            &format!("{AT}{as_of}#{first:012}#{run}"),
            [("run", run.to_string()), ("first", first.to_string()), ("holds", holds)],
        );
        self.put(index, None).await?;
        let mut log = item(
            &partition,
            &log_key(first),
            [("run", run.to_string()), ("as_of", as_of.to_string()), ("written_at", now())],
        );
        let lines: String = records.iter().map(|record| record.line() + "\n").collect();
        log.insert("records".to_owned(), packed(&lines));
        log.insert("last".to_owned(), number(last.sequence));
        log.insert("digest".to_owned(), AttributeValue::B(last.digest.hash().into()));
        log.extend(champion_at.map(|first| ("champion_at".to_owned(), number(first))));
        match self.put(log, Some("attribute_not_exists(pk)")).await {
            Ok(true) => Ok(Appended::Wholly),
            Ok(false) => Err(self.raced()),
            Err(error) => Err(error.into()),
        }
    }

    async fn stands(&self, ticker: &Ticker, run: &RunId, records: &[Chained]) -> Result<bool, Error> {
        let mut standing: Vec<Chained> = self.former_records(ticker, run).await?;
        for appendix in self.pages_of_run(ticker, run).await? {
            standing.extend(appendix.records.into_iter().map(|(_, record)| record));
        }
        Ok(records.iter().any(|record| standing.iter().any(|standing| record.is_in_place_of(standing))))
    }

    /// What a run has appended for a ticker, oldest first.
    pub(crate) async fn pages_of_run(&self, ticker: &Ticker, run: &RunId) -> Result<Vec<Appendix>, Error> {
        let listed =
            self.query(&partition(ticker), Range::StartingWith(&format!("{AT}{}#", run.as_of())), None).await?;
        let own: Vec<Item> = listed
            .into_iter()
            .filter(|item| self.stored(item).string("run").is_ok_and(|of| of == run.as_str()))
            .collect();
        self.pointed_to(ticker, &own).await
    }

    /// What was appended with a record of this kind, of sessions up to this one: newest first, as many as are asked for, where there are.
    pub(crate) async fn newest(
        &self,
        ticker: &Ticker,
        kind: &str,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<Appendix>, Error> {
        let partition = partition(ticker);
        let mut found = Vec::new();
        let mut bound = format!("{AT}{}#{END}", up_to.bound());
        while found.len() < limit {
            // A run appends its prices by themselves.
            let page = 2 * (limit - found.len()) + 2;
            // No other key of the partition is below these.
            let listed = self.query(&partition, Range::Below(&bound), Some(page)).await?;
            let Some(oldest) = listed.last() else { break };
            let more = listed.len() == page;
            bound = self.stored(oldest).string(SORT)?.to_owned();
            let holds = |item: &Item| {
                self.stored(item).string("holds").is_ok_and(|holds| holds.split(' ').any(|held| held == kind))
            };
            let matching: Vec<Item> = listed.into_iter().filter(holds).collect();
            // As many as are missing, and more where some point to nothing.
            let mut rest = &matching[..];
            while found.len() < limit && !rest.is_empty() {
                let (asked, others) = rest.split_at(rest.len().min(limit - found.len()));
                found.extend(self.pointed_to(ticker, asked).await?);
                rest = others;
            }
            if !more {
                break;
            }
        }
        Ok(found)
    }

    /// The items that these point to, without those that they point to in vain.
    async fn pointed_to(&self, ticker: &Ticker, listed: &[Item]) -> Result<Vec<Appendix>, Error> {
        let partition = partition(ticker);
        let mut found: Vec<Appendix> = Vec::new();
        for some in listed.chunks(READS) {
            let mut asked = Vec::with_capacity(some.len());
            for item in some {
                let stored = self.stored(item);
                let first = stored
                    .string("first")?
                    .parse()
                    .map_err(|_| stored.damaged("attribute first is no number".to_owned()))?;
                asked.push((log_key(first), stored.word::<RunId>("run")?));
            }
            let items = try_join_all(asked.iter().map(|(key, _)| self.get(&partition, key))).await?;
            for (item, (_, run)) in items.into_iter().zip(asked) {
                let Some(item) = item else { continue };
                let appendix = self.appendix(ticker, &item)?;
                if appendix.run == run && found.iter().all(|other| other.first() != appendix.first()) {
                    found.push(appendix);
                }
            }
        }
        Ok(found)
    }

    /// The whole log, oldest first.
    pub(crate) async fn log(&self, ticker: &Ticker) -> Result<Vec<Appendix>, Error> {
        let items = self.query(&partition(ticker), Range::StartingWith(LOG), None).await?;
        items.iter().map(|item| self.appendix(ticker, item)).collect()
    }

    /// Removes it: its end last, so that what is cut off goes on.
    pub(crate) async fn forget_log(&self, ticker: &Ticker) -> Result<(), Error> {
        let partition = partition(ticker);
        for prefix in [AT, LOG] {
            for item in self.query(&partition, Range::StartingWith(prefix), None).await? {
                self.delete(&partition, self.stored(&item).string(SORT)?).await?;
            }
        }
        Ok(())
    }

    /// An item as it was read. Its digest is of its last record; the others' follow from what stands before it, and are read as what they hold.
    fn appendix(&self, ticker: &Ticker, item: &Item) -> Result<Appendix, Error> {
        let stored = self.stored(item);
        let (run, as_of): (RunId, Stamp) = (stored.word("run")?, stored.word("as_of")?);
        let mut records = Vec::new();
        for line in stored.packed("records")?.lines() {
            let record = Chained::of_line(line, &run, as_of, ticker);
            records.push(record.map_err(|reason| stored.damaged(format!("attribute records: {reason}")))?);
        }
        let last: u64 = stored.number("last")?;
        let first: u64 = stored.string(SORT)?.trim_start_matches(LOG).parse().unwrap_or_default();
        if first + records.len() as u64 != last + 1 {
            return Err(stored.damaged(format!("it ends with record {last} and has {}", records.len())));
        }
        let digest = stored.digest()?;
        let records = records
            .into_iter()
            .zip(first..)
            .map(|(record, sequence)| (Link { sequence, digest: digest.clone() }, record));
        Ok(Appendix { run, records: records.collect() })
    }
}

/// Reads at the same time.
pub(crate) const READS: usize = 32;
