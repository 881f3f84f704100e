//! A socket opens.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use serde_json::Value;

use crate::socket::{Socket, fail, refuse, reply};

/// Notes whose socket it is.
pub async fn connect(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Value {
    let Some(socket) = Socket::of(&cloud, request) else { return refuse() };
    match socket.store.connections().open(&socket.id, &socket.identity.user).await {
        Ok(()) => reply(None),
        Err(error) => fail(&error),
    }
}
