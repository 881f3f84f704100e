//! The real clock and the real source of identifiers.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngCore;
use romashka_domain::{Clock, IdSource, Timestamp};
use uuid::{NoContext, Uuid};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// UUIDv7 from the system's clock, secrets from the operating system's generator.
pub struct SystemIds;

impl IdSource for SystemIds {
    fn next(&self) -> Uuid {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, since_epoch.as_secs(), since_epoch.subsec_nanos()))
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        secret
    }
}
