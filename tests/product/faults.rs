//! Processes that are killed in the middle of their work.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::json;

use crate::sample::{cloud, ended, ended_within, model_of, questions, start, tenant, upload};

/// The processes of one function in this cloud, told by their environment.
fn processes(function: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let marker = format!("AWS_LAMBDA_FUNCTION_NAME=romashka-{function}-");
    let endpoint = format!("AWS_ENDPOINT_URL={}", cloud().endpoint());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        let environment = String::from_utf8_lossy(&environment);
        let mut variables = environment.split('\0');
        if environment.contains(&endpoint) && variables.any(|variable| variable.starts_with(&marker)) {
            found.push(pid);
        }
    }
    found
}

fn kill(pid: u32) -> bool {
    Command::new("kill").args(["-9", &pid.to_string()]).status().is_ok_and(|status| status.success())
}

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
            killed += processes("TrainingWork").into_iter().take(1).filter(|pid| kill(*pid)).count();
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
    assert!(processes("TrainingFit").into_iter().any(kill));
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
    assert!(processes("UploadsIngest").into_iter().any(kill));
    let upload = ended_within(&tenant, &path, Duration::from_secs(300));
    assert_eq!((&upload["state"], &upload["rows"]["accepted"]), (&json!("ready"), &json!(180_000)));
}
