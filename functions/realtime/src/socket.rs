//! A message of a socket, as its handlers see it.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use romashka_domain::feed::Topic;
use romashka_domain::{ConnectionId, Identity, Permission};
use romashka_http::Verdict;
use romashka_store::{Cloud, TenantStore};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::frame;

/// The longest message that is read, in bytes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;

/// A socket whose owner is known.
pub struct Socket {
    /// Which.
    pub id: ConnectionId,
    /// Whose.
    pub identity: Identity,
    /// The data of the owner's tenant.
    pub store: TenantStore,
    body: String,
}

/// What a client asks about a topic.
#[derive(Deserialize)]
struct TopicMessage {
    topic: String,
    #[serde(default)]
    after: u64,
}

/// A topic and the last `seq` of it that the client has seen.
pub struct Asked {
    /// The topic.
    pub topic: Topic,
    /// 0 where it has seen nothing.
    pub after: u64,
}

impl Socket {
    /// The socket that sent this event; `None` where the authorizer did not let it in or its role may not listen.
    pub fn of(cloud: &Cloud, request: ApiGatewayWebsocketProxyRequest) -> Option<Self> {
        let Verdict::Known(identity) = Verdict::from_context(&request.request_context.authorizer.fields) else {
            return None;
        };
        if !identity.role.may(Permission::Listen) {
            return None;
        }
        Some(Self {
            id: request.request_context.connection_id?.parse().ok()?,
            store: cloud.tenant(identity.tenant.clone()),
            identity,
            body: request.body.unwrap_or_default(),
        })
    }

    /// The topic that the message is about, or the frame that says what is wrong with it.
    pub fn asked(&self) -> Result<Asked, Value> {
        if self.body.len() > MAX_MESSAGE_BYTES {
            return Err(frame::error("message_too_large", format!("a message has at most {MAX_MESSAGE_BYTES} bytes")));
        }
        let message: TopicMessage = serde_json::from_str(&self.body).map_err(|_| {
            let example = r#"{"action":"subscribe","topic":"training-sessions/<id>","after":0}"#;
            frame::error("invalid_message", format!("send {example}"))
        })?;
        match message.topic.parse() {
            Ok(topic) => Ok(Asked { topic, after: message.after }),
            Err(unknown) => {
                Err(frame::error("unknown_topic", romashka_domain::feed::UnknownTopic::to_string(&unknown)))
            }
        }
    }
}

/// What API Gateway is told: 200 and, where there is one, the frame to send back.
pub fn reply(frame: Option<Value>) -> Value {
    match frame {
        Some(frame) => json!({ "statusCode": 200, "body": frame.to_string() }),
        None => json!({ "statusCode": 200 }),
    }
}

/// What API Gateway is told of a socket that may not be there.
pub fn refuse() -> Value {
    json!({ "statusCode": 403 })
}
