//! How a template could be written better, and the version in which it is.

use serde_json::{Value, json};
use xtask::client::{Tenant, text};

use crate::sample::tenant;

fn template(tenant: &Tenant, source: &str) -> String {
    let new = json!({ "name": "Refund", "source": source, "language": "en" });
    text(&tenant.post("/v1/templates", &new).unwrap(), "id").unwrap()
}

fn finding<'review>(review: &'review Value, rule: &str) -> &'review Value {
    let findings = review["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("no {rule} in {review}"))
}

#[test]
fn what_a_review_offers_becomes_a_version_that_says_why() {
    let tenant = tenant();
    let id = template(&tenant, "Hi {{ customer.name }}, you failed to send the form. We recieve it by mail!!!");
    let address = format!("/v1/templates/{id}");
    let review = tenant.get(&format!("{address}/review?channel=email&mood=upset")).unwrap();
    assert_eq!(
        (&review["version"], &review["language"], &review["grammar"]),
        (&json!(1), &json!("en"), &json!("checked"))
    );
    let blaming = finding(&review, "blaming");
    assert!(blaming["before"].as_str().unwrap().contains("you failed to send"), "{blaming}");
    assert!(blaming["after"].as_str().unwrap().contains("we still need you to send"), "{blaming}");
    let spelling = finding(&review, "spelling");
    let apology = finding(&review, "missing_apology");
    let chosen = [blaming, spelling, apology].map(|finding| finding["id"].clone());
    let choice = json!({ "findings": chosen, "channel": "email", "mood": "upset", "dry_run": true });
    let shown = tenant.post(&format!("{address}/review/apply"), &choice).unwrap();
    assert_eq!(shown["template"]["version"], 1, "only shown");

    let choice = json!({ "findings": chosen, "channel": "email", "mood": "upset" });
    let made = tenant.post(&format!("{address}/review/apply"), &choice).unwrap();
    assert_eq!((&made["after"], &made["template"]["version"]), (&shown["after"], &json!(2)));
    let after = made["after"].as_str().unwrap();
    assert!(after.contains("receive") && after.contains("sorry") && after.contains("{{ customer.name }}"), "{after}");
    let version = tenant.get(&format!("{address}/versions/2")).unwrap();
    assert_eq!(version["reason"], "review: blaming, missing_apology, spelling");
    let again = tenant.get(&format!("{address}/review?channel=email&mood=upset")).unwrap();
    for rule in ["blaming", "spelling", "missing_apology"] {
        assert!(again["findings"].as_array().unwrap().iter().all(|finding| finding["rule"] != rule), "{rule}: {again}");
    }
}

#[test]
fn what_cannot_be_applied_is_refused_and_nothing_changes() {
    let tenant = tenant();
    let id = template(&tenant, "Please do it asap.");
    let address = format!("/v1/templates/{id}");
    let refused = |choice: Value, etag: &str| {
        let call = tenant.call("POST", &format!("{address}/review/apply")).header("if-match", etag);
        let answer = call.json(&choice).send().unwrap();
        (answer.status, text(&answer.body, "code").unwrap())
    };
    assert_eq!(refused(json!({ "findings": [] }), "\"1\""), (422, "out_of_range".to_owned()));
    assert_eq!(refused(json!({ "findings": ["none"] }), "\"1\""), (422, "unknown_finding".to_owned()));
    assert_eq!(refused(json!({ "findings": ["none"] }), "\"7\"").0, 412);
    let answer = tenant.call("GET", &format!("{address}/review?mood=furious")).send().unwrap();
    assert_eq!((answer.status, answer.body["code"].as_str()), (422, Some("invalid_parameter")));
    assert_eq!(tenant.get(&address).unwrap()["version"], 1);
}
