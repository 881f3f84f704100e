//! The main job, through the public API: upload → train → watch it live → deploy → ask.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Tenant, text};
use crate::feed::Feed;

/// How long any one step may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A file to learn from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What it holds: `utterances`, `faq`, `conversations` or `knowledge`.
    pub kind: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How long each step took, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seconds {
    /// Announcing and sending the files.
    pub upload: f64,
    /// Reading them.
    pub ingest: f64,
    /// Featurising and fitting.
    pub train: f64,
    /// Measuring and keeping the model.
    pub evaluate: f64,
    /// Deploying it.
    pub deploy: f64,
    /// From the first byte to the deployed model.
    pub total: f64,
}

/// What the job ended with.
#[derive(Debug)]
pub struct Trained {
    /// The uploads, as they ended.
    pub uploads: Vec<Value>,
    /// The session, as it ended.
    pub session: Value,
    /// The model version.
    pub model: Value,
    /// How long it took.
    pub seconds: Seconds,
}

/// Whether to draw progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A live bar on the terminal.
    Progress,
    /// Nothing.
    Nothing,
}

/// How to train, and when to deploy.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Parameters of the training, a JSON object.
    pub parameters: Value,
    /// Whether a model that is not better than the one that answers is deployed too.
    pub deploy: Deploy,
}

/// When a trained model is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deploy {
    /// In any case.
    Always,
    /// Only if the evaluation finds it better than the one that answers.
    IfBetter,
}

impl Default for Plan {
    fn default() -> Self {
        Self { parameters: json!({}), deploy: Deploy::Always }
    }
}

/// Uploads the sources, trains one model on them and deploys it.
pub fn train_and_deploy(tenant: &Tenant, sources: &[Source], plan: &Plan, show: Show) -> Result<Trained> {
    let mut seconds = Seconds::default();
    let begun = Instant::now();
    let mut uploads = Vec::new();
    for source in sources {
        let started = Instant::now();
        let id = tenant.upload(&source.name, &source.kind, &source.bytes)?;
        seconds.upload += started.elapsed().as_secs_f64();
        let started = Instant::now();
        let upload = follow(tenant, &format!("uploads/{id}"), &source.name, show)?;
        seconds.ingest += started.elapsed().as_secs_f64();
        if upload["state"] == "failed" {
            bail!("{} cannot be used: {}", source.name, upload["error"]["message"]);
        }
        uploads.push(upload);
    }
    let started = Instant::now();
    let ids: Vec<_> = uploads.iter().map(|upload| &upload["id"]).collect();
    let if_better = plan.deploy == Deploy::IfBetter;
    let order = json!({ "upload_ids": ids, "parameters": plan.parameters, "auto_deploy": if_better });
    let session = tenant.post("/v1/training-sessions", &order)?;
    let topic = format!("training-sessions/{}", text(&session, "id")?);
    let session = follow(tenant, &topic, "training", show)?;
    let elapsed = started.elapsed().as_secs_f64();
    if session["state"] != "completed" {
        bail!("training ended as {}: {}", session["state"], session["error"]["message"]);
    }
    seconds.evaluate = in_state(&session, "evaluating").min(elapsed);
    seconds.train = elapsed - seconds.evaluate;
    let model_id = text(&session, "model_id")?;
    let model = tenant.get(&format!("/v1/models/{model_id}"))?;
    let started = Instant::now();
    if !if_better {
        tenant.post(&format!("/v1/models/{model_id}/deploy"), &json!({}))?;
    }
    seconds.deploy = started.elapsed().as_secs_f64();
    seconds.total = begun.elapsed().as_secs_f64();
    Ok(Trained { uploads, session, model, seconds })
}

/// Follows an upload or a session by its live feed until it ends.
fn follow(tenant: &Tenant, topic: &str, label: &str, show: Show) -> Result<Value> {
    let bar = bar(label, show);
    let started = Instant::now();
    let mut feed = Feed::new(tenant, topic);
    while started.elapsed() < PATIENCE {
        let Some(update) = feed.poll()? else { continue };
        let state = update.resource["state"].as_str().unwrap_or_default().to_owned();
        bar.set_position((1000.0 * share_done(&update.resource)) as u64);
        bar.set_message(describe(&update.resource));
        if matches!(&*state, "ready" | "completed_with_errors" | "failed" | "completed" | "cancelled") {
            bar.finish();
            return Ok(update.resource);
        }
    }
    bail!("{topic} did not end within {} s", PATIENCE.as_secs())
}

fn bar(label: &str, show: Show) -> ProgressBar {
    let bar = ProgressBar::new(1000).with_prefix(label.to_owned());
    if show == Show::Nothing {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{prefix:>18} {bar:30} {percent:>3} % {elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn share_done(resource: &Value) -> f64 {
    let share = |done: &Value, of: &Value| Some(done.as_f64()? / of.as_f64().filter(|of| *of > 0.0)?);
    resource["progress"].as_f64().or_else(|| share(&resource["bytes_read"], &resource["size_bytes"])).unwrap_or(0.0)
}

fn describe(resource: &Value) -> String {
    let state = resource["state"].as_str().unwrap_or_default();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    if let Some(rows) = resource["rows"].as_object() {
        let (accepted, invalid) = (number(&rows["accepted"]), number(&rows["invalid"]));
        return format!("{state}: {accepted} rows, {invalid} refused");
    }
    let (done, total) = (number(&resource["batches"]["done"]), number(&resource["batches"]["total"]));
    format!("{state}: batch {done} of {total}")
}

/// Seconds that a session spent in a state.
fn in_state(session: &Value, state: &str) -> f64 {
    let transitions = session["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let position = transitions.iter().position(|transition| transition["state"] == state);
    let entered = position.and_then(|index| transitions.get(index)).and_then(|transition| millis(&transition["at"]));
    let left = position.and_then(|index| transitions.get(index + 1)).and_then(|transition| millis(&transition["at"]));
    entered.zip(left).map_or(0.0, |(entered, left)| (left - entered) / 1000.0)
}

/// Milliseconds since midnight of an RFC 3339 time in UTC: enough to subtract two that are minutes apart.
pub fn millis(time: &Value) -> Option<f64> {
    let (_, clock) = time.as_str()?.split_once('T')?;
    let mut parts = clock.trim_end_matches('Z').split(':');
    let (hours, minutes): (f64, f64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next()?.parse().ok()?;
    Some(((hours * 60.0 + minutes) * 60.0 + seconds) * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_lasts_until_the_next_one() {
        let session = json!({ "transitions": [
            { "state": "evaluating", "at": "2026-01-01T10:59:59.5Z" },
            { "state": "completed", "at": "2026-01-01T11:00:01Z" },
        ]});
        assert_eq!(in_state(&session, "evaluating"), 1.5);
        assert_eq!(in_state(&session, "completed"), 0.0);
    }
}
