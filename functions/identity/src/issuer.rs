//! The issuer's keys, fetched by OpenID Connect discovery and kept for a while.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use romashka_http::Refusal;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::token::{Announced, find_key};

/// After this long the keys are fetched again, so that a withdrawn key stops working.
const KEYS_FOR: Duration = Duration::from_secs(600);

/// While the issuer does not answer, keys that were good are trusted for this long.
const KEYS_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// An unknown `kid` makes the keys be fetched again, but only so often in so long a time: made-up ones must not turn into a
/// flood of requests to the issuer, and a single one must not keep a new key from being found.
const REFRESHES: usize = 3;
const REFRESHES_WITHIN: Duration = Duration::from_secs(15);

/// An issuer and its keys.
pub struct Issuer {
    url: String,
    http: reqwest::Client,
    keys: Mutex<Option<Kept>>,
}

struct Kept {
    keys: JwkSet,
    fetched: Instant,
    /// When a fetch was tried the last few times, the latest last, whether it went well or not.
    tried: VecDeque<Instant>,
}

impl Kept {
    fn may_refresh(&self) -> bool {
        self.tried.len() < REFRESHES || self.tried.front().is_some_and(|first| first.elapsed() >= REFRESHES_WITHIN)
    }
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Issuer {
    /// The issuer at this address (its `iss`).
    pub fn new(url: String) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).build().unwrap_or_default();
        Self { url, http, keys: Mutex::new(None) }
    }

    /// The key that a token says it is signed with.
    pub async fn key(&self, announced: &Announced) -> Result<Jwk, Refusal> {
        let mut kept = self.keys.lock().await;
        if let Some(kept) = kept.as_ref() {
            let found = find_key(&kept.keys, announced);
            let is_fresh = kept.fetched.elapsed() < KEYS_FOR;
            if let Some(key) = found.filter(|_| is_fresh || !kept.may_refresh()) {
                return Ok(key.clone());
            }
            if !kept.may_refresh() {
                return Err(Refusal::UnknownKey);
            }
        }
        let now = Instant::now();
        let mut tried = kept.as_mut().map(|kept| std::mem::take(&mut kept.tried)).unwrap_or_default();
        tried.push_back(now);
        tried.drain(..tried.len().saturating_sub(REFRESHES));
        match self.fetch().await {
            Ok(keys) => *kept = Some(Kept { keys, fetched: now, tried }),
            Err(error) => {
                tracing::error!(cause = %error.without_url(), "the issuer's keys cannot be fetched");
                let Some(kept) = kept.as_mut().filter(|kept| kept.fetched.elapsed() < KEYS_AT_MOST) else {
                    return Err(Refusal::IssuerUnreachable);
                };
                kept.tried = tried;
            }
        }
        let keys = kept.as_ref().map(|kept| &kept.keys);
        keys.and_then(|keys| find_key(keys, announced)).cloned().ok_or(Refusal::UnknownKey)
    }

    async fn fetch(&self) -> Result<JwkSet, reqwest::Error> {
        let discovery = format!("{}/.well-known/openid-configuration", self.url.trim_end_matches('/'));
        let discovery: Discovery = self.http.get(discovery).send().await?.error_for_status()?.json().await?;
        self.http.get(discovery.jwks_uri).send().await?.error_for_status()?.json().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_a_few_times_in_a_row_and_then_not_for_a_while() {
        let now = Instant::now();
        let long_ago = now.checked_sub(REFRESHES_WITHIN).unwrap_or(now);
        let after = |tried: &[Instant]| {
            let keys = JwkSet { keys: Vec::new() };
            Kept { keys, fetched: now, tried: tried.iter().copied().collect() }.may_refresh()
        };
        assert!(after(&[now]) && after(&[now, now]), "one made-up key id leaves room for a new key");
        assert!(!after(&[now, now, now]), "a flood is stopped");
        assert!(after(&[long_ago, now, now]));
    }
}
