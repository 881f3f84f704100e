//! The payloads in `events/` are what the handlers take: each is deserialised into its handler's type.

use std::fs;
use std::path::Path;

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest,
    ApiGatewayWebsocketProxyRequest,
};
use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::sqs::SqsEvent;
use romashka_domain::ids::AnswerId;
use romashka_domain::mining::Mining;
use romashka_domain::template::Template;
use romashka_domain::training::TrainingSession;
use romashka_domain::upload::Upload;
use romashka_store::entity;
use romashka_store::objects::parse_raw_key;
use romashka_store::queues::{BatchTask, Envelope, FitTask, IndexTask, IngestTask, MineTask, PrepareTask, Task};
use romashka_store::template_uses::KeptUse;
use serde_json::Value;

/// Checks every event of one function; there must be at least one.
fn each(context: &str, verb: &str, check: impl Fn(&str, Value)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(context);
    let mut found = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|_| panic!("no events of {context}")) {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // `get.json` and `get-missing.json` are of `get`; `get-model.json` is of `get-model`.
        if name == verb
            || name.strip_prefix(verb).is_some_and(|rest| rest.starts_with('-') && is_variant(context, verb, &name))
        {
            found += 1;
            check(&name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
    assert!(found > 0, "events/{context} has none for {verb}");
}

/// Whether a name is a variant of this verb and of no longer one.
fn is_variant(context: &str, verb: &str, name: &str) -> bool {
    verbs(context).iter().all(|other| other.len() <= verb.len() || !name.starts_with(other.as_str()))
}

fn verbs(context: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions").join(context).join("src/bin");
    let prefix = format!("{context}-");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.filter_map(|path| Some(path.file_stem()?.to_str()?.strip_prefix(&prefix)?.to_owned())).collect()
}

fn each_task<T: Task>(context: &str, verb: &str) {
    each(context, verb, |name, event| {
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        for message in event.records {
            let body = message.body.unwrap();
            let envelope: Envelope<T> = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                message.attributes.get("MessageGroupId").map(String::as_str),
                Some(envelope.tenant.as_str()),
                "{name}"
            );
        }
    });
}

#[test]
fn http_requests_are_what_api_gateway_sends() {
    for (context, verbs) in [
        (
            "uploads",
            &[
                "create",
                "get",
                "list",
                "errors",
                "sign-parts",
                "list-parts",
                "complete",
                "preview",
                "commit",
                "get-redaction",
                "set-redaction",
            ][..],
        ),
        (
            "training",
            &[
                "start",
                "get",
                "report",
                "list",
                "cancel",
                "retry",
                "list-topics",
                "change-topic",
                "list-models",
                "get-model",
                "deploy",
                "get-deployment",
                "roll-back",
            ],
        ),
        (
            "answers",
            &["ask", "give-feedback", "list-feedback", "upload-corrections", "get-retraining", "set-retraining"],
        ),
        (
            "templates",
            &[
                "create",
                "list",
                "get",
                "update",
                "delete",
                "restore",
                "duplicate",
                "list-versions",
                "get-version",
                "revert",
                "diff",
                "process",
                "process-many",
                "validate",
                "search",
                "suggest",
                "use",
                "record-outcome",
                "analytics",
                "rank",
                "import",
                "export",
                "list-starters",
                "install-starters",
                "draft",
                "review",
                "apply-review",
                "start-mining",
                "list-minings",
                "get-mining",
                "list-proposals",
                "accept-proposals",
            ],
        ),
        ("realtime", &["ticket"]),
    ] {
        for verb in verbs {
            each(context, verb, |name, event| {
                let request: ApiGatewayV2httpRequest =
                    serde_json::from_value(event).unwrap_or_else(|error| panic!("{context}/{name}: {error}"));
                let authorizer = request.request_context.authorizer.unwrap_or_default();
                for field in ["tenant", "user", "role"] {
                    assert!(authorizer.fields.contains_key(field), "{context}/{name} has no {field}");
                }
            });
        }
    }
}

#[test]
fn tasks_are_what_the_queues_carry() {
    each_task::<PrepareTask>("training", "prepare");
    each_task::<BatchTask>("training", "work");
    each_task::<FitTask>("training", "fit");
    each_task::<IndexTask>("templates", "reindex");
    each_task::<MineTask>("templates", "mine");
}

#[test]
fn a_file_that_has_come_is_told_by_s3_and_its_pieces_by_us() {
    each("uploads", "ingest", |name, event| {
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        for message in event.records {
            let body = message.body.unwrap();
            let parsed: Value = serde_json::from_str(&body).unwrap();
            if parsed.get("task").is_some() {
                serde_json::from_str::<Envelope<IngestTask>>(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
                continue;
            }
            if parsed.get("Records").is_none() {
                assert_eq!(parsed["Event"], "s3:TestEvent", "{name}");
                continue;
            }
            for record in serde_json::from_str::<S3Event>(&body).unwrap().records {
                let key = record.s3.object.key.unwrap().replace("%2D", "-");
                assert!(parse_raw_key(&key).is_some(), "{name}: {key}");
            }
        }
    });
}

#[test]
fn the_tables_stream_carries_whole_entities() {
    for (context, verb) in [("operations", "dispatch"), ("realtime", "push")] {
        each(context, verb, |name, event| {
            let event: StreamEvent = serde_json::from_value(event).unwrap_or_else(|error| panic!("{name}: {error}"));
            for record in event.records {
                let item = record.change.new_image;
                let value: Value = serde_dynamo::from_item(item.clone()).unwrap();
                let read = match value["entity"].as_str().unwrap() {
                    entity::UPLOAD => serde_dynamo::from_item::<_, Upload>(item).map(|_| ()),
                    entity::TRAINING_SESSION => serde_dynamo::from_item::<_, TrainingSession>(item).map(|_| ()),
                    entity::MINING => serde_dynamo::from_item::<_, Mining>(item).map(|_| ()),
                    entity::TEMPLATE => serde_dynamo::from_item::<_, Template>(item).map(|_| ()),
                    entity::TEMPLATE_USE => serde_dynamo::from_item::<_, KeptUse>(item).map(|_| ()),
                    other => panic!("{name}: nobody reads a {other}"),
                };
                read.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        });
    }
}

#[test]
fn the_daily_run_is_woken_by_the_scheduler() {
    each("answers", "retrain", |name, event| {
        assert_eq!(
            (&event["source"], &event["detail-type"]),
            (&"aws.scheduler".into(), &"Scheduled Event".into()),
            "{name}"
        );
    });
}

#[test]
fn an_answer_in_an_event_is_its_tenants() {
    each("answers", "give-feedback", |name, event| {
        let request: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
        let fields = request.request_context.authorizer.unwrap_or_default().fields;
        let id: AnswerId = request.path_parameters["answer_id"].parse().unwrap();
        assert!(id.belongs_to(&fields["tenant"].as_str().unwrap().parse().unwrap()), "{name}");
    });
}

#[test]
fn sockets_and_authorizers_are_told_who_it_is_about() {
    for verb in ["connect", "disconnect", "subscribe", "unsubscribe", "default"] {
        each("realtime", verb, |name, event| {
            let request: ApiGatewayWebsocketProxyRequest =
                serde_json::from_value(event).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(request.request_context.connection_id.is_some(), "{name}");
            assert!(request.request_context.authorizer.fields.contains_key("tenant"), "{name}");
        });
    }
    each("identity", "authorize", |name, event| {
        let request: ApiGatewayV2CustomAuthorizerV2Request =
            serde_json::from_value(event).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(request.headers.contains_key("authorization"), "{name}");
    });
    each("identity", "authorize-socket", |name, event| {
        let request: ApiGatewayCustomAuthorizerRequestTypeRequest =
            serde_json::from_value(event).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(request.query_string_parameters.first("ticket").is_some(), "{name}");
    });
}
