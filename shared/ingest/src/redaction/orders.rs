//! Order numbers as the tenant describes them.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::{follows_word, precedes_word};

/// Characters of one pattern.
pub const MAX_PATTERN_CHARS: usize = 200;
/// Patterns of one tenant.
pub const MAX_PATTERNS: usize = 20;
/// Bytes of an order number.
const MAX_NUMBER_BYTES: usize = 64;
/// Bytes that the automaton of one pattern may take.
const MAX_AUTOMATON_BYTES: usize = 256 * 1024;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern {place} {why}")]
pub struct PatternError {
    /// Which one, from 0.
    pub place: usize,
    /// What is wrong with it, and how to mend it.
    pub why: String,
}

/// Compiled patterns.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(Vec<Regex>);

impl Patterns {
    pub(super) fn new(patterns: &[String]) -> Result<Self, PatternError> {
        if patterns.len() > MAX_PATTERNS {
            let why = format!("is one too many: at most {MAX_PATTERNS} are allowed");
            return Err(PatternError { place: MAX_PATTERNS, why });
        }
        let compile = |(place, pattern): (usize, &String)| compiled(pattern).map_err(|why| PatternError { place, why });
        patterns.iter().enumerate().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// What the patterns match as whole words.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let whole = |found: &Range<usize>| !follows_word(text, found.start) && !precedes_word(text, found.end);
        self.0.iter().flat_map(|pattern| matches(pattern, text)).filter(whole).collect()
    }
}

/// Matches of a pattern, found in time that grows with the text and not with its square: a search that fails looks at everything
/// that follows, so each looks at the next few bytes alone. A match longer than [`MAX_NUMBER_BYTES`] may be missed.
fn matches(pattern: &Regex, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text.ceil_char_boundary(at + 2 * MAX_NUMBER_BYTES);
        // A match that begins behind the middle may go on beyond the end.
        let middle = if end == text.len() { end } else { text.ceil_char_boundary(at + MAX_NUMBER_BYTES) };
        match pattern.find_at(&text[..end], at).map(|it| it.range()) {
            Some(it) if it.start < middle || it.start == at => {
                at = if it.is_empty() { text.ceil_char_boundary(it.end + 1) } else { it.end };
                found.push(it);
            }
            _ => at = middle,
        }
    }
    found.retain(|it| !it.is_empty());
    found
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.chars().count() > MAX_PATTERN_CHARS {
        return Err(format!("is longer than {MAX_PATTERN_CHARS} characters; shorten it"));
    }
    let regex = RegexBuilder::new(pattern).size_limit(MAX_AUTOMATON_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "repeats too much; lower the counts in `{…}`".to_owned(),
        _ => "is no regular expression; write one such as `LT-[0-9]{5,7}`".to_owned(),
    })?;
    if regex.is_match("") {
        return Err("matches the empty text; add what an order number must hold".to_owned());
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(patterns: &[&str]) -> Result<Patterns, PatternError> {
        Patterns::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_pattern_matches_whole_words_only() {
        let text = "LT-12345, LT-123456789, XLT-12345 and #123456.";
        let found = patterns(&["LT-[0-9]{5,7}", "#[0-9]{6}"]).unwrap().find(text);
        assert_eq!(found.into_iter().map(|bytes| &text[bytes]).collect::<Vec<_>>(), ["LT-12345", "#123456"]);
    }

    #[test]
    fn numbers_are_found_wherever_they_stand_in_a_long_text() {
        let patterns = patterns(&["LT-[0-9]{5,7}", "№ ?[0-9]{4}"]).unwrap();
        for spaces in 0..300 {
            let text = format!("{}LT-123456 é № 1234{}", "é ".repeat(spaces), " é".repeat(100));
            let found = patterns.find(&text);
            assert_eq!(found.into_iter().map(|it| &text[it]).collect::<Vec<_>>(), ["LT-123456", "№ 1234"], "{spaces}");
        }
    }

    #[test]
    fn a_pattern_that_looks_ahead_for_ever_costs_no_more_than_the_text() {
        // A search from every letter to the end of the text would take a minute.
        let patterns = patterns(&["[A-Z][A-Za-z]*[0-9]|[A-Z]"; 20]).unwrap();
        let started = std::time::Instant::now();
        patterns.find(&"A".repeat(120_000));
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn short_matches_are_those_of_one_search(text in "[aAé0-9 -]{0,400}") {
            let pattern = Regex::new("[aé]-?[0-9]{1,6}").unwrap();
            let whole: Vec<_> = pattern.find_iter(&text).map(|it| it.range()).collect();
            prop_assert_eq!(matches(&pattern, &text), whole);
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_by_its_place() {
        for (pattern, why) in [
            ("(", "no regular expression"),
            ("[0-9]*", "empty text"),
            ("(a{1000}){1000}", "repeats too much"),
            (&"a".repeat(201), "longer than 200"),
        ] {
            let error = patterns(&["x", pattern]).unwrap_err();
            assert_eq!(error.place, 1);
            assert!(error.why.contains(why), "{error}");
        }
        assert_eq!(patterns(&["a"; 21]).unwrap_err().place, 20);
    }
}
