//! A reply as words, marks and recognised values, each with its place in the text.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::MAX_REPLY_BYTES;
use crate::recognise::{self, Recognised};

/// Words of a name after a greeting.
const NAME_WORDS: usize = 3;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// Punctuation, or the number of a list's item.
    Mark,
    /// What is likely to differ.
    Value(Recognised),
}

/// A word, a mark or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// Equal for what counts as equal: the word whatever its case, the value by its kind alone.
    pub key: u64,
    start: u16,
    end: u16,
    pub kind: Kind,
}

impl Token {
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn of<'text>(&self, text: &'text str) -> &'text str {
        &text[self.range()]
    }

    /// Whether it is one that texts are compared by.
    pub fn is_word(&self) -> bool {
        self.kind != Kind::Mark
    }

    pub fn placeholder(&self) -> Option<u8> {
        match self.kind {
            Kind::Value(Recognised::Placeholder(place)) => Some(place),
            _ => None,
        }
    }

    /// What tells it from others of its key: a value by what it says.
    pub fn exact(&self, text: &str) -> u64 {
        match self.kind {
            Kind::Value(_) => xxh3_64(self.of(text).as_bytes()),
            _ => self.key,
        }
    }
}

/// The key of a written word.
pub(crate) fn key_of(word: &str) -> u64 {
    // Zero stands for a variable.
    xxh3_64(normal(word).as_bytes()).max(1)
}

/// The key of all values of a kind.
pub(crate) fn key_of_value(recognised: Recognised) -> u64 {
    xxh3_64(format!("\u{1}{recognised:?}").as_bytes()).max(1)
}

pub(crate) fn normal(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

fn token(text: &str, range: Range<usize>, kind: Kind) -> Token {
    let key = match kind {
        Kind::Value(recognised) => key_of_value(recognised),
        Kind::Word | Kind::Mark => key_of(&text[range.clone()]),
    };
    let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    Token { key, start: place(range.start), end: place(range.end), kind }
}

/// Bytes of a text that is read: places in it have 16 bits, for there are millions of them at once.
pub(crate) const MAX_READ_BYTES: usize = 4 * MAX_REPLY_BYTES;

/// The tokens of a text. Control characters and white space are between them. Of a text longer than [`MAX_READ_BYTES`]
/// there are none.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    if text.len() > MAX_READ_BYTES {
        return Vec::new();
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    for (range, kind) in recognise::shapes(text) {
        words(text, at..range.start, &mut tokens);
        at = range.end;
        tokens.push(token(text, range, Kind::Value(kind)));
    }
    words(text, at..text.len(), &mut tokens);
    mark_list_items(text, &mut tokens);
    join_names(text, tokens)
}

fn words(text: &str, within: Range<usize>, tokens: &mut Vec<Token>) {
    let mut at = within.start;
    while let Some(first) = text[at..within.end].chars().next() {
        if first.is_whitespace() || first.is_control() {
            at += first.len_utf8();
            continue;
        }
        let end = at + word_length(&text[at..within.end]).max(first.len_utf8());
        let kind = if is_of_word(first) {
            recognise::word(&text[at..end]).map_or(Kind::Word, Kind::Value)
        } else {
            Kind::Mark
        };
        tokens.push(token(text, at..end, kind));
        at = end;
    }
}

/// Letters, digits and the accents that stand by themselves.
fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&char)
}

/// Bytes of the word that a text begins with: letters and digits, and what joins them.
fn word_length(text: &str) -> usize {
    let mut length = 0;
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let joins = match char {
            '\'' | '’' | '-' | '_' => is_of_word(before) && is_of_word(next),
            '.' | ',' => before.is_ascii_digit() && next.is_ascii_digit(),
            _ => false,
        };
        if !is_of_word(char) && !joins {
            break;
        }
        length = at + char.len_utf8();
        before = char;
    }
    length
}

/// The numbers of a list are no values.
fn mark_list_items(text: &str, tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let is_number = tokens[at].kind == Kind::Value(Recognised::Number);
        if is_number
            && begins_line(text, tokens, at)
            && tokens.get(at + 1).is_some_and(|next| matches!(next.of(text), "." | ")"))
        {
            tokens[at] = token(text, tokens[at].range(), Kind::Mark);
        }
    }
}

fn gap<'text>(text: &'text str, tokens: &[Token], at: usize) -> &'text str {
    let from = at.checked_sub(1).map_or(0, |before| tokens[before].range().end);
    &text[from..tokens[at].range().start]
}

fn begins_line(text: &str, tokens: &[Token], at: usize) -> bool {
    at == 0 || gap(text, tokens, at).contains('\n')
}

