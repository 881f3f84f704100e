//! Tells the HTTP API who asks.
//!
//! It answers "authorised" to everything and says in the context who it is or why that is not known; see
//! `docs/adr/0004-authorizer-verdict.md`.

use std::sync::LazyLock;

use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request};
use romashka_domain::Identity;
use romashka_http::{Refusal, Verdict};
use romashka_store::Cloud;
use romashka_worker::Failure;
use serde_json::Value;

use crate::issuer::Issuer;
use crate::token::{Policy, announced, verify};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    Policy {
        issuer: setting("JWT_ISSUER"),
        audience: setting("JWT_AUDIENCE"),
        tenant_claim: setting("JWT_TENANT_CLAIM"),
        role_claim: setting("JWT_ROLE_CLAIM"),
        teams_claim: setting("JWT_TEAMS_CLAIM"),
    }
});

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(POLICY.issuer.clone()));

/// Verifies the bearer token of a request.
pub async fn authorize(
    cloud: Cloud,
    request: ApiGatewayV2CustomAuthorizerV2Request,
) -> Result<ApiGatewayV2CustomAuthorizerSimpleResponse<Value>, Failure> {
    let header = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    let verdict = match identify(&cloud, header).await {
        Ok(identity) => Verdict::Known(identity),
        Err(refusal) => {
            tracing::info!(code = refusal.code(), "the token is refused");
            Verdict::Refused(refusal)
        }
    };
    let mut response = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
    response.is_authorized = true;
    response.context = verdict.to_context();
    Ok(response)
}

async fn identify(cloud: &Cloud, header: Option<&str>) -> Result<Identity, Refusal> {
    let (scheme, token) = header.and_then(|header| header.split_once(' ')).ok_or(Refusal::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Malformed);
    }
    let token = token.trim();
    let announced = announced(token)?;
    let key = ISSUER.key(&announced).await?;
    verify(token, &announced, &key, &POLICY, cloud.now())
}
