//! Processes that are killed in the middle of their work.

use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::json;
use xtask::cloud::Cloud;
use xtask::redrive::redrive;

use crate::operator::Operator;
use crate::sample::{cloud, ended, ended_within, model_of, questions, start, tenant, upload};

#[test]
fn ten_killed_workers_cost_time_and_nothing_else() {
    let tenant = tenant();
    let file = questions(5000);
    let upload = upload(&tenant, &file);
    let undisturbed = ended(&tenant, &format!("/v1/training-sessions/{}", start(&tenant, &[&upload])));

    let path = format!("/v1/training-sessions/{}", start(&tenant, &[&upload]));
    let (mut killed, begun) = (0, Instant::now());
    while killed < 10 {
        assert!(begun.elapsed() < Duration::from_secs(240), "only {killed} workers could be killed");
        let session = tenant.get(&path).unwrap();
        assert_ne!(session["state"], "completed", "it was over after {killed} kills");
        if session["state"] == "training" && session["stage"] == "featurising" {
            std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..120)));
            killed += cloud().processes("TrainingWork").into_iter().take(1).filter(|pid| Cloud::kill(*pid)).count();
        }
    }
    let disturbed = ended_within(&tenant, &path, Duration::from_secs(300));
    assert_eq!(disturbed["state"], "completed", "{disturbed}");
    assert_eq!((&disturbed["rows"], &disturbed["batches"]), (&undisturbed["rows"], &undisturbed["batches"]));
    assert_eq!(disturbed["rows"], json!(15_000));
    assert_eq!(model_of(&tenant, &disturbed)["model_hash"], model_of(&tenant, &undisturbed)["model_hash"]);
}

#[test]
fn a_killed_reducer_is_taken_over() {
    let tenant = tenant();
    let upload = upload(&tenant, &questions(3000));
    let path = format!("/v1/training-sessions/{}", start(&tenant, &[&upload]));
    tenant.poll(&path, Duration::from_secs(60), |session| session["stage"] == "fitting").unwrap();
    assert!(cloud().processes("TrainingFit").into_iter().any(Cloud::kill));
    let session = ended_within(&tenant, &path, Duration::from_secs(300));
    assert_eq!((&session["state"], &session["attempt"]), (&json!("completed"), &json!(1)));
}

#[test]
fn a_killed_reader_is_taken_over_and_counts_from_nothing() {
    let tenant = tenant();
    let file = questions(60_000);
    let id = tenant.upload("large.csv", "utterances", &file).unwrap();
    let path = format!("/v1/uploads/{id}");
    tenant.poll(&path, Duration::from_secs(60), |upload| upload["state"] == "ingesting").unwrap();
    assert!(cloud().processes("UploadsIngest").into_iter().any(Cloud::kill));
    let upload = ended_within(&tenant, &path, Duration::from_secs(300));
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(180_000)));
}

#[test]
fn a_message_that_nobody_can_read_is_set_apart_and_can_be_put_back() {
    let operator = Operator::new();
    let siblings = tenant();
    operator.send("PrepareQueueUrl", "this is no task");
    let begun = Instant::now();
    while operator.count("PrepareDeadLettersUrl") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(240), "it was never set apart");
        std::thread::sleep(Duration::from_secs(1));
    }
    let upload = upload(&siblings, &questions(30));
    let session = ended(&siblings, &format!("/v1/training-sessions/{}", start(&siblings, &[&upload])));
    assert_eq!(session["state"], "completed", "the queue goes on without it");
    redrive(cloud(), "Prepare").unwrap();
    assert_eq!(operator.count("PrepareDeadLettersUrl"), 0);
}
