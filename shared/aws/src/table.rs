//! What is asked of the table: items by their keys.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, query::builders::QueryFluentBuilder},
    types::AttributeValue,
};
use jiff::{SignedDuration, Timestamp};
use pipeline::Error;

use crate::{
    DynamoLedger,
    failure::failed,
    item::{Item, PARTITION, SORT, Stored, text},
    race::Setback,
};

/// For people who look at the table; nothing reads it back but who shows it.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// More than a year, for comparison.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// When DynamoDB may delete an item that nothing depends on: the table's time to live.
pub(crate) fn passing() -> Option<(String, AttributeValue)> {
    let expires = Timestamp::now().checked_add(KEPT).ok()?.as_second();
    Some(("expires_at".to_owned(), AttributeValue::N(expires.to_string())))
}

/// Which sort keys of a partition.
#[derive(Clone, Copy)]
pub(crate) enum Range<'a> {
    All,
    StartingWith(&'a str),
    Below(&'a str),
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

    /// Puts an item, where its condition holds. Answers whether it does.
    pub(crate) async fn put(&self, item: Item, condition: Option<&str>) -> Result<bool, Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        match put.set_condition_expression(condition.map(str::to_owned)).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(failed(&self.table, "written", &error)),
        }
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
        sort: Range<'_>,
        newest: Option<usize>,
    ) -> Result<Vec<Item>, Error> {
        let query = self
            .pages(partition, sort)
            .scan_index_forward(newest.is_none())
            .set_limit(newest.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)));
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

    /// The question alone.
    pub(crate) fn pages(&self, partition: &str, sort: Range<'_>) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_values(":pk", text(partition));
        match sort {
            Range::All => query.key_condition_expression("pk = :pk"),
            Range::StartingWith(prefix) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", text(prefix)),
            Range::Below(bound) => {
                query.key_condition_expression("pk = :pk AND sk < :sk").expression_attribute_values(":sk", text(bound))
            }
        }
    }

    /// Another writer has moved what this one expected: it looks again.
    pub(crate) fn raced(&self) -> Setback {
        let (what, reason) = (self.table.clone(), "another writer was first".to_owned());
        Setback::Raced(Error::Store { what, action: "written", reason, transient: true })
    }

    pub(crate) fn stored<'a>(&'a self, item: &'a Item) -> Stored<'a> {
        Stored { table: &self.table, item }
    }

    /// What stands where a condition said that something does.
    pub(crate) fn standing<T>(&self, found: Option<T>, key: &str) -> Result<T, Error> {
        found.ok_or_else(|| Error::Missing { key: format!("{} {key}", self.table) })
    }
}
