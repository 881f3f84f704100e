//! Tells the WebSocket API who connects: a one-time ticket is used up here, and API Gateway hands what it stood for to
//! every later message of the socket.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_http::Verdict;
use romashka_store::{Cloud, tickets};
use serde_json::{Value, json};

/// Uses up the ticket of a socket that wants to connect.
pub async fn authorize_socket(cloud: Cloud, mut event: Value) -> Value {
    let resource = event.get("methodArn").cloned().unwrap_or_default();
    // The authorizer's event has the shape of a connect event, with `type` and `methodArn` beside it.
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|name, _| name == "queryStringParameters");
    }
    let request: ApiGatewayWebsocketProxyRequest = serde_json::from_value(event).unwrap_or_default();
    let ticket = request.query_string_parameters.first("ticket").unwrap_or_default();
    match tickets::redeem(&cloud, ticket).await {
        Ok(Some(identity)) => {
            let principal = identity.user.to_string();
            policy("Allow", &resource, &principal, Verdict::Known(identity).to_context())
        }
        Ok(None) => policy("Deny", &resource, "nobody", json!({})),
        Err(error) => {
            tracing::error!(cause = %error, "the ticket cannot be looked up");
            policy("Deny", &resource, "nobody", json!({}))
        }
    }
}

fn policy(effect: &str, resource: &Value, principal: &str, context: Value) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource }],
        },
        "context": context,
    })
}
