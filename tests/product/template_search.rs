//! Reply templates: found, suggested, and suggested better once they were used.

use std::time::{Duration, Instant};

use romashka_store::queues::IndexTask;
use serde_json::{Value, json};
use xtask::client::{Answer, Tenant, text};

use crate::operator::Operator;
use crate::sample::{cloud, name_of, questions, tenant, train, unix_seconds, upload};

/// How long a change may take to be found.
const FOUND_WITHIN: Duration = Duration::from_secs(1);
/// How long what was learnt may take to be heeded.
const LEARNT_WITHIN: Duration = Duration::from_secs(30);

fn make(tenant: &Tenant, change: Value) -> String {
    let mut template = json!({ "source": "Hello.", "visibility": "everyone" });
    template.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    text(&tenant.post("/v1/templates", &template).unwrap(), "id").unwrap()
}

fn shop(tenant: &Tenant) -> Vec<String> {
    [
        json!({ "name": "Refund approved", "source": "Hello {{ customer.name }}, your refund reaches you in five days.",
                "category": ["Billing", "Refunds"], "tags": ["money"], "shortcut": "refund" }),
        json!({ "name": "Parcel delayed", "source": "We are sorry, your parcel was delayed at the depot.",
                "category": ["Shipping"], "tags": ["delay"] }),
        json!({ "name": "Reset the password", "source": "Follow the link to choose a new password.", "format": "html" }),
        json!({ "name": "Rückerstattung", "source": "Ihr Geld ist unterwegs.", "language": "de-AT" }),
    ]
    .into_iter()
    .map(|template| make(tenant, template))
    .collect()
}

fn ids(answer: &Value) -> Vec<String> {
    answer["items"].as_array().unwrap().iter().map(|item| text(item, "id").unwrap()).collect()
}

fn searched(tenant: &Tenant, query: &str) -> Vec<String> {
    ids(&tenant.get(&format!("/v1/templates/search?{query}")).unwrap())
}

fn suggested(tenant: &Tenant, message: &str) -> Value {
    tenant.post("/v1/templates/suggest", &json!({ "messages": [{ "text": message }] })).unwrap()
}

