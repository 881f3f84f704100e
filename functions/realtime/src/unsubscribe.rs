//! A socket has heard enough of a topic.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use serde_json::{Value, json};

use crate::socket::{Socket, fail, refuse, reply};

/// Ends a subscription, whether there was one or not.
pub async fn unsubscribe(cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Value {
    let Some(socket) = Socket::of(&cloud, request) else { return refuse() };
    let asked = match socket.asked() {
        Ok(asked) => asked,
        Err(frame) => return reply(Some(frame)),
    };
    match socket.store.connections().unsubscribe(&socket.id, &asked.topic).await {
        Ok(()) => reply(Some(json!({ "type": "unsubscribed", "topic": asked.topic.to_string() }))),
        Err(error) => fail(&error),
    }
}
