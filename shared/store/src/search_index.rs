//! Which index templates are searched by: `T#<tenant>#INDEX` / `CURRENT`, and which templates have changed, or were used, since
//! it was built: `T#<tenant>#UNINDEXED` / `<template id>`.
//!
//! A template is marked in the transaction that changes it, and its mark is taken away once an index that knows the change is
//! in force. Whoever searches reads the marks *before* the index in force: what is not in the one is then in the other.

use aws_sdk_dynamodb::types::TransactWriteItem;
use romashka_domain::{TemplateId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::table::{End, Item, Key, Table, Unless, Write, s};
use crate::{Error, TenantStore};

/// The search index of one tenant.
pub struct SearchIndex<'a> {
    store: &'a TenantStore,
}

/// An index in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexInForce {
    /// Counts the indexes, from 1.
    pub revision: u64,
    /// SHA-256 of the index, in hexadecimal.
    pub hash: String,
    /// The one before it, which somebody may still be reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How many templates it knows.
    pub templates: u64,
    /// How many of them the encoder has still to read.
    #[serde(default)]
    pub unread: u64,
    /// When it was built.
    pub built_at: Timestamp,
}

/// A template that the index does not know as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which.
    pub template_id: TemplateId,
    /// Tells this mark from later ones.
    mark: Uuid,
}

impl<'a> SearchIndex<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The index in force; `None` before the first.
    pub async fn in_force(&self) -> Result<Option<IndexInForce>, Error> {
        Table::open(self.store)?.get(&self.in_force_key(), "search index").await
    }

    /// Puts an index in force in the place of `before`; `false` where somebody else did in between.
    pub async fn supersede(&self, before: Option<&IndexInForce>, next: &IndexInForce) -> Result<bool, Error> {
        let unless = match before {
            None => Unless::Exists,
            Some(before) => Unless::Changed { attribute: "revision", was: before.revision },
        };
        let write = Write { key: self.in_force_key(), body: next, entity: None, expires_at: None, unless };
        Table::open(self.store)?.put(write).await
    }

    /// Templates that the index does not know as they are, those that were made first; at most `most`.
    pub async fn first_marks(&self, most: usize) -> Result<Vec<Mark>, Error> {
        Table::open(self.store)?.some("UNINDEXED", End::First, most, "mark").await
    }

    /// The same from the other end: those that were made last.
    pub async fn last_marks(&self, most: usize) -> Result<Vec<Mark>, Error> {
        Table::open(self.store)?.some("UNINDEXED", End::Last, most, "mark").await
    }

    /// Takes a mark away, unless the template was marked again.
    pub async fn unmark(&self, mark: &Mark) -> Result<(), Error> {
        let values = Item::from([(":mark".to_owned(), s(mark.mark.to_string()))]);
        Table::open(self.store)?.delete_if(&self.mark_key(mark.template_id), "mark = :mark", values).await
    }

    /// That a template is marked, as one step of a transaction.
    pub(crate) fn step_of_marking(
        &self,
        table: &Table<'_>,
        template_id: TemplateId,
    ) -> Result<TransactWriteItem, Error> {
        let mark = Mark { template_id, mark: self.store.ids().next() };
        let key = self.mark_key(template_id);
        table.step(Write { key, body: &mark, entity: None, expires_at: None, unless: Unless::Never })
    }

    fn in_force_key(&self) -> Key {
        Key::new(&self.store.tenant, "INDEX", "CURRENT")
    }

    fn mark_key(&self, id: TemplateId) -> Key {
        Key::new(&self.store.tenant, "UNINDEXED", id.to_string())
    }
}
