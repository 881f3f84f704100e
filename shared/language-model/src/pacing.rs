//! How long to wait before the one repetition, and the seam for tests to not wait.

use std::time::Duration;

use futures::future::BoxFuture;

/// What a repetition needs from outside: chance and time.
pub trait Pacing: Send + Sync {
    /// A number from 0 up to but not including 1, as if by chance.
    fn fraction(&self) -> f64;

    /// Ends after so long.
    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()>;
}

/// The operating system's chance and tokio's timer.
pub struct SystemPacing;

impl Pacing for SystemPacing {
    fn fraction(&self) -> f64 {
        rand::random()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// Up to this long beside what the endpoint asks for, so that not all come back at once.
const SPREAD: Duration = Duration::from_millis(500);

pub(crate) fn pause(retry_after: Option<Duration>, fraction: f64) -> Duration {
    retry_after.unwrap_or_default().saturating_add(SPREAD.mul_f64(fraction.clamp(0.0, 1.0)))
}

/// What `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or a date. A date is measured against the `Date` of
/// the same answer, so it means something whatever our clock says.
pub(crate) fn retry_after(value: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (then, now) = (seconds_of(value)?, seconds_of(date?.trim())?);
    Some(Duration::from_secs(u64::try_from(then.saturating_sub(now)).unwrap_or(0)))
}

fn seconds_of(date: &str) -> Option<i64> {
    use aws_smithy_types::date_time::{DateTime, Format};
    DateTime::from_str(date, Format::HttpDate).ok().map(|moment| moment.secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_ask_for_a_wait_in_seconds_or_until_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after(Some(" 7 "), None), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:50:37 GMT"), date), Some(Duration::from_secs(60)));
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:48:37 GMT"), date), Some(Duration::ZERO));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999999"] {
            assert_eq!(retry_after(Some(nonsense), date), None, "{nonsense}");
        }
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:50:37 GMT"), None), None);
    }

    #[test]
    fn a_pause_is_never_shorter_than_asked_for_and_at_most_half_a_second_longer() {
        let asked = Some(Duration::from_secs(2));
        assert_eq!(pause(asked, 0.0), Duration::from_secs(2));
        assert_eq!(pause(asked, 1.0), Duration::from_millis(2_500));
        assert_eq!(pause(None, 0.5), Duration::from_millis(250));
        assert_eq!(pause(Some(Duration::MAX), 0.5), Duration::MAX);
    }
}
