//! A socket wants to hear of a topic.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_domain::feed::Topic;
use romashka_store::{Cloud, Error, PageSize, TenantStore, connections};
use romashka_worker::Failure;
use serde_json::{Value, json};

use crate::frame::{self, Watched};
use crate::socket::{Asked, Socket, refuse, reply};

/// How many resources of each kind the snapshot of the topic `tenant` holds, newest first: as many as surely fit into
/// the 128 KB that API Gateway carries in one message.
const SNAPSHOT: u8 = 10;

/// Subscribes, then answers with a snapshot. The order matters: a change between the two is pushed as well, and the
/// client drops whichever of the two frames is older.
pub async fn subscribe(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Result<Value, Failure> {
    let Some(socket) = Socket::of(&cloud, request) else { return Ok(refuse()) };
    let asked = match socket.asked() {
        Ok(asked) => asked,
        Err(frame) => return Ok(reply(Some(frame))),
    };
    Ok(reply(Some(answer(&socket, &asked).await?)))
}

async fn answer(socket: &Socket, asked: &Asked) -> Result<Value, Error> {
    // What is not there, or is another tenant's, is refused before anything is written about it.
    if snapshot(&socket.store, asked).await?.is_none() {
        return Ok(frame::error("not_found", format!("there is no such topic: {}", asked.topic)));
    }
    if !socket.store.connections().subscribe(&socket.id, &asked.topic).await? {
        let detail =
            format!("a socket listens to at most {} topics; unsubscribe from one first", connections::MAX_TOPICS);
        return Ok(frame::error("too_many_topics", detail));
    }
    let snapshot = snapshot(&socket.store, asked).await?;
    Ok(snapshot.unwrap_or_else(|| frame::error("not_found", "the topic vanished a moment ago")))
}

async fn snapshot(store: &TenantStore, asked: &Asked) -> Result<Option<Value>, Error> {
    let watched = match asked.topic {
        Topic::Upload(id) => store.uploads().get(id).await?.map(|upload| Watched::Upload(Box::new(upload))),
        Topic::TrainingSession(id) => {
            store.sessions().get(id).await?.map(|session| Watched::TrainingSession(Box::new(session)))
        }
        Topic::Mining(id) => store.minings().get(id).await?.map(|mining| Watched::Mining(Box::new(mining))),
        Topic::Tenant => return tenant_snapshot(store).await.map(Some),
    };
    Ok(watched.map(|watched| watched.frame("snapshot", &asked.topic, asked.after, store.now())))
}

/// The tenant topic counts nothing of its own: each resource in it has its own `seq`.
async fn tenant_snapshot(store: &TenantStore) -> Result<Value, Error> {
    let size = PageSize::new(SNAPSHOT).unwrap_or_default();
    let now = store.now();
    let uploads = store.uploads().list(size, None).await?.items;
    let sessions = store.sessions().list(size, None).await?.items;
    let minings = store.minings().list(size, None).await?.items;
    Ok(json!({
        "type": "snapshot",
        "topic": Topic::Tenant.to_string(),
        "uploads": uploads,
        "training_sessions": sessions.iter().map(|session| session.view(now)).collect::<Vec<_>>(),
        "minings": minings,
        "sent_at": now,
    }))
}
