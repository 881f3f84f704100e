//! Templates drafted from what they are for: from examples, and by a language model that the test itself plays.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use romashka_language_model::stub::{Asked, Stub, answering};
use serde_json::{Value, json};
use xtask::client::Tenant;

use crate::sample::{cloud, tenant};

/// One test plays the model at a time.
static MODEL: Mutex<()> = Mutex::new(());

/// A language model that answers so, for as long as it is kept.
pub struct Model {
    asked: Arc<Mutex<Vec<Asked>>>,
    _stub: Stub,
    _runtime: tokio::runtime::Runtime,
    _alone: MutexGuard<'static, ()>,
}

impl Model {
    pub fn answering(text: &'static str) -> Self {
        let alone = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let answer = answering(move |asked: &Asked| {
            heard.lock().unwrap().push(asked.clone());
            text.to_owned()
        });
        let stub = runtime.block_on(Stub::listen(cloud().stub_address(), answer)).unwrap();
        Self { asked, _stub: stub, _runtime: runtime, _alone: alone }
    }
}

fn made_of(tenant: &Tenant, draft: &Value) -> Value {
    let new = json!({
        "name": draft["name"], "source": draft["source"], "variables": draft["variables"], "language": "en",
    });
    tenant.post("/v1/templates", &new).unwrap()
}

#[test]
fn a_draft_is_merged_from_examples_and_says_which() {
    let tenant = tenant();
    let known = json!({
        "name": "Refund issued", "language": "en", "visibility": "everyone",
        "source": "Hi {{ customer.name }},\n\nwe have issued your refund. It takes five days to arrive.",
    });
    tenant.post("/v1/templates", &known).unwrap();
    let wanted = json!({
        "goal": "tell the customer that the refund was issued and takes five days",
        "examples": [
            "Hi Anna, we have issued your refund of $12.50 today. It takes five days to arrive. Write to anna@example.com.",
            "Hi Tom, we have issued your refund of $8.00 today. It takes five days to arrive.",
        ],
        "language": "en",
        "writer": "examples",
    });
    let draft = tenant.post("/v1/templates/draft", &wanted).unwrap();
    assert_eq!((&draft["writer"], &draft["language"]), (&json!("examples"), &json!("en")));
    let source = draft["source"].as_str().unwrap();
    assert!(source.contains("issued your refund of ${{ refund_amount }} today"), "{draft}");
    assert!(!source.contains("Anna") && !source.contains("anna@"), "{source}");
    let keys: Vec<&str> =
        draft["examples"].as_array().unwrap().iter().map(|example| example["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"example-1") && keys.contains(&"example-2"), "{keys:?}");
    assert!(draft["examples"].as_array().unwrap().iter().any(|example| example["name"] == "Refund issued"), "{draft}");
    let sentences = draft["sentences"].as_array().unwrap();
    assert!(sentences.iter().all(|sentence| !sentence["examples"].as_array().unwrap().is_empty()), "{draft}");
    let template = made_of(&tenant, &draft);
    assert_eq!(template["source"], draft["source"]);
}

#[test]
fn a_language_model_drafts_where_one_is_configured() {
    let tenant = tenant();
    let model = Model::answering(
        r#"Here it is: {"name": "Refund issued", "body": "Hi {{ customer.name | default: \"there\" }}, your refund of {{ refund.amount }} is on its way."}"#,
    );
    let wanted = json!({
        "goal": "the refund was issued",
        "examples": ["Dear Anna, your refund is on its way. Questions? Write to anna@example.com."],
        "language": "en",
        "length": "short",
    });
    let draft = tenant.post("/v1/templates/draft", &wanted).unwrap();
    assert_eq!((&draft["writer"], &draft["name"]), (&json!("language_model"), &json!("Refund issued")));
    let variables: Vec<(&Value, &Value)> = draft["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| (&variable["name"], &variable["required"]))
        .collect();
    assert_eq!(variables, [(&json!("customer.name"), &json!(false)), (&json!("refund.amount"), &json!(true))]);
    let asked = model.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].user.contains("Goal: the refund was issued\nLanguage: en\nAt most 50 words."), "{asked:?}");
    for personal in ["Anna", "anna@example.com"] {
        assert!(!asked[0].user.contains(personal), "what is personal does not go to a model: {asked:?}");
    }
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"], json!([]), "nothing is kept");
    made_of(&tenant, &draft);
}

#[test]
fn a_model_that_fails_is_made_up_for_by_examples() {
    let tenant = tenant();
    let wanted = |writer: Option<&str>| {
        let mut wanted = json!({
            "goal": "the parcel is late",
            "examples": ["We are sorry, your parcel is late and arrives within three days."],
        });
        writer.into_iter().for_each(|writer| wanted["writer"] = json!(writer));
        wanted
    };
    {
        let _model = Model::answering(r#"{"name": "Late", "body": "Hi {{ customer.name"}"#);
        let draft = tenant.post("/v1/templates/draft", &wanted(None)).unwrap();
        assert_eq!(
            (&draft["writer"], &draft["notes"][0]["code"]),
            (&json!("examples"), &json!("language_model_failed"))
        );
        let call = tenant.call("POST", "/v1/templates/draft").json(&wanted(Some("language_model")));
        let refused = call.send().unwrap();
        assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("unavailable")));
        let language = json!({ "goal": "late", "language": "German please" });
        assert_eq!(
            tenant.call("POST", "/v1/templates/draft").json(&language).send().unwrap().body["field"],
            "/language"
        );
    }
    // Nobody listens any more.
    let _alone = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    let draft = tenant.post("/v1/templates/draft", &wanted(None)).unwrap();
    assert_eq!(draft["writer"], "examples");
    let call = tenant.call("POST", "/v1/templates/draft").json(&wanted(Some("language_model")));
    assert_eq!(call.send().unwrap().status, 503);
}

#[test]
fn a_draft_needs_a_goal_and_something_to_draft_from() {
    let tenant = tenant();
    let refused = |wanted: Value| {
        let answer = tenant.call("POST", "/v1/templates/draft").json(&wanted).send().unwrap();
        (answer.status, answer.body["field"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(json!({ "goal": " ", "writer": "examples" })), (422, "/goal".to_owned()));
    assert_eq!(refused(json!({ "goal": "x".repeat(3000), "writer": "examples" })), (422, "/goal".to_owned()));
    assert_eq!(refused(json!({ "goal": "refund issued", "writer": "examples" })), (422, "/examples".to_owned()));
    let long = json!({ "goal": "refund", "examples": ["a", "x".repeat(5000)], "writer": "examples" });
    assert_eq!(refused(long), (422, "/examples/1".to_owned()));
}
