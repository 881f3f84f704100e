//! Frames to open sockets, through API Gateway.

use aws_sdk_apigatewaymanagement::error::SdkError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use romashka_domain::ConnectionId;

use crate::error::aws;
use crate::{Cloud, Error, setting};

/// The socket side of API Gateway.
pub struct Sockets {
    client: aws_sdk_apigatewaymanagement::Client,
}

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Delivered,
    /// The socket is no more.
    Gone,
}

impl Sockets {
    /// The sockets of this deployment.
    pub fn open(cloud: &Cloud) -> Result<Self, Error> {
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(&cloud.sdk)
            .endpoint_url(setting("SOCKET_MANAGEMENT_URL")?)
            .build();
        Ok(Self { client: aws_sdk_apigatewaymanagement::Client::from_conf(config) })
    }

    /// Sends one frame.
    pub async fn send(&self, connection: &ConnectionId, frame: &str) -> Result<Sent, Error> {
        let posted = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(frame.as_bytes()))
            .send()
            .await;
        match posted {
            Ok(_) => Ok(Sent::Delivered),
            Err(SdkError::ServiceError(refusal)) if refusal.err().is_gone_exception() => Ok(Sent::Gone),
            Err(error) => Err(aws("execute-api:PostToConnection")(error)),
        }
    }
}
