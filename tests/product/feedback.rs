//! Feedback, corrections, and what is learnt from them.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::sample::{PATIENCE, cloud, ended, questions, start, tenant, train, upload};

/// A tenant whose model answers, and the upload that it learnt from.
fn answering() -> (Tenant, String) {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(60));
    let model = train(&tenant, &[&upload]);
    tenant.post(&format!("/v1/models/{}/deploy", text(&model, "id").unwrap()), &json!({})).unwrap();
    (tenant, upload)
}

fn ask(tenant: &Tenant, question: &str) -> String {
    text(&tenant.post("/v1/answers", &json!({ "text": question })).unwrap(), "id").unwrap()
}

fn give(tenant: &Tenant, answer: &str, feedback: &Value) -> Answer {
    tenant.call("POST", &format!("/v1/answers/{answer}/feedback")).json(feedback).send().unwrap()
}

/// Corrects the answers to questions like those about parcels: `count` of them, no two alike.
fn correct(tenant: &Tenant, count: usize) {
    for number in 0..count {
        let question = format!("the courier left box {number} at the wrong door");
        let correction = json!({ "corrected_intent": "misdelivery", "text": question });
        give(tenant, &ask(tenant, &question), &correction).expect(200).unwrap();
    }
}

fn set_retraining(tenant: &Tenant, policy: &Value) -> Answer {
    tenant.call("PUT", "/v1/retraining").json(policy).send().unwrap()
}

fn sessions(tenant: &Tenant) -> Vec<Value> {
    tenant.get("/v1/training-sessions").unwrap()["items"].as_array().unwrap().clone()
}

#[test]
fn an_answer_has_one_feedback_and_the_latest_stands() {
    let (tenant, _) = answering();
    let (first, second) = (ask(&tenant, "where is my parcel"), ask(&tenant, "send my money back"));
    give(&tenant, &first, &json!({ "thumbs": "down", "csat": 2 })).expect(200).unwrap();
    give(&tenant, &second, &json!({ "edited_reply": "It is on its way to you." })).expect(200).unwrap();
    let again = give(&tenant, &first, &json!({ "thumbs": "up" })).expect(200).unwrap();
    assert_eq!((&again["thumbs"], &again["csat"], &again["seq"]), (&json!("up"), &json!(null), &json!(2)));
    assert_eq!(give(&tenant, &first, &json!({ "thumbs": "up" })).body, again, "the same again changes nothing");

    let page = tenant.get("/v1/feedback?limit=1").unwrap();
    assert_eq!(page["items"][0]["answer_id"], json!(second), "the newest answer comes first");
    let cursor = text(&page, "next_cursor").unwrap();
    assert_eq!(tenant.get(&format!("/v1/feedback?cursor={cursor}")).unwrap()["items"], json!([again]));
}

#[test]
fn feedback_that_makes_no_sense_is_refused_field_by_field() {
    let (tenant, _) = answering();
    let answer = ask(&tenant, "where is my parcel");
    for (feedback, field, code) in [
        (json!({}), "/", "empty_feedback"),
        (json!({ "csat": 6 }), "/csat", "out_of_range"),
        (json!({ "thumbs": "sideways" }), "/thumbs", "invalid_body"),
        (json!({ "corrected_intent": "refund" }), "/text", "missing_text"),
        (json!({ "csat": 1, "text": "hi" }), "/text", "unexpected_text"),
        (json!({ "corrected_intent": "x".repeat(101), "text": "hi" }), "/corrected_intent", "invalid_intent"),
        (json!({ "edited_reply": "x".repeat(4001) }), "/edited_reply", "too_long"),
    ] {
        let refused = give(&tenant, &answer, &feedback);
        let said = (refused.status, refused.body["field"].as_str(), refused.body["code"].as_str());
        assert_eq!(said, (422, Some(field), Some(code)));
    }
    let made_up = give(&tenant, "0190a7f2-7c1e-7d3a-9f00-1234567890ab", &json!({ "csat": 5 }));
    assert_eq!((made_up.status, made_up.body["code"].as_str()), (404, Some("not_found")));
    assert_eq!(tenant.get("/v1/feedback").unwrap()["items"], json!([]));
}

