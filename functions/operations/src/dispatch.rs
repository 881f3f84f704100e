//! Sets in motion what follows from a change, from the table's stream.
//!
//! That a session is queued *is* the request to prepare it, that a mining is queued the request to work on it, and that a template
//! changed or was used the request to index it: each is written once, with everything it needs, and the stream delivers it at least once. There is no second write that a
//! crash could swallow.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use romashka_domain::mining::{Mining, MiningState};
use romashka_domain::training::{SessionState, TrainingSession};
use romashka_domain::{CorrelationId, TenantId, without_values};
use romashka_store::queues::{IndexTask, MineTask, PrepareTask};
use romashka_store::{Cloud, entity};
use romashka_worker::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Whose an item is, and what.
#[derive(Deserialize)]
struct Owned {
    tenant: TenantId,
    entity: String,
}

/// Tells the queues; the template's filters let only queued sessions, queued minings and what concerns templates through. If one cannot be told,
/// the stream delivers all of them again, and the queues take what they had already for the second delivery that it is.
pub async fn dispatch(cloud: Cloud, event: Event) -> Result<(), Failure> {
    let mut to_index = BTreeSet::new();
    for record in event.records {
        let Owned { tenant, entity } = read(&record)?;
        match entity.as_str() {
            entity::TRAINING_SESSION => prepare(&cloud, tenant, read(&record)?).await?,
            entity::MINING => mine(&cloud, tenant, read(&record)?).await?,
            entity::TEMPLATE | entity::TEMPLATE_USE => {
                to_index.insert(tenant);
            }
            other => return Err(Failure::Unreadable(format!("nothing follows from a {other}"))),
        }
    }
    for tenant in to_index {
        let store = cloud.tenant(tenant);
        store.queues().send(&fresh_correlation_id(&cloud), [IndexTask {}]).await?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(record: &EventRecord) -> Result<T, Failure> {
    serde_dynamo::from_item(record.change.new_image.clone())
        .map_err(|error| Failure::Unreadable(without_values(&error.to_string())))
}

async fn prepare(cloud: &Cloud, tenant: TenantId, session: TrainingSession) -> Result<(), Failure> {
    if session.state == SessionState::Queued {
        let task = PrepareTask { session_id: session.id };
        cloud.tenant(tenant).queues().send(&session.correlation_id, [task]).await?;
    }
    Ok(())
}

async fn mine(cloud: &Cloud, tenant: TenantId, mining: Mining) -> Result<(), Failure> {
    if mining.state == MiningState::Queued {
        let task = MineTask { mining_id: mining.id };
        cloud.tenant(tenant).queues().send(&mining.correlation_id, [task]).await?;
    }
    Ok(())
}

/// Many changes become one task, which belongs to none of the requests that made them.
fn fresh_correlation_id(cloud: &Cloud) -> CorrelationId {
    let id = cloud.ids().next().simple().to_string();
    // 32 hexadecimal digits always are a correlation id.
    id.parse().unwrap_or_else(|_| unreachable!("a UUID is a correlation id"))
}
