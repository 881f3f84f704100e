//! Time, as a thing that is handed in.

pub use jiff::{SignedDuration, Timestamp};

/// Tells the time. The system's clock in production, a hand-moved one in tests.
pub trait Clock: Send + Sync {
    /// This moment, in UTC.
    fn now(&self) -> Timestamp;
}

/// The moment `seconds` later; the latest representable one where that would overflow.
pub fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    moment.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Whole milliseconds from `start` to `end`, zero when the clock ran backwards.
pub fn millis_between(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.duration_since(start).as_millis()).unwrap_or(0)
}
