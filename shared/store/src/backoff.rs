//! The one retry policy for changes that lost a race.

use std::time::Duration;

use crate::Error;

/// How long to wait before a change that lost a race is tried again: the one retry policy for such races.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    const MAX_ATTEMPTS: u32 = 40;

    /// Waits, at random up to 10 ms doubled with every attempt but never over 320 ms (full jitter); gives up after
    /// [`Self::MAX_ATTEMPTS`].
    pub async fn wait(&mut self, operation: &'static str) -> Result<(), Error> {
        self.attempts += 1;
        if self.attempts >= Self::MAX_ATTEMPTS {
            return Err(Error::Conflict(operation));
        }
        let ceiling = 10u64 << self.attempts.min(5);
        let millis = rand::random_range(1..=ceiling);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(())
    }
}