/// Whether a sentence, or a line, begins with the token.
pub(crate) fn begins_sentence(text: &str, tokens: &[Token], at: usize) -> bool {
    if begins_line(text, tokens, at) {
        return true;
    }
    let ends = matches!(tokens[at - 1].of(text), "." | "!" | "?" | "…" | "。") && tokens[at - 1].kind == Kind::Mark;
    ends && !gap(text, tokens, at).is_empty() && !tokens[at].of(text).starts_with(char::is_lowercase)
}

/// Makes one value of the words of a name after a greeting.
fn join_names(text: &str, tokens: Vec<Token>) -> Vec<Token> {
    let mut joined = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match name_after(text, &tokens, at) {
            Some(name) => {
                joined.extend_from_slice(&tokens[at..name.start]);
                let range = tokens[name.start].range().start..tokens[name.end - 1].range().end;
                joined.push(token(text, range, Kind::Value(Recognised::Name)));
                at = name.end;
            }
            None => {
                joined.push(tokens[at]);
                at += 1;
            }
        }
    }
    joined
}

/// The tokens of the name in the greeting that begins with this token.
fn name_after(text: &str, tokens: &[Token], at: usize) -> Option<Range<usize>> {
    let is_greeting = tokens[at].kind == Kind::Word && recognise::opens_greeting(&normal(tokens[at].of(text)));
    if !is_greeting || !begins_sentence(text, tokens, at) {
        return None;
    }
    let mut start = at + 1;
    while let Some(between) = tokens.get(start)
        && (recognise::precedes_name(&normal(between.of(text))) || matches!(between.of(text), "," | "."))
        && !begins_line(text, tokens, start)
    {
        start += 1;
    }
    let mut end = start;
    while let Some(word) = tokens.get(end)
        && end - start < NAME_WORDS
        && word.kind == Kind::Word
        && recognise::may_be_name(word.of(text))
        && !begins_line(text, tokens, end)
    {
        end += 1;
    }
    let closes = tokens.get(end).is_none_or(|next| next.kind == Kind::Mark || begins_line(text, tokens, end));
    (end > start && closes).then_some(start..end)
}

/// The sentences and lines of a text as ranges of its tokens, without the marks that lead them, such as those of a list.
pub(crate) fn sentences(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for at in 1..=tokens.len() {
        if at == tokens.len() || begins_sentence(text, tokens, at) {
            let lead = tokens[start..at].iter().take_while(|token| token.kind == Kind::Mark).count();
            if start + lead < at {
                sentences.push(start + lead..at);
            }
            start = at;
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.of(text)).collect()
    }

    #[test]
    fn words_marks_and_values_have_their_places() {
        assert_eq!(
            read("Your order ORD-12 costs $1,299.50; don't wait!"),
            ["Your", "order", "ORD-12", "costs", "$", "1,299.50", ";", "don't", "wait", "!"]
        );
    }

    #[test]
    fn a_name_after_a_greeting_is_one_value() {
        for (text, name) in [
            ("Hi Anna, thanks", "Anna"),
            ("Dear Mr. John van Dyke,", ""),
            ("Dear Mr. John Dyke,", "John Dyke"),
            ("Guten Tag Frau Weiß,\nwir", "Weiß"),
            ("Hola Ana María, gracias", "Ana María"),
            ("Здравствуйте, Анна!", "Анна"),
            ("Hi there, thanks", ""),
            ("Hello Anna\nYour order", "Anna"),
            ("Hi Anna has left", ""),
        ] {
            let found = tokens(text);
            let found = found.iter().find(|token| token.kind == Kind::Value(Recognised::Name));
            assert_eq!(found.map_or("", |token| token.of(text)), name, "{text}");
        }
    }

    #[test]
    fn sentences_end_with_marks_and_lines_and_lists_lose_their_numbers() {
        let text = "Hello. Please:\n1. Log in to www.shop.de.\n2. Pay 2.50 now! Done";
        let tokens = tokens(text);
        let read: Vec<_> = sentences(text, &tokens)
            .into_iter()
            .map(|range| &text[tokens[range.start].range().start..tokens[range.end - 1].range().end])
            .collect();
        assert_eq!(read, ["Hello.", "Please:", "Log in to www.shop.de.", "Pay 2.50 now!", "Done"]);
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_hold_all_but_white_space(text in ".{0,80}|[ -~]{0,80}|(Hi|[A-Z][a-z]+|[0-9]{1,4}|[ ,.@/$%-]|\n){0,30}") {
            let tokens = tokens(&text);
            let mut at = 0;
            for token in &tokens {
                prop_assert!(token.range().start >= at && !token.range().is_empty());
                prop_assert!(text[at..token.range().start].chars().all(|char| char.is_whitespace() || char.is_control()));
                at = token.range().end;
            }
            prop_assert!(text[at..].chars().all(|char| char.is_whitespace() || char.is_control()));
        }
    }
}
