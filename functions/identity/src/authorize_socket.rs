//! Tells the WebSocket API who connects: a one-time ticket is used up here, and API Gateway hands what it stood for to
//! every later message of the socket.

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest;
use romashka_http::Verdict;
use romashka_store::{Cloud, tickets};
use romashka_worker::Failure;
use serde_json::{Value, json};

/// Uses up the ticket of a socket that wants to connect.
pub async fn authorize_socket(
    cloud: Cloud,
    request: ApiGatewayCustomAuthorizerRequestTypeRequest,
) -> Result<Value, Failure> {
    let resource = request.method_arn.unwrap_or_default();
    let ticket = request.query_string_parameters.first("ticket").unwrap_or_default();
    let Some(identity) = tickets::redeem(&cloud, ticket).await? else {
        return Ok(policy("Deny", &resource, "nobody", json!({})));
    };
    let principal = identity.user.to_string();
    Ok(policy("Allow", &resource, &principal, Verdict::Known(identity).to_context()))
}

fn policy(effect: &str, resource: &str, principal: &str, context: Value) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource }],
        },
        "context": context,
    })
}
