//! A message that names no action we know, or only asks whether anybody is there.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_store::Cloud;
use romashka_worker::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::frame;
use crate::socket::reply;

#[derive(Deserialize)]
struct Message {
    action: String,
}

/// Answers `ping` with `pong`, and anything else with what could be sent instead.
pub async fn fallback(_cloud: Cloud, request: ApiGatewayWebsocketProxyRequest) -> Result<Value, Failure> {
    let message = request.body.as_deref().and_then(|body| serde_json::from_str::<Message>(body).ok());
    let is_ping = message.is_some_and(|message| message.action == "ping");
    Ok(reply(Some(if is_ping {
        json!({ "type": "pong" })
    } else {
        frame::error("unknown_action", "send a JSON object whose action is subscribe, unsubscribe or ping")
    })))
}
