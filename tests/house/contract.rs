//! The OpenAPI document is what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

#[test]
fn the_served_document_is_what_the_code_says() {
    let said = format!("{}\n", romashka_tests::document().to_pretty_json().unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden(), &said).unwrap();
    }
    let served = fs::read_to_string(golden()).unwrap();
    assert!(
        served == said,
        "docs/openapi.json is out of date; run `UPDATE_GOLDEN=1 cargo test -p romashka-tests --test house`"
    );
}

/// POSTs that change nothing, or nothing more when they are said again.
const REPEATABLE: &[&str] = &[
    "/v1/realtime/tickets",
    "/v1/uploads/{upload_id}/parts",
    "/v1/uploads/{upload_id}/complete",
    "/v1/uploads/{upload_id}/preview",
    "/v1/uploads/{upload_id}/commit",
    "/v1/templates/validate",
    "/v1/templates/suggest",
    "/v1/templates/import",
    "/v1/templates/starters/install",
    "/v1/templates/draft",
    "/v1/templates/minings/{mining_id}/accept",
    "/v1/templates/{template_id}/review/apply",
    "/v1/templates/{template_id}/process",
    "/v1/templates/{template_id}/process-batch",
    "/v1/templates/{template_id}/restore",
    "/v1/templates/{template_id}/versions/{version}/restore",
];

#[test]
fn every_operation_says_what_it_is_and_answers_with_problems() {
    let document: Value = serde_json::from_str(&fs::read_to_string(golden()).unwrap()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: its id is taken");
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name}: no summary");
            let is_open = operation["security"].as_array().is_some();
            let problem = &operation["responses"]["401"]["content"]["application/problem+json"];
            assert_eq!(problem.is_object(), !is_open, "{name}: problems");
            let has_key = operation["parameters"]
                .as_array()
                .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key"));
            let makes_something = method == "post" && !REPEATABLE.contains(&path.as_str());
            assert_eq!(has_key, makes_something, "{name}: Idempotency-Key belongs to every POST that makes something");
        }
    }
    assert_eq!(document["openapi"], "3.1.0");
}
