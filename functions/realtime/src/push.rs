//! Tells listeners what changed, from the table's stream.
//!
//! A change of state is pushed at once. Mere progress is pushed at most twice a second for each resource: the frames in
//! between would be out of date before a person saw them, and the next change carries everything they said.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_lambda_events::dynamodb::{Event, EventRecord};
use futures::stream::{self, StreamExt};
use lru::LruCache;
use romashka_domain::feed::Topic;
use romashka_domain::time::millis_between;
use romashka_domain::{ConnectionId, TenantId, Timestamp, without_values};
use romashka_store::sockets::{Sent, Sockets};
use romashka_store::{Cloud, TenantStore, entity};
use romashka_telemetry::Metric;
use romashka_worker::Failure;
use serde::Deserialize;

use crate::frame::Watched;

/// The least time between two frames of mere progress on one resource, in milliseconds.
const PROGRESS_EVERY_MS: u64 = 500;

/// Listeners that are told at the same time.
const SENDS_AT_ONCE: usize = 32;

/// Resources whose last frame is remembered. Forgetting one costs a frame more.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");

static LAST_PUSHED: LazyLock<Mutex<LruCache<(TenantId, Topic), Pushed>>> =
    LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));

struct Pushed {
    seq: u64,
    at: Timestamp,
}

/// Whose an item is, and what.
#[derive(Deserialize)]
struct Owned {
    tenant: TenantId,
    entity: String,
}

/// Pushes the latest state of each resource in the batch.
///
/// A push is a hint: what was not delivered is made up for by the next frame or snapshot, so nothing is ever retried
/// and a broken listener holds up nobody.
pub async fn push(cloud: Cloud, event: Event) -> Result<(), Failure> {
    let mut latest: BTreeMap<(TenantId, Topic), Watched> = BTreeMap::new();
    for record in event.records {
        match read(record) {
            Ok((tenant, watched)) => {
                latest.insert((tenant, watched.topic()), watched);
            }
            // Trying again would not make it readable, and the listeners behind it must not wait for it.
            Err(failure) => tracing::error!(cause = %failure, "a changed item is not readable"),
        }
    }
    for ((tenant, topic), watched) in latest {
        if !is_due(&tenant, topic, &watched, cloud.now()) {
            continue;
        }
        let store = cloud.tenant(tenant.clone());
        let span = romashka_telemetry::correlated("realtime.push", Some(store.tenant()), watched.correlation_id());
        match tracing::Instrument::instrument(tell(&cloud, &store, &watched), span).await {
            Ok(()) => note_pushed(tenant, topic, &watched, cloud.now()),
            Err(failure) => {
                tracing::warn!(cause = %failure, "a push failed; the client will catch up with the next one")
            }
        }
    }
    Ok(())
}

fn read(record: EventRecord) -> Result<(TenantId, Watched), Failure> {
    let item = record.change.new_image;
    let unreadable = |error: serde_dynamo::Error| Failure::Unreadable(without_values(&error.to_string()));
    let owned: Owned = serde_dynamo::from_item(item.clone()).map_err(unreadable)?;
    let watched = match owned.entity.as_str() {
        entity::UPLOAD => Watched::Upload(serde_dynamo::from_item(item).map_err(unreadable)?),
        entity::TRAINING_SESSION => Watched::TrainingSession(serde_dynamo::from_item(item).map_err(unreadable)?),
        entity::MINING => Watched::Mining(serde_dynamo::from_item(item).map_err(unreadable)?),
        other => return Err(Failure::Unreadable(format!("nobody watches a {other}"))),
    };
    Ok((owned.tenant, watched))
}

/// Whether listeners should hear of this now.
fn is_due(tenant: &TenantId, topic: Topic, watched: &Watched, now: Timestamp) -> bool {
    let mut pushed = LAST_PUSHED.lock().unwrap_or_else(PoisonError::into_inner);
    match pushed.get(&(tenant.clone(), topic)) {
        None => true,
        Some(last) if watched.seq() <= last.seq => false,
        Some(last) => watched.last_transition() > last.seq || millis_between(last.at, now) >= PROGRESS_EVERY_MS,
    }
}

fn note_pushed(tenant: TenantId, topic: Topic, watched: &Watched, now: Timestamp) {
    let mut pushed = LAST_PUSHED.lock().unwrap_or_else(PoisonError::into_inner);
    pushed.put((tenant, topic), Pushed { seq: watched.seq(), at: now });
}

async fn tell(cloud: &Cloud, store: &TenantStore, watched: &Watched) -> Result<(), Failure> {
    let sockets = Sockets::open(cloud)?;
    let mut frames = 0;
    for topic in [watched.topic(), Topic::Tenant] {
        let listeners = store.connections().listeners(&topic).await?;
        if listeners.is_empty() {
            continue;
        }
        let frame = watched.frame("change", &topic, 0, store.now()).to_string();
        let sends = listeners.into_iter().map(|connection| send(store, &sockets, topic, connection, &frame));
        let sent: Vec<bool> = stream::iter(sends).buffer_unordered(SENDS_AT_ONCE).collect().await;
        frames += sent.into_iter().filter(|sent| *sent).count() as u64;
    }
    if frames > 0 {
        romashka_telemetry::record("realtime.push", store.now(), &[Metric::count("Frames", frames)]);
        tracing::info!(seq = watched.seq(), frames, "pushed");
    }
    Ok(())
}

/// Tells one listener, and forgets it where it is gone; whether it was told.
async fn send(store: &TenantStore, sockets: &Sockets, topic: Topic, connection: ConnectionId, frame: &str) -> bool {
    let done = match sockets.send(&connection, frame).await {
        Ok(Sent::Delivered) => return true,
        Ok(Sent::Gone) => store.connections().forget(&connection, &topic).await,
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::warn!(cause = %error, "one listener could not be told");
    }
    false
}