#[test]
fn corrections_become_an_upload_that_trains_like_any_other() {
    let (tenant, base) = answering();
    let gather = || tenant.call("POST", "/v1/feedback/uploads").header("idempotency-key", "first").send().unwrap();
    let early = gather();
    assert_eq!((early.status, early.body["code"].as_str()), (409, Some("no_corrections")));

    correct(&tenant, 30);
    let withdrawn = ask(&tenant, "what is this");
    let correction = json!({ "corrected_intent": "oos", "text": "what is this" });
    give(&tenant, &withdrawn, &correction).expect(200).unwrap();
    give(&tenant, &withdrawn, &json!({ "thumbs": "up" })).expect(200).unwrap();
    let gathered = gather().expect(201).unwrap();
    assert_eq!((&gathered["state"], &gathered["kind"]), (&json!("ready"), &json!("utterances")));
    assert_eq!((&gathered["rows"]["accepted"], &gathered["parts"]), (&json!(30), &json!(1)));
    assert_eq!(gather().body, gathered, "the same request is given the same upload");
    let nothing = tenant.call("POST", "/v1/feedback/uploads").send().unwrap();
    assert_eq!(nothing.body["code"], "no_corrections", "what is in an upload waits no more");

    let gathered = text(&gathered, "id").unwrap();
    let session = ended(&tenant, &format!("/v1/training-sessions/{}", start(&tenant, &[&base, &gathered])));
    assert_eq!((&session["state"], &session["rows"]), (&json!("completed"), &json!(210)));
    let model = tenant.get(&format!("/v1/models/{}", text(&session, "model_id").unwrap())).unwrap();
    assert!(model["intents"].as_array().unwrap().contains(&json!("misdelivery")), "{model}");
}

#[test]
fn enough_corrections_start_one_session_on_the_deployed_sources_and_themselves() {
    let (tenant, base) = answering();
    assert_eq!(tenant.get("/v1/retraining").unwrap()["enabled"], json!(false));
    correct(&tenant, 3);
    assert_eq!(sessions(&tenant).len(), 1, "nobody asked for it");

    let policy = json!({ "enabled": true, "after_corrections": 5, "auto_deploy": true });
    let set = set_retraining(&tenant, &policy);
    assert_eq!((set.status, &set.body["revision"]), (200, &json!(1)));
    let long = |number: usize| format!("somebody else got parcel {number} of mine");
    for number in 0..2 {
        let correction = json!({ "corrected_intent": "misdelivery", "text": long(number) });
        assert_eq!(sessions(&tenant).len(), 1, "{number} more are too few");
        give(&tenant, &ask(&tenant, &long(number)), &correction).expect(200).unwrap();
    }
    let all = sessions(&tenant);
    assert_eq!(all.len(), 2);
    let session = &all[0];
    assert_eq!(session["auto_deploy"], true);
    let sources = session["upload_ids"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    assert!(sources.contains(&json!(base)), "{sources:?}");
    let ended = ended(&tenant, &format!("/v1/training-sessions/{}", text(session, "id").unwrap()));
    assert_eq!((&ended["state"], &ended["rows"]), (&json!("completed"), &json!(185)));
    let gathered = tenant.call("POST", "/v1/feedback/uploads").send().unwrap();
    assert_eq!(gathered.body["code"], "no_corrections");
}

#[test]
fn a_policy_is_decided_by_those_who_have_read_it() {
    let tenant = tenant();
    let policy = |after: u32| json!({ "enabled": true, "after_corrections": after });
    assert_eq!(set_retraining(&tenant, &policy(0)).body["field"], "/after_corrections");
    assert_eq!(set_retraining(&tenant, &policy(20)).status, 200);
    let read = tenant.call("GET", "/v1/retraining").send().unwrap().headers["etag"].clone();
    assert_eq!(set_retraining(&tenant, &policy(30)).body["revision"], 2);
    let late = tenant.call("PUT", "/v1/retraining").header("if-match", &read).json(&policy(40)).send().unwrap();
    assert_eq!((late.status, late.body["code"].as_str()), (412, Some("precondition_failed")));
    assert_eq!(tenant.get("/v1/retraining").unwrap()["after_corrections"], 30);
}

#[test]
fn no_log_holds_what_a_correction_says() {
    let (tenant, _) = answering();
    correct(&tenant, 1);
    let logs = cloud().folder.join("logs");
    let started = std::time::Instant::now();
    let said = || std::fs::read_to_string(logs.join("AnswersGiveFeedback.log")).unwrap_or_default();
    while said().is_empty() {
        assert!(started.elapsed() < PATIENCE, "the function logged nothing");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(!said().contains("at the wrong door"), "a customer's words are in the log");
}
