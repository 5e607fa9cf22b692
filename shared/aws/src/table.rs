//! What is asked of the table: items by their keys, and several written together or not at all.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, Put, TransactWriteItem},
};
use pipeline::{Error, Link};

use crate::{
    DynamoLedger,
    failure::failed,
    item::{Item, PARTITION, SORT, Stored, item, placed, text},
    race::Setback,
};

/// Nothing stands under this key yet.
pub(crate) const ABSENT: &str = "attribute_not_exists(pk)";

/// What became of a transaction.
pub(crate) enum Written {
    Wholly,
    /// Not at all: the condition of this item, the first to fail, does not hold.
    Refused(usize),
}

impl DynamoLedger {
    pub(crate) async fn get(&self, partition: &str, sort: &str) -> Result<Option<Item>, Error> {
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

    /// One that is not there is deleted already.
    pub(crate) async fn delete(&self, partition: &str, sort: &str) -> Result<(), Error> {
        let delete =
            self.client.delete_item().table_name(&self.table).key(PARTITION, text(partition)).key(SORT, text(sort));
        delete.send().await.map(|_| ()).map_err(|error| failed(&self.table, "written", &error))
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

    /// Another writer has moved what this one expected: it looks again.
    pub(crate) fn raced(&self) -> Setback {
        let (what, reason) = (self.table.clone(), "another writer was first".to_owned());
        Setback::Raced(Error::Store { what, action: "written", reason, transient: true })
    }

    pub(crate) async fn attempt(&self, items: Vec<TransactWriteItem>) -> Result<Written, Setback> {
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
                return Err(self.raced());
            }
        }
        Err(Setback::Failed(failed(&self.table, "written", &error)))
    }

    /// Where a ticker's chain ends, or how many runs there have been.
    pub(crate) async fn head(&self, partition: &str, sort: &str) -> Result<Option<Link>, Error> {
        let found = self.get(partition, sort).await?;
        found.map(|item| self.stored(&item).link()).transpose().map(Option::flatten)
    }

    /// Moves the end of a chain, from where it is expected to be.
    pub(crate) fn move_head(
        &self,
        (partition, sort): (&str, &str),
        from: Option<&Link>,
        to: &Link,
    ) -> TransactWriteItem {
        let mut head = item(partition, sort, []);
        head.extend(placed(to));
        match from {
            None => self.put(head, ABSENT, None),
            Some(from) => {
                let [_, (_, digest)] = placed(from);
                self.put(head, "digest = :digest", Some([(":digest".to_owned(), digest)].into()))
            }
        }
    }

    pub(crate) fn put(&self, item: Item, condition: &str, values: Option<Item>) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build()
            .expect("it has a table and an item");
        TransactWriteItem::builder().put(put).build()
    }

    pub(crate) fn check(
        &self,
        partition: &str,
        sort: &str,
        condition: &str,
        values: Option<Item>,
    ) -> TransactWriteItem {
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
    pub(crate) fn standing<T>(&self, found: Option<T>, key: &str) -> Result<T, Error> {
        found.ok_or_else(|| Error::Missing { key: format!("{} {key}", self.table) })
    }
}

/// Which sort keys of a partition.
pub(crate) enum Sorted<'a> {
    All,
    StartingWith(&'a str),
    Below(&'a str),
}
