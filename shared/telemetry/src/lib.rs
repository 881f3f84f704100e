//! Logs and metrics, both as JSON lines on standard output, where CloudWatch picks them up.
//!
//! Neither ever holds anything personal: fields are identifiers, counts, codes and durations. Texts, names, addresses
//! and tokens have no place in a log, and there is no function here that would take one. A log line inside
//! [`correlated`] carries the correlation id that leads from the HTTP request to the last socket frame.

mod metrics;

use romashka_domain::{CorrelationId, TenantId};
use tracing_subscriber::EnvFilter;

pub use crate::metrics::{Metric, Unit, record};

/// Starts logging for this process. `RUST_LOG` sets the level; `info` where it does not.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .try_init();
    debug_assert!(started.is_ok(), "logging starts once in a process");
    // What a panic says may quote what it stumbled over: a customer's text, say. Where it happened does not.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.as_deref(), "something panicked");
    }));
}

/// The span that ties log lines to the request which caused them.
pub fn correlated(operation: &'static str, tenant: Option<&TenantId>, correlation_id: &CorrelationId) -> tracing::Span {
    let tenant = tenant.map(TenantId::as_str);
    tracing::info_span!("work", operation, tenant, correlation_id = correlation_id.as_str())
}
