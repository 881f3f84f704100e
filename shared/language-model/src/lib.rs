//! The large language model that drafts and answers, where an operator configured one.
//!
//! Romashka answers without one: what a model adds is wording. So a deployment names its model in the environment
//! ([`settings`]), and where it names none, [`LanguageModel::from_env`] gives `None` and callers go without. Two kinds
//! of endpoint are spoken to: Amazon Bedrock, by its Converse operation, and whatever speaks OpenAI's chat completions
//! (vLLM, Ollama, Azure, gateways of one's own).
//!
//! The crate promises that
//!
//! * **a model's output is only text.** No tools are offered to the model, an answer that calls one is refused, and
//!   nothing here acts on what was answered. [`draft::parse`] reads a draft out of it, [`answer::parse`] an answer,
//!   strictly, and both are pure;
//! * **nothing of prompt, answer or key reaches a log or an error.** `Debug` of all three hides them, errors are made
//!   of constants and numbers, and what the clients of the endpoints log meanwhile is dropped at every level;
//! * **time and memory are bounded**, whatever the endpoint does: one deadline over everything, [`MAX_PROMPT_BYTES`]
//!   out, [`MAX_ANSWER_BYTES`] in, counted while it comes;
//! * **what is sent goes where the operator said.** Redirects are not followed, and without TLS only loopback is
//!   reached.
//!
//! A request is repeated once, and only where nothing was worked out yet: the endpoint was not reached, had too much to
//! do (429) or failed (5xx).
//!
//! ```no_run
//! # async fn draft() -> Result<(), romashka_language_model::ModelError> {
//! use romashka_language_model::{LanguageModel, Prompt};
//!
//! let Some(model) = LanguageModel::from_env().await? else { return Ok(()) };
//! let prompt = Prompt {
//!     system: "You write reply templates.".to_owned(),
//!     user: "One for parcels that are late.".to_owned(),
//!     max_output_tokens: 500,
//!     temperature: Some(0.2),
//! };
//! let completion = model.converse(&prompt).await?;
//! # Ok(())
//! # }
//! ```

pub mod answer;
mod bedrock;
pub mod draft;
mod error;
mod key;
mod openai;
mod pacing;
pub mod settings;
#[cfg(feature = "stub")]
pub mod stub;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use tokio::time::Instant;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

pub use crate::error::ModelError;
pub use crate::key::{KeySource, Secret};
pub use crate::pacing::{Pacing, SystemPacing};
pub use crate::settings::{Price, Provider, Settings};

use crate::bedrock::Bedrock;
use crate::error::Failure;
use crate::openai::OpenAi;

/// How long a prompt may be, in bytes of both its texts together.
pub const MAX_PROMPT_BYTES: usize = 64 * 1024;

/// How long an answer may be as it comes from the endpoint, in bytes.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How many tokens a prompt may ask for.
pub const MAX_OUTPUT_TOKENS: u32 = 8_192;

/// What the model is asked.
#[derive(Clone, PartialEq)]
pub struct Prompt {
    /// What the model is to be; may be empty.
    pub system: String,
    /// What it is asked; not empty.
    pub user: String,
    /// After how many tokens it must stop, 1 to [`MAX_OUTPUT_TOKENS`].
    pub max_output_tokens: u32,
    /// How freely it chooses its words, 0 to 1; `None` leaves it to the model. Some models know no other way.
    pub temperature: Option<f32>,
}

impl Prompt {
    fn check(&self) -> Result<(), ModelError> {
        if self.user.trim().is_empty() {
            return Err(ModelError::BadPrompt("the prompt asks nothing; write what the model is to do"));
        }
        if self.system.len() + self.user.len() > MAX_PROMPT_BYTES {
            return Err(ModelError::PromptTooLong);
        }
        if !(1..=MAX_OUTPUT_TOKENS).contains(&self.max_output_tokens) {
            return Err(ModelError::BadPrompt("the prompt asks for no token or for more than 8192; ask for fewer"));
        }
        if self.temperature.is_some_and(|degree| !(0.0..=1.0).contains(&degree)) {
            return Err(ModelError::BadPrompt("the temperature is not between 0 and 1; choose one that is"));
        }
        Ok(())
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Prompt")
            .field("system_bytes", &self.system.len())
            .field("user_bytes", &self.user.len())
            .field("max_output_tokens", &self.max_output_tokens)
            .field("temperature", &self.temperature)
            .finish()
    }
}

/// What the model answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Completion {
    /// The answer: text that a model made up, and nothing else. Empty only where it stopped at [`StopReason::Length`].
    pub text: String,
    /// How many tokens the prompt was, as the endpoint counts; `None` where it does not tell.
    pub input_tokens: Option<u32>,
    /// How many tokens the answer is, as the endpoint counts, thoughts that it keeps to itself included.
    pub output_tokens: Option<u32>,
    /// Why the answer ends.
    pub stop: StopReason,
}

impl fmt::Debug for Completion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Completion")
            .field("text_bytes", &self.text.len())
            .field("input_tokens", &self.input_tokens)
            .field("output_tokens", &self.output_tokens)
            .field("stop", &self.stop)
            .finish()
    }
}

/// Why an answer ends. That a filter ended it is an error, [`ModelError::Filtered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The model was done.
    End,
    /// It had more to say: it reached the prompt's `max_output_tokens`, or what it can hold.
    Length,
    /// The endpoint gives no reason, or one that is not known here.
    Other,
}

