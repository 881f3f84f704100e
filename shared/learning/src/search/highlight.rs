//! What of a text a query found, for people to see.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::words::{Endings, Query, QueryWord, folded, words};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fragment {
    /// Its words as they stand.
    pub text: String,
    /// Whether they were looked for.
    #[serde(rename = "match")]
    pub is_match: bool,
}

/// Shows what one query found, in many texts.
pub struct Highlighter<'a> {
    query: &'a Query,
    /// Of each language that was met.
    languages: Vec<Language<'a>>,
}

/// How words of one language are recognised.
struct Language<'a> {
    tag: &'a str,
    endings: Endings,
    /// The stems of the query's words.
    stems: Vec<String>,
    /// Words that were met: texts that one query finds have most of them in common.
    met: HashMap<&'a str, bool>,
}

impl<'a> Highlighter<'a> {
    /// Of a query's words.
    #[must_use]
    pub fn new(query: &'a Query) -> Self {
        Self { query, languages: Vec::new() }
    }

    /// The text in pieces, together at most so many characters of it, from a little before the first word that was looked
    /// for. An ellipsis stands where something is left out.
    pub fn highlight(&mut self, text: &'a str, language: &'a str, most: usize) -> Vec<Fragment> {
        let at = self.languages.iter().position(|known| known.tag == language).unwrap_or_else(|| {
            self.languages.push(Language::of(language, self.query));
            self.languages.len() - 1
        });
        let language = &mut self.languages[at];
        in_pieces(text, most, |word| language.is_match(self.query, word))
    }
}

impl<'a> Language<'a> {
    fn of(tag: &'a str, query: &Query) -> Self {
        let endings = Endings::of(tag);
        let stems = query.words.iter().map(|word| endings.off(&word.text)).collect();
        Self { tag, endings, stems, met: HashMap::new() }
    }

    fn is_match(&mut self, query: &Query, word: &'a str) -> bool {
        let Self { endings, stems, met, .. } = self;
        *met.entry(word).or_insert_with(|| {
            let word = folded(word);
            let is_written = query.words.iter().any(|QueryWord { text, is_begun }| {
                word == *text || (*is_begun && word.starts_with(text)) || is_misspelt(text, &word)
            });
            // Taking endings off costs most, so it comes last.
            is_written || stems.contains(&endings.off(&word))
        })
    }
}

fn in_pieces<'text>(text: &'text str, most: usize, mut is_match: impl FnMut(&'text str) -> bool) -> Vec<Fragment> {
    let mut shown = None;
    let mut matches: Vec<(usize, usize)> = Vec::new();
    for (start, word) in words(text) {
        // What comes after the part that is shown is of no interest.
        if shown.is_some_and(|(_, end)| start >= end) {
            break;
        }
        if is_match(word) {
            shown.get_or_insert_with(|| window(text, start, most));
            matches.push((start, start + word.len()));
        }
    }
    let (start, end) = shown.unwrap_or_else(|| window(text, 0, most));
    let mut fragments = Vec::new();
    let mut put = |text: &str, is_match: bool| {
        if !text.is_empty() {
            fragments.push(Fragment { text: text.to_owned(), is_match });
        }
    };
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    let mut at = start;
    let mut plain = before.to_owned();
    for (from, to) in matches.into_iter().filter(|(from, to)| *from >= start && *to <= end) {
        plain += &text[at..from];
        put(&std::mem::take(&mut plain), false);
        put(&text[from..to], true);
        at = to;
    }
    put(&(plain + &text[at..end] + after), false);
    fragments
}

/// Whether one word is another at one error; rougher than what is searched by, and no matter of ranking.
fn is_misspelt(one: &str, other: &str) -> bool {
    // No character has more than four bytes, and none less than one: most words need not be taken apart.
    if one.len().min(other.len()) < 4 || one.len().abs_diff(other.len()) > 4 {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().min(other.len()) < 4 || one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match (one, other) {
        ([a, b, rest @ ..], [c, d, others @ ..]) if (a, b) == (d, c) && rest == others => true,
        ([_, rest @ ..], [_, others @ ..]) if rest == others => true,
        ([_, rest @ ..], others) if rest == others => true,
        (others, [_, rest @ ..]) if rest == others => true,
        _ => false,
    }
}

/// The bytes of a text to show around a place: from the beginning of a word a little before it, so many characters.
fn window(text: &str, around: usize, most: usize) -> (usize, usize) {
    let before = text[..around].char_indices().rev().nth(most / 4).map_or(0, |(at, _)| at);
    let start = match text[before..around].find(char::is_whitespace) {
        Some(space) if before > 0 => before + space + 1,
        _ if before > 0 => around,
        _ => 0,
    };
    let start = (start..=around).find(|at| text.is_char_boundary(*at)).unwrap_or(around);
    let Some((cut, _)) = text[start..].char_indices().nth(most) else { return (start, text.len()) };
    let end = start + cut;
    let space = text[start..end].rfind(char::is_whitespace).filter(|space| *space > cut / 2);
    (start, space.map_or(end, |space| start + space))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, query: &str, most: usize) -> String {
        let fragments = Highlighter::new(&Query::typed(query)).highlight(text, "en", most);
        fragments.iter().map(|f| if f.is_match { format!("[{}]", f.text) } else { f.text.clone() }).collect()
    }

    #[test]
    fn words_that_were_looked_for_stand_out() {
        assert_eq!(shown("Your Refunds, refunded today", "refund", 100), "Your [Refunds], [refunded] today");
        assert_eq!(shown("Your refund", "refnud", 100), "Your [refund]");
        assert_eq!(shown("Your delivery is late", "deliv", 100), "Your [delivery] is late");
        assert_eq!(shown("Nothing here", "refund", 100), "Nothing here");
        assert_eq!(shown("", "refund", 100), "");
    }

    #[test]
    fn of_a_long_text_the_part_is_shown_that_was_found() {
        let long = format!("{}the refund is on its way {}", "one two three ".repeat(20), "four five ".repeat(20));
        let shown = shown(&long, "refund", 40);
        assert_eq!(shown, "…three the [refund] is on its way four…");
    }

    proptest! {
        #[test]
        fn what_was_shown_before_makes_no_difference(
            texts in prop::collection::vec(("([Ww]arte[nt]?|wait(s|ing)?|[a-z]{1,3}| ){0,12}", any::<bool>()), 1..6),
            query in "(wart|wait|[a-z]{1,3}) ?(waiting|warten)?",
        ) {
            let query = Query::typed(&query);
            let mut highlighter = Highlighter::new(&query);
            for (text, is_german) in &texts {
                let language = if *is_german { "de" } else { "en" };
                let alone = Highlighter::new(&query).highlight(text, language, 30);
                prop_assert_eq!(highlighter.highlight(text, language, 30), alone);
            }
        }

        #[test]
        fn nothing_is_added_but_ellipses(text in ".{0,200}", query in ".{0,20}", most in 1_usize..60) {
            let query = Query::typed(&query);
            let fragments = Highlighter::new(&query).highlight(&text, "en", most);
            let joined: String = fragments.iter().map(|fragment| fragment.text.as_str()).collect();
            let bare = joined.trim_start_matches('…').trim_end_matches('…');
            prop_assert!(text.contains(bare));
            prop_assert!(fragments.iter().all(|fragment| !fragment.text.is_empty()));
        }
    }
}
