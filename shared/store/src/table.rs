//! The one table, and the one way to read, write and page it.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use romashka_domain::{TenantId, without_values};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backoff::Backoff;
use crate::error::{aws, malformed};
use crate::{Error, TenantStore, setting};

/// The values of the attribute `entity`, which says what an item is to those who read the table's stream.
pub mod entity {
    /// A [`romashka_domain::upload::Upload`].
    pub const UPLOAD: &str = "upload";
    /// A [`romashka_domain::training::TrainingSession`].
    pub const TRAINING_SESSION: &str = "training_session";
    /// A [`romashka_domain::mining::Mining`].
    pub const MINING: &str = "mining";
    /// A [`romashka_domain::template::Template`].
    pub const TEMPLATE: &str = "template";
    /// A [`romashka_domain::template::usage::TemplateUse`] for which a message was sent.
    pub const TEMPLATE_USE: &str = "template_use";
}

/// DynamoDB gives at most this many items in answer to one request for many.
const BATCH: usize = 100;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Where an item lives: a partition that begins with its tenant, and a place in it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    /// The partition `T#<tenant>#<partition>`.
    pub fn new(tenant: &TenantId, partition: &str, sk: impl Into<String>) -> Self {
        Self { pk: format!("T#{tenant}#{partition}"), sk: sk.into() }
    }

    pub fn attributes(&self) -> Item {
        HashMap::from([("pk".to_owned(), s(&self.pk)), ("sk".to_owned(), s(&self.sk))])
    }
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// How many items a page may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u8);

impl PageSize {
    /// The largest page.
    pub const MAX: u8 = 100;

    /// A page of [`PageSize::MAX`] items.
    pub const LARGEST: Self = Self(Self::MAX);

    /// What is left of the page beside so many items, if anything.
    pub fn less(self, items: usize) -> Option<Self> {
        Self::new(self.0.saturating_sub(u8::try_from(items).unwrap_or(u8::MAX)))
    }

    /// A page of 1 to [`PageSize::MAX`] items.
    pub fn new(items: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&items).then_some(Self(items))
    }

    /// Its items.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

/// A place in a list to go on from. It holds no tenant: in another tenant's hands it is a place in that one's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Reads what [`Cursor::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let sk = String::from_utf8(bytes).ok()?;
        (!sk.is_empty() && sk.len() <= 200).then_some(Self(sk))
    }

    /// A place in a list that never changes, counted from 0.
    pub fn at(position: usize) -> Self {
        Self(position.to_string())
    }

    /// The place that [`Cursor::at`] names.
    pub fn position(&self) -> Option<usize> {
        self.0.parse().ok()
    }

    /// The cursor as clients carry it.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }
}

/// Some items of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

/// An entity as an item: its own fields beside the key and what the stream's readers go by.
#[derive(Serialize)]
struct Row<'a, T> {
    #[serde(flatten)]
    body: &'a T,
    pk: &'a str,
    sk: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// Where the places of a partition begin or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// From the least place upwards.
    First,
    /// From the greatest place downwards.
    Last,
}

/// When to write an item.
pub(crate) enum Unless<'a> {
    /// In any case.
    Never,
    /// Only if there is none at the key yet.
    Exists,
    /// Only if the one at the key still has this number in this attribute.
    Changed { attribute: &'static str, was: u64 },
    /// Only if this expression over these values holds.
    Not { expression: &'a str, values: Item },
}

impl Unless<'_> {
    /// Only if the one at the key still has this revision. Revisions count from 1; before the first there is no item.
    pub(crate) fn revised(revision: u64) -> Self {
        match revision {
            0 => Self::Exists,
            was => Self::Changed { attribute: "revision", was },
        }
    }
}

/// What to write.
pub(crate) struct Write<'a, T> {
    pub key: Key,
    pub body: &'a T,
    pub entity: Option<&'static str>,
    /// Unix seconds after which the item may vanish.
    pub expires_at: Option<i64>,
    pub unless: Unless<'a>,
}

