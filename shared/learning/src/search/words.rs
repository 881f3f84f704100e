//! Words as they are looked for: without case and accents, and without the endings that a language puts on them.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

use super::MAX_QUERY_WORDS;

/// Characters of a word that are looked at; what is longer is no word.
const MAX_WORD_CHARACTERS: usize = 48;

/// The words of a text, each with the byte where it begins, by the boundaries of Unicode Standard Annex 29; an apostrophe
/// and an underscore divide words too.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.unicode_word_indices()
        .flat_map(|(start, word)| {
            word.split(['\'', '’', '_'])
                .map(move |part| (start + (part.as_ptr() as usize - word.as_ptr() as usize), part))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// A word without case, accents and presentation forms.
pub(super) fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.bytes().take(MAX_WORD_CHARACTERS).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    }
    let plain = word.nfkd().filter(|character| !is_combining_mark(*character));
    plain.flat_map(char::to_lowercase).take(MAX_WORD_CHARACTERS).collect()
}

/// Takes the endings off words of one language.
pub(super) struct Endings(Option<Stemmer>);

impl Endings {
    /// Of a language tag; one that nobody wrote rules for keeps its words as they are.
    pub(super) fn of(language: &str) -> Self {
        let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let algorithm = match primary.as_str() {
            "ar" => Algorithm::Arabic,
            "da" => Algorithm::Danish,
            "de" => Algorithm::German,
            "el" => Algorithm::Greek,
            "en" => Algorithm::English,
            "es" => Algorithm::Spanish,
            "fi" => Algorithm::Finnish,
            "fr" => Algorithm::French,
            "hu" => Algorithm::Hungarian,
            "it" => Algorithm::Italian,
            "nb" | "nn" | "no" => Algorithm::Norwegian,
            "nl" => Algorithm::Dutch,
            "pt" => Algorithm::Portuguese,
            "ro" => Algorithm::Romanian,
            "ru" => Algorithm::Russian,
            "sv" => Algorithm::Swedish,
            "ta" => Algorithm::Tamil,
            "tr" => Algorithm::Turkish,
            _ => return Self(None),
        };
        Self(Some(Stemmer::create(algorithm)))
    }

    /// The stem of a folded word, by the language's Snowball algorithm.
    pub(super) fn off(&self, folded: &str) -> String {
        self.0.as_ref().map_or_else(|| folded.to_owned(), |stemmer| stemmer.stem(folded).into_owned())
    }
}

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryWord {
    /// Folded.
    pub(super) text: String,
    /// Whether more letters may follow.
    pub(super) is_begun: bool,
}

/// The words to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) words: Vec<QueryWord>,
}

impl Query {
    /// What somebody types into a search: unless white space follows it, the last word may not be finished.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        let mut query = Self::written([text]);
        if text.ends_with(char::is_alphanumeric)
            && let Some((_, last)) = words(text).last()
        {
            let last = folded(last);
            query.words.iter_mut().filter(|word| word.text == last).for_each(|word| word.is_begun = true);
        }
        query
    }

    /// The words of whole texts.
    #[must_use]
    pub fn written<'text>(texts: impl IntoIterator<Item = &'text str>) -> Self {
        let mut seen = BTreeSet::new();
        let all = texts.into_iter().flat_map(words).map(|(_, word)| folded(word));
        let new = all.filter(|word| !word.is_empty() && seen.insert(word.clone()));
        Self { words: new.take(MAX_QUERY_WORDS).map(|text| QueryWord { text, is_begun: false }).collect() }
    }

    /// Whether there is no word to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_people_see() {
        let seen = |text: &'static str| words(text).collect::<Vec<_>>();
        assert_eq!(seen("It's order_id 3.14!"), [(0, "It"), (3, "s"), (5, "order"), (11, "id"), (14, "3.14")]);
        assert_eq!(seen("退款"), [(0, "退"), (3, "款")]);
        assert_eq!(folded("ÜBER"), "uber");
        assert_eq!(folded("ﬁne"), "fine");
        assert_eq!(folded("Ёлка"), "елка");
    }

    #[test]
    fn only_a_last_word_without_space_behind_it_may_go_on() {
        let begun = |text| Query::typed(text).words.iter().map(|word| word.is_begun).collect::<Vec<_>>();
        assert_eq!(begun("late deliv"), [false, true]);
        assert_eq!(begun("late deliv "), [false, false]);
        assert_eq!(begun("late?"), [false]);
    }
}
