//! What templates were used for: `T#<tenant>#USE#<template id>` / `<use id>`, and which ones somebody used lately:
//! `T#<tenant>#RECENT#<user>` / `<template id>`. What became of a use: `T#<tenant>#OUTCOME#<template id>` / `<use id>`; the counts of
//! both, by day: `T#<tenant>#USED#<day>` / `<template id>`; who used a template: `T#<tenant>#USERS#<template id>` / `<user>`.
//!
//! A count is added to in the transaction that keeps what it counts, so it is exact however often that is tried.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use romashka_domain::template::effect::{DayTally, Outcome, Tally};
use romashka_domain::template::usage::{TemplateUse, UsedFor};
use romashka_domain::time::after;
use romashka_domain::{TemplateId, TemplateUseId, Timestamp, UserId};
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

/// What is known of what became of a use.
#[derive(Serialize, Deserialize)]
struct KeptOutcome {
    seq: u64,
    #[serde(flatten)]
    outcome: Outcome,
}

/// The counts of a template on a day.
#[derive(Deserialize)]
struct Counted {
    template_id: TemplateId,
    #[serde(flatten)]
    tally: Tally,
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

    /// Keeps a use and counts it; the same one again changes nothing.
    pub async fn record(&self, kept: &KeptUse) -> Result<(), Error> {
        let table = Table::open(self.store)?;
        let KeptUse { usage, used_for } = kept;
        let expires_at = |seconds| Some(after(usage.at, seconds).as_second());
        let row = Write {
            key: self.key(&uses(usage.template_id), &usage.id),
            body: kept,
            entity: used_for.is_some().then_some(entity::TEMPLATE_USE),
            expires_at: expires_at(KEPT_SECONDS),
            unless: Unless::Exists,
        };
        let lately = Recent { template_id: usage.template_id, at: usage.at };
        let lately = |key, seconds| Write {
            key,
            body: &lately,
            entity: None,
            expires_at: expires_at(seconds),
            unless: Unless::Never,
        };
        let recent = lately(self.key(&recents(&usage.by), &usage.template_id), RECENT_SECONDS);
        let user = lately(self.key(&users(usage.template_id), &usage.by), KEPT_SECONDS);
        let mut steps = vec![
            table.step(row)?,
            table.step(recent)?,
            table.step(user)?,
            self.step_of_counting(&table, usage, &Tally::of_use(usage))?,
        ];
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

    /// A use.
    pub async fn get(&self, template_id: TemplateId, id: TemplateUseId) -> Result<Option<TemplateUse>, Error> {
        let kept: Option<KeptUse> =
            Table::open(self.store)?.get(&self.key(&uses(template_id), &id), "template use").await?;
        Ok(kept.map(|kept| kept.usage))
    }

    /// Adds to what is known of what became of a use, and counts it for the day of the use. What is told again changes nothing.
    pub async fn end(&self, usage: &TemplateUse, told: &Outcome) -> Result<Outcome, Error> {
        let table = Table::open(self.store)?;
        let key = || self.key(&outcomes(usage.template_id), &usage.id);
        let mut backoff = Backoff::default();
        loop {
            let before: Option<KeptOutcome> = table.get(&key(), "template outcome").await?;
            let (seq, known) = before.map_or((0, Outcome::default()), |before| (before.seq, before.outcome));
            let outcome = known.with(told);
            if outcome == known {
                return Ok(outcome);
            }
            let row = Write {
                key: key(),
                body: &KeptOutcome { seq: seq + 1, outcome: outcome.clone() },
                entity: None,
                expires_at: Some(after(usage.at, KEPT_SECONDS).as_second()),
                unless: if seq == 0 { Unless::Exists } else { Unless::Changed { attribute: "seq", was: seq } },
            };
            let difference = Tally::of_outcome(&outcome).less(&Tally::of_outcome(&known));
            let steps = vec![table.step(row)?, self.step_of_counting(&table, usage, &difference)?];
            match table.transact(steps).await? {
                Transacted::Done => return Ok(outcome),
                // Somebody else told something meanwhile: theirs is read, and this is added to it.
                Transacted::Refused { .. } | Transacted::Busy => backoff.wait("dynamodb:TransactWriteItems").await?,
            }
        }
    }

    /// The counts of a template on these days; a day without any is left out.
    pub async fn tallies(&self, template_id: TemplateId, days: &[Date]) -> Result<Vec<DayTally>, Error> {
        let keys: Vec<Key> = days.iter().map(|day| self.key(&counted(*day), &template_id)).collect();
        let mut tallies: Vec<DayTally> = Table::open(self.store)?.get_many(&keys, "template count").await?;
        tallies.sort_by_key(|tally| tally.day);
        Ok(tallies)
    }

    /// The counts of every template that was used on a day.
    pub async fn tallies_of(&self, day: Date) -> Result<Vec<(TemplateId, Tally)>, Error> {
        let counts: Vec<Counted> = Table::open(self.store)?.all(&counted(day), "template count").await?;
        Ok(counts.into_iter().map(|count| (count.template_id, count.tally)).collect())
    }

    /// How many people used a template since then.
    pub async fn users_since(&self, template_id: TemplateId, since: Timestamp) -> Result<usize, Error> {
        let users: Vec<Recent> = Table::open(self.store)?.all(&users(template_id), "template user").await?;
        Ok(users.iter().filter(|user| user.at >= since).count())
    }

    fn step_of_counting(
        &self,
        table: &Table<'_>,
        usage: &TemplateUse,
        tally: &Tally,
    ) -> Result<TransactWriteItem, Error> {
        let day = day_of(usage.at);
        let texts = [("day", day.to_string()), ("template_id", usage.template_id.to_string())];
        let expires_at = after(usage.at, KEPT_SECONDS).as_second();
        table.step_of_adding(&self.key(&counted(day), &usage.template_id), &tally.counts(), &texts, expires_at)
    }

    fn key(&self, partition: &str, sort: &impl ToString) -> Key {
        Key::new(&self.store.tenant, partition, sort.to_string())
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

fn outcomes(template_id: TemplateId) -> String {
    format!("OUTCOME#{template_id}")
}

fn counted(day: Date) -> String {
    format!("USED#{day}")
}

fn users(template_id: TemplateId) -> String {
    format!("USERS#{template_id}")
}

/// The day of a moment, in UTC.
pub fn day_of(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}
