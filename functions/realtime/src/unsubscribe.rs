//! A socket has heard enough of a topic.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use romashka_worker::Failure;
use serde_json::{Value, json};

use crate::socket::{Socket, refuse, reply};

/// Ends a subscription, whether there was one or not.
pub async fn unsubscribe(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Result<Value, Failure> {
    let Some(socket) = Socket::of(&cloud, request) else { return Ok(refuse()) };
    let asked = match socket.asked() {
        Ok(asked) => asked,
        Err(frame) => return Ok(reply(Some(frame))),
    };
    socket.store.connections().unsubscribe(&socket.id, &asked.topic).await?;
    Ok(reply(Some(json!({ "type": "unsubscribed", "topic": asked.topic.to_string() }))))
}
