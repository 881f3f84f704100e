//! Templates proposed from what agents wrote.

use romashka_store::queues::MineTask;
use serde_json::{Value, json};
use xtask::client::{Tenant, text};

use crate::operator::Operator;
use crate::sample::{cloud, ended, name_of, questions, replies, states, tenant, upload, upload_conversations};

fn mine(tenant: &Tenant, uploads: &[&str]) -> Value {
    let mining = tenant.post("/v1/templates/minings", &json!({ "upload_ids": uploads })).unwrap();
    ended(tenant, &format!("/v1/templates/minings/{}", text(&mining, "id").unwrap()))
}

#[test]
fn what_agents_write_again_and_again_becomes_a_template() {
    let tenant = tenant();
    let conversations = upload_conversations(&tenant, &replies(40));
    let mining = mine(&tenant, &[&conversations]);
    assert_eq!(states(&mining), ["queued", "mining", "completed"]);
    assert_eq!((&mining["counts"]["replies"], &mining["counts"]["covered"]), (&json!(40), &json!(40)), "{mining}");

    let address = format!("/v1/templates/minings/{}", text(&mining, "id").unwrap());
    let page = tenant.get(&format!("{address}/proposals?limit=1")).unwrap();
    let proposal = &page["items"][0];
    assert_eq!(
        (&proposal["number"], &proposal["extent"], &proposal["replies"]),
        (&json!(1), &json!("reply"), &json!(40))
    );
    assert_eq!(proposal["share"], json!(1.0));
    assert!(proposal["exemplars"][0].as_str().unwrap().starts_with("Thank you for waiting! Your order AB-"));
    assert_eq!(proposal["conversations"].as_array().unwrap().len(), 20);
    let kinds: Vec<&Value> =
        proposal["variables"].as_array().unwrap().iter().map(|variable| &variable["kind"]["type"]).collect();
    assert_eq!(kinds, [&json!("text"), &json!("date")], "{proposal}");

    let accepted = tenant.post(&format!("{address}/accept"), &json!({ "numbers": [1], "language": "en" })).unwrap();
    assert_eq!(accepted["created"], 1, "{accepted}");
    let id = text(&accepted["templates"][0], "template_id").unwrap();
    let template = tenant.get(&format!("/v1/templates/{id}")).unwrap();
    assert_eq!((&template["visibility"], &template["variables"][1]["type"]), (&json!("private"), &json!("date")));
    let version = tenant.get(&format!("/v1/templates/{id}/versions/1")).unwrap();
    assert_eq!(version["change"], "mined");

    let [order, day] = [0, 1].map(|at| text(&template["variables"][at], "name").unwrap());
    let context = nested(&[(&order, "XY-7"), (&day, "2026-05-09")]);
    let made = tenant.post(&format!("/v1/templates/{id}/process"), &json!({ "context": context })).unwrap();
    assert!(made["text"].as_str().unwrap().contains("order XY-7 has left our house"), "{made}");
    let missing = tenant.call("POST", &format!("/v1/templates/{id}/process")).json(&json!({})).send().unwrap();
    assert_eq!(missing.status, 422, "what an agent always filled in must be filled in: {}", missing.body);

    let again = tenant.post(&format!("{address}/accept"), &json!({ "numbers": [1], "language": "en" })).unwrap();
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(1)));
    assert_eq!(tenant.get("/v1/templates").unwrap()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_mining_that_is_delivered_again_stays_as_it_ended() {
    let tenant = tenant();
    let conversations = upload_conversations(&tenant, &replies(6));
    let mining = mine(&tenant, &[&conversations]);
    let operator = Operator::new();
    let mining_id = text(&mining, "id").unwrap().parse().unwrap();
    for _ in 0..3 {
        operator.send_task("MineQueueUrl", &name_of(&tenant), MineTask { mining_id });
    }
    // One that is asked for after them is worked on after them, or beside them.
    mine(&tenant, &[&conversations]);
    let now = tenant.get(&format!("/v1/templates/minings/{mining_id}")).unwrap();
    assert_eq!(now, mining);
    assert_eq!(operator.count("MineDeadLettersUrl"), 0);
}

/// A context in which these names, with points between their parts, have these values.
fn nested(values: &[(&str, &str)]) -> Value {
    let mut context = json!({});
    for (name, value) in values {
        let place = name.split('.').fold(&mut context, |place, part| &mut place[part]);
        *place = json!(value);
    }
    context
}

#[test]
fn an_agent_accepts_for_themselves_and_an_admin_for_everybody() {
    let tenant = tenant();
    let conversations = upload_conversations(&tenant, &replies(6));
    let mining = mine(&tenant, &[&conversations]);
    let accept = format!("/v1/templates/minings/{}/accept", text(&mining, "id").unwrap());
    let token = json!({ "tenant": name_of(&tenant), "user": "agent-1", "role": "agent" });
    let agent = cloud().api().unwrap().with_token(cloud().token(&token).unwrap());
    let wanted = json!({ "numbers": [1], "language": "en", "visibility": "everyone" });
    let refused = agent.post(&accept, &wanted).unwrap();
    assert_eq!((&refused["refused"], &refused["templates"][0]["problem"]["code"]), (&json!(1), &json!("forbidden")));
    let own = agent.post(&accept, &json!({ "numbers": [1], "language": "en" })).unwrap();
    let everyones = tenant.post(&accept, &wanted).unwrap();
    assert_eq!((&own["created"], &everyones["created"]), (&json!(1), &json!(1)));
    assert_ne!(own["templates"][0]["template_id"], everyones["templates"][0]["template_id"]);
}

#[test]
fn what_cannot_be_mined_is_refused_with_a_reason() {
    let tenant = tenant();
    let refused = |body: Value| {
        let answer = tenant.call("POST", "/v1/templates/minings").json(&body).send().unwrap();
        (answer.status, text(&answer.body, "code").unwrap())
    };
    let other = upload(&tenant, &questions(2));
    assert_eq!(refused(json!({ "upload_ids": [other] })), (422, "wrong_kind".to_owned()));
    assert_eq!(refused(json!({ "upload_ids": [] })), (422, "out_of_range".to_owned()));
    assert_eq!(refused(json!({ "upload_ids": [other], "least_replies": 1 })), (422, "out_of_range".to_owned()));
    let conversations = upload_conversations(&tenant, &replies(3));
    assert_eq!(refused(json!({ "upload_ids": [conversations, conversations] })), (422, "named_twice".to_owned()));

    let mining = mine(&tenant, &[&conversations]);
    let accept = format!("/v1/templates/minings/{}/accept", text(&mining, "id").unwrap());
    let refused = |body: Value| {
        let answer = tenant.call("POST", &accept).json(&body).send().unwrap();
        (answer.status, text(&answer.body, "code").unwrap())
    };
    assert_eq!(refused(json!({ "numbers": [0] })), (422, "unknown_proposal".to_owned()));
    assert_eq!(refused(json!({ "numbers": [99] })), (422, "unknown_proposal".to_owned()));
    assert_eq!(refused(json!({ "numbers": [1, 1], "language": "en" })), (422, "named_twice".to_owned()));
}
