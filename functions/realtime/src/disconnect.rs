//! A socket has closed.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use serde_json::Value;

use crate::socket::{Socket, fail, refuse, reply};

/// Forgets the socket and what it listened to.
pub async fn disconnect(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Value {
    let Some(socket) = Socket::of(&cloud, request) else { return refuse() };
    match socket.store.connections().close(&socket.id).await {
        Ok(()) => reply(None),
        Err(error) => fail(&error),
    }
}
