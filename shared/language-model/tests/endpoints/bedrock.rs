//! What comes of Amazon Bedrock.

use std::sync::Arc;
use std::time::Duration;

use romashka_language_model::stub::{Received, Reply, Stub, answering, bedrock_error, converse_output};
use romashka_language_model::{Completion, LanguageModel, ModelError, Prompt, Provider, Settings, StopReason};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::common::{self, Paced, prompt};

const MODEL_ID: &str = "eu.some-vendor.some-model-v1:0";

async fn stub(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Stub {
    Stub::start(reply).await.unwrap()
}

fn settings(seconds: u64) -> Settings {
    let provider = Provider::Bedrock { model_id: MODEL_ID.to_owned() };
    Settings { provider, deadline: Duration::from_secs(seconds), price: None }
}

/// The model of that stub, with a second to answer.
fn model(stub: &Stub) -> (LanguageModel, Arc<Paced>) {
    let model = LanguageModel::from_config(settings(1), &common::sdk(&stub.url())).unwrap();
    let pacing = Arc::new(Paced::default());
    (model.with_pacing(Arc::clone(&pacing) as _), pacing)
}

async fn ask(stub: &Stub) -> Result<Completion, ModelError> {
    model(stub).0.converse(&prompt()).await
}

#[tokio::test]
async fn a_question_is_asked_as_a_conversation_and_answered() {
    let stub = stub(answering(|asked| format!("{} heard: {}", asked.model, asked.user))).await;
    let completion = ask(&stub).await.unwrap();
    assert_eq!(completion.text, format!("{MODEL_ID} heard: A template for late parcels?"));
    assert_eq!((completion.input_tokens, completion.output_tokens), (Some(11), Some(7)));
    assert_eq!(completion.stop, StopReason::End);

    let received = stub.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].method, "POST");
    assert_eq!(received[0].path, "/model/eu.some-vendor.some-model-v1%3A0/converse");
    let expected = json!({
        "system": [{ "text": "You write templates." }],
        "messages": [{ "role": "user", "content": [{ "text": "A template for late parcels?" }] }],
        "inferenceConfig": { "maxTokens": 300, "temperature": 0.25 },
    });
    assert_eq!(received[0].json(), expected);
}

#[tokio::test]
async fn a_question_is_signed_with_the_key_for_the_region_and_bedrock() {
    let stub = stub(answering(|_| "yes".to_owned())).await;
    ask(&stub).await.unwrap();
    let received = &stub.received()[0];
    let authorization = received.header("authorization").unwrap();
    let date = &received.header("x-amz-date").unwrap()[..8];
    let scope = format!("AWS4-HMAC-SHA256 Credential=AKIDTEST/{date}/eu-central-1/bedrock/aws4_request, ");
    assert!(authorization.starts_with(&scope), "{authorization}");
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    assert_eq!(signature, signature_of(received, common::SECRET_KEY));
    assert_ne!(signature, signature_of(received, "another-key"));
}

/// The signature that AWS would work out for this request (Signature Version 4).
fn signature_of(received: &Received, secret_key: &str) -> String {
    let authorization = received.header("authorization").unwrap();
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(name).unwrap();
        rest.split(", ").next().unwrap()
    };
    let signed = part("SignedHeaders=");
    assert!(signed.contains("host") && signed.contains("x-amz-date"), "{signed}");
    let (_, scope) = part("Credential=").split_once('/').unwrap();
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", received.header(name).unwrap())).collect();
    // Every service but S3 encodes the path it was sent once more.
    let path = received.path.replace('%', "%25");
    let request = format!("POST\n{path}\n\n{headers}\n{signed}\n{}", hex::encode(Sha256::digest(&received.body)));
    let date = received.header("x-amz-date").unwrap();
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
    let key = format!("AWS4{secret_key}").into_bytes();
    let key = scope.split('/').fold(key, |key, part| hmac(&key, part.as_bytes()));
    hex::encode(hmac(&key, to_sign.as_bytes()))
}

/// HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| (0..64).map(|at| key.get(at).unwrap_or(&0) ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::digest([&padded(0x36), message].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

#[tokio::test]
async fn without_system_and_temperature_none_is_sent() {
    let stub = stub(answering(|_| "yes".to_owned())).await;
    let bare = Prompt { system: String::new(), temperature: None, ..prompt() };
    model(&stub).0.converse(&bare).await.unwrap();
    let body = stub.received()[0].json();
    assert!(body.get("system").is_none());
    assert_eq!(body["inferenceConfig"], json!({ "maxTokens": 300 }));
}

#[tokio::test]
async fn a_refusal_is_told_by_its_type_and_not_repeated() {
    let setting = "ROMASHKA_LANGUAGE_MODEL";
    let unknown =
        |refused: &ModelError| matches!(refused, ModelError::Misconfigured { setting: wrong, .. } if *wrong == setting);
    for (status, error_type, message) in [
        (403, "AccessDeniedException", "You don't have access to the model"),
        (403, "UnrecognizedClientException", "The security token is invalid"),
        (400, "ValidationException", "Malformed input request"),
        (400, "ValidationException", "Input is too long for requested model."),
        (404, "ResourceNotFoundException", "Could not resolve the foundation model"),
        (408, "ModelTimeoutException", "Model has timed out"),
        (424, "ModelErrorException", "The model failed"),
    ] {
        let stub = stub(move |_| bedrock_error(status, error_type, message)).await;
        let refused = ask(&stub).await.unwrap_err();
        let is_told = match (status, message) {
            (403, _) => refused == ModelError::Refused { status },
            (400, "Malformed input request") => refused == ModelError::Rejected { status },
            (400, _) => refused == ModelError::PromptTooLong,
            (404, _) => unknown(&refused),
            (408, _) => refused == ModelError::TimedOut,
            _ => refused == ModelError::Unavailable { status: Some(424) },
        };
        assert!(is_told, "{error_type}: {refused}");
        assert_eq!(stub.received().len(), 1, "{error_type}");
    }
}

#[tokio::test]
async fn who_is_throttled_once_waits_as_long_as_asked_and_asks_again() {
    for error_type in ["ThrottlingException", "ModelNotReadyException"] {
        let first = bedrock_error(429, error_type, "Too many requests").with("retry-after", "0");
        let stub = common::first_then(first, converse_output("yes", "end_turn")).await;
        let (model, pacing) = model(&stub);
        assert_eq!(model.converse(&prompt()).await.unwrap().text, "yes");
        assert_eq!(stub.received().len(), 2);
        assert_eq!(pacing.slept(), [Duration::from_millis(250)]);
    }
}

#[tokio::test]
async fn who_would_have_to_wait_past_the_deadline_is_told_how_long_instead() {
    let stub = stub(|_| bedrock_error(429, "ThrottlingException", "slow down").with("retry-after", "30")).await;
    let throttled = ModelError::Throttled { retry_after: Some(Duration::from_secs(30)) };
    assert_eq!(ask(&stub).await, Err(throttled));
    assert_eq!(stub.received().len(), 1);
}

