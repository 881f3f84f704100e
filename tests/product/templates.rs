//! Reply templates: written, versioned, shared, and made into text.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::sample::{cloud, name_of, tenant};

fn refund() -> Value {
    json!({
        "name": "Refund",
        "source": "Hello {{ customer.name | default: \"there\" }}, we send {{ order.total }} € back to you.",
        "language": "de",
        "category": ["Billing", "Refunds"],
        "tags": ["money"],
        "visibility": "everyone",
        "shortcut": "/refund",
        "variables": [{ "name": "order.total", "type": "number", "decimals": 2, "min": 0, "required": true }],
    })
}

fn with(change: Value) -> Value {
    let mut template = refund();
    template.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    template
}

fn create(tenant: &Tenant, template: &Value) -> Answer {
    tenant.call("POST", "/v1/templates").json(template).send().unwrap()
}

fn made(tenant: &Tenant, template: &Value) -> String {
    text(&create(tenant, template).expect(201).unwrap(), "id").unwrap()
}

fn put(tenant: &Tenant, id: &str, version: u64, template: &Value) -> Answer {
    let call = tenant.call("PUT", &format!("/v1/templates/{id}")).header("if-match", format!("\"{version}\""));
    call.json(template).send().unwrap()
}

/// Somebody else of the same tenant.
fn colleague(tenant: &Tenant, user: &str, role: &str, teams: &[&str]) -> Tenant {
    let claims = json!({ "teams": teams });
    let token = json!({ "tenant": name_of(tenant), "user": user, "role": role, "claims": claims });
    cloud().api().unwrap().with_token(cloud().token(&token).unwrap())
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

#[test]
fn every_change_is_a_version_that_can_be_compared_and_brought_back() {
    let tenant = tenant();
    let id = made(&tenant, &refund());
    let warmer =
        with(json!({ "source": "Dear {{ customer.name }}, we send {{ order.total }} € back.", "reason": "warmer" }));
    assert_eq!(put(&tenant, &id, 1, &warmer).expect(200).unwrap()["version"], 2);
    assert_eq!(put(&tenant, &id, 2, &warmer).expect(200).unwrap()["version"], 2, "the same content is no new version");
    assert_eq!(said(&put(&tenant, &id, 1, &refund())).0, 412, "somebody else was faster");

    let diff = tenant.get(&format!("/v1/templates/{id}/diff?from=1&to=2")).unwrap();
    let runs = diff["source"].as_array().unwrap();
    assert!(runs.iter().any(|run| run["change"] == "delete" && run["text"] == "Hello"), "{diff}");
    assert!(runs.iter().any(|run| run["change"] == "insert" && run["text"] == "Dear"), "{diff}");
    assert_eq!(diff["fields"], json!([]));

    let back =
        tenant.post(&format!("/v1/templates/{id}/versions/1/restore"), &json!({ "reason": "too warm" })).unwrap();
    assert_eq!((&back["version"], &back["source"]), (&json!(3), &refund()["source"]));
    let versions = tenant.get(&format!("/v1/templates/{id}/versions")).unwrap();
    let changes: Vec<_> =
        versions["items"].as_array().unwrap().iter().map(|version| (&version["change"], &version["reason"])).collect();
    assert_eq!(
        changes,
        [
            (&json!("reverted"), &json!("too warm")),
            (&json!("edited"), &json!("warmer")),
            (&json!("created"), &json!(null))
        ]
    );
    let second = tenant.get(&format!("/v1/templates/{id}/versions/2")).unwrap();
    assert_eq!(second["source"], warmer["source"]);
    assert_eq!(
        said(&tenant.call("GET", &format!("/v1/templates/{id}/versions/9")).send().unwrap()),
        (404, "not_found")
    );
}

#[test]
fn a_deleted_template_comes_back_unless_its_shortcut_is_taken() {
    let tenant = tenant();
    let id = made(&tenant, &refund());
    let path = format!("/v1/templates/{id}");
    assert_eq!(said(&create(&tenant, &refund())), (409, "shortcut_taken"));
    let typed = |code: &str| tenant.call("GET", &format!("/v1/templates?shortcut={code}")).send().unwrap();
    for code in ["refund", "%2FRefund"] {
        assert_eq!(typed(code).body["items"][0]["id"], json!(id), "{code}");
    }
    assert_eq!(typed("other").body["items"], json!([]));
    assert_eq!(typed("re%20fund").status, 422);
    let deleted = tenant.call("DELETE", &path).send().unwrap().expect(200).unwrap();
    assert_eq!(tenant.call("DELETE", &path).send().unwrap().body, deleted, "deleting again changes nothing");
    assert_eq!(
        said(&tenant.call("POST", &format!("{path}/process")).json(&json!({})).send().unwrap()),
        (409, "template_deleted")
    );
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"], json!([]));
    assert_eq!(tenant.get("/v1/templates?deleted=true").unwrap()["items"][0]["id"], json!(id));

    let other = made(&tenant, &refund());
    let restore = || tenant.call("POST", &format!("{path}/restore")).send().unwrap();
    assert_eq!(said(&restore()), (409, "shortcut_taken"));
    tenant.call("DELETE", &format!("/v1/templates/{other}")).send().unwrap().expect(200).unwrap();
    assert_eq!(restore().expect(200).unwrap()["deleted_at"], json!(null));
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"][0]["id"], json!(id));
}

#[test]
fn the_same_request_twice_makes_one_template() {
    let tenant = tenant();
    let send =
        || tenant.call("POST", "/v1/templates").header("idempotency-key", "once").json(&refund()).send().unwrap();
    let first = send().expect(201).unwrap();
    assert_eq!(send().expect(201).unwrap(), first);
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn who_sees_a_template_and_who_changes_it() {
    let admin = tenant();
    let ann = colleague(&admin, "ann", "agent", &["emea"]);
    let bob = colleague(&admin, "bob", "agent", &["emea"]);
    let cid = colleague(&admin, "cid", "agent", &["apac"]);
    let free = |change: Value| {
        with(json!({ "shortcut": null }))
            .as_object()
            .map(|template| {
                let mut template = template.clone();
                template.extend(change.as_object().unwrap().clone());
                Value::Object(template)
            })
            .unwrap()
    };

    let own = made(&ann, &free(json!({ "visibility": "private" })));
    let teams = made(&ann, &free(json!({ "visibility": "team", "team": "emea" })));
    let shared = made(&admin, &free(json!({})));
    assert_eq!(
        said(&create(&ann, &free(json!({})))),
        (403, "forbidden"),
        "what everybody sees is an admin's to publish"
    );
    assert_eq!(said(&create(&ann, &free(json!({ "visibility": "team", "team": "apac" })))), (403, "forbidden"));

    let get = |who: &Tenant, id: &str| who.call("GET", &format!("/v1/templates/{id}")).send().unwrap().status;
    let sees = |who: &Tenant| [&own, &teams, &shared].map(|id| get(who, id));
    assert_eq!(sees(&ann), [200, 200, 200]);
    assert_eq!(sees(&bob), [404, 200, 200]);
    assert_eq!(sees(&cid), [404, 404, 200]);
    assert_eq!(sees(&admin), [404, 200, 200]);
    let listed = |who: &Tenant| who.get("/v1/templates").unwrap()["items"].as_array().unwrap().len();
    assert_eq!([&ann, &bob, &cid].map(listed), [3, 2, 1]);

    let edit = |who: &Tenant, id: &str| said(&put(who, id, 1, &free(json!({ "name": "Mine" })))).0;
    assert_eq!(edit(&bob, &shared), 403);
    assert_eq!(edit(&cid, &teams), 404);
    let renamed = put(&bob, &teams, 1, &free(json!({ "name": "Ours", "visibility": "team", "team": "emea" })));
    assert_eq!(renamed.expect(200).unwrap()["updated_by"], "bob");

    let copy = bob.post(&format!("/v1/templates/{shared}/duplicate"), &json!({ "name": "Bob's" })).unwrap();
    assert_eq!(
        (&copy["visibility"], &copy["name"], &copy["created_by"]),
        (&json!("private"), &json!("Bob's"), &json!("bob"))
    );
}

#[test]
fn a_template_and_a_context_become_text() {
    let tenant = tenant();
    let id = made(&tenant, &refund());
    let process = |context: Value| {
        tenant.call("POST", &format!("/v1/templates/{id}/process")).json(&json!({ "context": context })).send().unwrap()
    };
    let done = process(json!({ "customer": { "name": "Ada" }, "order": { "total": 1234.5 } })).expect(200).unwrap();
    assert_eq!(done["text"], "Hello Ada, we send 1.234,50 € back to you.");
    assert_eq!((&done["version"], &done["missing"]), (&json!(1), &json!([])));

    let missing = process(json!({}));
    assert_eq!((missing.status, &missing.body["field"]), (422, &json!("/context/order/total")));
    assert_eq!(missing.body["detail"], "`order.total` is required, and no value was given");
    let wrong = process(json!({ "order": { "total": "4111 1111 1111 1111" } }));
    assert_eq!(wrong.body["detail"], "`order.total` must be a number; a text was given");

    let many = tenant.call("POST", &format!("/v1/templates/{id}/process-batch"));
    let contexts = json!({ "contexts": [{ "order": { "total": 1 } }, {}, { "order": { "total": -1 } }] });
    let many = many.json(&contexts).send().unwrap().expect(200).unwrap();
    assert_eq!(
        (&many["texts"], &many["results"][0]["text"]),
        (&json!(1), &json!("Hello there, we send 1,00 € back to you."))
    );
    assert_eq!(many["results"][1]["violations"][0]["rule"], "required");
    assert_eq!(many["results"][2]["violations"][0]["rule"], "min");
    let thousand =
        json!({ "contexts": vec![json!({ "order": { "total": 5 }, "customer": { "name": "x".repeat(300) } }); 1_000] });
    let call = || tenant.call("POST", &format!("/v1/templates/{id}/process-batch"));
    assert_eq!(call().json(&thousand).send().unwrap().expect(200).unwrap()["texts"], 1_000);
    assert_eq!(
        said(&call().json(&json!({ "contexts": vec![json!({}); 1_001] })).send().unwrap()),
        (422, "out_of_range")
    );
}

#[test]
fn what_is_wrong_with_a_template_is_told_before_it_is_kept() {
    let tenant = tenant();
    let draft =
        json!({ "source": "{{ customer.nmae }}\n{% if order.total > 3 %}{{ order.total | upcas }}{% endif %}" });
    let told = tenant.post("/v1/templates/validate", &draft).unwrap();
    assert_eq!((&told["valid"], &told["problems"][0]["line"]), (&json!(false), &json!(2)));
    assert_eq!(told["problems"][0]["suggestion"], "upcase");
    let told = tenant.post("/v1/templates/validate", &json!({ "source": "{{ customer.nmae | plus: 1 }}" })).unwrap();
    assert_eq!((&told["valid"], &told["problems"][0]["suggestion"]), (&json!(true), &json!("customer.name")));
    assert_eq!((&told["variables"][0]["type"], &told["variables"][0]["defined"]), (&json!("number"), &json!(false)));

    for (change, field) in [
        (json!({ "source": "{% if a %}" }), "/source"),
        (json!({ "name": "" }), "/name"),
        (json!({ "shortcut": "re fund" }), "/shortcut"),
        (json!({ "visibility": "team" }), "/team"),
        (json!({ "variables": [{ "name": "a", "type": "text", "min": 1 }] }), "/variables/0/min"),
        (json!({ "colour": "red" }), "/colour"),
    ] {
        let refused = create(&tenant, &with(change));
        assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some(field)), "{}", refused.body);
    }
    let bomb = format!("{}x{}", "{% for i in (1..1000) %}".repeat(5), "{% endfor %}".repeat(5));
    let id = made(&tenant, &with(json!({ "source": bomb, "variables": [] })));
    let stopped = tenant.call("POST", &format!("/v1/templates/{id}/process")).json(&json!({})).send().unwrap();
    assert_eq!(said(&stopped), (422, "cannot_render"));
}
