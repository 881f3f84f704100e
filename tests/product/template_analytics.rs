//! Reply templates: what became of their uses, and how well they do.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::sample::tenant;

fn used(tenant: &Tenant, template: &str, via: &str) -> String {
    text(&tenant.post(&format!("/v1/templates/{template}/uses"), &json!({ "via": via })).unwrap(), "id").unwrap()
}

fn tell(tenant: &Tenant, template: &str, usage: &str, outcome: Value) -> Answer {
    tenant.call("PUT", &format!("/v1/templates/{template}/uses/{usage}/outcome")).json(&outcome).send().unwrap()
}

#[test]
fn uses_and_what_became_of_them_are_counted_exactly() {
    let tenant = tenant();
    let template = json!({ "name": "Refund", "source": "Your money is on its way.", "visibility": "everyone" });
    let id = text(&tenant.post("/v1/templates", &template).unwrap(), "id").unwrap();
    let nothing = tenant.get(&format!("/v1/templates/{id}/analytics")).unwrap();
    assert_eq!(
        (&nothing["totals"]["uses"], &nothing["effectiveness"], &nothing["trend"]),
        (&json!(0), &json!(null), &json!([]))
    );

    let first = used(&tenant, &id, "suggestion");
    let second = used(&tenant, &id, "search");
    let texts = json!({ "rendered": "Your money is on its way.", "sent": "Your refund is on its way." });
    let known = tell(&tenant, &id, &first, json!({ "sent": true, "texts": texts })).expect(200).unwrap();
    assert_eq!(known, json!({ "sent": true, "edit_share": 166 }));
    for grade in [2, 5, 5] {
        tell(&tenant, &id, &first, json!({ "resolved": true, "csat": grade })).expect(200).unwrap();
    }
    tell(&tenant, &id, &second, json!({ "sent": false })).expect(200).unwrap();

    let now = tenant.get(&format!("/v1/templates/{id}/analytics?days=7")).unwrap();
    let count = |name: &str| now["totals"][name].as_i64().unwrap();
    assert_eq!((count("uses"), count("via_suggestion"), count("via_search")), (2, 1, 1));
    assert_eq!((count("sent"), count("discarded"), count("compared"), count("edit_shares")), (1, 1, 1, 166));
    assert_eq!((count("resolved"), count("graded"), count("grades")), (1, 1, 5), "what was told again is counted once");
    assert_eq!((&now["users"], now["trend"].as_array().unwrap().len()), (&json!(1), 1));
    let (score, interval) = (now["effectiveness"]["score"].as_f64().unwrap(), &now["effectiveness"]["interval"]);
    assert!(interval[0].as_f64().unwrap() <= score && score <= interval[1].as_f64().unwrap(), "{now}");
    assert!(now["effectiveness"]["formula"].as_str().unwrap().contains("resolution"));

    let ranking = tenant.get("/v1/templates/analytics").unwrap();
    assert_eq!((&ranking["items"][0]["template_id"], &ranking["items"][0]["name"]), (&json!(id), &json!("Refund")));
    assert_eq!(ranking["totals"]["uses"], 2);
}

#[test]
fn outcomes_that_come_at_once_are_all_counted() {
    let tenant = tenant();
    let template = json!({ "name": "Refund", "source": "Soon.", "visibility": "everyone" });
    let id = text(&tenant.post("/v1/templates", &template).unwrap(), "id").unwrap();
    let usage = used(&tenant, &id, "list");
    std::thread::scope(|scope| {
        for outcome in
            [json!({ "sent": true }), json!({ "resolved": false }), json!({ "csat": 3 }), json!({ "edit_share": 40 })]
        {
            let (tenant, id, usage) = (&tenant, &id, &usage);
            scope.spawn(move || tell(tenant, id, usage, outcome).expect(200).unwrap());
        }
    });
    let now = tenant.get(&format!("/v1/templates/{id}/analytics")).unwrap();
    let counts = ["sent", "unresolved", "graded", "grades", "compared", "edit_shares"]
        .map(|name| now["totals"][name].as_i64().unwrap());
    assert_eq!(counts, [1, 1, 1, 3, 1, 40]);
}

#[test]
fn outcomes_that_make_no_sense_are_refused() {
    let tenant = tenant();
    let template = json!({ "name": "Refund", "source": "Soon.", "visibility": "everyone" });
    let id = text(&tenant.post("/v1/templates", &template).unwrap(), "id").unwrap();
    let usage = used(&tenant, &id, "list");
    let said = |outcome| {
        let answer = tell(&tenant, &id, &usage, outcome);
        (answer.status, answer.body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(said(json!({ "csat": 0 })), (422, "out_of_range".to_owned()));
    assert_eq!(said(json!({})), (400, "nothing_told".to_owned()));
    assert_eq!(tell(&tenant, &id, "0190a7f2-7c1e-7d3a-9f00-1234567890ab", json!({ "sent": true })).status, 404);
    for days in ["0", "91", "x"] {
        assert_eq!(
            tenant.call("GET", &format!("/v1/templates/{id}/analytics?days={days}")).send().unwrap().status,
            422
        );
    }
}
