//! Requests that must have one effect however often they arrive: `T#<tenant>#IDEMPOTENCY` / `<operation>#<hash of key>`.
//!
//! The first arrival writes down the request and the identifier that its work will use, then works, then writes down
//! the answer. A repetition is given that answer. If the first one crashed, the next takes over after its lease with
//! the same identifier, so that what was half done is found and finished, not done again.

use romashka_domain::time::after;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::table::{Item, Key, Table, Unless, Write, n, s};
use crate::{Error, TenantStore};

/// How long answers are kept, in seconds.
pub const MEMORY_SECONDS: i64 = 24 * 3600;

/// How long the first arrival has to finish, in seconds; API Gateway gives up after 30.
const LEASE_SECONDS: i64 = 35;

/// Repeatable requests of one tenant.
pub struct Idempotency<'a> {
    store: &'a TenantStore,
}

/// An answer that can be given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the answer.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// What to do with an arrival.
#[derive(Debug)]
pub enum Arrival {
    /// Work, under this identifier.
    First(Uuid),
    /// Give this answer again.
    Repeated(KeptAnswer),
    /// Refuse: the same key came with another request.
    OtherRequest,
    /// Refuse for now: the first arrival is still at work.
    InProgress,
}

#[derive(Serialize, Deserialize)]
struct Row {
    request_hash: String,
    work_id: Uuid,
    lease_until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<KeptAnswer>,
}

impl<'a> Idempotency<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Announces an arrival of `request` (its whole content) under the client's `key`.
    pub async fn arrive(&self, operation: &str, key: &str, request: &[u8]) -> Result<Arrival, Error> {
        let table = Table::open(self.store)?;
        let now = self.store.now();
        let place = self.key(operation, key);
        let mut row = Row {
            request_hash: hex::encode(Sha256::digest(request)),
            work_id: self.store.ids().next(),
            lease_until: after(now, LEASE_SECONDS).as_second(),
            answer: None,
        };
        let expires_at = Some(after(now, MEMORY_SECONDS).as_second());
        let first = Unless::Not {
            expression: "attribute_not_exists(pk) OR expires_at <= :now",
            values: Item::from([(":now".to_owned(), n(now.as_second()))]),
        };
        if table.put(Write { key: place.clone(), body: &row, entity: None, expires_at, unless: first }).await? {
            return Ok(Arrival::First(row.work_id));
        }
        let Some(kept) = table.get::<Row>(&place, "idempotency key").await? else { return Ok(Arrival::InProgress) };
        if kept.request_hash != row.request_hash {
            return Ok(Arrival::OtherRequest);
        }
        if let Some(answer) = kept.answer {
            return Ok(Arrival::Repeated(answer));
        }
        row.work_id = kept.work_id;
        let take_over = Unless::Not {
            expression: "attribute_not_exists(answer) AND lease_until <= :now AND request_hash = :hash",
            values: Item::from([(":now".to_owned(), n(now.as_second())), (":hash".to_owned(), s(&row.request_hash))]),
        };
        let taken = table.put(Write { key: place, body: &row, entity: None, expires_at, unless: take_over }).await?;
        Ok(if taken { Arrival::First(row.work_id) } else { Arrival::InProgress })
    }

    /// Keeps the answer for repetitions.
    pub async fn keep(
        &self,
        operation: &str,
        key: &str,
        request: &[u8],
        work_id: Uuid,
        answer: &KeptAnswer,
    ) -> Result<(), Error> {
        self.close(operation, key, request, work_id, Some(answer.clone())).await
    }

    async fn close(
        &self,
        operation: &str,
        key: &str,
        request: &[u8],
        work_id: Uuid,
        answer: Option<KeptAnswer>,
    ) -> Result<(), Error> {
        let row = Row { request_hash: hex::encode(Sha256::digest(request)), work_id, lease_until: 0, answer };
        let unless = Unless::Not {
            expression: "work_id = :work_id",
            values: Item::from([(":work_id".to_owned(), s(work_id.to_string()))]),
        };
        let expires_at = Some(after(self.store.now(), MEMORY_SECONDS).as_second());
        let write = Write { key: self.key(operation, key), body: &row, entity: None, expires_at, unless };
        Table::open(self.store)?.put(write).await.map(|_| ())
    }

    /// Ends the lease of an arrival whose work failed half-way: the next one takes over at once, under the same
    /// identifier.
    pub async fn release(&self, operation: &str, key: &str, request: &[u8], work_id: Uuid) -> Result<(), Error> {
        self.close(operation, key, request, work_id, None).await
    }

    /// Forgets an arrival that was refused and had no effect, so that the client may mend it and use the key again.
    pub async fn forget(&self, operation: &str, key: &str) -> Result<(), Error> {
        Table::open(self.store)?.delete(&self.key(operation, key)).await
    }

    fn key(&self, operation: &str, key: &str) -> Key {
        Key::new(&self.store.tenant, "IDEMPOTENCY", format!("{operation}#{}", hex::encode(Sha256::digest(key))))
    }
}
