//! Live updates.

use std::time::{Duration, Instant};

use serde_json::json;
use xtask::client::text;
use xtask::feed::{Feed, Socket};

use crate::sample::{PATIENCE, questions, start, tenant, upload};

#[test]
fn a_feed_that_is_cut_again_and_again_shows_every_state_once_and_in_order() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(2000));
    let id = start(&tenant, &[&upload]);
    let mut feed = Feed::new(&tenant, &format!("training-sessions/{id}"));
    let (mut entered, mut updates, mut cuts) = (Vec::new(), 0, 0);
    let started = Instant::now();
    while entered.last().map(String::as_str) != Some("completed") {
        assert!(started.elapsed() < PATIENCE, "{entered:?}");
        let Some(update) = feed.poll().unwrap() else { continue };
        entered.extend(update.entered);
        updates += 1;
        if updates % 2 == 0 {
            feed.drop_connection();
            cuts += 1;
        }
    }
    assert_eq!(entered, ["queued", "preparing", "training", "evaluating", "completed"]);
    assert!(cuts > 0, "the session was over before the feed could be cut");
}

#[test]
fn a_late_subscriber_is_told_everything_at_once() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(30));
    let mut feed = Feed::new(&tenant, "uploads/x");
    assert!(feed.poll().is_err(), "a topic that cannot be is refused");
    let mut feed = Feed::new(&tenant, &format!("uploads/{upload}"));
    let update = loop {
        if let Some(update) = feed.poll().unwrap() {
            break update;
        }
    };
    assert_eq!(update.entered, ["pending", "uploaded", "ingesting", "ready"]);
}

#[test]
fn a_client_that_has_seen_some_is_sent_only_what_it_lacks() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(30));
    let mut socket = Socket::open(&tenant).unwrap();
    socket.send(&json!({ "action": "subscribe", "topic": format!("uploads/{upload}"), "after": 2 })).unwrap();
    let frame = socket.await_frame(PATIENCE).unwrap();
    let seqs: Vec<_> = frame["transitions"].as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert!(!seqs.is_empty() && seqs.iter().all(|seq| *seq > 2), "{seqs:?}");
}

#[test]
fn a_ticket_opens_one_socket_and_a_made_up_one_none() {
    let tenant = tenant();
    let ticket = tenant.post("/v1/realtime/tickets", &json!({})).unwrap();
    let url = text(&ticket, "url").unwrap();
    assert!(!url.contains(tenant.token()), "the token does not belong into an address");
    Socket::connect(&url).unwrap();
    assert!(Socket::connect(&url).is_err(), "a ticket works once");
    let base = url.split('?').next().unwrap();
    for query in ["", "?ticket=", "?ticket=acme.AAAA", "?ticket=a%23b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(Socket::connect(&format!("{base}{query}")).is_err(), "{query}");
    }
}

#[test]
fn a_message_that_makes_no_sense_is_answered_and_the_socket_lives_on() {
    let tenant = tenant();
    let mut socket = Socket::open(&tenant).unwrap();
    for (message, code) in [
        ("not json", "unknown_action"),
        (r#"{"action":"dance"}"#, "unknown_action"),
        (r#"{"action":"subscribe"}"#, "invalid_message"),
        (r#"{"action":"subscribe","topic":7}"#, "invalid_message"),
        (r#"{"action":"subscribe","topic":"weather"}"#, "unknown_topic"),
        (&format!(r#"{{"action":"subscribe","topic":"{}"}}"#, "x".repeat(5000)), "message_too_large"),
    ] {
        socket.send_text(message).unwrap();
        let frame = socket.await_frame(Duration::from_secs(10)).unwrap();
        assert_eq!((&frame["type"], frame["code"].as_str()), (&json!("error"), Some(code)), "{message:.60}");
    }
    socket.send(&json!({ "action": "ping" })).unwrap();
    assert_eq!(socket.await_frame(Duration::from_secs(10)).unwrap()["type"], "pong");
}

#[test]
fn the_tenants_topic_tells_of_everything_until_it_is_left() {
    let tenant = tenant();
    let mut socket = Socket::open(&tenant).unwrap();
    socket.send(&json!({ "action": "subscribe", "topic": "tenant" })).unwrap();
    assert_eq!(socket.await_frame(PATIENCE).unwrap()["type"], "snapshot");
    upload(&tenant, &questions(5));
    let frame = socket.await_frame(PATIENCE).unwrap();
    assert_eq!(
        (&frame["type"], &frame["resource_type"], &frame["topic"]),
        (&json!("change"), &json!("upload"), &json!("tenant"))
    );
    assert_eq!(frame["correlation_id"], frame["resource"]["correlation_id"]);
    socket.send(&json!({ "action": "unsubscribe", "topic": "tenant" })).unwrap();
    while socket.await_frame(PATIENCE).unwrap()["type"] != "unsubscribed" {}
    upload(&tenant, &questions(6));
    assert!((0..8).all(|_| socket.poll().unwrap().is_none()));
}
