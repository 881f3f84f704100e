//! Feedback: `T#<tenant>#FEEDBACK` / `<answer id>`, and the corrections in it that wait to be learnt:
//! `T#<tenant>#CORRECTION` / `<answer id>#<seq, ten digits>`.
//!
//! A feedback and its correction move in one transaction. A correction that is given anew lies in another place than the
//! former one, so that whoever gathers the former cannot remove the new one with it.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{Delete, DeleteRequest, Select, TransactWriteItem, WriteRequest};
use romashka_domain::UserId;
use romashka_domain::feedback::{Correction, Feedback, Opinion};
use romashka_domain::ids::AnswerId;

use crate::backoff::Backoff;
use crate::error::{aws, malformed};
use crate::table::{Item, Key, Table, Transacted, Unless, Write, read, s};
use crate::{Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "feedback";
const PARTITION: &str = "FEEDBACK";
const CORRECTIONS: &str = "CORRECTION";

/// DynamoDB takes at most this many deletions in one request.
const MAX_DELETIONS: usize = 25;

/// Feedback of one tenant.
pub struct Feedbacks<'a> {
    store: &'a TenantStore,
}

/// Some corrections, those of the oldest answers first.
#[derive(Debug)]
pub struct Corrections {
    /// The corrections.
    pub items: Vec<Correction>,
    /// Where to go on; `None` at the end.
    pub next: Option<CorrectionPlace>,
}

/// A place among the corrections to go on from.
#[derive(Debug)]
pub struct CorrectionPlace(Item);

impl<'a> Feedbacks<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Feedback, that on the newest answers first.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<Feedback>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// Keeps feedback on an answer in the place of what there was, and what it corrects among the waiting corrections.
    ///
    /// Giving the same again changes nothing.
    pub async fn give(&self, answer_id: AnswerId, opinion: Opinion, by: &UserId) -> Result<Feedback, Error> {
        let table = Table::open(self.store)?;
        let mut backoff = Backoff::default();
        loop {
            let former: Option<Feedback> = table.get(&self.key(answer_id), WHAT).await?;
            if let Some(former) = former.as_ref().filter(|former| former.opinion == opinion && former.by == *by) {
                return Ok(former.clone());
            }
            let given = Feedback::given(former.as_ref(), answer_id, opinion.clone(), by.clone(), self.store.now());
            match table.transact(self.steps(&table, former.as_ref(), &given)?).await? {
                Transacted::Done => return Ok(given),
                Transacted::Refused { .. } | Transacted::Busy => backoff.wait("feedback:give").await?,
            }
        }
    }

    fn steps(
        &self,
        table: &Table<'_>,
        former: Option<&Feedback>,
        given: &Feedback,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let unless = match former {
            None => Unless::Exists,
            Some(former) => Unless::Changed { attribute: "seq", was: former.seq },
        };
        let key = self.key(given.answer_id);
        let mut steps = vec![table.step(Write { key, body: given, entity: None, expires_at: None, unless })?];
        let (was, is) = (former.and_then(Feedback::correction), given.correction());
        if was == is {
            return Ok(steps);
        }
        if let Some(was) = was {
            let withdrawn = Delete::builder()
                .table_name(table.name())
                .set_key(Some(self.key_of(&was).attributes()))
                .build()
                .map_err(malformed("dynamodb:DeleteItem"))?;
            steps.push(TransactWriteItem::builder().delete(withdrawn).build());
        }
        if let Some(is) = is {
            let key = self.key_of(&is);
            let unless = Unless::Exists;
            steps.push(table.step(Write { key, body: &is, entity: None, expires_at: None, unless })?);
        }
        Ok(steps)
    }

    /// How many corrections wait to be learnt, counted up to `enough`.
    pub async fn waiting(&self, enough: u32) -> Result<u32, Error> {
        let (mut waiting, mut from) = (0, None);
        while waiting < enough {
            let missing = i32::try_from(enough - waiting).unwrap_or(i32::MAX);
            let output = self.query(missing, from)?.select(Select::Count).send().await;
            let output = output.map_err(aws("dynamodb:Query"))?;
            waiting += u32::try_from(output.count()).unwrap_or(0);
            from = output.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(waiting)
    }

    /// Up to `limit` corrections that wait to be learnt, those of the oldest answers first.
    pub async fn corrections(&self, limit: usize, from: Option<CorrectionPlace>) -> Result<Corrections, Error> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let output = self.query(limit, from.map(|place| place.0))?.send().await.map_err(aws("dynamodb:Query"))?;
        let items = output.items.unwrap_or_default().into_iter().map(|item| read(item, "correction"));
        Ok(Corrections {
            items: items.collect::<Result<_, _>>()?,
            next: output.last_evaluated_key.map(CorrectionPlace),
        })
    }

    /// Takes corrections away that wait no more.
    pub async fn remove(&self, corrections: &[Correction]) -> Result<(), Error> {
        let table = Table::open(self.store)?;
        for some in corrections.chunks(MAX_DELETIONS) {
            let deletions = some.iter().map(|correction| {
                let key = self.key_of(correction).attributes();
                let deletion = DeleteRequest::builder().set_key(Some(key)).build();
                Ok(WriteRequest::builder()
                    .delete_request(deletion.map_err(malformed("dynamodb:BatchWriteItem"))?)
                    .build())
            });
            let mut missing: Vec<WriteRequest> = deletions.collect::<Result<_, Error>>()?;
            let mut backoff = Backoff::default();
            loop {
                let sent = table.client().batch_write_item().request_items(table.name(), missing).send().await;
                let output = sent.map_err(aws("dynamodb:BatchWriteItem"))?;
                missing = output.unprocessed_items.and_then(|mut left| left.remove(table.name())).unwrap_or_default();
                if missing.is_empty() {
                    break;
                }
                backoff.wait("feedback:remove").await?;
            }
        }
        Ok(())
    }

    fn query(&self, limit: i32, from: Option<Item>) -> Result<QueryFluentBuilder, Error> {
        let table = Table::open(self.store)?;
        let query = table
            .client()
            .query()
            .table_name(table.name())
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(Key::new(&self.store.tenant, CORRECTIONS, "").pk))
            .consistent_read(true)
            .limit(limit)
            .set_exclusive_start_key(from);
        Ok(query)
    }

    fn key(&self, id: AnswerId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }

    fn key_of(&self, correction: &Correction) -> Key {
        Key::new(&self.store.tenant, CORRECTIONS, format!("{}#{:010}", correction.answer_id, correction.seq))
    }
}

#[cfg(test)]
mod tests {
    use romashka_domain::Timestamp;
    use romashka_domain::feedback::Thumbs;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn feedback_reads_back_from_the_table_as_it_was_kept() {
        let said = Opinion {
            thumbs: Some(Thumbs::Down),
            csat: Some(2),
            corrected_intent: Some("refund".into()),
            text: Some("money back please".into()),
            edited_reply: None,
        };
        let id = AnswerId::new(Uuid::from_u128(7));
        let kept = Feedback::given(None, id, said, "u".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let item: Item = serde_dynamo::to_item(&kept).unwrap();
        assert_eq!(item["csat"], crate::table::n(2), "one attribute for each field, none within another");
        assert_eq!(read::<Feedback>(item, WHAT).unwrap(), kept);
        let correction = kept.correction().unwrap();
        let item: Item = serde_dynamo::to_item(&correction).unwrap();
        assert_eq!(read::<Correction>(item, "correction").unwrap(), correction);
    }
}
