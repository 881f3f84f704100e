//! Picks up queued sessions from the table's stream.
//!
//! That a session is queued *is* the request to prepare it: it is written once, with everything it needs, and the
//! stream delivers it at least once. There is no second write that a crash could swallow.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use romashka_domain::TenantId;
use romashka_domain::training::{SessionState, TrainingSession};
use romashka_store::Cloud;
use romashka_store::queues::PrepareTask;
use romashka_worker::Failure;
use serde::Deserialize;

/// The part of an item that tells whose it is.
#[derive(Deserialize)]
struct Owned {
    tenant: TenantId,
    #[serde(flatten)]
    session: TrainingSession,
}

/// Sends each newly queued session to the prepare queue. The template's filter lets only queued sessions through.
pub async fn dispatch(cloud: Cloud, event: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone();
        if let Err(failure) = dispatch_one(&cloud, record).await {
            tracing::warn!(cause = %failure, "the record goes back to the stream");
            let mut failed = DynamoDbBatchItemFailure::default();
            failed.item_identifier = sequence_number;
            response.batch_item_failures.push(failed);
            // A stream is retried from its first failure on; going on would only be done twice.
            return response;
        }
    }
    response
}

async fn dispatch_one(cloud: &Cloud, record: EventRecord) -> Result<(), Failure> {
    let owned: Owned =
        serde_dynamo::from_item(record.change.new_image).map_err(|error| Failure::Unreadable(error.to_string()))?;
    if owned.session.state != SessionState::Queued {
        return Ok(());
    }
    let store = cloud.tenant(owned.tenant);
    let task = PrepareTask { session_id: owned.session.id };
    store.queues().send(&owned.session.correlation_id, [task]).await?;
    Ok(())
}
