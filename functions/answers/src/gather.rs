//! Makes an upload of the corrections that wait.
//!
//! The upload is like any other, so training needs no path of its own for it. Its parts are written first and under an
//! identifier of their own; that the upload is there, and that these corrections were gathered, then becomes true in one
//! step; only after that they stop waiting. Whoever dies before that step leaves parts that nobody reads, and after it
//! corrections that come into the next upload once more, where training takes a row that says the same for the same.

use romashka_domain::feedback::Correction;
use romashka_domain::retraining::{MAX_GATHERED, PART_ROWS, Purpose};
use romashka_domain::upload::{Announcement, Reached, Repeated, RowCounts, Upload};
use romashka_domain::{CorrelationId, UploadId, UserId};
use romashka_ingest::Kind;
use romashka_store::objects::Object;
use romashka_store::{ChangeError, Error, TenantStore};

/// What such an upload is called.
const NAME: &str = "corrections";

/// Who gathers, what for, and under which name.
pub struct Gathering {
    /// Names the upload.
    pub id: UploadId,
    /// What for.
    pub purpose: Purpose,
    /// Who wants it.
    pub by: UserId,
    /// Follows the work.
    pub correlation_id: CorrelationId,
}

/// What came of it.
pub enum Gathered {
    /// The corrections are in this upload.
    Into(Box<Upload>),
    /// No correction waits.
    NothingWaits,
    /// Somebody else gathered at the same moment.
    Overtaken,
}

/// What was written before it counts.
#[derive(Default)]
struct Written {
    corrections: Vec<Correction>,
    bytes: u64,
    parts: u32,
}

/// Gathers up to [`MAX_GATHERED`] corrections, those of the oldest answers first. Where the upload is there already, an
/// earlier arrival of the same request made it.
pub async fn gather(store: &TenantStore, gathering: Gathering) -> Result<Gathered, ChangeError> {
    if let Some(upload) = store.uploads().get(gathering.id).await? {
        return Ok(Gathered::Into(Box::new(upload)));
    }
    let current = store.retraining().gathered().await?;
    let written = write_parts(store, gathering.id).await?;
    if written.corrections.is_empty() {
        return Ok(Gathered::NothingWaits);
    }
    let next = current.with(gathering.id, gathering.purpose);
    let upload = upload_of(&written, gathering, store)?;
    if !store.retraining().keep(&upload, &current, &next).await? {
        return Ok(Gathered::Overtaken);
    }
    store.feedback().remove(&written.corrections).await?;
    tracing::info!(upload_id = %upload.id, rows = upload.rows.accepted, "corrections are gathered");
    Ok(Gathered::Into(Box::new(upload)))
}

async fn write_parts(store: &TenantStore, id: UploadId) -> Result<Written, Error> {
    let (mut written, mut from) = (Written::default(), None);
    while written.corrections.len() < MAX_GATHERED {
        let missing = MAX_GATHERED - written.corrections.len();
        let some = store.feedback().corrections(missing.min(PART_ROWS), from).await?;
        if !some.items.is_empty() {
            let body = ndjson(&some.items, written.corrections.len())?;
            written.bytes += body.len() as u64;
            store.objects().put(&Object::Part(id, written.parts), body).await?;
            written.parts += 1;
            written.corrections.extend(some.items);
        }
        from = some.next;
        if from.is_none() {
            break;
        }
    }
    Ok(written)
}

/// The corrections as rows of an upload, of which `before` come before them.
fn ndjson(corrections: &[Correction], before: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    for (row, correction) in (before as u64 + 1..).zip(corrections) {
        serde_json::to_writer(&mut body, &correction.clone().into_record(row))
            .map_err(|error| Error::Corrupt { what: "correction", why: format!("{:?}", error.classify()) })?;
        body.push(b'\n');
    }
    Ok(body)
}

/// The upload, in every state that another one goes through.
fn upload_of(written: &Written, gathering: Gathering, store: &TenantStore) -> Result<Upload, ChangeError> {
    let now = store.now();
    let announcement = Announcement::new(NAME, Kind::Utterances, written.bytes);
    let mut upload = Upload::announced(gathering.id, announcement, gathering.correlation_id, gathering.by, now);
    upload.begin_ingestion(now)?;
    let count = written.corrections.len() as u64;
    let rows = RowCounts { read: count, accepted: count, ..RowCounts::default() };
    let reached = Reached { rows, bytes_read: written.bytes, parts: written.parts, ..Reached::default() };
    upload.progress(reached, now);
    upload.complete(Repeated::default(), now);
    Ok(upload)
}

#[cfg(test)]
mod tests {
    use romashka_domain::ids::AnswerId;
    use romashka_ingest::Record;

    use super::*;

    #[test]
    fn corrections_become_rows_like_those_of_any_upload() {
        let correction = |text: &str| Correction {
            answer_id: AnswerId::new("0190a7f2-7c1e-7d3a-9f00-1234567890ab".parse().unwrap()),
            seq: 1,
            text: text.into(),
            intent: "oos".into(),
        };
        let body = ndjson(&[correction("first"), correction("second\u{2028}\"line\"")], 500).unwrap();
        let rows: Vec<Record> = body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [501, 502]);
        assert_eq!((rows[1].text.as_str(), rows[1].intent.as_deref()), ("second\u{2028}\"line\"", Some("oos")));
        assert_eq!((&rows[0].conversation, &rows[0].reply), (&None, &None));
    }
}
