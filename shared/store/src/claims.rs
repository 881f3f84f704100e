//! Who is at work on what: `T#<tenant>#CLAIM` / `<work>#<id>`.
//!
//! Work that must not run twice at once, such as reading one file or fitting one model, is claimed for a lease that
//! outlives every run of the function that takes it. A second delivery waits while the first is at work, and takes
//! over once the first is surely dead. Claims save work; correctness never rests on them.

use std::fmt::Display;

use romashka_domain::time::after;
use serde::Serialize;

use crate::table::{Item, Key, Table, Unless, Write, n, s};
use crate::{Error, TenantStore};

/// How long a claim is remembered, in seconds; longer than any queue keeps a message.
const MEMORY_SECONDS: i64 = 30 * 24 * 3600;

/// Claims of one tenant.
pub struct Claims<'a> {
    store: &'a TenantStore,
}

/// What is claimed.
#[derive(Clone, Debug)]
pub struct Claim {
    place: String,
    subject: String,
}

impl Claim {
    /// `work` on the thing `id`, as `subject` describes it (its version, the attempt).
    pub fn new(work: &'static str, id: impl Display, subject: impl Display) -> Self {
        Self { place: format!("{work}#{id}"), subject: subject.to_string() }
    }
}

/// What came of a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The work is the caller's until the lease ends.
    Granted,
    /// Somebody is at it, or crashed a moment ago; come back later.
    Busy,
}

#[derive(Serialize)]
struct ClaimRow {
    subject: String,
    lease_until: i64,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Asks for a piece of work for `lease_seconds`.
    pub async fn take(&self, claim: &Claim, lease_seconds: i64) -> Result<Claimed, Error> {
        let table = Table::open(self.store)?;
        let now = self.store.now();
        let row = ClaimRow { subject: claim.subject.clone(), lease_until: after(now, lease_seconds).as_second() };
        let values = Item::from([(":now".to_owned(), n(now.as_second()))]);
        let granted = table
            .put(Write {
                key: self.key(claim),
                body: &row,
                entity: None,
                expires_at: Some(after(now, MEMORY_SECONDS).as_second()),
                unless: Unless::Not { expression: "attribute_not_exists(pk) OR lease_until < :now", values },
            })
            .await?;
        if granted {
            return Ok(Claimed::Granted);
        }
        Ok(Claimed::Busy)
    }

    /// Gives a piece of work back, so that the next delivery need not wait for the lease to end.
    ///
    /// Only the claim on this subject is given back: a later attempt's stays with it.
    pub async fn release(&self, claim: &Claim) -> Result<(), Error> {
        let subject = (":subject".to_owned(), s(&claim.subject));
        Table::open(self.store)?.delete_if(&self.key(claim), "subject = :subject", Item::from([subject])).await
    }

    fn key(&self, claim: &Claim) -> Key {
        Key::new(&self.store.tenant, "CLAIM", claim.place.clone())
    }
}