/// Waits until something holds; how long that took.
fn until(what: &str, within: Duration, holds: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < within, "{what} took longer than {within:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    start.elapsed()
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

#[test]
fn a_template_is_found_by_its_words_and_shows_why() {
    let tenant = tenant();
    let made = shop(&tenant);
    until("a new template", FOUND_WITHIN, || searched(&tenant, "q=ruckerstattung") == made[3..]);
    let found = tenant.get("/v1/templates/search?q=refnud").unwrap();
    assert_eq!(ids(&found)[0], made[0], "in spite of a slip: {found}");
    assert_eq!(searched(&tenant, "q=parc")[0], made[1], "while it is being typed");
    assert_eq!(found["searched"], 4);
    let found = tenant.get("/v1/templates/search?q=refunds").unwrap();
    assert_eq!(
        found["items"][0]["name_highlight"],
        json!([{ "text": "Refund", "match": true }, { "text": " approved", "match": false }])
    );
    assert!(found["items"][0].get("source").is_none());

    for (filter, expected) in [
        ("category=Billing", vec![&made[0]]),
        ("category=Billing/Refunds", vec![&made[0]]),
        ("category=Bill", vec![]),
        ("tag=delay", vec![&made[1]]),
        ("language=de", vec![&made[3]]),
        ("format=html", vec![&made[2]]),
        ("visibility=private", vec![]),
    ] {
        assert_eq!(searched(&tenant, filter).iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    assert_eq!(searched(&tenant, "limit=2"), [made[3].clone(), made[2].clone()], "what changed last comes first");
    for wrong in ["limit=0", "limit=51", "format=pdf", "visibility=all", &format!("q={}", "x".repeat(501))] {
        let answer = tenant.call("GET", &format!("/v1/templates/search?{wrong}")).send().unwrap();
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
    }
}

#[test]
fn a_change_is_found_within_a_second() {
    let tenant = tenant();
    let made = shop(&tenant);
    let path = format!("/v1/templates/{}", made[1]);
    until("a new template", FOUND_WITHIN, || searched(&tenant, "q=depot") == made[1..2]);
    let zebra = json!({ "name": "Zebra", "source": "A zebra crossing.", "visibility": "everyone" });
    tenant.call("PUT", &path).json(&zebra).send().unwrap().expect(200).unwrap();
    until("a changed template", FOUND_WITHIN, || searched(&tenant, "q=zebra") == made[1..2]);
    // Perhaps another process answers, which has a second of its own.
    until("what it no longer says", FOUND_WITHIN, || !searched(&tenant, "q=depot").contains(&made[1]));
    tenant.call("DELETE", &path).send().unwrap().expect(200).unwrap();
    until("a deleted template", FOUND_WITHIN, || searched(&tenant, "q=zebra").is_empty());
    tenant.call("POST", &format!("{path}/restore")).send().unwrap().expect(200).unwrap();
    until("a restored template", FOUND_WITHIN, || searched(&tenant, "q=zebra") == made[1..2]);
    // The same once the index has taken all of it in.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(searched(&tenant, "q=zebra"), made[1..2]);
}

#[test]
fn an_index_that_is_lost_or_that_another_encoder_read_is_made_anew() {
    let (tenant, operator) = (tenant(), Operator::new());
    let made = shop(&tenant);
    let rename = |name: &str| {
        let change = json!({ "name": name, "source": "Ihr Geld ist unterwegs.", "visibility": "everyone" });
        tenant.call("PUT", &format!("/v1/templates/{}", made[3])).json(&change).send().unwrap().expect(200).unwrap();
    };
    // The index that knows every template, and one of them by this name.
    let index_with = |name: &str| {
        let start = Instant::now();
        loop {
            for key in operator.objects("indexes", &name_of(&tenant)) {
                let bytes = operator.object(&key).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                if text.contains(name) && made.iter().all(|id| text.contains(id)) {
                    return (key, bytes);
                }
            }
            assert!(start.elapsed() < LEARNT_WITHIN, "no index with {name}");
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let (lost, _) = index_with("Rückerstattung");
    operator.delete(&lost);
    rename("Money back");
    let (key, mut bytes) = index_with("Money back");
    // Until the new index is in force a search may meet the one that is gone.
    until("an index that was lost", LEARNT_WITHIN, || {
        let answer = tenant.call("GET", "/v1/templates/search?q=depot").send().unwrap();
        answer.status == 200 && ids(&answer.body) == made[1..2]
    });

    if xtask::setup::encoder().is_none() {
        // Without an encoder there is no other one; the set-up has said so.
        return;
    }
    const MARK: &[u8] = br#""encoder":""#;
    let at = bytes.windows(MARK.len()).position(|window| window == MARK).unwrap() + MARK.len();
    bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
    operator.overwrite(&key, bytes);
    rename("Cash back");
    index_with("Cash back");
    until("what the encoder read again", LEARNT_WITHIN, || {
        let answer = suggested(&tenant, "Refund approved");
        let first = &answer["items"][0];
        let reasons = first["reasons"].as_array().cloned().unwrap_or_default();
        first["id"] == json!(made[0]) && reasons.iter().any(|reason| reason["reason"] == "name")
    });
}

#[test]
fn more_than_one_run_takes_in_is_taken_in_by_several() {
    let tenant = tenant();
    let numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let name = |at: usize| {
        let digits = [at / 100, at / 10 % 10, at % 10];
        format!("Question number {}", digits.map(|digit| numbers[digit]).join(" "))
    };
    // A run takes in 500 by their words before any is encoded.
    for file in 0..2 {
        let templates =
            (file * 300..(file + 1) * 300).map(|at| json!({ "name": name(at), "source": "Please see below." }));
        let body = json!({ "templates": templates.collect::<Vec<_>>() }).to_string().into_bytes();
        let call = tenant.call("POST", "/v1/templates/import?layout=json&visibility=everyone").bytes(body);
        assert_eq!(call.send().unwrap().expect(200).unwrap()["created"], 300);
    }
    until("six hundred templates", LEARNT_WITHIN, || {
        tenant.get("/v1/templates/search?q=question").unwrap()["searched"] == json!(600)
    });
    if xtask::setup::encoder().is_none() {
        // Without an encoder there are words alone; the set-up has said so.
        return;
    }
    // The one that was made first is encoded last.
    until("the last to be encoded", LEARNT_WITHIN * 4, || {
        let answer = suggested(&tenant, &name(0));
        let first = &answer["items"][0];
        let reasons = first["reasons"].as_array().cloned().unwrap_or_default();
        first["name"] == json!(name(0)) && reasons.iter().any(|reason| reason["reason"] == "name")
    });
}

#[test]
fn a_run_that_leaves_something_behind_asks_for_the_next() {
    let (tenant, operator) = (tenant(), Operator::new());
    let tenant = name_of(&tenant);
    // Of templates that were deleted. A mark by itself sends no message, so the one below is the only one from outside; its run
    // takes 500 away.
    for at in 0..600 {
        let id = format!("00000000-0000-7000-8000-{at:012x}");
        operator.put(&tenant, "UNINDEXED", &id, json!({ "template_id": id, "mark": id }));
    }
    operator.send_task("IndexQueueUrl", &tenant, IndexTask {});
    until("six hundred marks", LEARNT_WITHIN, || operator.items(&tenant, "UNINDEXED") == 0);
}

#[test]
fn a_message_that_finds_the_index_being_made_comes_back() {
    let (tenant, operator) = (tenant(), Operator::new());
    let name = name_of(&tenant);
    // Somebody who died at it.
    let lease_until = unix_seconds() + 20;
    operator.put(&name, "CLAIM", "index#templates", json!({ "subject": "the dead", "lease_until": lease_until }));
    let made = make(&tenant, json!({ "name": "Zebra crossing" }));
    until("what no index knows", FOUND_WITHIN, || searched(&tenant, "q=zebra") == [made.clone()]);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(operator.items(&name, "UNINDEXED"), 1);
    // Nothing sends another message.
    until("the message", LEARNT_WITHIN * 2, || operator.items(&name, "UNINDEXED") == 0);
    assert_eq!(searched(&tenant, "q=zebra"), [made]);
}

#[test]
fn what_somebody_no_longer_sees_is_not_found_however_much_changes_at_once() {
    let (tenant, operator) = (tenant(), Operator::new());
    let name = name_of(&tenant);
    let token = json!({ "tenant": name, "user": "bob", "role": "agent" });
    let bob = cloud().api().unwrap().with_token(cloud().token(&token).unwrap());
    let made = make(&tenant, json!({ "name": "Okapi" }));
    until("the index", LEARNT_WITHIN, || {
        operator.items(&name, "UNINDEXED") == 0 && searched(&bob, "q=okapi") == [made.clone()]
    });
    // Nobody makes an index for a while, and of what is marked only the last are looked at.
    let lease_until = unix_seconds() + 60;
    operator.put(&name, "CLAIM", "index#templates", json!({ "subject": "the dead", "lease_until": lease_until }));
    for at in 0..500 {
        let id = format!("ffffffff-0000-7000-8000-{at:012x}");
        operator.put(&name, "UNINDEXED", &id, json!({ "template_id": id, "mark": id }));
    }
    let change = json!({ "name": "Okapi", "source": "Hello.", "visibility": "private" });
    tenant.call("PUT", &format!("/v1/templates/{made}")).json(&change).send().unwrap().expect(200).unwrap();
    until("what is private now", LEARNT_WITHIN, || searched(&bob, "q=okapi").is_empty());
    assert_eq!((searched(&bob, ""), ids(&suggested(&bob, "okapi"))), (Vec::new(), Vec::new()));
    assert_eq!(operator.items(&name, "UNINDEXED"), 501, "the index does not know");
    assert_eq!(searched(&tenant, "q=okapi"), [made], "whose it is finds it");
}

#[test]
fn nobody_finds_what_they_do_not_see() {
    let admin = tenant();
    let colleague = |user: &str, teams: &[&str]| {
        let token = json!({ "tenant": name_of(&admin), "user": user, "role": "agent", "claims": { "teams": teams } });
        cloud().api().unwrap().with_token(cloud().token(&token).unwrap())
    };
    let (ann, bob, cid) = (colleague("ann", &["emea"]), colleague("bob", &["emea"]), colleague("cid", &["apac"]));
    let own = make(&ann, json!({ "name": "Giraffe", "visibility": "private" }));
    let teams = make(&ann, json!({ "name": "Giraffe", "visibility": "team", "team": "emea" }));
    let both = |found: Vec<String>| found.len() == 2 && found.contains(&own) && found.contains(&teams);
    until("one's own", FOUND_WITHIN, || both(searched(&ann, "q=giraffe")));
    for (who, expected) in [(&bob, vec![teams.clone()]), (&cid, vec![]), (&admin, vec![teams.clone()])] {
        assert_eq!(searched(who, "q=giraffe"), expected);
        assert_eq!(searched(who, ""), expected);
        assert_eq!(ids(&suggested(who, "tell me of the giraffe")), expected);
    }
}

#[test]
fn what_a_template_was_used_for_it_is_suggested_for() {
    let tenant = tenant();
    let made = shop(&tenant);
    until("a suggestion", FOUND_WITHIN, || {
        ids(&suggested(&tenant, "I have waited for my refund")).first() == Some(&made[0])
    });
    let suggestion = suggested(&tenant, "I have waited for my refund");
    let reasons: Vec<&str> = suggestion["items"][0]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|reason| reason["reason"].as_str())
        .collect();
    assert!(reasons.contains(&"words"), "{suggestion}");

    let message = "the thingamajig went kaput again";
    let uses = format!("/v1/templates/{}/uses", made[2]);
    let note = |body: Value| tenant.call("POST", &uses).header("idempotency-key", "once").json(&body).send().unwrap();
    let body = json!({ "via": "suggestion", "rank": 1, "messages": [{ "role": "customer", "text": message }] });
    let kept = note(body.clone()).expect(201).unwrap();
    assert_eq!(note(body).expect(201).unwrap(), kept, "the same use again is no other use");
    assert!(!kept.to_string().contains("thingamajig"), "what was written is not kept");
    assert_eq!(searched(&tenant, "limit=1"), made[2..3], "what was used lately comes first");
    if xtask::setup::encoder().is_none() {
        // Without an encoder nothing is learnt from uses; the set-up has said so.
        return;
    }
    until("what was learnt", LEARNT_WITHIN, || {
        let first = &suggested(&tenant, "my thingamajig is kaput")["items"][0];
        let reasons = first["reasons"].as_array().cloned().unwrap_or_default();
        first["id"] == json!(made[2]) && reasons.iter().any(|reason| reason["reason"] == "used_before")
    });
}

#[test]
fn what_the_deployed_model_takes_a_message_for_is_suggested() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(40));
    let model = train(&tenant, &[&upload]);
    // Nothing in their words tells which is which.
    let first =
        make(&tenant, json!({ "name": "Macro 1", "source": "Please follow the steps below.", "intents": ["login"] }));
    let second =
        make(&tenant, json!({ "name": "Macro 2", "source": "Please see the link below.", "intents": ["refund"] }));
    let by_name = make(&tenant, json!({ "name": "Order status", "source": "Please look at the page below." }));
    let refused =
        tenant.call("POST", "/v1/templates").json(&json!({ "name": "x", "source": "x", "intents": [""] })).send();
    assert_eq!(refused.unwrap().body["field"], "/intents/0");
    tenant.post(&format!("/v1/models/{}/deploy", text(&model, "id").unwrap()), &json!({})).unwrap();
    for (message, id, intent) in [
        ("how do I reset password 77 of my account", &first, "login"),
        ("please send my money back for invoice 77", &second, "refund"),
        ("where is my parcel number 77 it is late", &by_name, "order_status"),
    ] {
        until("a suggestion", FOUND_WITHIN, || suggested(&tenant, message)["items"].as_array().unwrap().len() == 3);
        let answer = suggested(&tenant, message);
        let best = &answer["items"][0];
        assert_eq!(
            (text(best, "id").unwrap(), &best["reasons"][0]["reason"]),
            (id.clone(), &json!("intent")),
            "{answer}"
        );
        assert_eq!(best["reasons"][0]["intent"], intent);
    }
}

#[test]
fn what_cannot_be_suggested_for_says_why() {
    let tenant = tenant();
    let id = shop(&tenant).remove(0);
    for (body, field) in [
        (json!({ "messages": [] }), "/messages"),
        (json!({ "messages": [{ "role": "agent", "text": "Hello" }] }), "/messages"),
        (json!({ "messages": [{ "text": "x".repeat(4_001) }] }), "/messages/0/text"),
        (json!({ "messages": [{ "text": "x" }], "limit": 11 }), "/limit"),
        (json!({ "messages": [{ "role": "bot", "text": "x" }] }), "/messages/0/role"),
    ] {
        let answer = tenant.call("POST", "/v1/templates/suggest").json(&body).send().unwrap();
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.body);
    }
    let uses = format!("/v1/templates/{id}/uses");
    let answer = tenant.call("POST", &uses).json(&json!({ "via": "list", "rank": 101 })).send().unwrap();
    assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("/rank")));
    tenant.call("DELETE", &format!("/v1/templates/{id}")).send().unwrap().expect(200).unwrap();
    assert_eq!(
        said(&tenant.call("POST", &uses).json(&json!({ "via": "list" })).send().unwrap()),
        (409, "template_deleted")
    );
}
