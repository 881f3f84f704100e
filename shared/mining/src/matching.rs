//! Whether a text is one that a template could have made, and with which values.

use std::ops::Range;

use crate::alignment::pair_within;
use crate::pattern::{Passage, Piece, is_short};
use crate::source;
use crate::tokens::{MAX_READ_BYTES, Token, sentences, tokens};
use crate::{MAX_REPLY_BYTES, MAX_REPLY_TOKENS};

/// Share of the words of a text that its template must have, and of the template's that the text must have.
pub const COVERED: f64 = 0.8;

/// Finds texts that a template could have made.
#[derive(Debug, Clone)]
pub struct Matcher {
    pieces: Vec<Named>,
    /// The keys of the pieces; 0 where a value stands.
    keys: Vec<u64>,
    /// The keys of the words, ascending.
    words: Vec<u64>,
}

/// A piece as far as texts are matched with it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Literal { is_word: bool, exact: u64 },
    Slot { name: String },
}

/// A text, read once to be matched with many templates.
#[derive(Debug, Clone)]
pub struct Text<'text> {
    text: &'text str,
    tokens: Vec<Token>,
    sentences: Vec<Range<usize>>,
}

impl<'text> Text<'text> {
    /// Reads a text; `None` for one that is longer than replies may be.
    #[must_use]
    pub fn read(text: &'text str) -> Option<Self> {
        if text.len() > MAX_REPLY_BYTES {
            return None;
        }
        let tokens = tokens(text);
        let sentences = sentences(text, &tokens);
        (tokens.len() <= MAX_REPLY_TOKENS).then_some(Self { text, tokens, sentences })
    }

    fn passage(&self, range: Range<usize>) -> Passage<'_> {
        Passage::of(self.text, &self.tokens, range)
    }
}

/// A text, or part of one, that a template could have made.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its bytes.
    pub bytes: Range<usize>,
    /// The values in the order of the template: the name of the variable and the bytes of the value. A variable whose value
    /// cannot be told is left out.
    pub values: Vec<(String, Range<usize>)>,
    /// The share of words that match, the lesser one of the text's and the template's: [`COVERED`] to 1.
    pub share: f64,
}

impl Matcher {
    /// A matcher for the source of a proposal; `None` for one that holds markup of which proposals have none, or is far
    /// longer than any reply.
    #[must_use]
    pub fn of(source: &str) -> Option<Self> {
        if source.len() > MAX_READ_BYTES {
            return None;
        }
        let mut text = String::new();
        let mut slots = Vec::new();
        for part in source::parts(source)? {
            match part {
                source::Part::Text(literal) => text.push_str(literal),
                source::Part::Variable(name) => {
                    slots.push((text.len(), name));
                    // What stands beside a value is not read as one word with it.
                    text.push('\n');
                }
            }
        }
        let mut pieces: Vec<Named> = Vec::new();
        let mut keys = Vec::new();
        let mut slots = slots.into_iter().peekable();
        let slot = |name: &str| Named::Slot { name: name.to_owned() };
        for token in tokens(&text) {
            while let Some((_, name)) = slots.next_if(|(at, _)| *at < token.range().start) {
                pieces.push(slot(name));
                keys.push(0);
            }
            pieces.push(Named::Literal { is_word: token.is_word(), exact: token.exact(&text) });
            keys.push(token.key);
        }
        for (_, name) in slots {
            pieces.push(slot(name));
            keys.push(0);
        }
        Some(Self::with(pieces, keys))
    }

    /// A matcher for a pattern whose variables have the numbers of their places as names.
    pub(crate) fn of_pieces(pattern: &[Piece]) -> Self {
        let mut slots = 0;
        let mut keys = Vec::with_capacity(pattern.len());
        let mut pieces = Vec::with_capacity(pattern.len());
        for piece in pattern {
            match piece {
                Piece::Literal { key, exact, is_word, .. } => {
                    keys.push(*key);
                    pieces.push(Named::Literal { is_word: *is_word, exact: *exact });
                }
                Piece::Slot { .. } => {
                    keys.push(0);
                    pieces.push(Named::Slot { name: slots.to_string() });
                    slots += 1;
                }
            }
        }
        Self::with(pieces, keys)
    }

    fn with(pieces: Vec<Named>, keys: Vec<u64>) -> Self {
        let words = pieces.iter().zip(&keys).filter(|(piece, _)| matches!(piece, Named::Literal { is_word: true, .. }));
        let mut words: Vec<u64> = words.map(|(_, key)| *key).collect();
        words.sort_unstable();
        Self { pieces, keys, words }
    }

    /// Whether the template could have made the whole text.
    #[must_use]
    pub fn find(&self, text: &Text<'_>) -> Option<Found> {
        self.find_told(&text.passage(0..text.tokens.len()))
    }

    /// The sentences of the text that the template could have made.
    #[must_use]
    pub fn find_passages(&self, text: &Text<'_>) -> Vec<Found> {
        text.sentences.iter().filter_map(|range| self.find_told(&text.passage(range.clone()))).collect()
    }

