//! The identity of a training row.
//!
//! Queues deliver twice and people upload the same export again, so a row is known by what it says and not by
//! where it came from. [`ContentHash`] decides what a duplicate is and in which order rows are learnt;
//! [`Group`] decides which rows must stay on the same side of the hold-out.

use std::fmt;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Characters of a text that are read; what follows is ignored.
pub const MAX_CHARACTERS: usize = 4_000;

const CONVERSATION_SEED: u64 = 0x636f_6e76_6572_7361;
const TEXT_SEED: u64 = 0x7465_7874_6772_6f75;

/// The form of a text in which two spellings of the same words are equal: compatibility-composed (NFKC),
/// lower case, white space collapsed to single spaces, at most [`MAX_CHARACTERS`] long.
#[must_use]
pub fn normalise(text: &str) -> String {
    let text = text.trim_start();
    let mut normalised = Normalised::with_capacity(text.len().min(MAX_CHARACTERS));
    if text.is_ascii() {
        text.chars().take(MAX_CHARACTERS).for_each(|character| normalised.push(character.to_ascii_lowercase()));
    } else {
        text.chars()
            .take(MAX_CHARACTERS)
            .nfkc()
            .flat_map(char::to_lowercase)
            .for_each(|character| normalised.push(character));
    }
    normalised.text
}

/// Collapses white space and counts characters while a normalised text is written.
struct Normalised {
    text: String,
    characters: usize,
    space_pending: bool,
}

impl Normalised {
    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), characters: 0, space_pending: false }
    }

    fn push(&mut self, character: char) {
        if character.is_whitespace() {
            self.space_pending = !self.text.is_empty();
            return;
        }
        let needed = 1 + usize::from(self.space_pending);
        if self.characters + needed > MAX_CHARACTERS {
            self.characters = MAX_CHARACTERS;
            return;
        }
        if self.space_pending {
            self.text.push(' ');
            self.space_pending = false;
        }
        self.text.push(character);
        self.characters += needed;
    }
}

/// Identity of a row: the first 16 bytes of SHA-256 over its normalised text and its label.
///
/// Two rows with the same hash are the same row, wherever and however often they were uploaded. The order of
/// hashes is the order of the training set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; Self::LENGTH]);

impl ContentHash {
    /// Bytes in a hash.
    pub const LENGTH: usize = 16;

    /// The hash of a text, normalised or not, under its label.
    #[must_use]
    pub fn of(text: &str, label: Option<&str>) -> Self {
        Self::of_normalised(&normalise(text), label)
    }

    pub(crate) fn of_normalised(text: &str, label: Option<&str>) -> Self {
        let mut digest = Sha256::new();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
        if let Some(label) = label {
            digest.update([1]);
            digest.update(label);
        }
        let digest = digest.finalize();
        let mut bytes = [0; Self::LENGTH];
        bytes.copy_from_slice(&digest[..Self::LENGTH]);
        Self(bytes)
    }

    /// A hash read back from storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// A hash as it is displayed; `None` for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The hash as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ContentHash({self})")
    }
}

/// What must not be torn apart by the hold-out: a conversation, or a text that stands alone.
///
/// A customer repeats their own words within a conversation; a model that trained on one half of it would
/// look better on the other half than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(u64);

impl Group {
    /// The group of every row of one conversation (any stable identifier of it).
    #[must_use]
    pub fn of_conversation(conversation: &str) -> Self {
        Self(xxh3_64_with_seed(conversation.as_bytes(), CONVERSATION_SEED))
    }

    /// The group of a text without a conversation. The label is left out on purpose: one text under two
    /// labels must not be trained on and tested on.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self::of_normalised(&normalise(text))
    }

    pub(crate) fn of_normalised(text: &str) -> Self {
        Self(xxh3_64_with_seed(text.as_bytes(), TEXT_SEED))
    }

    /// A group read back from storage.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The group as it is stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A hash of the group for one purpose, independent of its hashes for others.
    pub(crate) fn hash_for(self, purpose: u64) -> u64 {
        xxh3_64_with_seed(&self.0.to_le_bytes(), purpose)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_words_in_another_spelling_are_the_same_content() {
        let plain = ContentHash::of("Where is my café card?", Some("card_arrival"));
        let decomposed = ContentHash::of("  where is\tMY cafe\u{301}  card?\n", Some("card_arrival"));
        assert_eq!(plain, decomposed);
    }

    #[test]
    fn another_label_is_another_content_but_the_same_group() {
        let text = "It did not arrive";
        assert_ne!(ContentHash::of(text, Some("card_arrival")), ContentHash::of(text, Some("cash_withdrawal")));
        assert_ne!(ContentHash::of(text, None), ContentHash::of(text, Some("")));
        assert_eq!(Group::of_text(text), Group::of_text("it did  NOT arrive"));
    }

    #[test]
    fn words_cannot_slip_from_the_text_into_the_label() {
        assert_ne!(ContentHash::of("ab", Some("c")), ContentHash::of("a", Some("bc")));
    }

    #[test]
    fn a_character_that_expands_does_not_break_the_bound() {
        let long = "\u{fdfa}".repeat(MAX_CHARACTERS);
        let characters = normalise(&long).chars().count();
        assert!((MAX_CHARACTERS - 1..=MAX_CHARACTERS).contains(&characters), "{characters}");
    }

    proptest! {
        #[test]
        fn normalised_text_is_bounded_and_has_single_spaces(text in ".{0,300}") {
            let normalised = normalise(&text);
            prop_assert!(normalised.chars().count() <= MAX_CHARACTERS);
            prop_assert_eq!(normalised.split_whitespace().collect::<Vec<_>>().join(" "), normalised);
        }

        #[test]
        fn white_space_and_ascii_case_never_change_the_identity(words in prop::collection::vec("[a-zA-Zéß]{1,8}", 1..8)) {
            let loose = words.join(" \n ");
            prop_assert_eq!(
                ContentHash::of(&words.join(" "), None),
                ContentHash::of(&loose.to_ascii_uppercase(), None)
            );
        }
    }
}
