//! Training sessions, delivered well and badly.

use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use romashka_domain::{TrainingSessionId, UploadId};
use romashka_store::queues::{BatchTask, FitTask, PrepareTask};
use serde_json::{Value, json};
use xtask::client::text;

use crate::operator::Operator;
use crate::sample::{
    PATIENCE, cloud, ended, model_of, name_of, questions, s3_event, start, states, tenant, train, upload,
};

#[test]
fn the_same_rows_give_the_same_model_however_they_are_split_and_ordered() {
    let tenant = tenant();
    let file = questions(400);
    let first = train(&tenant, &[&upload(&tenant, &file)]);
    let again = train(&tenant, &[&upload(&tenant, &file)]);
    assert_eq!(first["model_hash"], again["model_hash"]);

    let rows = String::from_utf8(file).unwrap();
    let mut rows: Vec<_> = rows.lines().skip(1).collect();
    rows.shuffle(&mut rand::rng());
    let (left, right) = rows.split_at(rows.len() / 3);
    let halves = [left, right].map(|rows| format!("text,intent\n{}\n", rows.join("\n")).into_bytes());
    let ids = halves.map(|half| upload(&tenant, &half));
    let third = upload(&tenant, &questions(400));
    let shuffled = train(&tenant, &[&ids[0], &ids[1], &third]);
    assert_eq!(first["model_hash"], shuffled["model_hash"], "shuffled, split and with every row there twice");
}

#[test]
fn every_message_twice_and_shuffled_gives_the_same_hash_and_the_same_counts() {
    let tenant = tenant();
    let upload_id = upload(&tenant, &questions(1500));
    let undisturbed = ended(&tenant, &format!("/v1/training-sessions/{}", start(&tenant, &[&upload_id])));

    let operator = Operator::new();
    let id = start(&tenant, &[&upload_id]);
    let path = format!("/v1/training-sessions/{id}");
    tenant.poll(&path, PATIENCE, |session| session["batches"]["total"].as_u64() > Some(0)).unwrap();
    let session_id: TrainingSessionId = id.parse().unwrap();
    let upload_id: UploadId = upload_id.parse().unwrap();
    let mut copies: Vec<BatchTask> =
        (0..9).chain(0..9).map(|batch| BatchTask { session_id, batch, upload_id, part: batch }).collect();
    copies.shuffle(&mut rand::rng());
    let name = name_of(&tenant);
    operator.send_task("PrepareQueueUrl", &name, PrepareTask { session_id });
    operator.send_task("FitQueueUrl", &name, FitTask { session_id });
    for copy in copies {
        operator.send_task("TrainingQueueUrl", &name, copy);
    }
    operator.send_task("FitQueueUrl", &name, FitTask { session_id });
    let disturbed = ended(&tenant, &path);
    assert_eq!(disturbed["state"], "completed", "{disturbed}");
    assert_eq!(states(&disturbed), states(&undisturbed));
    for count in ["rows", "batches"] {
        assert_eq!(disturbed[count], undisturbed[count], "{count}");
    }
    assert_eq!(model_of(&tenant, &disturbed)["model_hash"], model_of(&tenant, &undisturbed)["model_hash"]);
    // Late copies of everything change nothing either.
    operator.send_task("PrepareQueueUrl", &name, PrepareTask { session_id });
    operator.send_task("TrainingQueueUrl", &name, BatchTask { session_id, batch: 0, upload_id, part: 0 });
    operator.send_task("FitQueueUrl", &name, FitTask { session_id });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(tenant.get(&path).unwrap(), disturbed);
}

#[test]
fn s3_telling_of_a_file_again_changes_nothing() {
    let tenant = tenant();
    let id = upload(&tenant, &questions(50));
    let path = format!("/v1/uploads/{id}");
    let before = tenant.get(&path).unwrap();
    let operator = Operator::new();
    for _ in 0..3 {
        operator.send("IngestQueueUrl", &s3_event(&tenant, &id, "older"));
    }
    operator.send("IngestQueueUrl", &json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(tenant.get(&path).unwrap(), before);
}

#[test]
fn a_cancelled_session_stops_within_a_batch_and_goes_on_where_it_was() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(6000));
    let id = start(&tenant, &[&upload]);
    let path = format!("/v1/training-sessions/{id}");
    tenant.poll(&path, PATIENCE, |session| session["batches"]["done"].as_u64() > Some(0)).unwrap();
    let cancelled = tenant.post(&format!("{path}/cancel"), &json!({})).unwrap();
    assert_eq!(cancelled["state"], "cancelled");
    let done = cancelled["batches"]["done"].as_u64().unwrap();
    assert!(done < cancelled["batches"]["total"].as_u64().unwrap(), "it was over before it could be cancelled");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(
        tenant.get(&path).unwrap()["batches"]["done"].as_u64(),
        Some(done),
        "nothing counts after the cancellation"
    );
    let twice = tenant.call("POST", &format!("{path}/cancel")).send().unwrap();
    assert_eq!((twice.status, twice.body["code"].as_str()), (409, Some("state_conflict")));

    assert_eq!(tenant.post(&format!("{path}/retry"), &json!({})).unwrap()["state"], "queued");
    let completed = ended(&tenant, &path);
    assert_eq!((&completed["state"], &completed["attempt"]), (&json!("completed"), &json!(2)));
    assert_eq!(completed["batches"]["done"], completed["batches"]["total"]);
    assert_eq!(completed["rows"], 18_000, "no batch counts twice");
}

#[test]
fn a_session_that_cannot_work_says_why() {
    let tenant = tenant();
    let one_intent = upload(&tenant, b"text,intent\nhello there,greeting\ngood morning,greeting\n");
    let session = ended(&tenant, &format!("/v1/training-sessions/{}", start(&tenant, &[&one_intent])));
    assert_eq!((&session["state"], &session["error"]["code"]), (&json!("failed"), &json!("too_few_intents")));

    let waiting = tenant.post("/v1/uploads", &xtask::client::announcement("a.csv", "utterances", b"x")).unwrap();
    let start = |body: Value| tenant.call("POST", "/v1/training-sessions").json(&body).send().unwrap();
    let early = start(json!({ "upload_ids": [waiting["upload"]["id"]] }));
    assert_eq!((early.status, early.body["code"].as_str()), (409, Some("upload_not_usable")));
    assert_eq!(start(json!({ "upload_ids": [] })).body["field"], "/upload_ids");
    let parameters = json!({ "upload_ids": [one_intent], "parameters": { "epochs": 0 } });
    assert_eq!(
        (start(parameters.clone()).status, start(parameters).body["code"].as_str()),
        (422, Some("invalid_parameters"))
    );
}

#[test]
fn one_correlation_id_leads_from_the_request_to_the_model() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(30));
    let body = json!({ "upload_ids": [upload] });
    let answer =
        tenant.call("POST", "/v1/training-sessions").header("x-correlation-id", "walk-42").json(&body).send().unwrap();
    let session = ended(&tenant, &format!("/v1/training-sessions/{}", text(&answer.body, "id").unwrap()));
    assert_eq!(session["correlation_id"], "walk-42");
    let logs = cloud().folder.join("logs");
    let started = Instant::now();
    for function in ["TrainingStart", "TrainingWork", "TrainingFit"] {
        let said = || std::fs::read_to_string(logs.join(format!("{function}.log"))).unwrap_or_default();
        while !said().contains("walk-42") {
            assert!(started.elapsed() < PATIENCE, "{function} logged nothing under the correlation id");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(!said().contains("where is my parcel"), "{function} logged a customer's words");
    }
}
