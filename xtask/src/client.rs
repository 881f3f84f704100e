//! The HTTP API, as a tenant's program would call it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The API, without a token.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

/// The API, with one.
#[derive(Clone, Debug)]
pub struct Tenant {
    api: Api,
    token: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body: a text where it is not JSON, `null` where there is none.
    pub body: Value,
}

/// A request in the making.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    api: &'a Api,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Api {
    /// The API at this address.
    pub fn new(base: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections_per_host(32)
            .build();
        Self { base, agent: config.into() }
    }

    /// The address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same API with a token.
    pub fn with_token(&self, token: String) -> Tenant {
        Tenant { api: self.clone(), token }
    }

    /// A request without a token.
    pub fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        Call { api: self, method, path: path.to_owned(), headers: Vec::new(), body: None }
    }

    /// Sends bytes to a presigned address, as the answer to `POST /v1/uploads` says.
    pub fn send_file(&self, send: &Value, bytes: &[u8]) -> Result<u16> {
        let url = send["url"].as_str().context("the answer has no address to send to")?;
        let mut request = self.agent.put(url);
        for (name, value) in send["headers"].as_object().into_iter().flatten() {
            if name != "host" && name != "content-length" {
                request = request.header(name, value.as_str().unwrap_or_default());
            }
        }
        Ok(request.send(bytes)?.status().as_u16())
    }
}

impl Tenant {
    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The API without it.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// A request with the token.
    pub fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        self.api.call(method, path).header("authorization", format!("Bearer {}", self.token))
    }

    /// Gets a resource that must be there.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path).send()?.expect(200)
    }

    /// Posts something that must be taken, and gives back the answer's body.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.call("POST", path).json(body).send()?;
        let status = if answer.status == 201 { 201 } else { 200 };
        answer.expect(status)
    }

    /// Announces a file and sends its bytes; the upload's id.
    pub fn upload(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<String> {
        let created = self.post("/v1/uploads", &announcement(name, kind, bytes))?;
        let id = text(&created["upload"], "id")?;
        if created["send"].is_null() {
            self.send_parts(&id, bytes)?;
            return Ok(id);
        }
        let status = self.api.send_file(&created["send"], bytes)?;
        if status != 200 {
            bail!("the store refused the file ({status})");
        }
        Ok(id)
    }

    /// Sends the parts of a file that have not come yet, and says when all have.
    pub fn send_parts(&self, id: &str, bytes: &[u8]) -> Result<()> {
        let there = self.get(&format!("/v1/uploads/{id}/parts"))?;
        let part_bytes = there["part_bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
        let received = there["received"].as_array().into_iter().flatten().map(|part| part["number"].clone());
        let received: Vec<Value> = received.collect();
        for (number, part) in (1..).zip(bytes.chunks(part_bytes.context("parts have no size")?)) {
            if !received.contains(&json!(number)) {
                self.send_part(id, number, part)?;
            }
        }
        self.post(&format!("/v1/uploads/{id}/complete"), &json!({}))?;
        Ok(())
    }

    /// Sends one part of a file.
    pub fn send_part(&self, id: &str, number: u32, part: &[u8]) -> Result<()> {
        let checksum = STANDARD.encode(Sha256::digest(part));
        let asked = json!({ "parts": [{ "number": number, "checksum_sha256": checksum }] });
        let signed = self.post(&format!("/v1/uploads/{id}/parts"), &asked)?;
        let status = self.api.send_file(&signed["parts"][0]["send"], part)?;
        if status != 200 {
            bail!("the store refused part {number} ({status})");
        }
        Ok(())
    }

    /// Reads a resource until `done` says so.
    pub fn poll(&self, path: &str, patience: Duration, done: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = Instant::now();
        loop {
            let resource = self.get(path)?;
            if done(&resource) {
                return Ok(resource);
            }
            if started.elapsed() > patience {
                bail!("{path} did not get there within {} s; it is {}", patience.as_secs(), resource["state"]);
            }
            sleep(Duration::from_millis(100));
        }
    }
}

impl Call<'_> {
    /// With this header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    /// With these bytes, said to be JSON.
    pub fn bytes(self, body: Vec<u8>) -> Self {
        self.file("application/json", body)
    }

    /// With these bytes, said to be of this type.
    pub fn file(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", kind)
    }

    /// Sends it.
    pub fn send(self) -> Result<Answer> {
        let mut builder =
            ureq::http::Request::builder().method(self.method).uri(format!("{}{}", self.api.base, self.path));
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let mut response = self.api.agent.run(builder.body(self.body.unwrap_or_default())?)?;
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let body = response.body_mut().with_config().limit(32 << 20).read_to_string()?;
        let body =
            if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap_or(Value::String(body)) };
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The body, if the status is this one.
    pub fn expect(self, status: u16) -> Result<Value> {
        if self.status != status {
            bail!("the API answered {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

/// What `POST /v1/uploads` wants to know of a file.
pub fn announcement(name: &str, kind: &str, bytes: &[u8]) -> Value {
    let checksum = STANDARD.encode(Sha256::digest(bytes));
    json!({ "name": name, "kind": kind, "size_bytes": bytes.len(), "checksum_sha256": checksum })
}

/// A text field that must be there.
pub fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}: {value}"))
}
