//! The languages that are read, and which of them a text is in.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use utoipa::ToSchema;

use crate::tables;
use crate::words::{Kind, Token};

/// A language with phrase tables and a formula of readability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = WritingLanguage)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
    /// Russian.
    #[serde(rename = "ru")]
    Russian,
}

/// Common words that must be found before a language is guessed.
const LEAST_COMMON_WORDS: usize = 3;
/// Words that are looked at to guess.
const MOST_WORDS: usize = 500;

/// Common words, and whose each is.
static COMMON: LazyLock<HashMap<&'static str, Vec<Language>>> = LazyLock::new(|| {
    let mut common: HashMap<&str, Vec<Language>> = HashMap::new();
    for [language, word] in tables::rows(include_str!("data/common.tsv")) {
        common.entry(word).or_default().extend(Language::of_tag(language));
    }
    common
});

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::Spanish, Self::Russian];

    /// The language of a BCP 47 tag such as `de-AT`, by its first subtag; `None` where it is not read.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| first.eq_ignore_ascii_case(language.tag()))
    }

    /// Its tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::Russian => "ru",
        }
    }

    /// The language whose common words stand in a text most often; `None` where there are few of them, or two languages
    /// are as likely.
    pub(crate) fn guessed(text: &str, tokens: &[Token]) -> Option<Self> {
        let mut counts = [0_usize; Self::ALL.len()];
        for token in tokens.iter().filter(|token| token.kind == Kind::Word).take(MOST_WORDS) {
            let languages = COMMON.get(token.of(text).to_lowercase().as_str());
            for language in languages.into_iter().flatten() {
                counts[*language as usize] += 1;
            }
        }
        let mut ranked: Vec<(usize, Self)> = counts.into_iter().zip(Self::ALL).collect();
        ranked.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let [(most, language), (second, _), ..] = ranked[..] else { return None };
        (most >= LEAST_COMMON_WORDS && most > second).then_some(language)
    }

    /// Whether everybody who writes the language knows the word: no name and no abbreviation.
    pub(crate) fn has_common(self, word: &str) -> bool {
        COMMON.get(word).is_some_and(|languages| languages.contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tokens;

    #[test]
    fn a_tag_is_read_by_its_first_part() {
        assert_eq!(Language::of_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::of_tag("EN_us"), Some(Language::English));
        assert_eq!(Language::of_tag("eng"), None);
        assert_eq!(Language::of_tag(""), None);
    }

    #[test]
    fn the_language_of_a_text_is_told_by_its_common_words() {
        let guessed = |text: &str| Language::guessed(text, &tokens(text));
        assert_eq!(guessed("We have your order and it is on the way."), Some(Language::English));
        assert_eq!(guessed("Wir haben Ihre Bestellung, und sie ist auf dem Weg."), Some(Language::German));
        assert_eq!(guessed("Ya hemos enviado su pedido y no tiene que hacer más."), Some(Language::Spanish));
        assert_eq!(guessed("Мы получили ваш заказ и уже его собираем, если не."), Some(Language::Russian));
        assert_eq!(guessed("Votre commande est partie ce matin."), None);
        assert_eq!(guessed("Hello!"), None);
    }
}
