//! How a template sounds: words that make it formal or casual, warm or cold, counted.

use std::sync::LazyLock;

use serde::Serialize;
use utoipa::ToSchema;

use crate::language::Language;
use crate::lexicon::Lexicon;
use crate::tables;

/// How a template sounds, and the counts that say so: those of the longest text that it may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = WritingTone)]
pub struct Tone {
    /// Formal or casual, whichever has at least two more words.
    pub formality: Formality,
    /// Warm or cold, whichever has at least two more words.
    pub warmth: Warmth,
    /// Words and phrases that are formal: "sincerely"; "Sie", "usted", "Вы".
    pub formal: usize,
    /// That are casual: "hey", "no worries"; "du", "tú", "ты".
    pub casual: usize,
    /// That are warm: "thank you", "glad", "sorry".
    pub warm: usize,
    /// That are cold: "must", "refused", "policy".
    pub cold: usize,
}

/// How formal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Formality {
    /// As one writes to strangers.
    Formal,
    /// Neither.
    #[default]
    Neutral,
    /// As one writes to friends.
    Casual,
}

/// How warm it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Warmth {
    /// It thanks, feels and cares.
    Warm,
    /// Neither.
    #[default]
    Neutral,
    /// It demands and refuses.
    Cold,
}

/// Words by which one side must lead.
const LEAD: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Formal,
    Casual,
    Warm,
    Cold,
}

static SOUNDS: LazyLock<[Lexicon<Sound>; 4]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        let rows = tables::rows(include_str!("data/tone.tsv")).filter(|row: &[&str; 3]| row[0] == language.tag());
        Lexicon::of(rows.filter_map(|[_, sound, words]| {
            let sound = match sound {
                "formal" => Sound::Formal,
                "casual" => Sound::Casual,
                "warm" => Sound::Warm,
                "cold" => Sound::Cold,
                _ => return None,
            };
            Some((words, sound))
        }))
    })
});

impl Tone {
    pub(crate) fn of(words: &[String], language: Language) -> Self {
        let mut tone = Self::default();
        for (_, _, sound) in SOUNDS[language as usize].all(words) {
            match sound {
                Sound::Formal => tone.formal += 1,
                Sound::Casual => tone.casual += 1,
                Sound::Warm => tone.warm += 1,
                Sound::Cold => tone.cold += 1,
            }
        }
        let leads = |one: usize, other: usize| one >= other + LEAD;
        if leads(tone.formal, tone.casual) {
            tone.formality = Formality::Formal;
        } else if leads(tone.casual, tone.formal) {
            tone.formality = Formality::Casual;
        }
        if leads(tone.warm, tone.cold) {
            tone.warmth = Warmth::Warm;
        } else if leads(tone.cold, tone.warm) {
            tone.warmth = Warmth::Cold;
        }
        tone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::normal;
    use crate::words::tokens;

    fn sounds(text: &str, language: Language) -> (Formality, Warmth) {
        let words: Vec<String> = tokens(text).iter().map(|token| normal(token.of(text))).collect();
        let tone = Tone::of(&words, language);
        (tone.formality, tone.warmth)
    }

    #[test]
    fn the_tone_is_heard_in_each_language() {
        let warm = (Formality::Neutral, Warmth::Warm);
        assert_eq!(sounds("Thank you! We're glad to help.", Language::English), warm);
        assert_eq!(sounds("Hey, no worries! Cheers", Language::English), (Formality::Casual, Warmth::Neutral));
        assert_eq!(
            sounds("Access denied. You must follow our policy.", Language::English),
            (Formality::Neutral, Warmth::Cold)
        );
        assert_eq!(sounds("Danke, dass Sie Ihre Bitte senden.", Language::German), (Formality::Formal, Warmth::Warm));
        assert_eq!(sounds("Gracias por tu mensaje, te escribo.", Language::Spanish).0, Formality::Casual);
        assert_eq!(
            sounds("Спасибо, рады Вам помочь. Ваш заказ готов.", Language::Russian),
            (Formality::Formal, Warmth::Warm)
        );
        assert_eq!(sounds("", Language::Russian), (Formality::Neutral, Warmth::Neutral));
    }

    #[test]
    fn every_line_of_the_table_names_a_tone() {
        for [_, sound, words] in tables::rows(include_str!("data/tone.tsv")) {
            assert!(["formal", "casual", "warm", "cold"].contains(&sound), "{words} sounds {sound}");
        }
    }
}