/// A configured language model. Cheap to clone.
#[derive(Clone)]
pub struct LanguageModel {
    endpoint: Arc<Endpoint>,
    pacing: Arc<dyn Pacing>,
    deadline: Duration,
    price: Option<Price>,
}

enum Endpoint {
    Bedrock(Bedrock),
    OpenAi(OpenAi),
}

impl Endpoint {
    async fn ask(&self, prompt: &Prompt) -> Result<Completion, Failure> {
        match self {
            Self::Bedrock(endpoint) => endpoint.ask(prompt).await,
            Self::OpenAi(endpoint) => endpoint.ask(prompt).await,
        }
    }
}

impl LanguageModel {
    /// The model that the environment names, if it names one; see [`settings`].
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`] names the variable that is wrong. Nothing is asked yet, so a key or model that the
    /// endpoint does not know is found by [`Self::converse`].
    pub async fn from_env() -> Result<Option<Self>, ModelError> {
        let Some(settings) = Settings::from_env()? else { return Ok(None) };
        let sdk = match &settings.provider {
            Provider::OpenAi { key_secret: None, .. } => SdkConfig::builder().build(),
            _ => aws_config::defaults(BehaviorVersion::latest()).load().await,
        };
        Self::from_config(settings, &sdk).map(Some)
    }

    /// The model of these settings. Of the SDK's configuration region, credentials and addresses are taken; how long to
    /// wait and how often to try are this crate's own.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`], as for [`Self::from_env`].
    pub fn from_config(settings: Settings, sdk: &SdkConfig) -> Result<Self, ModelError> {
        let Settings { provider, deadline, price } = settings;
        let endpoint = match provider {
            Provider::Bedrock { model_id } => Endpoint::Bedrock(Bedrock::new(model_id, sdk, deadline)?),
            Provider::OpenAi { model, base_url, key_secret } => {
                let key = key_secret.map(|secret| key::secrets_manager(sdk, secret));
                Endpoint::OpenAi(OpenAi::new(model, &base_url, key)?)
            }
        };
        Ok(Self { endpoint: Arc::new(endpoint), pacing: Arc::new(SystemPacing), deadline, price })
    }

    /// The model of an OpenAI-compatible endpoint whose key comes from somewhere else than Secrets Manager.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`] where the address cannot be used.
    pub fn with_key(
        model: String,
        base_url: &str,
        key: Arc<dyn KeySource>,
        deadline: Duration,
    ) -> Result<Self, ModelError> {
        let endpoint = Endpoint::OpenAi(OpenAi::new(model, base_url, Some(key))?);
        Ok(Self { endpoint: Arc::new(endpoint), pacing: Arc::new(SystemPacing), deadline, price: None })
    }

    /// The same model, with the waiting between two attempts done by something else.
    #[must_use]
    pub fn with_pacing(self, pacing: Arc<dyn Pacing>) -> Self {
        Self { pacing, ..self }
    }

    /// The same model with this price of its tokens.
    #[must_use]
    pub fn with_price(self, price: Price) -> Self {
        Self { price: Some(price), ..self }
    }

    /// The model's id or name, as its settings give it.
    pub fn name(&self) -> &str {
        match &*self.endpoint {
            Endpoint::Bedrock(endpoint) => endpoint.model_id(),
            Endpoint::OpenAi(endpoint) => endpoint.model(),
        }
    }

    /// The price of the model's tokens, if the operator states it.
    pub fn price(&self) -> Option<Price> {
        self.price
    }

    /// Asks the model and waits for the whole answer, no longer than the deadline of its settings.
    ///
    /// # Errors
    /// Every [`ModelError`]. Whoever drafts goes on without the model; [`ModelError::is_temporary`] tells whether
    /// asking again later may help.
    pub async fn converse(&self, prompt: &Prompt) -> Result<Completion, ModelError> {
        prompt.check()?;
        // At some levels the clients log whole answers. `Dispatch::none()` would not do: what is first
        // reached under it can stay silent for the rest of the process, for the clients of other services too.
        let asked = self.ask_up_to_twice(prompt).with_subscriber(NoSubscriber::default());
        tokio::time::timeout(self.deadline, asked).await.unwrap_or(Err(ModelError::TimedOut))
    }

    async fn ask_up_to_twice(&self, prompt: &Prompt) -> Result<Completion, ModelError> {
        let started = Instant::now();
        let failure = match self.endpoint.ask(prompt).await {
            Ok(completion) => return Ok(completion),
            Err(failure) => failure,
        };
        if !failure.may_repeat {
            return Err(failure.error);
        }
        let pause = pacing::pause(failure.retry_after, self.pacing.fraction());
        if pause >= self.deadline.saturating_sub(started.elapsed()) {
            return Err(failure.error);
        }
        self.pacing.sleep(pause).await;
        self.endpoint.ask(prompt).await.map_err(|failure| failure.error)
    }
}

impl fmt::Debug for LanguageModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match &*self.endpoint {
            Endpoint::Bedrock(_) => "bedrock",
            Endpoint::OpenAi(_) => "openai",
        };
        formatter
            .debug_struct("LanguageModel")
            .field("protocol", &protocol)
            .field("model", &self.name())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
