//! Tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use xtask::client::Answer;

use crate::sample::{cloud, unix_seconds};

fn token(request: Value) -> String {
    let mut whole = json!({ "tenant": "acme", "user": "u", "role": "viewer" });
    for (name, value) in request.as_object().unwrap() {
        whole[name] = value.clone();
    }
    cloud().token(&whole).unwrap()
}

fn ask(token: &str) -> Answer {
    cloud().api().unwrap().with_token(token.to_owned()).call("GET", "/v1/uploads").send().unwrap()
}

#[test]
fn a_token_that_does_not_hold_says_why() {
    for (claims, code) in [
        (json!({ "exp": unix_seconds() - 60 }), "token_expired"),
        (json!({ "exp": null }), "token_expired"),
        (json!({ "nbf": unix_seconds() + 600 }), "token_not_yet_valid"),
        (json!({ "iss": "https://elsewhere.example" }), "token_issuer"),
        (json!({ "aud": "another-service" }), "token_audience"),
        (json!({ "aud": null }), "token_audience"),
        (json!({ "tenant_id": null }), "token_tenant"),
        (json!({ "tenant_id": "a#b" }), "token_tenant"),
        (json!({ "role": "god" }), "token_role"),
        (json!({ "sub": null }), "token_subject"),
    ] {
        let answer = ask(&token(json!({ "claims": claims })));
        assert_eq!((answer.status, answer.body["code"].as_str()), (401, Some(code)), "{claims}");
        assert!(answer.headers["www-authenticate"].starts_with("Bearer error=\"invalid_token\""));
    }
}

#[test]
fn a_token_that_nobody_signed_is_refused() {
    let good = token(json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT" }).to_string());
    let symmetric = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "typ": "JWT" }).to_string());
    let unknown = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": "nobody" }).to_string());
    let other = token(json!({ "role": "owner" }));
    let other: Vec<_> = other.split('.').collect();
    for (forged, code) in [
        (format!("{none}.{}.", parts[1]), "token_algorithm"),
        (format!("{none}.{}.{}", parts[1], parts[2]), "token_algorithm"),
        (format!("{symmetric}.{}.{}", parts[1], parts[2]), "token_algorithm"),
        (format!("{unknown}.{}.{}", parts[1], parts[2]), "token_unknown_key"),
        (format!("{}.{}.{}", parts[0], other[1], parts[2]), "token_signature"),
        ("nonsense".to_owned(), "token_malformed"),
    ] {
        let answer = ask(&forged);
        assert_eq!((answer.status, answer.body["code"].as_str()), (401, Some(code)), "{}", answer.body);
    }
}

#[test]
fn both_algorithms_and_a_new_key_are_accepted() {
    for algorithm in ["RS256", "ES256"] {
        assert_eq!(ask(&token(json!({ "alg": algorithm }))).status, 200, "{algorithm}");
    }
    // The verifier has fetched its keys by now; the new one makes it fetch them once more, which it does at most every
    // few seconds.
    ureq::post(format!("{}/keys/rotate", cloud().issuer())).send_empty().unwrap();
    let fresh = token(json!({}));
    let accepted = (0..40).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(250));
        // A token by itself, so that no cached verdict answers for it.
        ask(&token(json!({ "claims": { "jti": unix_seconds().to_string() } }))).status == 200
            && ask(&fresh).status == 200
    });
    assert!(accepted, "a token that the new key signed was not accepted within ten seconds");
}

#[test]
fn without_a_token_nothing_is_said() {
    let answer = cloud().api().unwrap().call("GET", "/v1/uploads").send().unwrap();
    assert_eq!(answer.status, 401);
}