    fn find_told(&self, passage: &Passage<'_>) -> Option<Found> {
        self.find_in(passage).map(|found| self.told(passage, &found))
    }

    fn told(&self, passage: &Passage<'_>, found: &Filled) -> Found {
        let named = found.values.iter().filter_map(|(piece, value)| match &self.pieces[*piece] {
            Named::Slot { name } => Some((name.clone(), passage.bytes(value.clone()))),
            Named::Literal { .. } => None,
        });
        Found { bytes: passage.bytes(0..passage.tokens().len()), values: named.collect(), share: found.share }
    }

    /// The values of a text that the template could have made, by the places of their pieces.
    pub(crate) fn find_in(&self, passage: &Passage<'_>) -> Option<Filled> {
        self.find_within(passage, &mut { u64::MAX })
    }

    /// The same; `None`, too, where it would take more effort than is left.
    pub(crate) fn find_within(&self, passage: &Passage<'_>, effort: &mut u64) -> Option<Filled> {
        if !self.may_match(passage) {
            return None;
        }
        let tokens = passage.tokens();
        let others: Vec<u64> = tokens.iter().map(|token| token.key).collect();
        let pairs = pair_within(&self.keys, &others, effort)?;
        let (mut of_text, mut of_template) = (0, 0);
        for (piece, partner) in self.pieces.iter().zip(&pairs) {
            if let (Named::Literal { is_word: true, exact }, Some(partner)) = (piece, partner)
                && tokens[*partner].exact(passage.text) == *exact
            {
                of_text += 1;
                of_template += 1;
            }
        }
        let mut values = Vec::new();
        let mut at = 0;
        while at < self.pieces.len() {
            let run = self.keys[at..].iter().take_while(|key| **key == 0).count();
            if run > 0 {
                let filled = self.fill(passage, &pairs, at..at + run);
                of_template += filled.len();
                for (_, value) in &filled {
                    of_text += tokens[value.clone()].iter().filter(|token| token.is_word()).count();
                }
                values.extend(filled);
            }
            at += run.max(1);
        }
        let words = tokens.iter().filter(|token| token.is_word()).count();
        let slots = self.keys.iter().filter(|key| **key == 0).count();
        let share = |matched: usize, of: usize| matched as f64 / of.max(1) as f64;
        let share = share(of_text, words).min(share(of_template, self.words.len() + slots));
        (share >= COVERED).then_some(Filled { values, share })
    }

    /// The values of variables with nothing between them.
    fn fill(&self, passage: &Passage<'_>, pairs: &[Option<usize>], run: Range<usize>) -> Vec<(usize, Range<usize>)> {
        // The nearest words on both sides that the text has too.
        let before = (0..run.start).rev().take_while(|at| self.keys[*at] != 0).find(|at| pairs[*at].is_some());
        let after = (run.end..pairs.len()).take_while(|at| self.keys[*at] != 0).find(|at| pairs[*at].is_some());
        let is_first = self.keys[..run.start].iter().all(|key| *key != 0);
        let is_last = self.keys[run.end..].iter().all(|key| *key != 0);
        let start = before.map_or(is_first.then_some(0), |at| pairs[at].map(|at| at + 1));
        let end = after.map_or(is_last.then_some(passage.tokens().len()), |at| pairs[at]);
        let (Some(start), Some(end)) = (start, end) else { return Vec::new() };
        if start >= end || !(is_short(&passage.tokens()[start..end]) || end - start == run.len()) {
            return Vec::new();
        }
        let is_beside = before.map_or(0, |at| at + 1) == run.start && after.unwrap_or(pairs.len()) == run.end;
        if is_beside && end - start == run.len() {
            return run.zip(start..end).map(|(piece, at)| (piece, at..at + 1)).collect();
        }
        if run.len() > 1 {
            return Vec::new();
        }
        // Where the text has other words around the value, it is what looks like one.
        let value = if is_beside { Some(start..end) } else { passage.core(start..end) };
        value.map(|value| (run.start, value)).into_iter().collect()
    }

    /// Whether enough of the words are in the text at all, whatever their order: this is cheap.
    fn may_match(&self, passage: &Passage<'_>) -> bool {
        let mut words: Vec<u64> =
            passage.tokens().iter().filter(|token| token.is_word()).map(|token| token.key).collect();
        words.sort_unstable();
        let (mut own, mut common) = (self.words.as_slice(), 0);
        for word in words {
            while let [first, rest @ ..] = own
                && *first < word
            {
                own = rest;
            }
            if own.first() == Some(&word) {
                common += 1;
                own = &own[1..];
            }
        }
        let slots = self.keys.iter().filter(|key| **key == 0).count();
        (common + slots) as f64 >= COVERED * (self.words.len() + slots) as f64
    }
}

/// The values of a text by the places of their pieces and their tokens.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub values: Vec<(usize, Range<usize>)>,
    pub share: f64,
}
