//! The endpoint's key: fetched from where it is kept, remembered for a while, shown nowhere.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use crate::error::ModelError;
use crate::settings::KEY_SECRET;

/// After this long the key is fetched again, so that a new one is found.
const KEY_FOR: Duration = Duration::from_secs(300);

/// A key. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// This key, without the spaces and line ends around it.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

/// Where a key comes from. Asked at most every five minutes while the endpoint takes the key.
pub trait KeySource: Send + Sync {
    /// The key as it is now.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`], or what is temporary.
    fn key(&self) -> BoxFuture<'_, Result<Secret, ModelError>>;
}

/// A key that never changes.
impl KeySource for Secret {
    fn key(&self) -> BoxFuture<'_, Result<Secret, ModelError>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

/// A secret of AWS Secrets Manager, by ARN or name: the key itself, or a JSON object with the key as its only member,
/// as the console of AWS makes it.
pub(crate) fn secrets_manager(sdk: &SdkConfig, secret: String) -> Arc<dyn KeySource> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .build();
    let config = aws_sdk_secretsmanager::config::Builder::from(sdk)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .build();
    Arc::new(SecretsManager { client: Client::from_conf(config), secret })
}

struct SecretsManager {
    client: Client,
    secret: String,
}

impl KeySource for SecretsManager {
    fn key(&self) -> BoxFuture<'_, Result<Secret, ModelError>> {
        Box::pin(async {
            let asked = self.client.get_secret_value().secret_id(&self.secret).send().await;
            let secret = asked.map_err(|error| {
                let status = error.raw_response().map(|response| response.status().as_u16());
                match status {
                    Some(429) => ModelError::Throttled { retry_after: None },
                    // Secrets Manager says by status 400 that it must not or cannot give it.
                    Some(400..=499) => misconfigured(
                        "names a secret that Secrets Manager does not give; check its ARN and the permission for \
                         secretsmanager:GetSecretValue",
                    ),
                    _ => ModelError::Unavailable { status },
                }
            })?;
            secret.secret_string().and_then(read).ok_or_else(|| {
                misconfigured("names a secret that is no key; store the key alone, or as the only member of an object")
            })
        })
    }
}

fn misconfigured(why: &'static str) -> ModelError {
    ModelError::Misconfigured { setting: KEY_SECRET, why }
}

fn read(secret: &str) -> Option<Secret> {
    let secret = secret.trim();
    if !secret.starts_with('{') {
        return (!secret.is_empty()).then(|| Secret::new(secret));
    }
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(secret).ok()?;
    let mut values = members.values();
    let only = values.next()?.as_str().filter(|key| !key.trim().is_empty())?;
    values.next().is_none().then(|| Secret::new(only))
}

/// A key source that is asked seldom.
pub(crate) struct Remembered {
    source: Arc<dyn KeySource>,
    kept: Mutex<Option<(Secret, Instant)>>,
}

impl Remembered {
    pub fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, kept: Mutex::new(None) }
    }

    pub async fn key(&self) -> Result<Secret, ModelError> {
        let mut kept = self.kept.lock().await;
        if let Some((key, fetched)) = kept.as_ref()
            && fetched.elapsed() < KEY_FOR
        {
            return Ok(key.clone());
        }
        let key = self.source.key().await?;
        *kept = Some((key.clone(), Instant::now()));
        Ok(key)
    }

    /// The endpoint did not take the key: the next question asks the source again.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_key_alone_or_the_only_member_of_an_object() {
        let key = |secret: &str| read(secret).map(|key| key.expose().to_owned());
        assert_eq!(key(" sk-1\n").as_deref(), Some("sk-1"));
        assert_eq!(key(r#"{"api_key": "sk-1"}"#).as_deref(), Some("sk-1"));
        for nothing in ["", "  ", "{}", r#"{"a": "1", "b": "2"}"#, r#"{"a": 1}"#, r#"{"a": ""}"#, "{"] {
            assert_eq!(key(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("sk-1")), "Secret(hidden)");
    }
}
