//! Model versions, deployment, answers.

use serde_json::json;
use xtask::client::text;

use crate::sample::{questions, tenant, train, upload};

#[test]
fn a_deployed_model_answers_and_says_where_the_answer_comes_from() {
    let tenant = tenant();
    let ask = |question: &str| tenant.call("POST", "/v1/answers").json(&json!({ "text": question })).send().unwrap();
    let early = ask("where is my parcel");
    assert_eq!((early.status, early.body["code"].as_str()), (409, Some("nothing_deployed")));

    let model = train(&tenant, &[&upload(&tenant, &questions(60))]);
    tenant.post(&format!("/v1/models/{}/deploy", text(&model, "id").unwrap()), &json!({})).unwrap();
    let answer = ask("where is my parcel, it is late").expect(200).unwrap();
    assert_eq!((&answer["intent"], &answer["action"]), (&json!("order_status"), &json!("reply")));
    assert_eq!(answer["provenance"]["model_hash"], model["model_hash"]);
    let strange = ask("zxqv wkjh").expect(200).unwrap();
    assert_eq!(
        (&strange["intent"], &strange["action"], &strange["reason"]),
        (&json!(null), &json!("hand_off"), &json!("out_of_scope"))
    );

    for (question, code) in [("", "empty_text"), ("  \n ", "empty_text"), (&*"x".repeat(4001), "too_long")] {
        let refused = ask(question);
        assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some(code)));
    }
}

#[test]
fn deploy_and_roll_back_walk_the_versions_and_never_lose_a_race() {
    let tenant = tenant();
    let deploy = |model: &serde_json::Value| {
        tenant.post(&format!("/v1/models/{}/deploy", text(model, "id").unwrap()), &json!({}))
    };
    let first = train(&tenant, &[&upload(&tenant, &questions(30))]);
    let nothing = tenant.call("POST", "/v1/deployment/rollback").send().unwrap();
    assert_eq!(nothing.status, 404);
    deploy(&first).unwrap();
    let nowhere = tenant.call("POST", "/v1/deployment/rollback").send().unwrap();
    assert_eq!((nowhere.status, nowhere.body["code"].as_str()), (409, Some("nothing_to_roll_back_to")));

    let second = train(&tenant, &[&upload(&tenant, &questions(40))]);
    let stale = tenant.call("GET", "/v1/deployment").send().unwrap().headers["etag"].clone();
    assert_eq!(deploy(&second).unwrap()["revision"], 2);
    let late = tenant.call("POST", "/v1/deployment/rollback").header("if-match", &stale).send().unwrap();
    assert_eq!((late.status, late.body["code"].as_str()), (412, Some("precondition_failed")));

    let back = tenant.post("/v1/deployment/rollback", &json!({})).unwrap();
    assert_eq!((&back["model_id"], &back["revision"], &back["cause"]), (&first["id"], &json!(3), &json!("rollback")));
    let answer = tenant.post("/v1/answers", &json!({ "text": "where is my parcel" })).unwrap();
    assert_eq!(answer["provenance"]["model_hash"], first["model_hash"], "the very next answer is the old model's");
    let versions = tenant.get("/v1/models").unwrap();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
}
