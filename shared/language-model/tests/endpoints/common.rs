//! What the tests of both protocols share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_bedrockruntime::config::{Credentials, SharedCredentialsProvider};
use futures::future::BoxFuture;
use romashka_language_model::stub::{Reply, Stub};
use romashka_language_model::{Pacing, Prompt};

/// What is asked.
pub fn prompt() -> Prompt {
    Prompt {
        system: "You write templates.".to_owned(),
        user: "A template for late parcels?".to_owned(),
        max_output_tokens: 300,
        temperature: Some(0.25),
    }
}

/// Time that does not pass, chance that is always a half.
#[derive(Default)]
pub struct Paced(Mutex<Vec<Duration>>);

impl Paced {
    /// How long was slept, each time.
    pub fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Pacing for Paced {
    fn fraction(&self) -> f64 {
        0.5
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(pause);
        Box::pin(std::future::ready(()))
    }
}

/// A refusal that says nothing but its status.
pub fn refuse(status: u16) -> Reply {
    Reply::Whole { status, headers: Vec::new(), body: b"no".to_vec() }
}

/// A stub that replies once so and from then on otherwise.
pub async fn first_then(first: Reply, then: Reply) -> Stub {
    let was_asked = AtomicBool::new(false);
    let replies = move |_: &_| if was_asked.swap(true, Ordering::Relaxed) { then.clone() } else { first.clone() };
    Stub::start(replies).await.unwrap()
}

/// The secret key that requests are signed with.
pub const SECRET_KEY: &str = "test-secret-key";

/// AWS at this address.
pub fn sdk(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDTEST", SECRET_KEY, None, None, "test");
    let sdk = sdk_without_credentials(url).into_builder();
    sdk.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// AWS at this address, for somebody without credentials.
pub fn sdk_without_credentials(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .build()
}
