//! What tests have in common: the cloud, tenants, invented words.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use xtask::check::test_cloud;
use xtask::client::{Tenant, text};
use xtask::cloud::Cloud;

/// How long anything may take that needs no second delivery.
pub const PATIENCE: Duration = Duration::from_secs(180);

static CLOUD: LazyLock<Cloud> = LazyLock::new(|| test_cloud().unwrap());
static TENANTS: AtomicU32 = AtomicU32::new(0);

/// The cloud that `cargo xtask test` started.
pub fn cloud() -> &'static Cloud {
    &CLOUD
}

/// The time of now, as tokens and the table have it.
pub fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A tenant that nothing else uses, seen by its admin.
pub fn tenant() -> Tenant {
    let name = format!("t{}-{}", std::process::id(), TENANTS.fetch_add(1, Ordering::Relaxed));
    cloud().tenant(&name, "admin").unwrap()
}

/// A file of labelled questions: `rows` for each of three intents, no two alike.
pub fn questions(rows: usize) -> Vec<u8> {
    let mut file = "text,intent\n".to_owned();
    for row in 0..rows {
        file.push_str(&format!("where is my parcel number {row} it is late,order_status\n"));
        file.push_str(&format!("please send my money back for invoice {row},refund\n"));
        file.push_str(&format!("how do I reset password {row} of my account,login\n"));
    }
    file.into_bytes()
}

/// Uploads labelled questions and waits until they are read.
pub fn upload(tenant: &Tenant, file: &[u8]) -> String {
    let id = tenant.upload("questions.csv", "utterances", file).unwrap();
    let upload = ended(tenant, &format!("/v1/uploads/{id}"));
    assert!(upload["error"].is_null(), "{upload}");
    id
}

/// A file of conversations in which agents announce so many parcels, each with a number and a day of its own.
pub fn replies(rows: usize) -> Vec<u8> {
    let mut file = "conversation_id,role,text\n".to_owned();
    for row in 0..rows {
        let (number, day) = (row * 37 + 1_204, row % 28 + 1);
        file.push_str(&format!("c{row},customer,where is my parcel number {row} please\n"));
        file.push_str(&format!(
            "c{row},agent,\"Thank you for waiting! Your order AB-{number} has left our house and arrives on 2026-05-{day:02}.\"\n"
        ));
    }
    file.into_bytes()
}

/// Uploads conversations and waits until they are read.
pub fn upload_conversations(tenant: &Tenant, file: &[u8]) -> String {
    let id = tenant.upload("conversations.csv", "conversations", file).unwrap();
    let upload = ended(tenant, &format!("/v1/uploads/{id}"));
    assert!(upload["error"].is_null(), "{upload}");
    id
}

/// Waits for an upload, a session or a mining to end.
pub fn ended(tenant: &Tenant, path: &str) -> Value {
    ended_within(tenant, path, PATIENCE)
}

/// Waits for an upload or a session to end, for longer where messages must come back first.
pub fn ended_within(tenant: &Tenant, path: &str, patience: Duration) -> Value {
    let finals = ["ready", "completed_with_errors", "failed", "completed", "cancelled"];
    tenant.poll(path, patience, |it| finals.contains(&it["state"].as_str().unwrap_or_default())).unwrap()
}

/// Starts a session on these uploads.
pub fn start(tenant: &Tenant, uploads: &[&str]) -> String {
    text(&tenant.post("/v1/training-sessions", &json!({ "upload_ids": uploads })).unwrap(), "id").unwrap()
}

/// Trains on these uploads and gives the model version.
pub fn train(tenant: &Tenant, uploads: &[&str]) -> Value {
    let session = ended(tenant, &format!("/v1/training-sessions/{}", start(tenant, uploads)));
    assert_eq!(session["state"], "completed", "{session}");
    model_of(tenant, &session)
}

/// The model version that a completed session made.
pub fn model_of(tenant: &Tenant, session: &Value) -> Value {
    tenant.get(&format!("/v1/models/{}", text(session, "model_id").unwrap())).unwrap()
}

/// The states that an upload or a session has entered, in order.
pub fn states(resource: &Value) -> Vec<String> {
    let transitions = resource["transitions"].as_array().unwrap();
    transitions.iter().map(|transition| transition["state"].as_str().unwrap().to_owned()).collect()
}

/// The name of a test's tenant, as its token has it.
pub fn name_of(tenant: &Tenant) -> String {
    let claims = tenant.token().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    text(&claims, "tenant_id").unwrap()
}

/// What S3 says when a version of an upload's file has come; `null` is whichever is there.
pub fn s3_event(tenant: &Tenant, upload: &str, version: &str) -> String {
    let key = format!("raw/{}/{upload}", name_of(tenant));
    let record = json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": {}, "requestParameters": {}, "responseElements": {},
        "s3": { "bucket": {}, "object": { "key": key, "size": 1, "sequencer": "00", "versionId": version } },
    }]});
    record.to_string()
}
