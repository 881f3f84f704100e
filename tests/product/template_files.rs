//! Reply templates that come from elsewhere: starters, files of help desks, and what was exported.

use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::sample::{cloud, name_of, tenant};

fn import(tenant: &Tenant, query: &str, file: &str) -> Answer {
    tenant.call("POST", &format!("/v1/templates/import?{query}")).bytes(file.as_bytes().to_vec()).send().unwrap()
}

fn colleague(tenant: &Tenant, user: &str, role: &str) -> Tenant {
    let token = json!({ "tenant": name_of(tenant), "user": user, "role": role });
    cloud().api().unwrap().with_token(cloud().token(&token).unwrap())
}

fn counted(answer: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "skipped", "refused"].map(|count| answer[count].as_u64().unwrap_or_default())
}

fn macros(text: &str) -> String {
    json!({ "macros": [
        { "id": 1, "title": "Billing::Refund sent", "actions": [{ "field": "comment_value", "value": text }] },
        { "id": 2, "title": "Nothing said", "actions": [{ "field": "status", "value": "solved" }] },
        { "id": 3, "title": "x".repeat(300), "actions": [{ "field": "comment_value", "value": "Hello" }] },
    ] })
    .to_string()
}

#[test]
fn a_file_of_a_help_desk_becomes_templates_once() {
    let tenant = tenant();
    let first = macros("Hi {{ticket.requester.first_name}}");
    let rehearsal = import(&tenant, "visibility=everyone&dry_run=true", &first).expect(200).unwrap();
    assert_eq!((counted(&rehearsal), &rehearsal["layout"]), ([1, 0, 0, 1, 1], &json!("zendesk_macros")));
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"], json!([]), "a rehearsal writes nothing");

    let made = import(&tenant, "visibility=everyone", &first).expect(200).unwrap();
    assert_eq!(counted(&made), [1, 0, 0, 1, 1]);
    let id = text(&made["templates"][0], "template_id").unwrap();
    assert_eq!(
        made["templates"][0]["translated"],
        json!([{ "from": "ticket.requester.first_name", "to": "customer.first_name" }])
    );
    assert_eq!(made["templates"][2]["problem"]["field"], "/name");
    let template = tenant.get(&format!("/v1/templates/{id}")).unwrap();
    assert_eq!((&template["name"], &template["category"]), (&json!("Refund sent"), &json!(["Billing"])));
    assert_eq!(template["source"], "Hi {{customer.first_name}}");

    assert_eq!(counted(&import(&tenant, "visibility=everyone", &first).expect(200).unwrap()), [0, 0, 1, 1, 1]);
    let second = macros("Dear {{ticket.requester.name}}");
    assert_eq!(
        counted(&import(&tenant, "visibility=everyone&existing=keep", &second).expect(200).unwrap()),
        [0, 0, 1, 1, 1]
    );
    assert_eq!(counted(&import(&tenant, "visibility=everyone", &second).expect(200).unwrap()), [0, 1, 0, 1, 1]);
    let versions = tenant.get(&format!("/v1/templates/{id}/versions")).unwrap();
    assert_eq!(
        (&versions["items"][0]["change"], &versions["items"][0]["of"]),
        (&json!("imported"), &json!("zendesk_macros/1"))
    );

    let agent = colleague(&tenant, "agent-1", "agent");
    let by_agent = import(&agent, "visibility=everyone", &first).expect(200).unwrap();
    assert_eq!(by_agent["templates"][0]["problem"]["code"], "forbidden", "what everybody sees is an admin's to change");
    assert_eq!(counted(&import(&agent, "", &first).expect(200).unwrap())[0], 1, "but a private one is theirs");

    let bad = import(&tenant, "", "no table");
    assert_eq!((bad.status, bad.body["code"].as_str()), (400, Some("missing_columns")));
    assert_eq!(import(&tenant, "layout=word", "x").status, 422);
    let lost = import(&tenant, "", "name,source\nR\u{fffd}ckgabe,x\n");
    assert_eq!((lost.status, lost.body["code"].as_str()), (400, Some("damaged_text")), "{}", lost.body);
    let windows = b"name,source\nR\xfcckgabe,Sch\xf6n\n".to_vec();
    let call = tenant.call("POST", "/v1/templates/import").file("application/octet-stream", windows);
    let read = call.send().unwrap().expect(200).unwrap();
    assert_eq!(read["templates"][0]["name"], "R\u{fc}ckgabe");
    assert_eq!(import(&tenant, "visibility=team", "x").status, 422);
}

