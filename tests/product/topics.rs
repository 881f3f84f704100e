//! Topics found in conversations, and what people decide about them.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::matters::{LANGUAGES, NAMES, conversations};
use crate::sample::{tenant, train, upload_conversations};

/// Twenty of each matter, so that half a topic is one, too.
const CONVERSATIONS: usize = 100;

/// A tenant whose conversations about five matters are learnt and deployed.
fn taught() -> (Tenant, String) {
    let tenant = tenant();
    let upload = upload_conversations(&tenant, conversations(&LANGUAGES[0], CONVERSATIONS).as_bytes());
    deploy(&tenant, &train(&tenant, &[&upload]));
    (tenant, upload)
}

fn deploy(tenant: &Tenant, model: &Value) {
    tenant.post(&format!("/v1/models/{}/deploy", text(model, "id").unwrap()), &json!({})).unwrap();
}

fn topics(tenant: &Tenant) -> Vec<Value> {
    tenant.get("/v1/topics").unwrap()["items"].as_array().unwrap().clone()
}

fn change(tenant: &Tenant, topic: &Value, change: &Value) -> Answer {
    let path = format!("/v1/topics/{}", topic["id"].as_str().unwrap());
    tenant.call("PATCH", &path).json(change).send().unwrap()
}

fn asked(tenant: &Tenant, question: &str) -> Value {
    tenant.post("/v1/answers", &json!({ "text": question })).unwrap()
}

/// The topic whose questions are about passwords.
fn about_passwords(tenant: &Tenant) -> Value {
    let is_about = |topic: &&Value| topic["examples"].to_string().contains("password");
    topics(tenant).iter().find(is_about).unwrap().clone()
}

#[test]
fn topics_are_found_named_decided_on_and_outlast_a_training() {
    let (tenant, upload) = taught();
    let found = topics(&tenant);
    assert!((4..=7).contains(&found.len()), "{found:?}");
    for topic in &found {
        assert_eq!(topic["state"], "induced");
        assert!(topic["examples"].as_array().is_some_and(|examples| !examples.is_empty()), "{topic}");
        assert!(topic["reply"].as_str().is_some_and(|reply| !NAMES.iter().any(|name| reply.contains(name))), "{topic}");
    }
    let before = asked(&tenant, "I do not remember my password, what now?");
    assert_eq!(before["topic"]["induced"], true, "{before}");
    assert_eq!(before["intent"], Value::Null);

    let passwords = about_passwords(&tenant);
    let accepted = change(&tenant, &passwords, &json!({ "name": "Lost password", "state": "accepted" }));
    assert_eq!((accepted.status, &accepted.body["name"]), (200, &json!("Lost password")), "{}", accepted.body);
    let after = asked(&tenant, "I do not remember my password, what now?");
    assert_eq!((&after["intent"], &after["topic"]["induced"]), (&json!("Lost password"), &json!(false)), "{after}");

    let model = train(&tenant, &[&upload]);
    let comparison = &model["knowledge"]["comparison"];
    assert_eq!((&comparison["gained"], &comparison["lost"]), (&json!(0), &json!(0)), "{model}");
    assert!(comparison["rows"].as_u64() >= Some(20), "{model}");
    let path = format!("/v1/models/{}/deploy", text(&model, "id").unwrap());
    let deployed = tenant.post(&path, &json!({ "agreement": 0.8, "thresholds": { "curated": 0.7 } })).unwrap();
    assert_eq!(deployed["thresholds"]["curated"], json!(0.7), "{deployed}");
    assert!(deployed["thresholds"]["reply"].as_f64().is_some_and(|reply| reply <= 0.6), "{deployed}");
    let refused = tenant.call("POST", &path).json(&json!({ "agreement": 0.2 })).send().unwrap();
    assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some("/agreement")));
    let again = about_passwords(&tenant);
    assert_eq!(
        (&again["id"], &again["name"], &again["state"]),
        (&passwords["id"], &json!("Lost password"), &json!("accepted"))
    );
}

#[test]
fn topics_are_merged_ignored_and_split() {
    let (tenant, upload) = taught();
    let passwords = about_passwords(&tenant);
    let others: Vec<Value> = topics(&tenant).into_iter().filter(|topic| topic["id"] != passwords["id"]).collect();
    assert_eq!(change(&tenant, &passwords, &json!({ "merge_into": others[0]["id"] })).status, 200);
    let answer = asked(&tenant, "I do not remember my password, what now?");
    assert_eq!(answer["topic"]["id"], others[0]["id"], "{answer}");

    assert_eq!(change(&tenant, &others[0], &json!({ "state": "ignored" })).status, 200);
    let answer = asked(&tenant, "I do not remember my password, what now?");
    assert_ne!(answer["topic"]["id"], others[0]["id"], "{answer}");

    let count = topics(&tenant).len();
    assert_eq!(change(&tenant, &others[1], &json!({ "split": true })).body["split"], true);
    train(&tenant, &[&upload]);
    let after = topics(&tenant);
    assert_eq!(after.len(), count + 1, "{after:?}");
    assert!(after.iter().all(|topic| topic["split"] == false), "{after:?}");
}

#[test]
fn a_decision_that_makes_no_sense_is_refused_and_one_on_old_knowledge_too() {
    let (tenant, _) = taught();
    let found = topics(&tenant);
    for (decision, status, code) in [
        (json!({ "name": " " }), 422, "invalid_name"),
        (json!({ "name": found[1]["name"] }), 409, "name_taken"),
        (json!({ "state": "merged" }), 422, "invalid_state"),
        (json!({ "merge_into": found[0]["id"] }), 422, "invalid_target"),
    ] {
        let refused = change(&tenant, &found[0], &decision);
        assert_eq!((refused.status, refused.body["code"].as_str()), (status, Some(code)), "{decision}");
    }
    let path = format!("/v1/topics/{}", found[0]["id"].as_str().unwrap());
    let read = tenant.call("GET", "/v1/topics").send().unwrap().headers["etag"].clone();
    let rename = |name: &str| {
        tenant.call("PATCH", &path).header("if-match", &read).json(&json!({ "name": name })).send().unwrap().status
    };
    assert_eq!((rename("Parcels"), rename("Parcels late")), (200, 412));
}
