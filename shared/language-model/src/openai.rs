//! OpenAI's chat completions, as many servers speak them: vLLM, Ollama, llama.cpp, Azure, gateways.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde::{Deserialize, Serialize};

use crate::error::{Failure, ModelError};
use crate::key::{KeySource, Remembered};
use crate::settings::{KEY_SECRET, MODEL, URL};
use crate::{Completion, MAX_ANSWER_BYTES, Prompt, StopReason, pacing};

/// How much of a refusal is read to learn its code, in bytes.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

/// One model of one endpoint.
pub(crate) struct OpenAi {
    client: Client,
    url: Url,
    model: String,
    key: Option<Remembered>,
    dialect: Dialect,
}

/// How this model differs from what most understand. Newer models of OpenAI refuse `max_tokens` for
/// `max_completion_tokens`, which older servers do not know, and some refuse a temperature. None tells before it is
/// asked, so it is learned from the first refusal.
#[derive(Default)]
struct Dialect {
    says_completion_tokens: AtomicBool,
    has_no_temperature: AtomicBool,
}

impl Dialect {
    /// Learns from a refusal that names a parameter; `false` where there is nothing new in it.
    fn learn(&self, parameter: Option<&str>) -> bool {
        match parameter {
            Some("max_tokens") => !self.says_completion_tokens.swap(true, Ordering::Relaxed),
            Some("temperature") => !self.has_no_temperature.swap(true, Ordering::Relaxed),
            _ => false,
        }
    }
}

