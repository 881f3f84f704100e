//! Teams without labels: conversations full of names, in four languages, taught as they are exported.

use serde_json::{Value, json};
use xtask::client::{Tenant, text};
use xtask::job::{Plan, Show, Source, train_and_deploy};

use crate::matters::{LANGUAGES, Language, NAMES, conversations};
use crate::sample::tenant;
use crate::template_draft::Model;

/// Conversations of each language: eight of each matter.
const CONVERSATIONS: usize = 40;

fn taught(name: &str, kind: &str, bytes: Vec<u8>) -> Tenant {
    let tenant = tenant();
    let source = Source { name: name.to_owned(), kind: kind.to_owned(), bytes };
    train_and_deploy(&tenant, &[source], &Plan::default(), Show::Nothing).unwrap();
    tenant
}

fn asked(tenant: &Tenant, question: &str) -> Value {
    tenant.post("/v1/answers", &json!({ "text": question })).unwrap()
}

/// Asks five new questions. Each must be answered, rightly and without a name, and what nothing answers must not.
fn answers_rightly_and_names_nobody(language: &Language) {
    let tenant = taught("export.csv", "conversations", conversations(language, CONVERSATIONS).into_bytes());
    for matter in &language.matters {
        let answer = asked(&tenant, matter.asked);
        let reply = answer["reply"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(reply.to_lowercase().contains(matter.telling), "{}: {reply}", matter.asked);
        for name in NAMES {
            assert!(!reply.contains(name), "{name} in {reply}");
        }
        assert!(!reply.contains("{{") && !reply.contains("LH-"), "{reply}");
        assert!(answer["provenance"]["sources"][0]["row"].is_u64(), "{answer}");
    }
    let stranger = asked(&tenant, language.stranger);
    assert_ne!(stranger["action"], "reply", "{stranger}");
}

#[test]
fn five_matters_in_english_are_answered_without_names() {
    answers_rightly_and_names_nobody(&LANGUAGES[0]);
}

#[test]
fn german_answers_are_right_and_name_nobody() {
    answers_rightly_and_names_nobody(&LANGUAGES[1]);
}

#[test]
fn russian_answers_are_right_and_name_nobody() {
    answers_rightly_and_names_nobody(&LANGUAGES[2]);
}

#[test]
fn spanish_answers_are_right_and_name_nobody() {
    answers_rightly_and_names_nobody(&LANGUAGES[3]);
}

#[test]
fn a_follow_up_is_answered_with_what_it_follows_and_a_version_tells_its_agreement() {
    let file = conversations(&LANGUAGES[0], CONVERSATIONS);
    let tenant = taught("export.csv", "conversations", file.into_bytes());
    let model_id = tenant.get("/v1/deployment").unwrap()["model_id"].clone();
    let model = tenant.get(&format!("/v1/models/{}", model_id.as_str().unwrap())).unwrap();
    let agreement = &model["knowledge"]["agreement"];
    assert!(agreement["questions"].as_u64() >= Some(20), "{model}");
    assert!(agreement["agreed"]["value"].as_f64() >= Some(0.9), "{model}");
    assert!(agreement["points"].as_array().is_some_and(|points| !points.is_empty()), "{model}");
    let before = json!([
        { "role": "customer", "text": "Hi! I want to send my teapot back" },
        { "role": "agent", "text": "Could you tell me the order number?" },
    ]);
    let order = json!({ "text": "it is LH-77321", "before": before });
    let answer = tenant.post("/v1/answers", &order).unwrap();
    assert_eq!(answer["action"], "reply", "{answer}");
    assert!(text(&answer, "reply").unwrap().contains("30 days"), "{answer}");
}

#[test]
fn an_article_answers_with_its_sentences() {
    let filler = "We have been baking since 1923, and our house has stood at the old market ever since then.";
    let body = format!(
        "{filler} The bakery opens at seven in the morning on every working day of the week. {filler} Cakes for \
         weddings must be ordered four weeks ahead, by telephone or in the shop. {filler}"
    );
    let articles = [
        json!({ "title": "About our bakery", "body": body }),
        json!({ "title": "Bread of the month", "body": "In May we bake rye bread with walnuts." }),
    ];
    let file = articles.map(|article| article.to_string()).join("\n");
    let tenant = taught("articles.ndjson", "knowledge", file.into_bytes());
    let answer = asked(&tenant, "How early must a wedding cake be ordered?");
    let reply = text(&answer, "reply").unwrap();
    assert!(reply.contains("four weeks ahead") && !reply.contains("seven in the morning"), "{answer}");
    assert_eq!(answer["provenance"]["sources"][0]["kind"], "article");
}

#[test]
fn a_language_model_writes_from_the_texts_on_request_and_what_it_makes_up_is_not_given() {
    let faq = "question,answer\nHow long does a refund take?,Refunds take five working days to reach your account.\n\
               When do you open?,We open at nine on working days.\n";
    let tenant = taught("faq.csv", "faq", faq.as_bytes().to_vec());
    let asked = || {
        let question = json!({ "text": "how long does a refund take?", "writer": "language_model" });
        tenant.post("/v1/answers", &question).unwrap()
    };
    let honest = {
        let _model = Model::answering(r#"{"answer": "A refund takes five working days.", "sources": [1]}"#);
        asked()
    };
    assert_eq!(honest["reply"], "A refund takes five working days.", "{honest}");
    let spent = &honest["provenance"]["language_model"];
    assert!(spent["millis"].is_u64() && spent["fallback"].is_null(), "{honest}");
    let invented = {
        let _model = Model::answering(r#"{"answer": "A refund takes 2 days, call +1 555 0100.", "sources": [1]}"#);
        asked()
    };
    assert_eq!(invented["reply"], "Refunds take five working days to reach your account.", "{invented}");
    assert!(invented["provenance"]["language_model"]["fallback"].is_string(), "{invented}");
    assert_eq!((&honest["action"], &invented["action"]), (&json!("reply"), &json!("reply")));
}
