//! How long a template is, and how hard to read.
//!
//! The formulas count syllables, and syllables are counted by rules of thumb: a score is good for comparing one version
//! of a template with another, not for its decimals.

use serde::Serialize;
use utoipa::ToSchema;

use crate::language::Language;
use crate::reading::Reading;

/// What is counted of a template: of the longest text that it may become, with words for its values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Measures {
    /// Words, those of values included.
    pub words: usize,
    /// Sentences. Lines that do not end as sentences do, such as a greeting or the items of a list, are none.
    pub sentences: usize,
    /// Words of a sentence, on average.
    pub words_per_sentence: Option<f64>,
    /// How hard it is to read, by each formula for its language. None where there is no sentence, or no formula for the
    /// language.
    pub readability: Vec<Readability>,
}

/// A score of readability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Readability {
    /// How it is computed.
    pub formula: Formula,
    /// Its value. Of a grade, the school years it takes; of an ease, 0 (very hard) to 100 (very easy), and rarely
    /// beyond.
    pub score: f64,
}

/// A formula of readability, with `w` for words per sentence and `s` for syllables per word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// English: 206.835 − 1.015 w − 84.6 s. Flesch, "A new readability yardstick", Journal of Applied Psychology 32
    /// (1948).
    FleschReadingEase,
    /// English: 0.39 w + 11.8 s − 15.59, in years of an American school. Kincaid, Fishburne, Rogers and Chissom,
    /// "Derivation of new readability formulas", Research Branch Report 8-75 (1975).
    FleschKincaidGrade,
    /// German: 180 − w − 58.5 s. Amstad, "Wie verständlich sind unsere Zeitungen?", Zürich (1978).
    Amstad,
    /// Spanish: 206.835 − w − 62.3 s. Szigriszt Pazos, "Sistemas predictivos de legibilidad del mensaje escrito",
    /// Madrid (1993). The older formula of Fernández Huerta (1959) is handed down with sentences per hundred words
    /// where words per sentence must be meant, so it is not used.
    SzigrisztPazos,
    /// Russian: 206.835 − 1.3 w − 60.1 s. Oborneva, "Автоматизированная оценка сложности учебных текстов", Moscow
    /// (2006).
    Oborneva,
}

impl Formula {
    /// The formulas for a language; the first is an ease.
    fn for_language(language: Language) -> &'static [Self] {
        match language {
            Language::English => &[Self::FleschReadingEase, Self::FleschKincaidGrade],
            Language::German => &[Self::Amstad],
            Language::Spanish => &[Self::SzigrisztPazos],
            Language::Russian => &[Self::Oborneva],
        }
    }

    fn score(self, words_per_sentence: f64, syllables_per_word: f64) -> f64 {
        let (w, s) = (words_per_sentence, syllables_per_word);
        match self {
            Self::FleschReadingEase => 206.835 - 1.015 * w - 84.6 * s,
            Self::FleschKincaidGrade => 0.39 * w + 11.8 * s - 15.59,
            Self::Amstad => 180.0 - w - 58.5 * s,
            Self::SzigrisztPazos => 206.835 - w - 62.3 * s,
            Self::Oborneva => 206.835 - 1.3 * w - 60.1 * s,
        }
    }

    /// Whether more of it means easier to read.
    #[must_use]
    pub fn is_ease(self) -> bool {
        self != Self::FleschKincaidGrade
    }
}

impl Measures {
    pub(crate) fn of(reading: &Reading, language: Option<Language>) -> Self {
        let word = |token: &&crate::words::Token| token.is_word();
        let words = reading.tokens.iter().filter(word).count();
        let ended = reading.sentences.iter().filter(|sentence| sentence.is_ended);
        let (mut sentences, mut inside, mut syllables) = (0_usize, 0_usize, 0_usize);
        for sentence in ended {
            let before = inside;
            for token in reading.tokens[sentence.tokens.clone()].iter().filter(word) {
                inside += 1;
                syllables += language.map_or(0, |language| self::syllables(language, token.of(&reading.text)));
            }
            sentences += usize::from(inside > before);
        }
        if sentences == 0 {
            return Self { words, ..Self::default() };
        }
        let words_per_sentence = ratio(inside, sentences);
        let readability = language.map_or(&[][..], Formula::for_language).iter().map(|formula| {
            let score = formula.score(words_per_sentence, ratio(syllables, inside));
            Readability { formula: *formula, score: (score * 10.0).round() / 10.0 }
        });
        Self {
            words,
            sentences,
            words_per_sentence: Some((words_per_sentence * 10.0).round() / 10.0),
            readability: readability.collect(),
        }
    }
}

fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

