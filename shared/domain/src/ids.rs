//! Identifiers, each with a type of its own, so that one can never be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
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

            /// The identifier without its type.
            pub const fn uuid(self) -> Uuid {
                self.0
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
    /// A reply template.
    TemplateId = "a template id";
    /// A search for reply templates in what agents wrote.
    MiningId = "a mining id";
    /// One use of a reply template.
    TemplateUseId = "a template use id";
    /// A matter that customers write about.
    TopicId = "a topic id";
    /// One answered message.
    AnswerId = "an answer id";
}

impl TemplateId {
    /// The identifier of what is made of one and the same thing for one and the same audience: a starter installed again, a
    /// file imported again. It is a UUIDv8 of a time before all others, so lists show it after what was made by hand.
    pub fn of(origin: &str, audience: &str) -> Self {
        let digest = Sha256::new().chain_update(origin).chain_update([0]).chain_update(audience).finalize();
        let mut bytes = [0; 16];
        bytes[6..].copy_from_slice(&digest[..10]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl AnswerId {
    /// Names an answer so that its tenant can be told from the name alone.
    ///
    /// Answers are not stored, so nothing could be looked up to find out whose one is. The seal guards no secret:
    /// whoever forges one can only name an answer of their own tenant that never was.
    pub fn of(tenant: &TenantId, id: Uuid) -> Self {
        Self(sealed(id, tenant.as_str()))
    }

    /// Whether [`AnswerId::of`] named it for this tenant. Of other identifiers one in 2^32 passes.
    pub fn belongs_to(self, tenant: &TenantId) -> bool {
        self == Self::of(tenant, self.0)
    }
}

/// The identifier with its last four bytes, random in a UUIDv7, replaced by a digest of the others and of `with`. It
/// keeps its place in time.
pub(crate) fn sealed(id: Uuid, with: &str) -> Uuid {
    let mut bytes = id.into_bytes();
    let (kept, seal) = bytes.split_at_mut(12);
    seal.copy_from_slice(&Sha256::new().chain_update(&*kept).chain_update(with).finalize()[..4]);
    Uuid::from_bytes(bytes)
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
    /// A team within a tenant, as the identity provider names it: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    TeamId = "a team id", 64, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
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
    fn an_answer_is_known_for_its_own_tenants_and_for_no_others() {
        let (ours, theirs): (TenantId, TenantId) = ("acme".parse().unwrap(), "acme-eu".parse().unwrap());
        let id = AnswerId::of(&ours, Uuid::from_u128(0x0190_a7f2_7c1e_7d3a_9f00_1234_5678_90ab));
        assert!(id.belongs_to(&ours) && !id.belongs_to(&theirs));
        assert!(id.to_string().starts_with("0190a7f2-7c1e-7d3a-9f00-1234"), "it keeps its place in time");
        assert!(!AnswerId::new(Uuid::from_u128(7)).belongs_to(&ours), "a made-up one is nobody's");
    }

    #[test]
    fn what_is_made_of_the_same_thing_has_the_same_id() {
        let id = TemplateId::of("starters/de/welcome", "everyone");
        assert_eq!(id, TemplateId::of("starters/de/welcome", "everyone"));
        assert_ne!(id, TemplateId::of("starters/de/welcome", "private/ann"));
        assert_ne!(TemplateId::of("a", "bc"), TemplateId::of("ab", "c"));
        assert_eq!(TemplateId::from_str(&id.to_string()), Ok(id));
        assert!(id < TemplateId::new(Uuid::now_v7()));
    }

    #[test]
    fn a_tenant_id_cannot_hold_a_key_separator() {
        for hostile in ["a#b", "~", "a/b", "../a", "a b", "", "a\u{0}", "тенант", &"a".repeat(65)] {
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
