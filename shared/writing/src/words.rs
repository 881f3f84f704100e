//! A text as words, marks and sentences.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters or digits, with apostrophes, hyphens and points between them: `don't`, `well-known`, `3.50`.
    Word,
    /// A sign.
    Mark,
    /// An address: nobody's wording.
    Address,
}

/// A word or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Its bytes in the text.
    pub(crate) at: Range<usize>,
}

impl Token {
    pub(crate) fn of<'text>(&self, text: &'text str) -> &'text str {
        &text[self.at.clone()]
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// The tokens of a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let chunk_at = at + rest.len() - rest.trim_start().len();
        let chunk = text[chunk_at..].split(char::is_whitespace).next().unwrap_or_default();
        at = chunk_at + chunk.len();
        if is_address(chunk) {
            let address = chunk.trim_end_matches(['.', ',', '!', '?', ';', ':', ')', '"', '”', '»']);
            tokens.push(Token { kind: Kind::Address, at: chunk_at..chunk_at + address.len() });
            signs(text, chunk_at + address.len()..at, &mut tokens);
        } else {
            signs(text, chunk_at..at, &mut tokens);
        }
    }
    tokens
}

/// The words and signs of a stretch without white space.
fn signs(text: &str, stretch: Range<usize>, tokens: &mut Vec<Token>) {
    let mut chars = text[stretch.clone()].char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let start = stretch.start + at;
        if !char.is_alphanumeric() {
            tokens.push(Token { kind: Kind::Mark, at: start..start + char.len_utf8() });
            continue;
        }
        let mut end = start + char.len_utf8();
        while let Some(&(at, next)) = chars.peek() {
            let after = stretch.start + at + next.len_utf8();
            let goes_on = next.is_alphanumeric() || is_of_word(next);
            let joins = matches!(next, '\'' | '’' | '-' | '‑' | '.' | ',')
                && text[after..stretch.end].starts_with(|char: char| char.is_alphanumeric())
                && (!matches!(next, '.' | ',')
                    || text[..stretch.start + at].ends_with(|char: char| char.is_ascii_digit()));
            if !goes_on && !joins {
                break;
            }
            end = after;
            chars.next();
        }
        tokens.push(Token { kind: Kind::Word, at: start..end });
    }
}

/// Marks that combine with the letter before them.
fn is_of_word(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{ad}')
}

fn is_address(chunk: &str) -> bool {
    if chunk.contains("://") || chunk.contains('@') || chunk.contains('\\') || chunk.starts_with("www.") {
        return true;
    }
    let bytes = chunk.trim_end_matches(['.', ',', '!', '?', ';', ':', ')']).as_bytes();
    // `help.example.com`, `example.com/help`, but neither `3.50` nor `e.g`.
    bytes.windows(4).any(|four| {
        four[1] == b'.'
            && four[0].is_ascii_alphanumeric()
            && four[2].is_ascii_lowercase()
            && four[3].is_ascii_lowercase()
    })
}

/// A sentence, or a line that is none, such as a greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Its bytes in the text, from its first token to its last.
    pub(crate) at: Range<usize>,
    /// Its tokens, among those of the text.
    pub(crate) tokens: Range<usize>,
    /// Whether it ends as sentences do.
    pub(crate) is_ended: bool,
}

/// Abbreviations that a point belongs to, in the languages that are read.
const ABBREVIATIONS: [&str; 38] = [
    "mr", "mrs", "ms", "dr", "st", "no", "nr", "vs", "etc", "e.g", "i.e", "inc", "ltd", "approx", "dept", "bzw", "ca",
    "usw", "evtl", "ggf", "inkl", "zzgl", "abs", "art", "str", "tel", "sr", "sra", "srta", "ud", "uds", "núm", "pág",
    "г", "т", "др", "ул", "руб",
];

