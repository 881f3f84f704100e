//! Messages to the functions that work in the background.
//!
//! A message carries its tenant and correlation id in a typed [`Envelope`]; its queue is part of its type, so it
//! cannot be sent to the wrong one. `MessageGroupId` is the tenant, which lets SQS serve tenants in turn (fair queues).

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use romashka_domain::{CorrelationId, MiningId, TenantId, TrainingSessionId, UploadId};
use romashka_ingest::Facts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{aws, malformed};
use crate::{Error, TenantStore, setting};

/// SQS takes at most this many messages in one request.
const MAX_ENTRIES: usize = 10;

/// Work for a function behind a queue.
pub trait Task: Serialize + DeserializeOwned {
    /// The setting that names its queue's address.
    const QUEUE_SETTING: &'static str;
}

/// Split a session's sources into batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareTask {
    /// The session.
    pub session_id: TrainingSessionId,
}

impl Task for PrepareTask {
    const QUEUE_SETTING: &'static str = "PREPARE_QUEUE_URL";
}

/// Turn one batch of rows into features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchTask {
    /// The session.
    pub session_id: TrainingSessionId,
    /// Which of its batches, from 0.
    pub batch: u32,
    /// The upload whose rows these are.
    pub upload_id: UploadId,
    /// Which of the upload's parts, from 0.
    pub part: u32,
}

impl Task for BatchTask {
    const QUEUE_SETTING: &'static str = "TRAINING_QUEUE_URL";
}

/// Fit and evaluate a model once every batch is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitTask {
    /// The session.
    pub session_id: TrainingSessionId,
}

impl Task for FitTask {
    const QUEUE_SETTING: &'static str = "FIT_QUEUE_URL";
}

/// Read a file that was committed, or a piece of a large one. That a file has come is told by S3, in its own words, through
/// the same queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IngestTask {
    /// The upload.
    pub upload_id: UploadId,
    /// The version of the object, where the bucket keeps versions and one is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Which piece; the whole file where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece: Option<PieceTask>,
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PieceTask {
    /// Which, from 0.
    pub index: u32,
    /// Where its bytes begin.
    pub start: u64,
    /// Where they end.
    pub end: u64,
    /// Bytes from the beginning of the file that are read before it.
    pub header_bytes: u64,
    /// The number of its first row.
    pub first_row: u64,
    /// What the whole file is.
    pub facts: Facts,
}

impl Task for IngestTask {
    const QUEUE_SETTING: &'static str = "INGEST_QUEUE_URL";
}

/// Take into the search index of templates what it does not know yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexTask {}

impl Task for IndexTask {
    const QUEUE_SETTING: &'static str = "INDEX_QUEUE_URL";
}

/// Find reply templates in what agents wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MineTask {
    /// The mining.
    pub mining_id: MiningId,
}

impl Task for MineTask {
    const QUEUE_SETTING: &'static str = "MINE_QUEUE_URL";
}

/// A task on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// On whose behalf.
    pub tenant: TenantId,
    /// Follows the work through logs and frames.
    pub correlation_id: CorrelationId,
    /// What to do.
    pub task: T,
}

/// The queues, opened for one tenant.
pub struct Queues<'a> {
    store: &'a TenantStore,
}

impl<'a> Queues<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// Sends tasks, in as few requests as SQS allows. A task may arrive more than once and in any order.
    pub async fn send<T: Task>(
        &self,
        correlation_id: &CorrelationId,
        tasks: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let queue = setting(T::QUEUE_SETTING)?;
        let mut bodies = Vec::new();
        for task in tasks {
            let envelope = Envelope { tenant: self.store.tenant.clone(), correlation_id: correlation_id.clone(), task };
            let body = serde_json::to_string(&envelope)
                .map_err(|error| Error::Corrupt { what: "task", why: error.to_string() })?;
            bodies.push(body);
        }
        for chunk in bodies.chunks(MAX_ENTRIES) {
            self.send_chunk(&queue, chunk.to_vec()).await?;
        }
        Ok(())
    }

    /// Sends a chunk, and again what SQS did not take of it.
    async fn send_chunk(&self, queue: &str, mut bodies: Vec<String>) -> Result<(), Error> {
        for _ in 0..4 {
            let entries = bodies.iter().enumerate().map(|(index, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .message_group_id(self.store.tenant.as_str())
                    .build()
                    .map_err(malformed("sqs:SendMessageBatch"))
            });
            let output = self
                .store
                .cloud
                .sqs
                .send_message_batch()
                .queue_url(queue)
                .set_entries(Some(entries.collect::<Result<_, _>>()?))
                .send()
                .await
                .map_err(aws("sqs:SendMessageBatch"))?;
            let refused: Vec<usize> = output.failed().iter().filter_map(|failure| failure.id().parse().ok()).collect();
            bodies = refused.into_iter().filter_map(|index| bodies.get(index).cloned()).collect();
            if bodies.is_empty() {
                return Ok(());
            }
        }
        Err(Error::Aws {
            operation: "sqs:SendMessageBatch",
            code: "refused".to_owned(),
            detail: format!("{} messages were not taken", bodies.len()),
        })
    }
}

/// Lets a message come back after so many seconds.
pub(crate) async fn come_back(
    client: &aws_sdk_sqs::Client,
    queue_arn: &str,
    receipt_handle: &str,
    seconds: i32,
) -> Result<(), Error> {
    let name = queue_arn.rsplit(':').next().unwrap_or_default();
    let queue = client.get_queue_url().queue_name(name).send().await.map_err(aws("sqs:GetQueueUrl"))?;
    client
        .change_message_visibility()
        .set_queue_url(queue.queue_url)
        .receipt_handle(receipt_handle)
        .visibility_timeout(seconds)
        .send()
        .await
        .map_err(aws("sqs:ChangeMessageVisibility"))?;
    Ok(())
}
