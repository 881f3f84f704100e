//! A server for tests that speaks what this crate asks: OpenAI's chat completions, Bedrock's Converse, and Secrets
//! Manager's `GetSecretValue` for the key.
//!
//! It listens on loopback, answers each connection's one request by a function, and remembers what was asked. Start it
//! in a test with [`Stub::start`], or as a process of its own with the example `stub`. Point at it
//!
//! * `ROMASHKA_LANGUAGE_MODEL=openai:<any name>` with `ROMASHKA_LANGUAGE_MODEL_URL=<its url>/v1`, or
//! * `ROMASHKA_LANGUAGE_MODEL=bedrock:<any id>` with `AWS_ENDPOINT_URL_BEDROCK_RUNTIME=<its url>`, and
//! * for a key, `ROMASHKA_LANGUAGE_MODEL_KEY_SECRET=<any name>` with `AWS_ENDPOINT_URL_SECRETS_MANAGER=<its url>`.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the stub takes at most for a request, in bytes.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// The key in every secret of the stub.
pub const KEY: &str = "stub-key";

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Such as `POST`.
    pub method: String,
    /// The path as it was sent, with its query.
    pub path: String,
    /// Names in lower case, with values, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How the stub replies.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, headers and a body.
    Whole {
        /// The HTTP status.
        status: u16,
        /// Headers beside the body's length and type.
        headers: Vec<(String, String)>,
        /// The body, said to be JSON.
        body: Vec<u8>,
    },
    /// Status 200 and a body without an end, a kilobyte at a time with this pause between.
    Endless {
        /// The pause.
        pause: Duration,
    },
    /// Nothing, until the other side gives up.
    Silence,
}

impl Reply {
    /// A status and JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    /// The same reply with another header, where it has headers.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// What a model is asked, whatever the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The model's id or name.
    pub model: String,
    /// The texts of the system's turns.
    pub system: String,
    /// The text of the user's last turn.
    pub user: String,
}

/// Replies in the protocol of the request with what this function makes of the question; 404 to other requests.
pub fn answering(
    answer: impl Fn(&Asked) -> String + Send + Sync + 'static,
) -> impl Fn(&Received) -> Reply + Send + Sync + 'static {
    move |received| {
        let body = received.json();
        let path = received.path.split('?').next().unwrap_or_default();
        if received.header("x-amz-target") == Some("secretsmanager.GetSecretValue") {
            return Reply::json(200, &json!({ "Name": body["SecretId"], "SecretString": KEY }));
        }
        if path.ends_with("/chat/completions") {
            return chat_completion(&answer(&asked_of_chat(&body)), "stop");
        }
        if let Some(model) = path.strip_prefix("/model/").and_then(|path| path.strip_suffix("/converse")) {
            let model = model.replace("%3A", ":").replace("%2F", "/");
            return converse_output(&answer(&asked_of_converse(model, &body)), "end_turn");
        }
        Reply::json(404, &json!({ "message": "the stub does not know this path" }))
    }
}

/// An answer as OpenAI gives it, with 11 tokens asked and 7 answered.
pub fn chat_completion(text: &str, finish_reason: &str) -> Reply {
    let message = json!({ "role": "assistant", "content": text, "refusal": null });
    Reply::json(
        200,
        &json!({
            "id": "chatcmpl-stub",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "stub",
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 },
        }),
    )
}

/// An answer as Bedrock gives it, with 11 tokens asked and 7 answered.
pub fn converse_output(text: &str, stop_reason: &str) -> Reply {
    Reply::json(
        200,
        &json!({
            "output": { "message": { "role": "assistant", "content": [{ "text": text }] } },
            "stopReason": stop_reason,
            "usage": { "inputTokens": 11, "outputTokens": 7, "totalTokens": 18 },
            "metrics": { "latencyMs": 1 },
        }),
    )
}

/// A failure as Bedrock gives it: the type in a header.
pub fn bedrock_error(status: u16, error_type: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message })).with("x-amzn-errortype", error_type)
}

/// Writes the answer that [`crate::answer::prompt`] asks for: the text of the first source, citing it; `null` where there is
/// none. `None` where the prompt is another one.
pub fn quoting(asked: &Asked) -> Option<String> {
    let mut lines = asked.user.lines().skip_while(|line| !line.starts_with("<source-"));
    let Some(opening) = lines.next() else {
        return asked.user.contains("<question-").then(|| json!({ "answer": null }).to_string());
    };
    let number: usize = opening.split("number=\"").nth(1)?.split('"').next()?.parse().ok()?;
    let text: Vec<&str> = lines.take_while(|line| !line.starts_with("</source-")).collect();
    Some(json!({ "answer": text.join("\n"), "sources": [number] }).to_string())
}

fn asked_of_chat(body: &Value) -> Asked {
    let turns = |role: &str| {
        let turns = body["messages"].as_array().into_iter().flatten().filter(|turn| turn["role"] == role);
        turns.map(|turn| turn["content"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    Asked {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        system: turns("system").join("\n"),
        user: turns("user").pop().unwrap_or_default(),
    }
}

fn asked_of_converse(model: String, body: &Value) -> Asked {
    let texts = |blocks: &Value| {
        let blocks = blocks.as_array().into_iter().flatten();
        blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    };
    let last = body["messages"].as_array().into_iter().flatten().rfind(|turn| turn["role"] == "user");
    let user = last.map(|turn| texts(&turn["content"])).unwrap_or_default();
    Asked { model, system: texts(&body["system"]), user }
}

/// A running stub. Stops when it is dropped.
pub struct Stub {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    serving: JoinHandle<()>,
}

impl Stub {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), reply).await
    }

    /// Listens at this address of loopback.
    ///
    /// # Errors
    /// Where the address is taken or is not loopback.
    pub async fn listen(
        address: SocketAddr,
        reply: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the stub listens on loopback only"));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&received);
        let reply = Arc::new(reply);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, remembered) = (Arc::clone(&reply), Arc::clone(&remembered));
                tokio::spawn(async move {
                    // A side that hangs up in between is what some tests are about.
                    let _ = converse(stream, &*reply, &remembered).await;
                });
            }
        });
        Ok(Self { address, received, serving })
    }

    /// Its address, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far, the earliest first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn converse(
    mut stream: TcpStream,
    reply: &(impl Fn(&Received) -> Reply + Send + Sync),
    remembered: &Mutex<Vec<Received>>,
) -> io::Result<()> {
    let Some(received) = receive(&mut stream).await? else { return Ok(()) };
    let reply = reply(&received);
    remembered.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    match reply {
        Reply::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Stub\r\nconnection: close\r\ncontent-type: application/json\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Reply::Endless { pause } => {
            let head = "HTTP/1.1 200 Stub\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            let piece = format!("400\r\n{}\r\n", " ".repeat(1024));
            loop {
                stream.write_all(piece.as_bytes()).await?;
                tokio::time::sleep(pause).await;
            }
        }
        Reply::Silence => stream.read_to_end(&mut Vec::new()).await.map(|_| ()),
    }
}

/// One request with a body of a told length; `None` where there is none that the stub understands.
async fn receive(stream: &mut TcpStream) -> io::Result<Option<Received>> {
    let mut bytes = Vec::new();
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_REQUEST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
    let mut lines = head.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    let fields = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0_usize);
    let mut body = bytes.split_off(head_ends + 4);
    if length > MAX_REQUEST_BYTES {
        return Ok(None);
    }
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    body.truncate(length);
    Ok(Some(Received { method: method.to_owned(), path: path.to_owned(), headers, body }))
}
