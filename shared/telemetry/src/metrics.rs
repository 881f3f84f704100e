//! CloudWatch metrics in the embedded metric format: a log line that CloudWatch turns into numbers.
//!
//! The crates that offer this want a registry and a flush at the end of every invocation. One line a measurement is
//! all that is needed here, and it cannot be lost with a frozen process.
//! Format: AWS, "Specification: Embedded metric format".

use std::io::Write;

use romashka_domain::Timestamp;
use serde_json::{Value, json};

/// The namespace under which CloudWatch shows the numbers.
const NAMESPACE: &str = "Romashka";

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
        }
    }
}

/// One number of a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name, such as `Duration`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The number.
    pub value: f64,
}

impl Metric {
    /// So many things.
    pub fn count(name: &'static str, value: u64) -> Self {
        Self { name, unit: Unit::Count, value: value as f64 }
    }

    /// So many milliseconds.
    pub fn millis(name: &'static str, value: f64) -> Self {
        Self { name, unit: Unit::Milliseconds, value }
    }
}

/// Writes one measurement of an operation.
pub fn record(operation: &'static str, now: Timestamp, metrics: &[Metric]) {
    let line = line(operation, now, metrics);
    // A lost measurement must not fail the work it measures.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(operation: &'static str, now: Timestamp, metrics: &[Metric]) -> Value {
    let definitions: Vec<_> =
        metrics.iter().map(|metric| json!({ "Name": metric.name, "Unit": metric.unit.name() })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Operation"]],
                "Metrics": definitions,
            }],
        },
        "Operation": operation,
    });
    for metric in metrics {
        line[metric.name] = json!(metric.value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_one_line_that_cloudwatch_reads() {
        let line = line(
            "uploads.create",
            Timestamp::UNIX_EPOCH,
            &[Metric::millis("Duration", 1.5), Metric::count("Errors", 0)],
        );
        insta::assert_snapshot!(line.to_string());
    }
}
