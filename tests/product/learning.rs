//! What is learnt, how versions compare, and what is said about it.

use serde_json::{Value, json};
use xtask::client::{Tenant, text};

use crate::matters::{LANGUAGES, conversations};
use crate::sample::{ended, model_of, questions, tenant, upload, upload_conversations};

/// Starts a session that deploys what is better, with a hold-out large enough to tell.
fn train_if_better(tenant: &Tenant, upload_id: &str) -> Value {
    train_all_if_better(tenant, &[upload_id])
}

fn train_all_if_better(tenant: &Tenant, uploads: &[&str]) -> Value {
    let order = json!({ "upload_ids": uploads, "auto_deploy": true, "parameters": { "hold_out_share": 0.4 } });
    let session = tenant.post("/v1/training-sessions", &order).unwrap();
    let session = ended(tenant, &format!("/v1/training-sessions/{}", text(&session, "id").unwrap()));
    assert_eq!(session["state"], "completed", "{session}");
    session
}

/// The same texts, each under the label of another.
fn with_labels_mixed_up(file: &[u8]) -> Vec<u8> {
    let file = String::from_utf8(file.to_vec()).unwrap();
    let rows: Vec<(&str, &str)> = file.lines().skip(1).map(|row| row.rsplit_once(',').unwrap()).collect();
    let mixed = (0..rows.len()).map(|row| format!("{},{}\n", rows[row].0, rows[(row * 7 + 1) % rows.len()].1));
    format!("text,intent\n{}", mixed.collect::<String>()).into_bytes()
}

#[test]
fn a_first_version_is_deployed_the_same_again_changes_nothing_and_mixed_up_labels_are_worse() {
    let tenant = tenant();
    let file = questions(1200);
    let first = train_if_better(&tenant, &upload(&tenant, &file));
    let deployment = tenant.get("/v1/deployment").unwrap();
    assert_eq!((&deployment["model_id"], &deployment["cause"]), (&first["model_id"], &json!("better")));

    let again = train_if_better(&tenant, &upload(&tenant, &file));
    let comparison = model_of(&tenant, &again)["comparison"].clone();
    assert_eq!(comparison["verdict"]["kind"], "no_detectable_change", "{comparison}");
    assert_eq!(tenant.get("/v1/deployment").unwrap()["model_id"], first["model_id"]);

    let mixed = train_if_better(&tenant, &upload(&tenant, &with_labels_mixed_up(&file)));
    let comparison = model_of(&tenant, &mixed)["comparison"].clone();
    assert_eq!(comparison["verdict"]["kind"], "worse", "{comparison}");
    assert_eq!(tenant.get("/v1/deployment").unwrap()["model_id"], first["model_id"]);
}

#[test]
fn versions_without_labels_are_compared_by_agreement_and_a_few_questions_deploy_nothing() {
    let tenant = tenant();
    let learnt = |count: usize| -> Vec<String> {
        LANGUAGES.iter().map(|it| upload_conversations(&tenant, conversations(it, count).as_bytes())).collect()
    };
    // Most of twenty matters once: without its own conversation such a question has no answer.
    let seldom = learnt(8);
    let seldom: Vec<&str> = seldom.iter().map(String::as_str).collect();
    let first = train_all_if_better(&tenant, &seldom);
    assert_eq!(tenant.get("/v1/deployment").unwrap()["model_id"], first["model_id"]);

    let often = learnt(40);
    let all: Vec<&str> = seldom.iter().copied().chain(often.iter().map(String::as_str)).collect();
    let second = train_all_if_better(&tenant, &all);
    let comparison = model_of(&tenant, &second)["knowledge"]["comparison"].clone();
    assert_eq!(
        (&comparison["verdict"]["kind"], &comparison["lost"]),
        (&json!("too_few_rows"), &json!(0)),
        "{comparison}"
    );
    assert!(comparison["gained"].as_u64().is_some_and(|gained| gained >= 10), "{comparison}");
    assert_eq!(tenant.get("/v1/deployment").unwrap()["model_id"], first["model_id"]);
}

