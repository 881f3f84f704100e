//! Verifies a JSON Web Token (RFC 7519) with the issuer's keys: pure, given the keys and the time.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use romashka_domain::{Identity, Role, TeamId, Timestamp};
use romashka_http::Refusal;
use serde_json::Value;

/// The longest token that is looked at, in bytes; API Gateway allows headers of 10 KB in all.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Teams of one person that are looked at: the gateway carries no more than a few kilobytes of what is known of them.
const MAX_TEAMS: usize = 50;

/// Clocks of issuer and verifier may differ by this much, in seconds.
const LEEWAY_SECONDS: i64 = 10;

/// The algorithms that are accepted. All are asymmetric: with a symmetric one, a public key could be passed off as the
/// secret (RFC 8725, section 2.1).
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// What a token must say.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `iss`.
    pub issuer: String,
    /// One of `aud`.
    pub audience: String,
    /// Where the claims name the tenant; dots lead into objects, as in `app_metadata.tenant_id`.
    pub tenant_claim: String,
    /// Where the claims name the role; dots lead into objects.
    pub role_claim: String,
    /// Where the claims list the teams; dots lead into objects.
    pub teams_claim: String,
}

/// The `kid` and algorithm a token says it is signed with, before anything of it is believed.
#[derive(Debug, PartialEq, Eq)]
pub struct Announced {
    kid: Option<String>,
    algorithm: Algorithm,
}

/// Reads a token's header.
pub fn announced(token: &str) -> Result<Announced, Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    let header = match decode_header(token) {
        Ok(header) => header,
        Err(_) if names_other_algorithm(token) => return Err(Refusal::Algorithm),
        Err(_) => return Err(Refusal::Malformed),
    };
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Algorithm);
    }
    Ok(Announced { kid: header.kid, algorithm: header.alg })
}

/// The key that the token says it is signed with, where the issuer has it.
pub fn find_key<'a>(keys: &'a JwkSet, announced: &Announced) -> Option<&'a Jwk> {
    match &announced.kid {
        Some(kid) => keys.find(kid),
        // An issuer with a single key need not name it.
        None => Some(keys.keys.first()?).filter(|_| keys.keys.len() == 1),
    }
}

/// Who the token stands for, if `key` signed it and it holds now and here.
pub fn verify(
    token: &str,
    announced: &Announced,
    key: &Jwk,
    policy: &Policy,
    now: Timestamp,
) -> Result<Identity, Refusal> {
    let key = DecodingKey::from_jwk(key).map_err(|_| Refusal::UnknownKey)?;
    let mut validation = Validation::new(announced.algorithm);
    // The claims are checked below, against the injected clock and with one reason for each.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Value = decode(token, &key, &validation).map_err(|_| Refusal::Signature)?.claims;
    check_times(&claims, now)?;
    if claims.get("iss").and_then(Value::as_str) != Some(&policy.issuer) {
        return Err(Refusal::Issuer);
    }
    if !names_audience(&claims, &policy.audience) {
        return Err(Refusal::Audience);
    }
    let subject = claims.get("sub").and_then(Value::as_str).and_then(|sub| sub.parse().ok());
    let tenant = claim(&claims, &policy.tenant_claim).and_then(Value::as_str).and_then(|tenant| tenant.parse().ok());
    let role = claim(&claims, &policy.role_claim).and_then(role);
    Ok(Identity {
        tenant: tenant.ok_or(Refusal::Tenant)?,
        user: subject.ok_or(Refusal::Subject)?,
        role: role.ok_or(Refusal::Role)?,
        teams: claim(&claims, &policy.teams_claim).map(teams).unwrap_or_default(),
    })
}

/// The role that a claim names, as a text: an enumeration would also be read from `{"owner": null}`.
fn role(claim: &Value) -> Option<Role> {
    serde_json::from_value(Value::String(claim.as_str()?.to_owned())).ok()
}

/// The teams that a claim lists. What cannot be a team is none: nobody is shut out because of it.
fn teams(claim: &Value) -> BTreeSet<TeamId> {
    let listed: Vec<&str> = match claim {
        Value::Array(teams) => teams.iter().filter_map(Value::as_str).collect(),
        Value::String(teams) => teams.split([',', ' ']).collect(),
        _ => Vec::new(),
    };
    listed.into_iter().filter_map(|team| team.parse().ok()).take(MAX_TEAMS).collect()
}

fn check_times(claims: &Value, now: Timestamp) -> Result<(), Refusal> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    let now = now.as_second();
    // A token without an end is not accepted: it could never be taken back.
    let expires = seconds("exp").ok_or(Refusal::Expired)?;
    if expires + LEEWAY_SECONDS as f64 <= now as f64 {
        return Err(Refusal::Expired);
    }
    // One that is no number (RFC 7519, 2) promises nothing.
    let begins = || seconds("nbf").is_some_and(|begins| begins - LEEWAY_SECONDS as f64 <= now as f64);
    if claims.get("nbf").is_some_and(|nbf| !nbf.is_null()) && !begins() {
        return Err(Refusal::NotYetValid);
    }
    Ok(())
}

fn names_audience(claims: &Value, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        _ => false,
    }
}

fn claim<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    // Some issuers put dots into the names themselves, as in `https://example.com/tenant`.
    claims.get(path).or_else(|| path.split('.').try_fold(claims, |value, name| value.get(name)))
}

/// Whether this is a token with an `alg` that the library does not even know, such as `none`.
fn names_other_algorithm(token: &str) -> bool {
    use base64::Engine;
    let header = token.split('.').next().unwrap_or_default();
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
    let header: Option<Value> = decoded.ok().and_then(|json| serde_json::from_slice(&json).ok());
    header.is_some_and(|header| header.get("alg").is_some_and(Value::is_string))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_is_a_text() {
        assert_eq!(role(&json!("owner")), Some(Role::Owner));
        for claim in [json!({ "owner": null }), json!(["owner"]), json!(7), json!("Owner "), json!(null)] {
            assert_eq!(role(&claim), None, "{claim}");
        }
    }

    #[test]
    fn a_beginning_that_is_no_number_is_not_yet_there() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = now.as_second();
        let check = |nbf: Value| check_times(&json!({ "exp": at + 60, "nbf": nbf }), now);
        assert_eq!((check(json!(at - 60)), check(json!(null))), (Ok(()), Ok(())));
        for nbf in [json!(at + 3_600), json!((at + 3_600).to_string()), json!("soon"), json!({ "at": 0 })] {
            assert_eq!(check(nbf), Err(Refusal::NotYetValid));
        }
    }

    #[test]
    fn teams_are_listed_or_written_in_one_text_and_what_is_no_team_is_left_out() {
        let listed = |claim: Value| teams(&claim).iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
        assert_eq!(listed(json!(["vip", "emea", "", "a b", 7])), "emea|vip");
        assert_eq!(listed(json!("vip,emea apac")), "apac|emea|vip");
        assert_eq!(listed(json!({ "emea": true })), "");
    }
}
