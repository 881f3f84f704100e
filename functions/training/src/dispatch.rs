//! Picks up queued sessions from the table's stream.
//!
//! That a session is queued *is* the request to prepare it: it is written once, with everything it needs, and the
//! stream delivers it at least once. There is no second write that a crash could swallow.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use romashka_domain::training::{SessionState, TrainingSession};
use romashka_domain::{TenantId, without_values};
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

/// Sends each newly queued session to the prepare queue; the template's filter lets only queued sessions through. If one
/// cannot be sent, the stream delivers all of them again, and the prepare queue takes what it had already for the
/// second delivery that it is.
pub async fn dispatch(cloud: Cloud, event: Event) -> Result<(), Failure> {
    for record in event.records {
        dispatch_one(&cloud, record).await?;
    }
    Ok(())
}

async fn dispatch_one(cloud: &Cloud, record: EventRecord) -> Result<(), Failure> {
    let owned: Owned = serde_dynamo::from_item(record.change.new_image)
        .map_err(|error| Failure::Unreadable(without_values(&error.to_string())))?;
    if owned.session.state != SessionState::Queued {
        return Ok(());
    }
    let store = cloud.tenant(owned.tenant);
    let task = PrepareTask { session_id: owned.session.id };
    store.queues().send(&owned.session.correlation_id, [task]).await?;
    Ok(())
}
