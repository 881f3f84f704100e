//! Runs one handler as a Lambda function behind an HTTP API.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;
use lambda_http::http::{HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Response, service_fn};
use romashka_store::Cloud;
use romashka_telemetry::Metric;
use tracing::Instrument;

use crate::request::CORRELATION_HEADER;
use crate::{Problem, Reply, Request};

/// How a function's process ends.
pub type Exit = Result<(), lambda_http::Error>;

/// Answers requests with `handler` until the process ends.
///
/// `operation` is the operation's id in the OpenAPI document; logs and metrics go by it.
pub fn serve<H, F>(operation: &'static str, handler: H) -> Exit
where
    H: Fn(Request) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    romashka_telemetry::init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cloud = Cloud::from_env().await;
        lambda_http::run(service_fn(move |request: lambda_http::Request| {
            let request = Request::read(cloud.clone(), request);
            async move { Ok::<_, Infallible>(answer(operation, handler, request).await) }
        }))
        .await
    })
}

async fn answer<H, F>(operation: &'static str, handler: H, request: Request) -> Response<Body>
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<Reply, Problem>> + Send,
{
    let started = Instant::now();
    let correlation_id = request.correlation_id().clone();
    let cloud = request.cloud().clone();
    let tenant = request.identity().ok().map(|identity| identity.tenant.clone());
    let if_none_match = request.header("if-none-match").filter(|_| request.is_get()).map(str::to_owned);
    let span = romashka_telemetry::correlated(operation, tenant.as_ref(), &correlation_id);
    async move {
        // Boxed, or the type of the whole invocation grows past what the compiler is willing to lay out.
        let done = AssertUnwindSafe(handler(request)).catch_unwind().boxed().await;
        let done = done.unwrap_or_else(|_| Err(Problem::internal("the handler panicked")));
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        let response = match done {
            Ok(reply) => {
                tracing::info!(status = reply.status.as_u16(), millis, "answered");
                from_reply(reply.unless_held(if_none_match.as_deref()), correlation_id.as_str())
            }
            Err(problem) => {
                let (status, code) = (problem.status().as_u16(), problem.code());
                match problem.cause() {
                    Some(cause) => tracing::error!(status, code, cause, millis, "failed"),
                    None => tracing::info!(status, code, millis, "refused"),
                }
                from_problem(&problem, correlation_id.as_str())
            }
        };
        let faults = u64::from(response.status().is_server_error());
        let metrics =
            [Metric::millis("Duration", millis), Metric::count("Requests", 1), Metric::count("Faults", faults)];
        romashka_telemetry::record(operation, cloud.now(), &metrics);
        response
    }
    .instrument(span)
    .await
}

fn from_reply(reply: Reply, correlation_id: &str) -> Response<Body> {
    let body = if reply.body.is_empty() { Body::Empty } else { Body::Text(reply.body) };
    finish(reply.status, "application/json", &reply.headers, correlation_id, body)
}

fn from_problem(problem: &Problem, correlation_id: &str) -> Response<Body> {
    let mut headers = Vec::new();
    if problem.status() == StatusCode::UNAUTHORIZED {
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", problem.code());
        headers.push(("www-authenticate".to_owned(), challenge));
    }
    if let Some(seconds) = problem.retry_after_seconds() {
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    let body = serde_json::to_string(&problem.body(correlation_id)).unwrap_or_default();
    finish(problem.status(), "application/problem+json", &headers, correlation_id, Body::Text(body))
}

fn finish(
    status: StatusCode,
    content_type: &'static str,
    headers: &[(String, String)],
    correlation_id: &str,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed = [("content-type", content_type), ("cache-control", "no-store"), (CORRELATION_HEADER, correlation_id)];
    let all = fixed.into_iter().chain(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    for (name, value) in all {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
