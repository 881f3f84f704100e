//! What was asked and answered, and the key, are nowhere but in the answer: not in logs of any level, not in errors.
//!
//! One test in a process of its own: what is logged is decided for all threads of one.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail on the spot")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_bedrockruntime::types::SystemContentBlock;
use romashka_language_model::stub::{Received, Reply, Stub, answering, bedrock_error};
use romashka_language_model::{LanguageModel, Prompt, Provider, Secret, Settings};
use serde_json::json;

const MARKS: [&str; 4] = ["MARKED-SYSTEM", "MARKED-QUESTION", "MARKED-ANSWER", "MARKED-KEY"];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Hears everything that this thread says from now on. What clients do in tasks of their own is heard too, where all
    /// tasks share the thread.
    fn hear(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn prompt() -> Prompt {
    Prompt { system: MARKS[0].to_owned(), user: MARKS[1].to_owned(), max_output_tokens: 10, temperature: None }
}

fn sdk(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDTEST", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// A bit of everything that may come back, each time with the marks in it.
fn reply(turn: usize) -> impl Fn(&Received) -> Reply + Send + Sync + 'static {
    let told = MARKS.join(" ");
    move |received| match turn {
        0 => answering(|_| MARKS[2].to_owned())(received),
        1 => bedrock_error(400, "ValidationException", &told),
        2 => Reply::json(400, &json!({ "error": { "code": told, "param": told, "message": told } })),
        3 => Reply::Whole { status: 200, headers: Vec::new(), body: told.clone().into_bytes() },
        4 => bedrock_error(500, &told, &told),
        _ => Reply::json(429, &json!({ "message": told })).with("retry-after", MARKS[2]),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_of_prompt_answer_and_key_is_logged_or_in_an_error() {
    let log = Log::default();
    let _hearing = log.hear();

    let stub = Stub::start(reply(0)).await.unwrap();
    let question = SystemContentBlock::Text(MARKS[0].to_owned());
    Client::new(&sdk(&stub.url())).converse().model_id("m").system(question).send().await.unwrap();
    assert!(log.text().contains(MARKS[2]), "asked by itself, the SDK does log the answer");
    log.0.lock().unwrap().clear();

    let mut shown = String::new();
    for turn in 0..6 {
        let stub = Stub::start(reply(turn)).await.unwrap();
        let key = Arc::new(Secret::new(MARKS[3]));
        let seconds = Duration::from_secs(2);
        let chat = LanguageModel::with_key("m".to_owned(), &stub.url(), key, seconds).unwrap();
        let provider = Provider::Bedrock { model_id: "m".to_owned() };
        let settings = Settings { provider, deadline: seconds, price: None };
        let bedrock = LanguageModel::from_config(settings, &sdk(&stub.url())).unwrap();
        for model in [chat, bedrock] {
            let answered = model.converse(&prompt()).await;
            assert_eq!(answered.is_ok(), turn == 0, "{answered:?}");
            shown.push_str(&format!("{answered:?}"));
            if let Err(error) = answered {
                shown.push_str(&error.to_string());
            }
        }
    }
    shown.push_str(&format!("{:?}", prompt()));
    let log = log.text();
    for mark in MARKS {
        assert!(!log.contains(mark), "{mark} is in the log");
        assert!(!shown.contains(mark), "{mark} is shown");
    }
}
