//! From text to the ids the network knows: BERT's uncased WordPiece (Devlin et al. 2018; the algorithm is the greedy
//! longest match of Wu et al. 2016, section 4.1).
//!
//! A different split of a word is a different sentence to the network, so this follows the reference tokenizer to the
//! letter, its quirks included: the character classes are those of the same Unicode tables, one block of ideographs
//! is left out, and the five special tokens are recognised where a text spells them. The one departure is a bound:
//! of a text only the first [`MAX_TEXT_BYTES`] are read.

use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

use crate::{
    architecture::MAX_TOKENS,
    vocabulary::{Place, Vocabulary},
};

/// Most bytes of a text that are read; the cut falls between two characters.
pub const MAX_TEXT_BYTES: usize = 1 << 16;

/// Most characters of a word; a longer one is unknown.
const MAX_WORD: usize = 100;

pub(crate) const UNKNOWN: u16 = 100;
pub(crate) const CLASSIFICATION: u16 = 101;
pub(crate) const SEPARATOR: u16 = 102;
/// What the special tokens look like, and their ids.
pub(crate) const SPECIAL: [(&str, u16); 5] =
    [("[PAD]", 0), ("[UNK]", UNKNOWN), ("[CLS]", CLASSIFICATION), ("[SEP]", SEPARATOR), ("[MASK]", 103)];

/// A text as the network sees it: between 2 and [`MAX_TOKENS`] ids, the first `[CLS]`, the last `[SEP]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tokens(Vec<u16>);

impl Tokens {
    /// The ids, each below [`VOCABULARY`](crate::VOCABULARY).
    pub fn ids(&self) -> &[u16] {
        &self.0
    }

    /// The ids without `[CLS]` and `[SEP]`.
    pub fn content(&self) -> &[u16] {
        &self.0[1..self.0.len() - 1]
    }

    /// `[CLS] id [SEP]`, for the static table.
    pub(crate) fn of_one(id: u16) -> Self {
        Self(vec![CLASSIFICATION, id, SEPARATOR])
    }
}

/// Tokenises a text, in time bounded by [`MAX_TEXT_BYTES`].
pub(crate) fn tokenise(vocabulary: Vocabulary<'_>, text: &str) -> Tokens {
    let mut rest = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    let mut splitter = Splitter::new(vocabulary);
    while let Some((before, special, after)) = next_special(rest) {
        splitter.read(before);
        splitter.push(special);
        rest = after;
    }
    splitter.read(rest);
    splitter.finish()
}

/// The text before the first special token, its id, and the text after it.
fn next_special(text: &str) -> Option<(&str, u16, &str)> {
    text.match_indices('[').find_map(|(at, _)| {
        let (literal, id) = SPECIAL.into_iter().find(|(literal, _)| text[at..].starts_with(literal))?;
        Some((&text[..at], id, &text[at + literal.len()..]))
    })
}

/// Cuts a stream of characters into words and words into pieces.
struct Splitter<'vocabulary> {
    vocabulary: Vocabulary<'vocabulary>,
    ids: Vec<u16>,
    word: String,
    /// Characters of the word; those beyond [`MAX_WORD`] are counted but not kept.
    characters: usize,
}

impl<'vocabulary> Splitter<'vocabulary> {
    fn new(vocabulary: Vocabulary<'vocabulary>) -> Self {
        Self { vocabulary, ids: vec![CLASSIFICATION], word: String::new(), characters: 0 }
    }

    fn is_full(&self) -> bool {
        self.ids.len() >= MAX_TOKENS - 1
    }

    fn push(&mut self, id: u16) {
        if !self.is_full() {
            self.ids.push(id);
        }
    }

    fn finish(mut self) -> Tokens {
        self.ids.push(SEPARATOR);
        Tokens(self.ids)
    }

    /// Reads text that is free of special tokens. What follows starts a new word.
    fn read(&mut self, text: &str) {
        if text.is_ascii() {
            let characters = text.chars().filter(|&character| !is_dropped(character));
            self.split(characters.map(|character| character.to_ascii_lowercase()));
        } else {
            let characters = text.chars().filter(|&character| !is_dropped(character)).flat_map(with_spaces);
            let bare = characters.nfd().filter(|character| !character.is_mark_nonspacing());
            self.split(bare.flat_map(char::to_lowercase));
        }
        self.end_word();
    }

    fn split(&mut self, characters: impl Iterator<Item = char>) {
        for character in characters {
            if self.is_full() {
                return;
            }
            if character.is_whitespace() {
                self.end_word();
            } else if is_punctuation(character) {
                self.end_word();
                self.extend_word(character);
                self.end_word();
            } else {
                self.extend_word(character);
            }
        }
    }

    fn extend_word(&mut self, character: char) {
        self.characters += 1;
        if self.characters <= MAX_WORD {
            self.word.push(character);
        }
    }

    fn end_word(&mut self) {
        if self.characters == 0 {
            return;
        }
        let before = self.ids.len();
        if self.characters > MAX_WORD || !self.add_pieces() {
            self.ids.truncate(before);
            self.ids.push(UNKNOWN);
        }
        self.ids.truncate(MAX_TOKENS - 1);
        self.word.clear();
        self.characters = 0;
    }

    /// Whether the word is wholly made of pieces in the vocabulary.
    fn add_pieces(&mut self) -> bool {
        let mut rest = self.word.as_str();
        let mut place = Place::Start;
        while !rest.is_empty() {
            let Some((id, length)) = self.vocabulary.longest_prefix(rest, place) else { return false };
            self.ids.push(id);
            rest = &rest[length..];
            place = Place::Continuation;
        }
        true
    }
}

/// Characters that leave no trace: controls (the reference counts tab and line ends as white space, and unassigned
/// characters as ordinary ones), format and private-use characters, the replacement character.
fn is_dropped(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        _ if character.is_ascii() => character.is_ascii_control(),
        _ => character.is_other(),
    }
}

fn is_punctuation(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    character.is_punctuation()
}

/// The character, between spaces if it is an ideograph: each of those is a word.
fn with_spaces(character: char) -> impl Iterator<Item = char> {
    let (skipped, taken) = if is_ideograph(character) { (0, 3) } else { (1, 1) };
    // White space becomes a plain space before normalisation, as some of it decomposes into other characters.
    let character = if character.is_whitespace() { ' ' } else { character };
    [' ', character, ' '].into_iter().skip(skipped).take(taken)
}

/// The blocks of ideographs the reference knows. It starts Extension E at 2B920 where Unicode has 2B820.
fn is_ideograph(character: char) -> bool {
    matches!(
        u32::from(character),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B73F
            | 0x2_B740..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0x2_F800..=0x2_FA1F
    )
}
