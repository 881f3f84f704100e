//! Requests that arrive again.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, announcement};

use crate::sample::{questions, tenant, train, upload};

fn post(tenant: &Tenant, path: &str, key: &str, body: &Value) -> Answer {
    tenant.call("POST", path).header("idempotency-key", key).json(body).send().unwrap()
}

#[test]
fn a_post_that_arrives_again_has_one_effect_and_the_same_answer() {
    let tenant = tenant();
    let body = announcement("a.csv", "faq", b"x");
    let first = post(&tenant, "/v1/uploads", "k1", &body);
    let again = post(&tenant, "/v1/uploads", "k1", &body);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(again.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    assert_eq!(tenant.get("/v1/uploads").unwrap()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_stands_for_one_request_of_one_tenant() {
    let (ours, theirs) = (tenant(), tenant());
    assert_eq!(post(&ours, "/v1/uploads", "k", &announcement("a.csv", "faq", b"x")).status, 201);
    let other = post(&ours, "/v1/uploads", "k", &announcement("b.csv", "faq", b"x"));
    assert_eq!((other.status, other.body["code"].as_str()), (409, Some("idempotency_key_reused")));
    assert_eq!(post(&theirs, "/v1/uploads", "k", &announcement("a.csv", "faq", b"x")).status, 201);
    let long = post(&ours, "/v1/uploads", &"k".repeat(129), &announcement("a.csv", "faq", b"x"));
    assert_eq!(long.body["code"], "invalid_idempotency_key");
}

#[test]
fn a_refused_request_may_be_mended_under_the_same_key() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(30));
    let unknown = json!({ "upload_ids": ["0190a7f2-7c1e-7d3a-9f00-1234567890ab"] });
    assert_eq!(post(&tenant, "/v1/training-sessions", "k", &unknown).status, 422);
    assert_eq!(post(&tenant, "/v1/training-sessions", "k", &json!({ "upload_ids": [upload] })).status, 201);
}

#[test]
fn twenty_at_once_make_one_session() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(30));
    let body = json!({ "upload_ids": [upload] });
    std::thread::scope(|scope| {
        let posts: Vec<_> =
            (0..20).map(|_| scope.spawn(|| post(&tenant, "/v1/training-sessions", "k", &body))).collect();
        for answer in posts.into_iter().map(|post| post.join().unwrap()) {
            let in_progress = answer.status == 409 && answer.body["code"] == "request_in_progress";
            assert!(answer.status == 201 || in_progress, "{answer:?}");
        }
    });
    assert_eq!(tenant.get("/v1/training-sessions").unwrap()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn deploying_again_changes_nothing() {
    let tenant = tenant();
    let model = train(&tenant, &[&upload(&tenant, &questions(30))]);
    let path = format!("/v1/models/{}/deploy", model["id"].as_str().unwrap());
    let first = tenant.post(&path, &json!({})).unwrap();
    assert_eq!(tenant.post(&path, &json!({})).unwrap(), first);
    assert_eq!(first["revision"], 1);
}