/// The table, opened for one tenant.
pub(crate) struct Table<'a> {
    store: &'a TenantStore,
    name: String,
}

impl<'a> Table<'a> {
    pub fn open(store: &'a TenantStore) -> Result<Self, Error> {
        Ok(Self { store, name: setting("TABLE")? })
    }

    pub fn client(&self) -> &Client {
        &self.store.cloud.dynamodb
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn get<T: DeserializeOwned>(&self, key: &Key, what: &'static str) -> Result<Option<T>, Error> {
        let output = self
            .client()
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(aws("dynamodb:GetItem"))?;
        output.item.map(|item| read(item, what)).transpose()
    }

    /// Writes one item; `false` where its condition did not hold.
    pub async fn put<T: Serialize>(&self, write: Write<'_, T>) -> Result<bool, Error> {
        let put = self.as_put(write)?;
        let mut backoff = Backoff::default();
        loop {
            let sent = self
                .client()
                .put_item()
                .table_name(&self.name)
                .set_item(Some(put.item.clone()))
                .set_condition_expression(put.condition_expression.clone())
                .set_expression_attribute_names(put.expression_attribute_names.clone())
                .set_expression_attribute_values(put.expression_attribute_values.clone())
                .send()
                .await;
            let Err(error) = sent else { return Ok(true) };
            match error.as_service_error() {
                Some(refusal) if refusal.is_conditional_check_failed_exception() => return Ok(false),
                // Somebody's transaction holds the item for a moment.
                Some(refusal) if refusal.is_transaction_conflict_exception() => {
                    backoff.wait("dynamodb:PutItem").await?;
                }
                _ => return Err(aws("dynamodb:PutItem")(error)),
            }
        }
    }

    /// The write as one step of a transaction.
    pub fn step<T: Serialize>(&self, write: Write<'_, T>) -> Result<TransactWriteItem, Error> {
        Ok(TransactWriteItem::builder().put(self.as_put(write)?).build())
    }

    /// That an item is deleted, as one step of a transaction.
    pub fn step_of_deleting(&self, key: &Key) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key.attributes()));
        let delete = delete.build().map_err(malformed("dynamodb:DeleteItem"))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// That counts are added to an item, which is made where there is none, as one step of a transaction. The texts are set.
    pub fn step_of_adding(
        &self,
        key: &Key,
        counts: &[(&'static str, i64)],
        texts: &[(&'static str, String)],
        expires_at: i64,
    ) -> Result<TransactWriteItem, Error> {
        let mut update = Update::builder().table_name(&self.name).set_key(Some(key.attributes()));
        let (mut added, mut set) = (Vec::new(), vec!["expires_at = :expires_at".to_owned()]);
        for (name, count) in counts.iter().filter(|(_, count)| *count != 0) {
            added.push(format!("#{name} :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), n(count));
        }
        for (name, text) in texts {
            set.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), s(text));
        }
        let adding = if added.is_empty() { String::new() } else { format!("ADD {} ", added.join(", ")) };
        let update = update
            .update_expression(format!("{adding}SET {}", set.join(", ")))
            .expression_attribute_values(":expires_at", n(expires_at))
            .build()
            .map_err(malformed("dynamodb:UpdateItem"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Does all steps or none.
    pub async fn transact(&self, steps: Vec<TransactWriteItem>) -> Result<Transacted, Error> {
        let sent = self.client().transact_write_items().set_transact_items(Some(steps)).send().await;
        let error = match sent {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        if let SdkError::ServiceError(refusal) = &error
            && let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(cancelled) =
                refusal.err()
        {
            let codes: Vec<_> =
                cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None").to_owned()).collect();
            if let Some(step) = codes.iter().position(|code| code == "ConditionalCheckFailed") {
                return Ok(Transacted::Refused { step });
            }
            if codes.iter().any(|code| code == "TransactionConflict" || code == "ThrottlingError") {
                return Ok(Transacted::Busy);
            }
        }
        Err(aws("dynamodb:TransactWriteItems")(error))
    }

    /// One page of a partition, newest first.
    pub async fn page<T: DeserializeOwned>(
        &self,
        partition: &str,
        size: PageSize,
        from: Option<&Cursor>,
        what: &'static str,
    ) -> Result<Page<T>, Error> {
        let pk = Key::new(&self.store.tenant, partition, "").pk;
        let start = from.map(|cursor| Key { pk: pk.clone(), sk: cursor.0.clone() }.attributes());
        let output = self
            .client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(&pk))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::from(size.0))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(aws("dynamodb:Query"))?;
        let next = output.last_evaluated_key.and_then(|mut key| key.remove("sk")).and_then(|sk| match sk {
            AttributeValue::S(sk) => Some(Cursor(sk)),
            _ => None,
        });
        let items = output.items.unwrap_or_default().into_iter().map(|item| read(item, what));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next })
    }

    /// Those of the items at these keys that there are, in no order.
    pub async fn get_many<T: DeserializeOwned>(&self, keys: &[Key], what: &'static str) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        for keys in keys.chunks(BATCH) {
            let mut asked = keys.iter().map(Key::attributes).collect::<Vec<_>>();
            let mut backoff = Backoff::default();
            loop {
                let keys = KeysAndAttributes::builder().set_keys(Some(asked)).consistent_read(true).build();
                let output = self
                    .client()
                    .batch_get_item()
                    .request_items(&self.name, keys.map_err(malformed("dynamodb:BatchGetItem"))?)
                    .send()
                    .await
                    .map_err(aws("dynamodb:BatchGetItem"))?;
                for item in output.responses.unwrap_or_default().into_values().flatten() {
                    found.push(read(item, what)?);
                }
                asked = output.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
                if asked.is_empty() {
                    break;
                }
                backoff.wait("dynamodb:BatchGetItem").await?;
            }
        }
        Ok(found)
    }

    /// What asks for the items of a partition, as they are by now.
    fn of_partition(&self, partition: &str) -> QueryFluentBuilder {
        self.client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(Key::new(&self.store.tenant, partition, "").pk))
            .consistent_read(true)
    }

    /// Every item of a partition, in order.
    pub async fn all<T: DeserializeOwned>(&self, partition: &str, what: &'static str) -> Result<Vec<T>, Error> {
        let mut pages = self.of_partition(partition).into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(read(item.map_err(aws("dynamodb:Query"))?, what)?);
        }
        Ok(items)
    }

    /// The items at one end of a partition, from there on; at most `most`.
    pub async fn some<T: DeserializeOwned>(
        &self,
        partition: &str,
        end: End,
        most: usize,
        what: &'static str,
    ) -> Result<Vec<T>, Error> {
        let mut pages = self
            .of_partition(partition)
            .scan_index_forward(end == End::First)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        // Asked first, as what is beyond them would be read only to be thrown away.
        while items.len() < most
            && let Some(item) = pages.next().await
        {
            items.push(read(item.map_err(aws("dynamodb:Query"))?, what)?);
        }
        Ok(items)
    }

    /// The places of every item in a partition, in order.
    pub async fn places(&self, partition: &str) -> Result<Vec<String>, Error> {
        let mut pages = self.of_partition(partition).projection_expression("sk").into_paginator().items().send();
        let mut places = Vec::new();
        while let Some(item) = pages.next().await {
            let mut item = item.map_err(aws("dynamodb:Query"))?;
            if let Some(AttributeValue::S(sk)) = item.remove("sk") {
                places.push(sk);
            }
        }
        Ok(places)
    }

    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.client()
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .send()
            .await
            .map_err(aws("dynamodb:DeleteItem"))?;
        Ok(())
    }

    /// Deletes an item if this expression holds of it; otherwise leaves it.
    pub async fn delete_if(&self, key: &Key, expression: &str, values: Item) -> Result<(), Error> {
        let sent = self
            .client()
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .condition_expression(expression)
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            // Where somebody's transaction holds the item, it is about to be something else.
            Err(error)
                if !error.as_service_error().is_some_and(|refusal| {
                    refusal.is_conditional_check_failed_exception() || refusal.is_transaction_conflict_exception()
                }) =>
            {
                Err(aws("dynamodb:DeleteItem")(error))
            }
            _ => Ok(()),
        }
    }

    fn as_put<T: Serialize>(&self, write: Write<'_, T>) -> Result<Put, Error> {
        let row = Row {
            body: write.body,
            pk: &write.key.pk,
            sk: &write.key.sk,
            entity: write.entity,
            tenant: write.entity.map(|_| &self.store.tenant),
            expires_at: write.expires_at,
        };
        let mut item: Item =
            serde_dynamo::to_item(row).map_err(|error| Error::Corrupt { what: "item", why: error.to_string() })?;
        item.values_mut().for_each(flush_to_zero);
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = match write.unless {
            Unless::Never => put,
            Unless::Exists => put.condition_expression("attribute_not_exists(pk)"),
            Unless::Changed { attribute, was } => put
                .condition_expression("#was = :was")
                .expression_attribute_names("#was", attribute)
                .expression_attribute_values(":was", n(was)),
            Unless::Not { expression, values } => {
                put.condition_expression(expression).set_expression_attribute_values(Some(values))
            }
        };
        put.build().map_err(malformed("dynamodb:PutItem"))
    }
}

