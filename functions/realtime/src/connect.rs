//! A socket opens.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use romashka_worker::Failure;
use serde_json::Value;

use crate::socket::{Socket, refuse, reply};

/// Notes whose socket it is.
pub async fn connect(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Result<Value, Failure> {
    let Some(socket) = Socket::of(&cloud, request) else { return Ok(refuse()) };
    socket.store.connections().open(&socket.id, &socket.identity.user).await?;
    Ok(reply(None))
}