/// The sentences of a text, in order. A line ends one, unless it is a long line that goes on in the next.
pub(crate) fn sentences(text: &str, tokens: &[Token]) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for at in 0..tokens.len() {
        let token = &tokens[at];
        let next = tokens.get(at + 1);
        let gap = &text[token.at.end..next.map_or(text.len(), |next| next.at.start)];
        let is_ended = ends(text, tokens, start, at) && (next.is_none() || gap.starts_with(char::is_whitespace));
        if !is_ended && !next.is_none_or(|next| breaks(text, token, gap, next)) {
            continue;
        }
        sentences.push(Sentence { at: tokens[start].at.start..token.at.end, tokens: start..at + 1, is_ended });
        start = at + 1;
    }
    sentences
}

/// Whether a sentence ends with a token.
fn ends(text: &str, tokens: &[Token], start: usize, at: usize) -> bool {
    let sign = |at: usize| tokens[at].of(text);
    let mut last = at;
    while last > start && at - last < MOST_CLOSERS && matches!(sign(last), ")" | "\"" | "”" | "“" | "»" | "’" | "'")
    {
        last -= 1;
    }
    match sign(last) {
        "!" | "?" | "…" => true,
        "." => {
            let before = if last > start { sign(last - 1) } else { "" };
            let is_short = before.chars().count() == 1 && before.chars().all(char::is_alphabetic) && before != "I";
            let is_ordinal =
                before.len() <= 2 && !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit());
            let goes_on = is_short || is_ordinal || ABBREVIATIONS.contains(&before.to_lowercase().as_str());
            !goes_on || at + 1 == tokens.len()
        }
        _ => false,
    }
}

/// Whether the white space between two tokens ends a sentence.
fn breaks(text: &str, token: &Token, gap: &str, next: &Token) -> bool {
    let newlines = gap.matches('\n').count();
    if newlines != 1 {
        return newlines > 1;
    }
    let line = text[..token.at.end].rfind('\n').map_or(0, |newline| newline + 1);
    let is_wrapped = token.at.end - line >= WRAPPED_LINE
        && matches!(token.kind, Kind::Word)
        && next.of(text).starts_with(char::is_lowercase);
    !is_wrapped
}

/// Quotes and brackets that close behind the mark that ends a sentence.
const MOST_CLOSERS: usize = 3;
/// Bytes of a line that was broken because it was long.
const WRAPPED_LINE: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.of(text)).collect()
    }

    fn said(text: &str) -> Vec<&str> {
        sentences(text, &tokens(text)).into_iter().map(|sentence| &text[sentence.at]).collect()
    }

    #[test]
    fn words_keep_their_apostrophes_and_addresses_are_one() {
        assert_eq!(read("We’ll re-send it (now)!"), ["We’ll", "re-send", "it", "(", "now", ")", "!"]);
        assert_eq!(read("3.50, 1,299 or e.g. 7."), ["3.50", ",", "1,299", "or", "e", ".", "g", ".", "7", "."]);
        assert_eq!(
            read("See https://a.b/c?d=e. Or me@a.io, help.a.com/x!"),
            ["See", "https://a.b/c?d=e", ".", "Or", "me@a.io", ",", "help.a.com/x", "!"]
        );
        assert_eq!(read(" \u{a0}\t"), [""; 0]);
    }

    #[test]
    fn sentences_end_with_their_marks_and_their_lines() {
        assert_eq!(
            said("Hello Anna,\n\nit left. Really? Yes (today.) Fine"),
            ["Hello Anna,", "it left.", "Really?", "Yes (today.)", "Fine"]
        );
        assert_eq!(said("Mr. Smith paid on 3. May. Nice"), ["Mr. Smith paid on 3. May.", "Nice"]);
        assert_eq!(said("- one\n- two"), ["- one", "- two"]);
        let wrapped = "We looked for the parcel that you sent to us last Monday\nand found it.";
        assert_eq!(said(wrapped), [wrapped]);
    }
}
