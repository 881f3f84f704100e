//! A socket has closed.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use romashka_worker::Failure;
use serde_json::Value;

use crate::socket::{Socket, refuse, reply};

/// Forgets the socket and what it listened to.
pub async fn disconnect(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Result<Value, Failure> {
    let Some(socket) = Socket::of(&cloud, request) else { return Ok(refuse()) };
    socket.store.connections().close(&socket.id).await?;
    Ok(reply(None))
}
