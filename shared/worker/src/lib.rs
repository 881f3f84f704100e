//! The one way an event that is not an HTTP request is taken: queues, streams, schedules.
//!
//! Everything arrives at least once and in any order. A queue's messages are worked on one by one; a message that
//! fails, or makes its handler panic, is reported by itself and comes back after its queue's visibility timeout,
//! while its siblings are done. After as many attempts as the template allows it rests in the dead-letter queue.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};
use romashka_domain::CorrelationId;
use romashka_store::queues::{Envelope, Task};
use romashka_store::{Cloud, TenantStore};
use romashka_telemetry::Metric;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

/// How a function's process ends.
pub type Exit = Result<(), lambda_runtime::Error>;

/// Why an item of an event was not done. It goes to the log and says nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Storage failed; another attempt may go better.
    #[error(transparent)]
    Store(#[from] romashka_store::Error),
    /// An entity could not be changed.
    #[error(transparent)]
    Change(#[from] romashka_store::ChangeError),
    /// Somebody else is at work on the same thing; come back later.
    #[error("{0} is being worked on by another invocation")]
    Busy(&'static str),
    /// The message is not what this function takes.
    #[error("the message is not a task of this queue: {0}")]
    Unreadable(String),
    /// The handler panicked.
    #[error("the handler panicked")]
    Panicked,
}

/// What a handler works with.
pub struct Work<T> {
    /// The tenant's data.
    pub store: TenantStore,
    /// Follows the work through logs and frames.
    pub correlation_id: CorrelationId,
    /// Whether this is the last delivery before the message is set apart.
    pub is_last_delivery: bool,
    /// What to do.
    pub task: T,
}

/// How often a message is delivered before it is set apart; the template's `maxReceiveCount`.
const MAX_DELIVERIES: u32 = 5;

/// After a failure a message comes back after this many seconds times its deliveries.
const RETRY_SECONDS: i32 = 10;

/// A message of a queue, as its handler needs it.
pub struct Message {
    /// Its text.
    pub body: String,
    /// Whether this is the last delivery before the message is set apart.
    pub is_last_delivery: bool,
}

/// Works through the tasks of a queue with `handler` until the process ends.
pub fn serve_queue<T, H, F>(operation: &'static str, handler: H) -> Exit
where
    T: Task + Send + 'static,
    H: Fn(Work<T>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    serve_messages(operation, move |cloud, message| async move {
        let envelope: Envelope<T> =
            serde_json::from_str(&message.body).map_err(|error| Failure::Unreadable(shape_of(&error)))?;
        let span = romashka_telemetry::correlated(operation, Some(&envelope.tenant), &envelope.correlation_id);
        let work = Work {
            store: cloud.tenant(envelope.tenant),
            correlation_id: envelope.correlation_id,
            is_last_delivery: message.is_last_delivery,
            task: envelope.task,
        };
        // Boxed here, or the type of the whole invocation grows past what the compiler is willing to lay out.
        handler(work).instrument(span).boxed().await
    })
}

/// Works through the messages of a queue that others than Romashka fill.
pub fn serve_messages<H, F>(operation: &'static str, handler: H) -> Exit
where
    H: Fn(Cloud, Message) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    serve_event(operation, move |cloud, event: SqsEvent| async move {
        let mut response = SqsBatchResponse::default();
        for message in event.records {
            if let Some(failed) = attempt(operation, &cloud, handler, message).await {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = failed;
                response.batch_item_failures.push(failure);
            }
        }
        Ok(response)
    })
}

/// Does one message; its id where it failed.
async fn attempt<H, F>(operation: &'static str, cloud: &Cloud, handler: H, message: SqsMessage) -> Option<String>
where
    H: Fn(Cloud, Message) -> F,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let started = Instant::now();
    let deliveries =
        message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    let is_last_delivery = deliveries >= MAX_DELIVERIES;
    let taken = Message { body: message.body.unwrap_or_default(), is_last_delivery };
    // Boxed for the same reason as the handler of a task.
    let done = AssertUnwindSafe(handler(cloud.clone(), taken)).catch_unwind().boxed().await;
    let done = done.unwrap_or(Err(Failure::Panicked));
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    let is_fault = done.as_ref().is_err_and(|failure| !matches!(failure, Failure::Busy(_)));
    let metrics = [
        Metric::millis("Duration", millis),
        Metric::count("Messages", 1),
        Metric::count("Faults", u64::from(is_fault)),
    ];
    romashka_telemetry::record(operation, cloud.now(), &metrics);
    let failure = done.err()?;
    tracing::warn!(operation, millis, deliveries, cause = %failure, "the message goes back to its queue");
    if let (Some(queue), Some(receipt)) = (&message.event_source_arn, &message.receipt_handle) {
        let seconds = RETRY_SECONDS.saturating_mul(i32::try_from(deliveries).unwrap_or(1));
        // Where this fails too, the message comes back all the same, only later.
        if let Err(error) = cloud.come_back(queue, receipt, seconds).await {
            tracing::warn!(operation, cause = %error, "the message comes back after its queue's visibility timeout");
        }
    }
    Some(message.message_id.unwrap_or_default())
}

/// Takes events of one kind with `handler` until the process ends. An event that fails comes back whole.
pub fn serve_event<E, R, H, F>(operation: &'static str, handler: H) -> Exit
where
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    H: Fn(Cloud, E) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<R, Failure>> + Send + 'static,
{
    romashka_telemetry::init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cloud = Cloud::from_env().await;
        lambda_runtime::run(service_fn(move |event: LambdaEvent<E>| {
            let cloud = cloud.clone();
            async move {
                let done = handler(cloud, event.payload).await;
                done.inspect_err(|failure| tracing::error!(operation, cause = %failure, "the event failed"))
                    .map_err(lambda_runtime::Error::from)
            }
        }))
        .await
        .inspect_err(|error| tracing::error!(operation, %error, "the function ends"))
    })
}

/// How long a claim on work must last so that it outlives every run of this function: its timeout, which the template
/// also sets as `LEASE_SECONDS`.
pub fn lease_seconds() -> i64 {
    const LONGEST_RUN_ON_LAMBDA: i64 = 900;
    std::env::var("LEASE_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(LONGEST_RUN_ON_LAMBDA)
}

/// Where a message stopped making sense, without any of its content.
fn shape_of(error: &serde_json::Error) -> String {
    format!("{:?} error at column {}", error.classify(), error.column())
}