impl OpenAi {
    pub fn new(model: String, base_url: &str, key: Option<Arc<dyn KeySource>>) -> Result<Self, ModelError> {
        let (url, is_loopback) = address(base_url)?;
        let client = Client::builder().redirect(Policy::none()).connect_timeout(Duration::from_secs(3));
        // A proxy would be sent in the clear what was meant not to leave the machine.
        let client = if is_loopback { client.no_proxy() } else { client.https_only(true) };
        let client = client.build().map_err(|_| misconfigured(URL, "cannot be reached; no TLS is to be had here"))?;
        Ok(Self { client, url, model, key: key.map(Remembered::new), dialect: Dialect::default() })
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    pub async fn ask(&self, prompt: &Prompt) -> Result<Completion, Failure> {
        let authorization = self.authorization().await?;
        loop {
            let response = self.send(prompt, authorization.clone()).await?;
            if response.status().is_success() {
                return Ok(read(&bounded(response, MAX_ANSWER_BYTES).await?)?);
            }
            let status = response.status().as_u16();
            let retry_after = retry_after(response.headers());
            if status == 401
                && let Some(key) = &self.key
            {
                key.forget().await;
            }
            let refusal = bounded(response, MAX_REFUSAL_BYTES).await.unwrap_or_default();
            let refusal = serde_json::from_slice::<Refusal>(&refusal).unwrap_or_default().error;
            if status == 400 && self.dialect.learn(refusal.param.as_deref()) {
                continue;
            }
            return Err(failure(status, refusal.code.as_ref().and_then(|code| code.as_str()), retry_after));
        }
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, ModelError> {
        let Some(key) = &self.key else { return Ok(None) };
        let key = key.key().await?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| misconfigured(KEY_SECRET, "names a secret with signs that no key has; store the key alone"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn send(&self, prompt: &Prompt, authorization: Option<HeaderValue>) -> Result<Response, Failure> {
        let limit = Some(prompt.max_output_tokens);
        let says_completion_tokens = self.dialect.says_completion_tokens.load(Ordering::Relaxed);
        let (max_tokens, max_completion_tokens) = if says_completion_tokens { (None, limit) } else { (limit, None) };
        let system = (!prompt.system.is_empty()).then_some(Turn { role: "system", content: &prompt.system });
        let request = Request {
            model: &self.model,
            messages: system.into_iter().chain([Turn { role: "user", content: &prompt.user }]).collect(),
            max_tokens,
            max_completion_tokens,
            temperature: prompt.temperature.filter(|_| !self.dialect.has_no_temperature.load(Ordering::Relaxed)),
            stream: false,
        };
        let mut headers = HeaderMap::new();
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        let sent = self.client.post(self.url.clone()).headers(headers).json(&request).send().await;
        sent.map_err(|error| {
            if error.is_connect() { Failure::unreached() } else { ModelError::Unavailable { status: None }.into() }
        })
    }
}

/// The address to post to, and whether it is this machine's own.
fn address(base_url: &str) -> Result<(Url, bool), ModelError> {
    let mut url = Url::parse(base_url).map_err(|_| misconfigured(URL, "is no address; write one with its scheme"))?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(misconfigured(URL, "is not https; only a model on this machine is asked without TLS")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(misconfigured(URL, "holds a password; keep the key in a secret and name that"));
    }
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["chat", "completions"]);
    }
    Ok((url, is_loopback))
}

fn misconfigured(setting: &'static str, why: &'static str) -> ModelError {
    ModelError::Misconfigured { setting, why }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    pacing::retry_after(header(RETRY_AFTER), header(DATE))
}

/// The body, if it is no longer than this.
async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| ModelError::Unavailable { status: None })? {
        if body.len() + piece.len() > limit {
            return Err(ModelError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn failure(status: u16, code: Option<&str>, retry_after: Option<Duration>) -> Failure {
    match (status, code) {
        (300..=399, _) => misconfigured(URL, "leads to an endpoint that redirects; name where it redirects to").into(),
        // What is used up stays used up until somebody pays.
        (429, Some("insufficient_quota")) => ModelError::Refused { status }.into(),
        (400 | 413, Some("context_length_exceeded")) => ModelError::PromptTooLong.into(),
        (400, Some("content_filter")) => ModelError::Filtered.into(),
        (404, Some("model_not_found")) => misconfigured(MODEL, "names a model that the endpoint does not have").into(),
        _ => Failure::of_status(
            status,
            retry_after,
            misconfigured(URL, "leads to nothing that answers chat completions, or the endpoint lacks the model"),
        ),
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    stream: bool,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Reason,
}

#[derive(Default, Deserialize)]
struct Reason {
    /// A word with OpenAI; others give a number or leave it out.
    code: Option<serde_json::Value>,
    param: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

fn read(body: &[u8]) -> Result<Completion, ModelError> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| ModelError::Malformed("is no chat completion; check the endpoint's address"))?;
    let choice = answer.choices.into_iter().next().ok_or(ModelError::Malformed("holds no message"))?;
    let stop = match choice.finish_reason.as_deref() {
        Some("stop") => StopReason::End,
        Some("length") => StopReason::Length,
        Some("content_filter") => return Err(ModelError::Filtered),
        Some("tool_calls" | "function_call") => return Err(ModelError::Malformed("calls a tool, and has none")),
        _ => StopReason::Other,
    };
    if choice.message.refusal.is_some_and(|refusal| !refusal.is_empty()) {
        return Err(ModelError::Filtered);
    }
    let text = choice.message.content.unwrap_or_default();
    if text.trim().is_empty() && stop != StopReason::Length {
        return Err(ModelError::Malformed("holds no text"));
    }
    let (input_tokens, output_tokens) =
        answer.usage.map_or((None, None), |usage| (usage.prompt_tokens, usage.completion_tokens));
    Ok(Completion { text, input_tokens, output_tokens, stop })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_appended_to_the_base_and_a_query_is_kept() {
        for (base, expected) in [
            ("https://models.example/v1", "https://models.example/v1/chat/completions"),
            ("https://models.example/v1/", "https://models.example/v1/chat/completions"),
            ("https://models.example", "https://models.example/chat/completions"),
            ("http://127.0.0.1:8000/v1#x", "http://127.0.0.1:8000/v1/chat/completions"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
            (
                "https://a.example/openai/deployments/d?api-version=2024-10-21",
                "https://a.example/openai/deployments/d/chat/completions?api-version=2024-10-21",
            ),
        ] {
            assert_eq!(address(base).unwrap().0.as_str(), expected);
        }
    }

    #[test]
    fn without_tls_only_this_machine_is_asked() {
        for wrong in [
            "http://models.example/v1",
            "http://127.0.0.1.example/v1",
            "http://localhost.example/v1",
            "http://10.0.0.1/v1",
            "http://0.0.0.0/v1",
            "ftp://localhost/v1",
            "file:///etc/passwd",
            "localhost:8000/v1",
            "models.example",
            "",
            "https://user:secret@models.example/v1",
        ] {
            let refused = address(wrong).unwrap_err();
            assert!(matches!(refused, ModelError::Misconfigured { setting: URL, .. }), "{wrong}");
            assert!(!refused.to_string().contains("secret@"));
        }
        assert!(address("http://localhost:11434/v1").unwrap().1);
        assert!(!address("https://models.example/v1").unwrap().1);
    }
}
