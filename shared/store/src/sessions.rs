//! Training sessions: `T#<tenant>#SESSION` / `<session id>`, and the batches that are in:
//! `T#<tenant>#BATCH#<session id>` / `<batch, five digits>`.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use romashka_domain::time::after;
use romashka_domain::training::{SessionState, Stage, TrainingSession};
use romashka_domain::{NotAllowed, TrainingSessionId};
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::error::malformed;
use crate::table::{Item, Key, Table, Transacted, Unless, Write, entity, n, s};
use crate::{ChangeError, Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "training session";
const PARTITION: &str = "SESSION";

/// How long it is remembered that a batch is in, in seconds: a day less than its features are kept, so that a retried
/// session does again whatever may be gone.
const BATCH_MEMORY_SECONDS: i64 = 29 * 24 * 3600;

/// Training sessions of one tenant.
pub struct Sessions<'a> {
    store: &'a TenantStore,
}

/// What a batch brought.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct BatchEffect {
    /// Rows in it.
    pub rows: u64,
    /// Function time it took, in gigabyte-milliseconds.
    pub gb_millis: u64,
}

/// That a batch is in.
#[derive(Deserialize)]
struct Marker {
    sk: String,
    expires_at: i64,
    #[serde(flatten)]
    effect: BatchEffect,
}

/// What became of a batch's effect.
#[derive(Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It counts now.
    Counted,
    /// It counted already: this was a second delivery.
    AlreadyCounted,
    /// It does not count: the session is not featurising.
    NotFeaturising,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The session, or `None` where this tenant has none of that id.
    pub async fn get(&self, id: TrainingSessionId) -> Result<Option<TrainingSession>, Error> {
        Table::open(self.store)?.get(&self.key(id), WHAT).await
    }

    /// Sessions, newest first.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<TrainingSession>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// Keeps a new session; `false` where there is one of that id already.
    pub async fn create(&self, session: &TrainingSession) -> Result<bool, Error> {
        self.put(session, Unless::Exists).await
    }

    /// Changes a session as it stands now, however many others change it at the same time.
    pub async fn change(
        &self,
        id: TrainingSessionId,
        mut step: impl FnMut(&mut TrainingSession) -> Result<(), NotAllowed>,
    ) -> Result<TrainingSession, ChangeError> {
        let mut backoff = Backoff::default();
        loop {
            let mut session = self.get(id).await?.ok_or(ChangeError::NotFound(WHAT))?;
            let was = session.seq;
            step(&mut session)?;
            if session.seq == was || self.put(&session, Unless::Changed { attribute: "seq", was }).await? {
                return Ok(session);
            }
            backoff.wait("training-session:change").await?;
        }
    }

    /// Counts a batch, once.
    ///
    /// The marker and the counters move in one transaction, so a crash leaves both or neither, and a second delivery
    /// finds the marker. Counters alone go wrong as soon as anything is delivered twice.
    pub async fn record_batch(
        &self,
        id: TrainingSessionId,
        batch: u32,
        effect: BatchEffect,
    ) -> Result<Recorded, Error> {
        let table = Table::open(self.store)?;
        let mut backoff = Backoff::default();
        loop {
            let now = self.store.now();
            let marker = table.step(Write {
                key: Key::new(&self.store.tenant, &batches_of(id), place_of(batch)),
                body: &effect,
                entity: None,
                expires_at: Some(after(now, BATCH_MEMORY_SECONDS).as_second()),
                // What has expired may still be there: the table forgets late.
                unless: Unless::Not {
                    expression: "attribute_not_exists(pk) OR expires_at <= :now",
                    values: Item::from([(":now".to_owned(), n(now.as_second()))]),
                },
            })?;
            let counters = Update::builder()
                .table_name(table.name())
                .set_key(Some(self.key(id).attributes()))
                .update_expression(
                    "ADD batches_done :one, #rows :rows, gb_millis :gb_millis, seq :one SET updated_at = :now",
                )
                .condition_expression("#state = :training AND stage = :featurising")
                .expression_attribute_names("#rows", "rows")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":rows", n(effect.rows))
                .expression_attribute_values(":gb_millis", n(effect.gb_millis))
                .expression_attribute_values(":now", s(now.to_string()))
                .expression_attribute_values(":training", spelt(&SessionState::Training)?)
                .expression_attribute_values(":featurising", spelt(&Stage::Featurising)?)
                .build()
                .map_err(malformed("dynamodb:UpdateItem"))?;
            let counters = TransactWriteItem::builder().update(counters).build();
            match table.transact(vec![marker, counters]).await? {
                Transacted::Done => return Ok(Recorded::Counted),
                Transacted::Refused { step: 0 } => return Ok(Recorded::AlreadyCounted),
                Transacted::Refused { .. } => return Ok(Recorded::NotFeaturising),
                Transacted::Busy => backoff.wait("training-session:record_batch").await?,
            }
        }
    }

    /// The batches that are in and still remembered, with what each brought.
    pub async fn recorded_batches(&self, id: TrainingSessionId) -> Result<BTreeMap<u32, BatchEffect>, Error> {
        let table = Table::open(self.store)?;
        let now = self.store.now().as_second();
        let (mut recorded, mut from) = (BTreeMap::new(), None);
        loop {
            let page: Page<Marker> = table.page(&batches_of(id), PageSize::LARGEST, from.as_ref(), "batch").await?;
            for marker in page.items.into_iter().filter(|marker| marker.expires_at > now) {
                let unreadable = |why: ParseIntError| Error::Corrupt { what: "batch", why: why.to_string() };
                recorded.insert(marker.sk.parse().map_err(unreadable)?, marker.effect);
            }
            if page.next.is_none() {
                return Ok(recorded);
            }
            from = page.next;
        }
    }

    async fn put(&self, session: &TrainingSession, unless: Unless<'_>) -> Result<bool, Error> {
        let write = Write {
            key: self.key(session.id),
            body: session,
            entity: Some(entity::TRAINING_SESSION),
            expires_at: None,
            unless,
        };
        Table::open(self.store)?.put(write).await
    }

    fn key(&self, id: TrainingSessionId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }
}

fn batches_of(id: TrainingSessionId) -> String {
    format!("BATCH#{id}")
}

fn place_of(batch: u32) -> String {
    format!("{batch:05}")
}

/// A value as items spell it, so that a condition and a write cannot drift apart.
fn spelt<T: Serialize>(value: &T) -> Result<aws_sdk_dynamodb::types::AttributeValue, Error> {
    serde_dynamo::to_attribute_value(value).map_err(|error| Error::Corrupt { what: WHAT, why: error.to_string() })
}
