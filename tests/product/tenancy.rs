//! One tenant asks for what is another's, route by route as the OpenAPI document lists them.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::client::{Tenant, text};
use xtask::feed::Socket;

use crate::matters::{LANGUAGES, conversations};
use crate::sample::{cloud, questions, replies, start, tenant, train, upload, upload_conversations};

/// Conversations about five matters, of which topics are made.
const CONVERSATIONS: usize = 40;

/// Everything of a tenant that has an address.
struct Belongings {
    upload: String,
    session: String,
    model: String,
    answer: String,
    template: String,
    template_use: String,
    mining: String,
    topic: String,
}

fn belongings(tenant: &Tenant) -> Belongings {
    let upload = upload(tenant, &questions(30));
    let asked = upload_conversations(tenant, conversations(&LANGUAGES[0], CONVERSATIONS).as_bytes());
    let model = train(tenant, &[&upload, &asked]);
    let topics = tenant.get("/v1/topics").unwrap();
    tenant.post(&format!("/v1/models/{}/deploy", text(&model, "id").unwrap()), &json!({})).unwrap();
    let answer = tenant.post("/v1/answers", &json!({ "text": "where is my parcel" })).unwrap();
    let template = json!({ "name": "Parcel", "source": "It is on its way.", "visibility": "everyone" });
    let template = tenant.post("/v1/templates", &template).unwrap();
    let uses = format!("/v1/templates/{}/uses", text(&template, "id").unwrap());
    let usage = tenant.post(&uses, &json!({ "via": "list" })).unwrap();
    let conversations = upload_conversations(tenant, &replies(6));
    let mining = tenant.post("/v1/templates/minings", &json!({ "upload_ids": [conversations] })).unwrap();
    Belongings {
        mining: text(&mining, "id").unwrap(),
        topic: text(&topics["items"][0], "id").unwrap(),
        template_use: text(&usage, "id").unwrap(),
        template: text(&template, "id").unwrap(),
        session: text(&model, "training_session_id").unwrap(),
        model: text(&model, "id").unwrap(),
        answer: text(&answer, "id").unwrap(),
        upload,
    }
}

#[test]
fn whatever_names_another_tenants_thing_is_not_found() {
    let (ours, theirs) = (tenant(), tenant());
    let things = belongings(&ours);
    let contract = cloud().api().unwrap().call("GET", "/openapi.json").send().unwrap().body;
    let mut walked = Vec::new();
    for (path, verbs) in contract["paths"].as_object().unwrap() {
        let address = path
            .replace("{upload_id}", &things.upload)
            .replace("{session_id}", &things.session)
            .replace("{model_id}", &things.model)
            .replace("{answer_id}", &things.answer)
            .replace("{template_id}", &things.template)
            .replace("{mining_id}", &things.mining)
            .replace("{use_id}", &things.template_use)
            .replace("{topic_id}", &things.topic)
            .replace("{version}", "1");
        assert!(!address.contains('{'), "{path} names something that this walk does not know");
        if address == *path {
            continue;
        }
        for method in verbs.as_object().unwrap().keys() {
            let method = match method.as_str() {
                "get" => "GET",
                "put" => "PUT",
                "patch" => "PATCH",
                "delete" => "DELETE",
                _ => "POST",
            };
            let answer =
                theirs.call(method, &address).header("idempotency-key", format!("{method}{path}")).send().unwrap();
            assert_eq!((answer.status, answer.body["code"].as_str()), (404, Some("not_found")), "{method} {path}");
            walked.push(format!("{method} {path}"));
        }
    }
    assert!(walked.len() >= 7, "{walked:?}");
    let named =
        theirs.call("POST", "/v1/training-sessions").json(&json!({ "upload_ids": [things.upload] })).send().unwrap();
    assert_eq!((named.status, named.body["code"].as_str()), (422, Some("unknown_upload")));
    let mined =
        theirs.call("POST", "/v1/templates/minings").json(&json!({ "upload_ids": [things.upload] })).send().unwrap();
    assert_eq!((mined.status, mined.body["code"].as_str()), (422, Some("unknown_upload")));
}

#[test]
fn lists_deployments_and_answers_know_nothing_of_another_tenant() {
    let (ours, theirs) = (tenant(), tenant());
    belongings(&ours);
    for list in [
        "/v1/uploads",
        "/v1/training-sessions",
        "/v1/models",
        "/v1/feedback",
        "/v1/topics",
        "/v1/templates",
        "/v1/templates/analytics",
        "/v1/templates/minings",
        "/v1/templates/search",
        "/v1/templates/search?q=parcel",
    ] {
        assert_eq!(theirs.get(list).unwrap()["items"], json!([]), "{list}");
    }
    // A cursor of another tenant is a place in one's own, empty, list.
    let ours_page = ours.get("/v1/uploads?limit=1").unwrap();
    if let Some(cursor) = ours_page["next_cursor"].as_str() {
        assert_eq!(theirs.get(&format!("/v1/uploads?cursor={cursor}")).unwrap()["items"], json!([]));
    }
    assert_eq!(theirs.call("GET", "/v1/deployment").send().unwrap().status, 404);
    let answer = theirs.call("POST", "/v1/answers").json(&json!({ "text": "where is my parcel" })).send().unwrap();
    assert_eq!(answer.body["code"], "nothing_deployed");
}

#[test]
fn a_socket_hears_nothing_of_another_tenant() {
    let (ours, theirs) = (tenant(), tenant());
    let things = belongings(&ours);
    let mut spy = Socket::open(&theirs).unwrap();
    for topic in [
        format!("training-sessions/{}", things.session),
        format!("uploads/{}", things.upload),
        format!("minings/{}", things.mining),
    ] {
        spy.send(&json!({ "action": "subscribe", "topic": topic })).unwrap();
        let frame = spy.await_frame(Duration::from_secs(10)).unwrap();
        assert_eq!((&frame["type"], &frame["code"]), (&json!("error"), &json!("not_found")));
    }
    spy.send(&json!({ "action": "subscribe", "topic": "tenant" })).unwrap();
    let snapshot = spy.await_frame(Duration::from_secs(10)).unwrap();
    for kind in ["uploads", "training_sessions", "minings"] {
        assert_eq!(snapshot[kind], json!([]), "{kind}");
    }
    start(&ours, &[&things.upload]);
    let heard: Vec<Value> = (0..12).filter_map(|_| spy.poll().unwrap()).collect();
    assert!(heard.is_empty(), "{heard:?}");
}