/// About how many syllables a word has; at least one. A number is taken for two.
fn syllables(language: Language, word: &str) -> usize {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    if word.iter().any(char::is_ascii_digit) {
        return 2;
    }
    let groups = match language {
        Language::English => english(&word),
        // Each vowel of Russian is a syllable.
        Language::Russian => word.iter().filter(|char| "аеёиоуыэюя".contains(**char)).count(),
        Language::German => nuclei(&word, "aeiouyäöü", |before, now| {
            matches!(
                (before, now),
                ('e', 'i' | 'u' | 'y')
                    | ('i', 'e')
                    | ('a', 'i' | 'u' | 'y' | 'a')
                    | ('ä' | 'o', 'u')
                    | ('e', 'e')
                    | ('o', 'o')
            )
        }),
        // Two strong vowels, or an accent on a weak one, are two syllables.
        Language::Spanish => nuclei(&word, "aeiouáéíóúüy", |before, now| {
            let is_strong = |char: char| "aeoáéó".contains(char);
            let is_apart = is_strong(before) && is_strong(now) || [before, now].iter().any(|char| "íú".contains(*char));
            !is_apart
        }),
    };
    groups.max(1)
}

/// Vowels, with those that join counted as one.
fn nuclei(word: &[char], vowels: &str, joins: impl Fn(char, char) -> bool) -> usize {
    let (mut count, mut before) = (0, None);
    for char in word {
        if !vowels.contains(*char) {
            before = None;
            continue;
        }
        match before {
            // A vowel that joined takes no other one.
            Some(vowel) if joins(vowel, *char) => before = None,
            _ => {
                count += 1;
                before = Some(*char);
            }
        }
    }
    count
}

fn english(word: &[char]) -> usize {
    let letters: Vec<char> = word.iter().copied().filter(|char| char.is_alphabetic()).collect();
    let is_vowel = |char: char| "aeiouy".contains(char);
    let mut groups = 0;
    for (at, char) in letters.iter().enumerate() {
        let follows = at > 0 && is_vowel(letters[at - 1]);
        groups += usize::from(is_vowel(*char) && !follows);
    }
    // The `e` at the end of `late` and of `asked` is silent, not so in `table`, `wanted` and `she`.
    let ends = |end: &str| letters.len() > end.len() && letters.ends_with(&end.chars().collect::<Vec<_>>());
    let before = |from_end: usize| letters.len().checked_sub(from_end).and_then(|at| letters.get(at)).copied();
    let consonant = |from_end: usize| before(from_end).is_some_and(|char| !is_vowel(char));
    let is_silent = (ends("e") && consonant(2) && !(ends("le") && consonant(3)))
        || (ends("ed") && consonant(3) && !matches!(before(3), Some('t' | 'd')))
        || (ends("es") && consonant(3) && !matches!(before(3), Some('s' | 'c' | 'z' | 'x' | 'h' | 'g')));
    if is_silent && groups > 1 { groups - 1 } else { groups }
}

#[cfg(test)]
mod tests {
    use romashka_liquid::Template;

    use super::*;
    use crate::Format;
    use crate::reading::Readings;

    #[test]
    fn syllables_are_counted_about_right() {
        let count = |language, words: &str| words.split(' ').map(|word| syllables(language, word)).collect::<Vec<_>>();
        assert_eq!(
            count(Language::English, "the order arrived late table wanted asked don't message boxes she"),
            [1, 2, 2, 1, 2, 2, 1, 1, 2, 2, 1]
        );
        assert_eq!(count(Language::German, "Ihre Bestellung heute Rücksendung Sie neue bauen"), [2, 3, 2, 3, 1, 2, 2]);
        assert_eq!(count(Language::Spanish, "pedido envío cuenta devolución día aéreo"), [3, 3, 2, 4, 2, 4]);
        assert_eq!(count(Language::Russian, "заказ сообщение в"), [2, 5, 1]);
    }

    fn measured(source: &str, language: Language) -> Measures {
        let readings = Readings::of(&Template::parse(source).unwrap(), Format::Text);
        Measures::of(readings.longest().unwrap(), Some(language))
    }

    #[test]
    fn the_formulas_are_those_of_their_authors() {
        // 6 words, 1 sentence, 6 syllables.
        let cat = measured("The cat sat on the mat.", Language::English);
        assert_eq!(cat.readability.iter().map(|one| one.score).collect::<Vec<_>>(), [116.1, -1.4]);
        // 4 words, 1 sentence, 7 syllables.
        assert_eq!(measured("Das Paket ist unterwegs.", Language::German).readability[0].score, 73.6);
        // 4 words, 1 sentence, 8 syllables.
        assert_eq!(measured("Su pedido ha salido.", Language::Spanish).readability[0].score, 78.2);
        // 4 words, 1 sentence, 9 syllables.
        assert_eq!(measured("Ваш заказ отправлен сегодня.", Language::Russian).readability[0].score, 66.4);
    }

    #[test]
    fn greetings_and_lists_are_no_sentences_and_a_branch_is_counted_once() {
        let source = "Hello {{ name }},\n\nIt left {% if a %}today{% else %}on {{ day }}{% endif %}.\n- one\n- two";
        let measures = measured(source, Language::English);
        assert_eq!((measures.words, measures.sentences, measures.words_per_sentence), (8, 1, Some(4.0)));
        assert_eq!(measured("", Language::English), Measures::default());
    }
}
