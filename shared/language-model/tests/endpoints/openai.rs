//! What comes of endpoints that speak OpenAI's chat completions.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use romashka_language_model::stub::{KEY, Received, Reply, Stub, answering, chat_completion};
use romashka_language_model::{
    Completion, LanguageModel, MAX_PROMPT_BYTES, ModelError, Prompt, Provider, Secret, Settings, StopReason,
};
use serde_json::json;

use crate::common::{self, Paced, prompt, refuse};

async fn stub(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Stub {
    Stub::start(reply).await.unwrap()
}

/// The model of that stub, with a second to answer and a key.
fn model(stub: &Stub) -> (LanguageModel, Arc<Paced>) {
    let key = Arc::new(Secret::new("sk-hidden"));
    let url = format!("{}/v1", stub.url());
    let model = LanguageModel::with_key("some-model".to_owned(), &url, key, Duration::from_secs(1)).unwrap();
    let pacing = Arc::new(Paced::default());
    (model.with_pacing(Arc::clone(&pacing) as _), pacing)
}

async fn ask(stub: &Stub) -> Result<Completion, ModelError> {
    model(stub).0.converse(&prompt()).await
}

#[tokio::test]
async fn a_question_is_asked_as_chat_and_answered() {
    let stub = stub(answering(|asked| format!("{} heard: {}", asked.model, asked.user))).await;
    let completion = ask(&stub).await.unwrap();
    assert_eq!(completion.text, "some-model heard: A template for late parcels?");
    assert_eq!((completion.input_tokens, completion.output_tokens), (Some(11), Some(7)));
    assert_eq!(completion.stop, StopReason::End);

    let received = stub.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(received[0].header("authorization"), Some("Bearer sk-hidden"));
    assert_eq!(received[0].header("content-type"), Some("application/json"));
    let expected = json!({
        "model": "some-model",
        "messages": [
            { "role": "system", "content": "You write templates." },
            { "role": "user", "content": "A template for late parcels?" },
        ],
        "max_tokens": 300,
        "temperature": 0.25,
        "stream": false,
    });
    assert_eq!(received[0].json(), expected);
}

#[tokio::test]
async fn without_system_temperature_and_key_none_is_sent() {
    let stub = stub(answering(|_| "yes".to_owned())).await;
    let provider = Provider::OpenAi { model: "m".to_owned(), base_url: stub.url(), key_secret: None };
    let settings = Settings { provider, deadline: Duration::from_secs(1), price: None };
    let model = LanguageModel::from_config(settings, &SdkConfig::builder().build()).unwrap();
    let bare = Prompt { system: String::new(), temperature: None, ..prompt() };
    model.converse(&bare).await.unwrap();
    let received = &stub.received()[0];
    assert_eq!(received.path, "/chat/completions");
    assert_eq!(received.header("authorization"), None);
    assert_eq!(received.json()["messages"].as_array().unwrap().len(), 1);
    assert!(received.json().get("temperature").is_none());
}

#[tokio::test]
async fn the_key_is_fetched_from_secrets_manager_once_and_again_when_it_is_refused() {
    let replies = |received: &Received| match received.header("authorization") {
        Some(bearer) if bearer.starts_with("Bearer") && received.json()["max_tokens"] == 1 => refuse(401),
        _ => answering(|_| "yes".to_owned())(received),
    };
    let stub = stub(replies).await;
    let base_url = format!("{}/v1", stub.url());
    let key_secret = Some("arn:aws:secretsmanager:us-east-1:123456789012:secret:model-AbCdEf".to_owned());
    let provider = Provider::OpenAi { model: "m".to_owned(), base_url, key_secret };
    let settings = Settings { provider, deadline: Duration::from_secs(2), price: None };
    let model = LanguageModel::from_config(settings, &common::sdk(&stub.url())).unwrap();
    let fetched = |stub: &Stub| stub.received().iter().filter(|asked| asked.header("x-amz-target").is_some()).count();

    model.converse(&prompt()).await.unwrap();
    model.converse(&prompt()).await.unwrap();
    assert_eq!(fetched(&stub), 1, "a key is remembered");
    assert_eq!(stub.received().last().unwrap().header("authorization").unwrap(), format!("Bearer {KEY}"));

    let refused = model.converse(&Prompt { max_output_tokens: 1, ..prompt() }).await.unwrap_err();
    assert_eq!(refused, ModelError::Refused { status: 401 });
    model.converse(&prompt()).await.unwrap();
    assert_eq!(fetched(&stub), 2, "a key that was refused is not");
}

#[tokio::test]
async fn a_secret_that_is_not_given_is_a_wrong_setting() {
    let denied = |_: &Received| Reply::json(400, &json!({ "__type": "AccessDeniedException", "Message": "no" }));
    let stub = stub(denied).await;
    let provider =
        Provider::OpenAi { model: "m".to_owned(), base_url: stub.url(), key_secret: Some("a-secret".to_owned()) };
    let settings = Settings { provider, deadline: Duration::from_secs(2), price: None };
    let model = LanguageModel::from_config(settings, &common::sdk(&stub.url())).unwrap();
    let refused = model.converse(&prompt()).await.unwrap_err();
    let setting = "ROMASHKA_LANGUAGE_MODEL_KEY_SECRET";
    assert!(matches!(refused, ModelError::Misconfigured { setting: wrong, .. } if wrong == setting), "{refused}");
}

#[tokio::test]
async fn a_refusal_is_told_at_once_and_not_repeated() {
    let url = "ROMASHKA_LANGUAGE_MODEL_URL";
    for status in [400, 401, 402, 403, 404, 408, 413, 422, 302, 307] {
        let stub = stub(move |_| refuse(status).with("location", "https://elsewhere.example/")).await;
        let (model, _) = model(&stub);
        let refused = model.converse(&prompt()).await.unwrap_err();
        let is_told = match status {
            401..=403 => refused == ModelError::Refused { status },
            404 | 302 | 307 => matches!(refused, ModelError::Misconfigured { setting, .. } if setting == url),
            408 => refused == ModelError::TimedOut,
            _ => refused == ModelError::Rejected { status },
        };
        assert!(is_told, "{status}: {refused}");
        assert!(!refused.is_temporary() || status == 408);
        assert_eq!(stub.received().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_even_to_the_same_server() {
    let stub = stub(|received| match received.path.as_str() {
        "/elsewhere" => chat_completion("followed", "stop"),
        _ => refuse(308).with("location", "/elsewhere"),
    })
    .await;
    assert!(matches!(ask(&stub).await, Err(ModelError::Misconfigured { .. })));
    assert_eq!(stub.received().len(), 1);
}

#[tokio::test]
async fn codes_that_say_more_than_the_status_are_heard() {
    for (status, code, expected) in [
        (429, "insufficient_quota", ModelError::Refused { status: 429 }),
        (400, "context_length_exceeded", ModelError::PromptTooLong),
        (400, "content_filter", ModelError::Filtered),
    ] {
        let stub = stub(move |_| Reply::json(status, &json!({ "error": { "code": code, "message": "…" } }))).await;
        assert_eq!(ask(&stub).await, Err(expected));
        assert_eq!(stub.received().len(), 1);
    }
}

#[tokio::test]
async fn who_is_throttled_once_waits_as_long_as_asked_and_asks_again() {
    let stub = common::first_then(refuse(429).with("retry-after", "0"), chat_completion("yes", "stop")).await;
    let (model, pacing) = model(&stub);
    assert_eq!(model.converse(&prompt()).await.unwrap().text, "yes");
    assert_eq!(stub.received().len(), 2);
    assert_eq!(pacing.slept(), [Duration::from_millis(250)]);
}

#[tokio::test]
async fn who_would_have_to_wait_past_the_deadline_is_told_how_long_instead() {
    let stub = stub(|_| refuse(429).with("retry-after", "30")).await;
    let (model, pacing) = model(&stub);
    let throttled = ModelError::Throttled { retry_after: Some(Duration::from_secs(30)) };
    assert_eq!(model.converse(&prompt()).await, Err(throttled));
    assert_eq!(stub.received().len(), 1);
    assert!(pacing.slept().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_asked_twice_and_no_more() {
    for status in [429, 500, 502, 503, 529] {
        let stub = stub(move |_| refuse(status)).await;
        let failed = ask(&stub).await.unwrap_err();
        let is_told = match status {
            429 => failed == ModelError::Throttled { retry_after: None },
            _ => failed == ModelError::Unavailable { status: Some(status) },
        };
        assert!(is_told && failed.is_temporary(), "{status}: {failed}");
        assert_eq!(stub.received().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable() {
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
async fn an_answer_without_end_is_cut_off() {
    let stub = stub(|_| Reply::Endless { pause: Duration::ZERO }).await;
    let key = Arc::new(Secret::new("k"));
    let model = LanguageModel::with_key("m".to_owned(), &stub.url(), key, Duration::from_secs(20)).unwrap();
    assert_eq!(model.converse(&prompt()).await, Err(ModelError::TooLong));
}

#[tokio::test]
async fn what_is_no_chat_completion_is_malformed() {
    let whole = |body: &str| Reply::Whole { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
    for reply in [
        whole(""),
        whole("<html>Log in</html>"),
        whole("{\"choices\": [{\"message\": {\"content\": \"cut o"),
        whole("{\"choices\": []}"),
        whole("[]"),
        whole(&format!("{}1", "[".repeat(500_000))),
        chat_completion(" \n", "stop"),
        chat_completion("", "tool_calls"),
        chat_completion("publish_template()", "function_call"),
    ] {
        let stub = stub(move |_| reply.clone()).await;
        let malformed = ask(&stub).await.unwrap_err();
        assert!(matches!(malformed, ModelError::Malformed(_)), "{malformed}");
        assert_eq!(stub.received().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_tells_why_it_ended() {
    for (reason, text, expected) in [
        ("stop", "a", Ok(StopReason::End)),
        ("length", "a", Ok(StopReason::Length)),
        ("length", "", Ok(StopReason::Length)),
        ("eos", "a", Ok(StopReason::Other)),
        ("content_filter", "a", Err(ModelError::Filtered)),
    ] {
        let stub = stub(move |_| chat_completion(text, reason)).await;
        assert_eq!(ask(&stub).await.map(|completion| completion.stop), expected, "{reason}");
    }
    let declined = json!({
        "choices": [{ "message": { "content": null, "refusal": "I will not." }, "finish_reason": "stop" }],
    });
    let stub = stub(move |_| Reply::json(200, &declined)).await;
    assert_eq!(ask(&stub).await, Err(ModelError::Filtered));
}

#[tokio::test]
async fn a_model_that_knows_other_parameters_is_asked_in_its_own_way_from_then_on() {
    let stub = stub(|received| {
        let unknown = |param: &str| {
            Reply::json(400, &json!({ "error": { "code": "unsupported_parameter", "param": param, "message": "…" } }))
        };
        let body = received.json();
        match () {
            () if body.get("max_tokens").is_some() => unknown("max_tokens"),
            () if body.get("temperature").is_some() => unknown("temperature"),
            () => chat_completion("yes", "stop"),
        }
    })
    .await;
    let (model, _) = model(&stub);
    assert_eq!(model.converse(&prompt()).await.unwrap().text, "yes");
    assert_eq!(stub.received().len(), 3);
    assert_eq!(stub.received()[2].json()["max_completion_tokens"], 300);
    model.converse(&prompt()).await.unwrap();
    assert_eq!(stub.received().len(), 4);
}

#[tokio::test]
async fn a_server_that_refuses_every_parameter_is_not_asked_for_ever() {
    let stub = stub(|_| Reply::json(400, &json!({ "error": { "param": "max_tokens" } }))).await;
    assert_eq!(ask(&stub).await, Err(ModelError::Rejected { status: 400 }));
    assert_eq!(stub.received().len(), 2);
}

#[tokio::test]
async fn a_prompt_that_cannot_be_asked_is_not_sent() {
    let stub = stub(answering(|_| "yes".to_owned())).await;
    let (model, _) = model(&stub);
    let long = "x".repeat(MAX_PROMPT_BYTES);
    assert_eq!(model.converse(&Prompt { user: long, ..prompt() }).await, Err(ModelError::PromptTooLong));
    for bad in [
        Prompt { user: " \n".to_owned(), ..prompt() },
        Prompt { max_output_tokens: 0, ..prompt() },
        Prompt { max_output_tokens: 8_193, ..prompt() },
        Prompt { temperature: Some(1.5), ..prompt() },
        Prompt { temperature: Some(f32::NAN), ..prompt() },
    ] {
        assert!(matches!(model.converse(&bad).await, Err(ModelError::BadPrompt(_))), "{bad:?}");
    }
    assert!(stub.received().is_empty());
    let longest = Prompt { system: "s".repeat(MAX_PROMPT_BYTES - 1), user: "u".to_owned(), ..prompt() };
    model.converse(&longest).await.unwrap();
}
