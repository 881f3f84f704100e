//! Live updates, as a tenant's program would follow them: it may be cut off at any moment and goes on where it was.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::client::{Tenant, text};

/// How long a read may take before the caller gets a chance to look at something else.
const READ_TIMEOUT: Duration = Duration::from_millis(250);

/// An open socket.
pub struct Socket {
    inner: WebSocket<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket with a fresh ticket.
    pub fn open(tenant: &Tenant) -> Result<Self> {
        let ticket = tenant.post("/v1/realtime/tickets", &json!({}))?;
        Self::connect(&text(&ticket, "url")?)
    }

    /// Opens a socket at this address.
    pub fn connect(url: &str) -> Result<Self> {
        let (inner, _) = tungstenite::connect(url)?;
        if let MaybeTlsStream::Plain(stream) = inner.get_ref() {
            stream.set_read_timeout(Some(READ_TIMEOUT))?;
        }
        Ok(Self { inner })
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.inner.send(Message::text(message.to_string()))?)
    }

    /// Sends any text.
    pub fn send_text(&mut self, text: &str) -> Result<()> {
        Ok(self.inner.send(Message::text(text))?)
    }

    /// The next frame, or `None` where none came for a moment.
    pub fn poll(&mut self) -> Result<Option<Value>> {
        match self.inner.read() {
            Ok(Message::Text(text)) => Ok(Some(serde_json::from_str(&text)?)),
            Ok(_) => Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The next frame, which must come in time.
    pub fn await_frame(&mut self, patience: Duration) -> Result<Value> {
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(frame) = self.poll()? {
                return Ok(frame);
            }
        }
        bail!("no frame came within {} s", patience.as_secs())
    }
}

/// Follows one topic to its end, over as many sockets as it takes.
pub struct Feed<'a> {
    tenant: &'a Tenant,
    topic: String,
    socket: Option<Socket>,
    /// The highest `seq` seen; what comes at or below it was seen already.
    seen: u64,
}

/// What a frame newly says.
#[derive(Clone, Debug)]
pub struct Update {
    /// The resource as it is now.
    pub resource: Value,
    /// The states it entered since the last update, in order.
    pub entered: Vec<String>,
    /// When the frame was sent.
    pub sent_at: String,
}

impl<'a> Feed<'a> {
    /// A feed of a topic that has seen nothing yet.
    pub fn new(tenant: &'a Tenant, topic: &str) -> Self {
        Self { tenant, topic: topic.to_owned(), socket: None, seen: 0 }
    }

    /// Cuts the connection, as a bad network would.
    pub fn drop_connection(&mut self) {
        self.socket = None;
    }

    /// The next update, connecting anew where the connection was lost; `None` where nothing came for a moment.
    pub fn poll(&mut self) -> Result<Option<Update>> {
        let frame = match self.socket()?.poll() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(_) => {
                self.socket = None;
                return Ok(None);
            }
        };
        match frame["type"].as_str() {
            Some("snapshot" | "change") if frame["topic"] == self.topic.as_str() => Ok(self.apply(&frame)),
            Some("error") => bail!("the feed of {} says {}: {}", self.topic, frame["code"], frame["detail"]),
            _ => Ok(None),
        }
    }

    fn apply(&mut self, frame: &Value) -> Option<Update> {
        let seq = frame["seq"].as_u64()?;
        if seq <= self.seen {
            return None;
        }
        let entered = frame["transitions"].as_array().into_iter().flatten();
        let entered = entered.filter(|transition| transition["seq"].as_u64() > Some(self.seen));
        let entered = entered.filter_map(|transition| transition["state"].as_str().map(str::to_owned)).collect();
        self.seen = seq;
        let sent_at = frame["sent_at"].as_str().unwrap_or_default().to_owned();
        Some(Update { resource: frame["resource"].clone(), entered, sent_at })
    }

    fn socket(&mut self) -> Result<&mut Socket> {
        if self.socket.is_none() {
            let mut socket = Socket::open(self.tenant)?;
            socket.send(&json!({ "action": "subscribe", "topic": self.topic, "after": self.seen }))?;
            self.socket = Some(socket);
        }
        self.socket.as_mut().context("no socket")
    }
}