/// How a transaction ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// Every step is done.
    Done,
    /// None is: the condition of this step did not hold.
    Refused { step: usize },
    /// None is: another transaction held one of the items. Trying again may help.
    Busy,
}

/// DynamoDB refuses numbers that are nearer to zero than this; a probability may well be.
const SMALLEST_NUMBER: f64 = 1e-130;

/// Turns numbers that DynamoDB cannot hold, for they are too small, into zero.
fn flush_to_zero(value: &mut AttributeValue) {
    match value {
        AttributeValue::N(number) if number.parse().is_ok_and(|number: f64| number.abs() < SMALLEST_NUMBER) => {
            "0".clone_into(number);
        }
        AttributeValue::L(values) => values.iter_mut().for_each(flush_to_zero),
        AttributeValue::M(values) => values.values_mut().for_each(flush_to_zero),
        _ => {}
    }
}

/// An item as the entity it holds.
pub(crate) fn read<T: DeserializeOwned>(item: Item, what: &'static str) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|error| Error::Corrupt { what, why: without_values(&error.to_string()) })
}

/// Whether the table answers.
pub(crate) async fn check(client: &Client) -> Result<(), Error> {
    client.describe_table().table_name(setting("TABLE")?).send().await.map_err(aws("dynamodb:DescribeTable"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_too_small_for_the_table_is_stored_as_zero() {
        let number = |number: f64| serde_dynamo::to_attribute_value(number).unwrap();
        let mut value = AttributeValue::M(HashMap::from([
            ("small".to_owned(), number(1e-300)),
            ("list".to_owned(), AttributeValue::L(vec![number(-1e-200), number(1e-129), number(0.25)])),
        ]));
        flush_to_zero(&mut value);
        let values = value.as_m().unwrap();
        assert_eq!(values["small"], n(0));
        assert_eq!(values["list"].as_l().unwrap(), &[n(0), number(1e-129), number(0.25)]);
    }

    #[test]
    fn a_cursor_reads_back_and_a_made_up_one_does_not_pass() {
        let cursor = Cursor("0190a7f2".to_owned());
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for made_up in ["", "%%%", "////", &"A".repeat(400)] {
            assert_eq!(Cursor::decode(made_up), None, "{made_up}");
        }
    }

    #[test]
    fn every_key_begins_with_its_tenant() {
        let key = Key::new(&"acme".parse().unwrap(), "UPLOAD", "1");
        assert_eq!(key.pk, "T#acme#UPLOAD");
    }
}
