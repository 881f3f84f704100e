//! What the authorizer function tells every other function about a request.
//!
//! API Gateway's HTTP APIs answer a refusal of the authorizer with `{"message":"Forbidden"}` and nothing else, so a
//! client could not tell an expired token from a forged one. The authorizer therefore lets the request through with a
//! [`Verdict`], and [`Request::identity`](crate::Request::identity) turns a refusal into a problem document
//! that says what to do. See `docs/adr/0004-authorizer-verdict.md`.

use std::collections::HashMap;

use romashka_domain::{Identity, TeamId};
use serde_json::{Value, json};

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no bearer token, or it is not a JWT.
    Malformed,
    /// `alg` is not one that is accepted; `none` never is.
    Algorithm,
    /// No key of the issuer has this `kid`.
    UnknownKey,
    /// The signature does not fit.
    Signature,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `iss` is not the configured issuer.
    Issuer,
    /// `aud` does not name this service.
    Audience,
    /// The claims name no tenant, or one that cannot be.
    Tenant,
    /// The claims name no role, or none that is known.
    Role,
    /// The claims name nobody (`sub`).
    Subject,
    /// The issuer's keys cannot be had right now.
    IssuerUnreachable,
}

impl Refusal {
    const ALL: [Self; 12] = [
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Expired,
        Self::NotYetValid,
        Self::Issuer,
        Self::Audience,
        Self::Tenant,
        Self::Role,
        Self::Subject,
        Self::IssuerUnreachable,
    ];

    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Tenant => "token_tenant",
            Self::Role => "token_role",
            Self::Subject => "token_subject",
            Self::IssuerUnreachable => "issuer_unreachable",
        }
    }

    /// For people.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Malformed => "send `Authorization: Bearer <JWT>`",
            Self::Algorithm => "the token's `alg` is not accepted; sign it with RS256 or ES256",
            Self::UnknownKey => "the issuer publishes no key with the token's `kid`; get a new token",
            Self::Signature => "the token's signature does not fit its content; get a new token",
            Self::Expired => "the token has expired; get a new one",
            Self::NotYetValid => "the token is not valid yet; check the clocks",
            Self::Issuer => "the token comes from an issuer that this deployment does not trust",
            Self::Audience => "the token was made for another service; ask the issuer for this one's audience",
            Self::Tenant => "the token names no tenant; the issuer must put it into the tenant claim",
            Self::Role => "the token names no known role; it must be owner, admin, agent or viewer",
            Self::Subject => "the token names nobody; `sub` must be 1 to 128 visible ASCII characters",
            Self::IssuerUnreachable => "the issuer's keys cannot be fetched right now; try again in a moment",
        }
    }
}

/// What the authorizer found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Who asks.
    Known(Identity),
    /// Why nobody knows who asks.
    Refused(Refusal),
}

impl Verdict {
    /// The verdict as API Gateway carries it: a flat map of texts.
    pub fn to_context(&self) -> Value {
        match self {
            Self::Known(identity) => json!({
                "tenant": identity.tenant,
                "user": identity.user,
                "role": identity.role,
                // The gateway carries texts only; no team is called `,`.
                "teams": identity.teams.iter().map(TeamId::as_str).collect::<Vec<_>>().join(","),
            }),
            Self::Refused(refusal) => json!({ "refusal": refusal.code() }),
        }
    }

    /// Reads what [`Verdict::to_context`] wrote. Anything else is a refusal.
    pub fn from_context(context: &HashMap<String, Value>) -> Self {
        let text = |name: &str| context.get(name).and_then(Value::as_str);
        if let Some(code) = text("refusal") {
            let refusal = Refusal::ALL.into_iter().find(|refusal| refusal.code() == code);
            return Self::Refused(refusal.unwrap_or(Refusal::Malformed));
        }
        let role = context.get("role").cloned().and_then(|role| serde_json::from_value(role).ok());
        let (Some(tenant), Some(user), Some(role)) =
            (text("tenant").and_then(|t| t.parse().ok()), text("user").and_then(|u| u.parse().ok()), role)
        else {
            return Self::Refused(Refusal::Malformed);
        };
        let teams = text("teams").unwrap_or_default().split(',').filter_map(|team| team.parse().ok()).collect();
        Self::Known(Identity { tenant, user, role, teams })
    }
}

#[cfg(test)]
mod tests {
    use romashka_domain::Role;

    use super::*;

    fn round_trip(verdict: &Verdict) -> Verdict {
        Verdict::from_context(&serde_json::from_value(verdict.to_context()).unwrap())
    }

    #[test]
    fn a_verdict_survives_the_gateway() {
        let teams = ["emea", "vip.2"].map(|team| team.parse().unwrap()).into();
        let identity =
            Identity { tenant: "acme".parse().unwrap(), user: "u|1".parse().unwrap(), role: Role::Agent, teams };
        assert_eq!(round_trip(&Verdict::Known(identity.clone())), Verdict::Known(identity));
        for refusal in Refusal::ALL {
            assert_eq!(round_trip(&Verdict::Refused(refusal)), Verdict::Refused(refusal));
        }
    }

    #[test]
    fn a_context_that_is_not_ours_lets_nobody_in() {
        for context in
            [json!({}), json!({"tenant": "a", "user": "u"}), json!({"tenant": "a#b", "user": "u", "role": "owner"})]
        {
            assert_eq!(
                Verdict::from_context(&serde_json::from_value(context).unwrap()),
                Verdict::Refused(Refusal::Malformed)
            );
        }
    }
}
