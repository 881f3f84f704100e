//! What templates were used for: `T#<tenant>#USE#<template id>` / `<use id>`, and which ones somebody used lately:
//! `T#<tenant>#RECENT#<user>` / `<template id>`.

use romashka_domain::template::usage::{TemplateUse, UsedFor};
use romashka_domain::time::after;
use romashka_domain::{TemplateId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::table::{Key, Table, Transacted, Unless, Write, entity};
use crate::{Error, PageSize, TenantStore};

/// How long a use is kept, in seconds: 400 days, so that a year can be compared with the one before.
const KEPT_SECONDS: i64 = 400 * 24 * 3600;
/// How long a use is recent, in seconds: 30 days.
const RECENT_SECONDS: i64 = 30 * 24 * 3600;

/// Uses of the templates of one tenant.
pub struct TemplateUses<'a> {
    store: &'a TenantStore,
}

/// A use as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptUse {
    /// The use.
    #[serde(flatten)]
    pub usage: TemplateUse,
    /// What it was for, where a message was sent with it and an encoder read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_for: Option<UsedFor>,
}

/// A template that somebody used lately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// Which.
    pub template_id: TemplateId,
    /// When last.
    pub at: Timestamp,
}

impl<'a> TemplateUses<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Keeps a use; the same one again changes nothing.
    pub async fn record(&self, kept: &KeptUse) -> Result<(), Error> {
        let table = Table::open(self.store)?;
        let KeptUse { usage, used_for } = kept;
        let expires_at = |seconds| Some(after(usage.at, seconds).as_second());
        let row = Write {
            key: Key::new(&self.store.tenant, &uses(usage.template_id), usage.id.to_string()),
            body: kept,
            entity: used_for.is_some().then_some(entity::TEMPLATE_USE),
            expires_at: expires_at(KEPT_SECONDS),
            unless: Unless::Exists,
        };
        let recent = Recent { template_id: usage.template_id, at: usage.at };
        let recent = Write {
            key: Key::new(&self.store.tenant, &recents(&usage.by), usage.template_id.to_string()),
            body: &recent,
            entity: None,
            expires_at: expires_at(RECENT_SECONDS),
            unless: Unless::Never,
        };
        let mut steps = vec![table.step(row)?, table.step(recent)?];
        if used_for.is_some() {
            steps.push(self.store.search_index().step_of_marking(&table, usage.template_id)?);
        }
        let mut backoff = Backoff::default();
        loop {
            match table.transact(steps.clone()).await? {
                Transacted::Done | Transacted::Refused { .. } => return Ok(()),
                Transacted::Busy => backoff.wait("dynamodb:TransactWriteItems").await?,
            }
        }
    }

    /// The latest uses of a template, at most 100, newest first.
    pub async fn latest(&self, template_id: TemplateId) -> Result<Vec<KeptUse>, Error> {
        let page = Table::open(self.store)?.page(&uses(template_id), PageSize::LARGEST, None, "template use").await?;
        Ok(page.items)
    }

    /// What somebody used lately, the latest first.
    pub async fn recent(&self, user: &UserId) -> Result<Vec<Recent>, Error> {
        let now = self.store.now();
        let mut recent: Vec<Recent> = Table::open(self.store)?.all(&recents(user), "recent use").await?;
        recent.retain(|recent| after(recent.at, RECENT_SECONDS) > now);
        recent.sort_by(|one, other| other.at.cmp(&one.at).then(one.template_id.cmp(&other.template_id)));
        Ok(recent)
    }
}

fn uses(template_id: TemplateId) -> String {
    format!("USE#{template_id}")
}

fn recents(user: &UserId) -> String {
    format!("RECENT#{user}")
}
