//! Identifiers, each with a type of its own, so that one can never be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Makes identifiers: UUIDv7 in production (ordered by time), a counter in tests.
pub trait IdSource: Send + Sync {
    /// An identifier that was never given before.
    fn next(&self) -> Uuid;

    /// 256 bits that nobody can guess, for secrets such as socket tickets.
    fn secret(&self) -> [u8; 32];
}

/// A text that is not an identifier of the asked kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(&'static str);

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Names an identifier that an [`IdSource`] made.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Only the canonical spelling: one resource has one address.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map_err(|_| InvalidId($what))?;
                let canonical = id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
                canonical.then_some(Self(id)).ok_or(InvalidId($what))
            }
        }
    )*};
}

uuid_id! {
    /// An uploaded file.
    UploadId = "an upload id";
    /// One run of training.
    TrainingSessionId = "a training session id";
    /// A trained model version.
    ModelId = "a model id";
    /// One answered message.
    AnswerId = "an answer id";
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $max:literal, $allowed:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                let allowed: fn(char) -> bool = $allowed;
                let fits = (1..=$max).contains(&text.len()) && text.chars().all(allowed);
                fits.then_some(Self(text)).ok_or(InvalidId($what))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// A tenant: 1 to 64 of `A-Z a-z 0-9 _ -`. The alphabet keeps out `#` and `/`, the separators of table
    /// and object keys, so that no tenant's name can reach into another's keys.
    TenantId = "a tenant id", 64, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    /// A person or program as the identity provider names it (`sub`): 1 to 128 visible ASCII characters.
    UserId = "a user id", 128, |c| c.is_ascii_graphic();
    /// An open socket, as API Gateway names it.
    ConnectionId = "a connection id", 128, |c| c.is_ascii_graphic() && c != '#' && c != '/';
    /// Follows one request from the first HTTP header to the last socket frame: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    CorrelationId = "a correlation id", 64, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = "0190a7f2-7c1e-7d3a-9f00-1234567890ab";
        assert_eq!(UploadId::from_str(id).unwrap().to_string(), id);
        for other in [&id.to_uppercase(), &format!("{{{id}}}"), &id.replace('-', ""), &format!("urn:uuid:{id}"), ""] {
            assert!(UploadId::from_str(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_tenant_id_cannot_hold_a_key_separator() {
        for hostile in ["a#b", "a/b", "../a", "a b", "", "a\u{0}", "тенант", &"a".repeat(65)] {
            assert!(TenantId::from_str(hostile).is_err(), "{hostile:?}");
        }
        assert!(TenantId::from_str("acme-eu_1").is_ok());
    }

    proptest! {
        #[test]
        fn deserialising_a_tenant_id_checks_it(text in ".{0,80}") {
            let direct = TenantId::from_str(&text).is_ok();
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(direct, serde_json::from_str::<TenantId>(&json).is_ok());
        }
    }
}