#[test]
fn what_is_exported_can_be_changed_elsewhere_and_imported_again() {
    let (tenant, other) = (tenant(), tenant());
    let template = json!({ "name": "Refund", "source": "Hello {{ order.total }}", "visibility": "everyone", "shortcut": "refund",
        "category": ["Billing"], "variables": [{ "name": "order.total", "type": "number" }] });
    let id = text(&tenant.post("/v1/templates", &template).unwrap(), "id").unwrap();
    let export = |layout: &str| tenant.call("GET", &format!("/v1/templates/export?layout={layout}")).send().unwrap();
    let table = export("csv");
    assert_eq!(table.headers.get("content-type").map(String::as_str), Some("text/csv; charset=utf-8"));
    let table = table.body.as_str().unwrap().replace("Hello", "Dear");
    assert_eq!(counted(&import(&tenant, "", &table).expect(200).unwrap()), [0, 1, 0, 0, 0]);
    let now = tenant.get(&format!("/v1/templates/{id}")).unwrap();
    assert_eq!((&now["version"], &now["source"]), (&json!(2), &json!("Dear {{ order.total }}")));

    let document = export("json").body.to_string();
    for count in [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]] {
        assert_eq!(
            counted(&import(&other, "", &document).expect(200).unwrap()),
            count,
            "in another tenant it is another one"
        );
    }
    let there = other.get("/v1/templates").unwrap();
    assert_ne!(there["items"][0]["id"], json!(id));
}

#[test]
fn starters_are_listed_and_installed_once() {
    let tenant = tenant();
    let starters = tenant.get("/v1/templates/starters?language=de-AT&topic=refunds").unwrap();
    let starters = starters["items"].as_array().unwrap();
    assert!(starters.len() >= 4, "{starters:?}");
    let key = text(&starters[0], "key").unwrap();
    let install = |tenant: &Tenant, order: Value| {
        tenant.call("POST", "/v1/templates/starters/install").json(&order).send().unwrap()
    };
    let order = json!({ "language": "de", "keys": [key], "visibility": "everyone" });
    let made = install(&tenant, order.clone()).expect(200).unwrap();
    assert_eq!(made["created"], 1);
    assert_eq!(install(&tenant, order.clone()).expect(200).unwrap()["unchanged"], 1);
    let id = text(&made["templates"][0], "template_id").unwrap();
    let ready = tenant.post(&format!("/v1/templates/{id}/process"), &json!({ "context": {} }));
    assert!(ready.is_ok() || format!("{ready:?}").contains("invalid_context"), "{ready:?}");
    tenant.call("DELETE", &format!("/v1/templates/{id}")).send().unwrap().expect(200).unwrap();
    assert_eq!(install(&tenant, order).expect(200).unwrap()["skipped"], 1, "what somebody deleted stays deleted");

    let all = install(&tenant, json!({ "language": "ru", "visibility": "everyone" })).expect(200).unwrap();
    assert!(all["created"].as_u64().unwrap() >= 24, "{all}");
    let unknown = install(&tenant, json!({ "language": "de", "keys": ["no-such"] }));
    assert_eq!((unknown.status, unknown.body["field"].as_str()), (422, Some("/keys/0")));
    assert_eq!(install(&tenant, json!({ "language": "tlh" })).status, 422);
    let agent = colleague(&tenant, "agent-1", "agent");
    let refused = install(&agent, json!({ "language": "en", "visibility": "everyone" })).expect(200).unwrap();
    assert_eq!((refused["created"].as_u64(), refused["refused"].as_u64()), (Some(0), all["created"].as_u64()));
}