#[tokio::test]
async fn a_service_that_keeps_failing_is_asked_twice_and_no_more() {
    for (status, error_type) in
        [(429, "ThrottlingException"), (500, "InternalServerException"), (503, "ServiceUnavailableException")]
    {
        let stub = stub(move |_| bedrock_error(status, error_type, "…")).await;
        let failed = ask(&stub).await.unwrap_err();
        let expected = match status {
            429 => ModelError::Throttled { retry_after: None },
            _ => ModelError::Unavailable { status: Some(status) },
        };
        assert_eq!(failed, expected);
        assert_eq!(stub.received().len(), 2, "{error_type}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let stub = stub(|_| Reply::Silence).await;
    let (model, pacing) = model(&stub);
    drop(stub);
    tokio::task::yield_now().await;
    assert_eq!(model.converse(&prompt()).await, Err(ModelError::Unavailable { status: None }));
    assert_eq!(pacing.slept().len(), 1, "it is tried again once");
}

#[tokio::test]
async fn whoever_answers_late_or_never_ends_is_timed_out() {
    for reply in [Reply::Silence, Reply::Endless { pause: Duration::from_millis(50) }] {
        let stub = stub(move |_| reply.clone()).await;
        let started = std::time::Instant::now();
        assert_eq!(ask(&stub).await, Err(ModelError::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert_eq!(stub.received().len(), 1);
    }
}

#[tokio::test]
async fn a_model_may_think_for_longer_than_other_services_may_take() {
    let stub = stub(|_| Reply::Silence).await;
    let hurried = aws_sdk_bedrockruntime::config::timeout::TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(100))
        .read_timeout(Duration::from_millis(100))
        .build();
    let sdk = common::sdk(&stub.url()).into_builder().timeout_config(hurried).build();
    let model = LanguageModel::from_config(settings(1), &sdk).unwrap();
    let started = std::time::Instant::now();
    assert_eq!(model.converse(&prompt()).await, Err(ModelError::TimedOut));
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let stub = stub(|_| Reply::Endless { pause: Duration::ZERO }).await;
    let model = LanguageModel::from_config(settings(20), &common::sdk(&stub.url())).unwrap();
    assert_eq!(model.converse(&prompt()).await, Err(ModelError::TooLong));
}

#[tokio::test]
async fn what_is_no_answer_of_bedrock_is_malformed() {
    let whole = |body: &str| Reply::Whole { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
    for reply in [
        whole(""),
        whole("<html>Log in</html>"),
        whole("{\"output\": {\"message\": {\"content\": [{\"text\": \"cut o"),
        whole("{}"),
        converse_output(" ", "end_turn"),
        converse_output("publish_template()", "tool_use"),
        converse_output("{", "malformed_model_output"),
        Reply::json(
            200,
            &json!({
                "output": { "message": { "role": "assistant", "content": [
                    { "text": "I will publish it." },
                    { "toolUse": { "toolUseId": "t", "name": "publish", "input": {} } },
                ] } },
                "stopReason": "end_turn",
                "usage": { "inputTokens": 1, "outputTokens": 1, "totalTokens": 2 },
                "metrics": { "latencyMs": 1 },
            }),
        ),
    ] {
        let stub = stub(move |_| reply.clone()).await;
        let malformed = ask(&stub).await.unwrap_err();
        assert!(matches!(malformed, ModelError::Malformed(_)), "{malformed}");
        assert_eq!(stub.received().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_tells_why_it_ended() {
    for (reason, expected) in [
        ("end_turn", Ok(StopReason::End)),
        ("stop_sequence", Ok(StopReason::End)),
        ("max_tokens", Ok(StopReason::Length)),
        ("model_context_window_exceeded", Ok(StopReason::Length)),
        ("something_new", Ok(StopReason::Other)),
        ("content_filtered", Err(ModelError::Filtered)),
        ("guardrail_intervened", Err(ModelError::Filtered)),
    ] {
        let stub = stub(move |_| converse_output("a", reason)).await;
        assert_eq!(ask(&stub).await.map(|completion| completion.stop), expected, "{reason}");
    }
}

#[tokio::test]
async fn what_lacks_in_the_environment_is_named() {
    let nowhere = aws_config::SdkConfig::builder().build();
    let refused = LanguageModel::from_config(settings(1), &nowhere).unwrap_err();
    assert!(refused.to_string().starts_with("AWS_REGION is missing"), "{refused}");

    let stub = stub(answering(|_| "yes".to_owned())).await;
    let nobody = common::sdk_without_credentials(&stub.url());
    let refused = LanguageModel::from_config(settings(1), &nobody).unwrap().converse(&prompt()).await.unwrap_err();
    assert!(refused.to_string().contains("no credentials"), "{refused}");
    assert!(stub.received().is_empty());
}
