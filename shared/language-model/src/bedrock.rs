//! Amazon Bedrock's Converse operation: the same request for every vendor's model there.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::types;
use aws_sdk_bedrockruntime::{Client, config::http::HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::{LengthLimitError, Limited};

use crate::error::{Failure, ModelError};
use crate::settings::MODEL;
use crate::{Completion, MAX_ANSWER_BYTES, Prompt, StopReason, pacing};

/// One model of Bedrock.
pub(crate) struct Bedrock {
    client: Client,
    model_id: String,
}

impl Bedrock {
    pub fn new(model_id: String, sdk: &SdkConfig, deadline: Duration) -> Result<Self, ModelError> {
        if sdk.region().is_none() {
            return Err(ModelError::Misconfigured {
                setting: "AWS_REGION",
                why: "is missing; name the region whose Bedrock has the model",
            });
        }
        // A model thinks for longer than what other services are given, and repeating is the caller's.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_timeout(deadline)
            .disable_operation_attempt_timeout()
            .disable_read_timeout()
            .build();
        let config = aws_sdk_bedrockruntime::config::Builder::from(sdk)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .interceptor(BoundedAnswer)
            .build();
        Ok(Self { client: Client::from_conf(config), model_id })
    }

    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    pub async fn ask(&self, prompt: &Prompt) -> Result<Completion, Failure> {
        let question = types::Message::builder()
            .role(types::ConversationRole::User)
            .content(types::ContentBlock::Text(prompt.user.clone()))
            .build()
            .map_err(|_| ModelError::BadPrompt("the prompt cannot be put into a message"))?;
        let inference = types::InferenceConfiguration::builder()
            .max_tokens(i32::try_from(prompt.max_output_tokens).unwrap_or(i32::MAX))
            .set_temperature(prompt.temperature)
            .build();
        let system = (!prompt.system.is_empty()).then(|| vec![types::SystemContentBlock::Text(prompt.system.clone())]);
        let answered = self
            .client
            .converse()
            .model_id(&self.model_id)
            .set_system(system)
            .messages(question)
            .inference_config(inference)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        Ok(read(answered)?)
    }
}

/// Counts an answer's bytes while they come, which the SDK does not.
#[derive(Debug)]
struct BoundedAnswer;

impl Intercept for BoundedAnswer {
    fn name(&self) -> &'static str {
        "BoundedAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().take_body();
        *context.response_mut().body_mut() = SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER_BYTES));
        Ok(())
    }
}

fn failure(error: &SdkError<ConverseError, HttpResponse>) -> Failure {
    match error {
        SdkError::ServiceError(refused) => refusal(refused.err(), refused.raw()),
        SdkError::TimeoutError(_) => ModelError::TimedOut.into(),
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() || dispatch.is_timeout() => Failure::unreached(),
        SdkError::ResponseError(_) if is_over_length(error) => ModelError::TooLong.into(),
        SdkError::ResponseError(answer) => of_status(answer.raw().status().as_u16(), None),
        _ => ModelError::Misconfigured {
            setting: MODEL,
            why: "names a model of Bedrock, but there are no credentials to ask it with; give the function a role",
        }
        .into(),
    }
}

fn refusal(error: &ConverseError, answer: &HttpResponse) -> Failure {
    let header = |name| answer.headers().get(name);
    let retry_after = pacing::retry_after(header("retry-after"), header("date"));
    // The one case that Bedrock tells by nothing but its wording.
    let is_too_long = error.is_validation_exception()
        && error.message().is_some_and(|told| told.to_ascii_lowercase().contains("too long"));
    if is_too_long {
        return ModelError::PromptTooLong.into();
    }
    // Some failures of the service carry the status of a wrong request.
    let status = match error.code() {
        Some("ThrottlingException" | "ModelNotReadyException" | "TooManyRequestsException") => 429,
        Some("AccessDeniedException") => 403,
        Some("ModelTimeoutException") => 408,
        Some("ResourceNotFoundException") => 404,
        Some("ModelErrorException") => {
            return ModelError::Unavailable { status: Some(answer.status().as_u16()) }.into();
        }
        _ => answer.status().as_u16(),
    };
    of_status(status, retry_after)
}

fn of_status(status: u16, retry_after: Option<Duration>) -> Failure {
    if (200..=299).contains(&status) {
        return ModelError::Malformed("is no answer of Bedrock; check the endpoint's address").into();
    }
    let unknown_model = ModelError::Misconfigured {
        setting: MODEL,
        why: "names a model that Bedrock does not have in this region; check its id, or use an inference profile's",
    };
    Failure::of_status(status, retry_after, unknown_model)
}

fn is_over_length(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

fn read(answered: ConverseOutput) -> Result<Completion, ModelError> {
    use types::StopReason as Stop;
    let stop = match answered.stop_reason() {
        Stop::EndTurn | Stop::StopSequence => StopReason::End,
        Stop::MaxTokens | Stop::ModelContextWindowExceeded => StopReason::Length,
        Stop::ContentFiltered | Stop::GuardrailIntervened => return Err(ModelError::Filtered),
        Stop::ToolUse | Stop::MalformedToolUse => return Err(ModelError::Malformed("calls a tool, and has none")),
        Stop::MalformedModelOutput => return Err(ModelError::Malformed("is one that its model got wrong")),
        _ => StopReason::Other,
    };
    let tokens = |count: i32| u32::try_from(count).ok();
    let (input_tokens, output_tokens) = match answered.usage() {
        Some(usage) => (tokens(usage.input_tokens()), tokens(usage.output_tokens())),
        None => (None, None),
    };
    let Some(types::ConverseOutput::Message(message)) = answered.output else {
        return Err(ModelError::Malformed("holds no message"));
    };
    let mut text = String::new();
    for block in message.content {
        match block {
            types::ContentBlock::Text(part) => text.push_str(&part),
            types::ContentBlock::ToolUse(_) => return Err(ModelError::Malformed("calls a tool, and has none")),
            _ => {}
        }
    }
    if text.trim().is_empty() && stop != StopReason::Length {
        return Err(ModelError::Malformed("holds no text"));
    }
    Ok(Completion { text, input_tokens, output_tokens, stop })
}