#[test]
fn a_report_says_what_was_learnt_as_data_and_as_a_page() {
    let tenant = tenant();
    let upload_id = upload(&tenant, &questions(400));
    let session = train_if_better(&tenant, &upload_id);
    let path = format!("/v1/training-sessions/{}/report", text(&session, "id").unwrap());
    let report = tenant.get(&path).unwrap();
    assert_eq!(report["sources"][0]["upload_id"], json!(upload_id));
    assert_eq!(report["provenance"]["model_hash"], model_of(&tenant, &session)["model_hash"]);
    assert!(report["evaluation"]["accuracy"]["value"].as_f64() > Some(0.5), "{report}");
    assert!(report["findings"]["rows"].as_u64() > Some(0));
    let page = tenant.call("GET", &path).header("accept", "text/html").send().unwrap().expect(200).unwrap();
    assert!(page.as_str().unwrap().starts_with("<!DOCTYPE html>"), "{page}");
}

#[test]
fn limits_are_deployed_with_a_version_and_come_back_with_it() {
    let tenant = tenant();
    let session = train_if_better(&tenant, &upload(&tenant, &questions(400)));
    let path = format!("/v1/models/{}/deploy", text(&session, "model_id").unwrap());
    let before = tenant.get("/v1/deployment").unwrap()["thresholds"].clone();
    let limits = json!({ "out_of_scope_budget": 0.05, "sure": 0.9, "gap": 0.5 });
    let deployed = tenant.post(&path, &json!({ "thresholds": limits })).unwrap();
    assert_eq!(deployed["thresholds"]["sure"], 0.9);
    let one = tenant.post(&path, &json!({ "thresholds": { "reply": 0.8 } })).unwrap()["thresholds"].clone();
    let others = ["out_of_scope_budget", "sure", "gap", "curated"].map(|limit| (&one[limit], &before[limit]));
    assert!(one["reply"] == 0.8 && others.iter().all(|(one, own)| one == own), "{one} beside {before}");
    tenant.post("/v1/deployment/rollback", &json!({})).unwrap();
    let answer = tenant.post("/v1/answers", &json!({ "text": "where is it?" })).unwrap();
    assert_eq!(answer["provenance"]["thresholds"]["gap"], 0.5);
    let back = tenant.post("/v1/deployment/rollback", &json!({})).unwrap();
    assert_eq!(back["thresholds"], before);
    let refused =
        tenant.post(&path, &json!({ "thresholds": { "out_of_scope_budget": 0.05, "sure": 1.5, "gap": 0.5 } }));
    assert!(refused.unwrap_err().to_string().contains("/thresholds/sure"));
}

#[test]
fn an_faq_without_intents_is_answered_from_and_nothing_is_made_up_where_it_holds_no_answer() {
    let tenant = tenant();
    let faq = "question,answer\n\
        Do you ship to Canada?,We ship to Canada and the United States within ten working days.\n\
        How long may I return something?,You have thirty days from the day on which the parcel arrived.\n\
        Can I pay with a gift card?,Yes; enter the number of the gift card at the checkout.\n";
    let faq = tenant.upload("faq.csv", "faq", faq.as_bytes()).unwrap();
    ended(&tenant, &format!("/v1/uploads/{faq}"));
    let session = train_if_better(&tenant, &faq);
    let model = model_of(&tenant, &session);
    assert_eq!((&model["intents"], &model["knowledge"]["passages"]), (&json!([]), &json!(3)));
    let answer = tenant.post("/v1/answers", &json!({ "text": "how long may I return something" })).unwrap();
    assert_eq!((&answer["action"], &answer["intent"]), (&json!("reply"), &json!(null)), "{answer}");
    assert!(answer["reply"].as_str().unwrap().contains("thirty days"));
    assert_eq!(answer["provenance"]["sources"][0]["upload_id"], json!(faq));
    let strange = tenant.post("/v1/answers", &json!({ "text": "zxqv wkjh" })).unwrap();
    assert_eq!((&strange["action"], &strange["reason"]), (&json!("hand_off"), &json!("no_answer")));
    let report = tenant.get(&format!("/v1/training-sessions/{}/report", text(&session, "id").unwrap())).unwrap();
    assert!(report["no_intents"].as_str().unwrap().contains("intents"), "{report}");
}
