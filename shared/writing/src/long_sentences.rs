//! Sentences that are long, and where they may be split.

use std::collections::HashSet;

use romashka_liquid::Span;

use crate::finding::{Draft, Remedy, Rule};
use crate::language::Language;
use crate::phrases::upper_first;
use crate::reading::Reading;
use crate::words::Sentence;

/// Words of a sentence that is read with ease: what the style guides of public services recommend as the most, and some
/// more for names and addresses.
pub(crate) const MOST_WORDS: usize = 30;
/// Words that each part must have after a split.
const LEAST_WORDS: usize = 5;

/// What joins two sentences that may as well stand apart: `and`, if it is followed by its own subject.
fn and(language: Language) -> (&'static str, &'static [&'static str]) {
    match language {
        Language::English => (
            "and",
            &[
                "i", "we", "you", "it", "they", "he", "she", "this", "that's", "there", "our", "your", "we'll",
                "you'll", "i'll", "we've", "i've", "it's",
            ],
        ),
        Language::German => ("und", &["ich", "wir", "sie", "er", "es"]),
        Language::Spanish => ("y", &["yo", "nosotros", "usted", "ustedes", "ellos", "ellas"]),
        Language::Russian => ("и", &["я", "мы", "вы", "он", "она", "оно", "они"]),
    }
}

/// Words that make one part depend on the other, so that neither stands alone.
fn binding(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &[
            "if", "when", "whenever", "because", "although", "though", "while", "since", "as", "once", "unless",
            "until", "that", "which", "who", "whether", "so", "both", "either", "between", "after", "before", "where",
        ],
        Language::German => &[
            "wenn", "falls", "weil", "da", "obwohl", "während", "dass", "ob", "sobald", "solange", "bis", "nachdem",
            "bevor", "damit", "sowohl", "zwischen", "die", "der", "das", "wer", "was", "wo",
        ],
        Language::Spanish => {
            &["si", "cuando", "porque", "aunque", "mientras", "que", "como", "donde", "quien", "tanto", "entre", "para"]
        }
        Language::Russian => &[
            "если",
            "когда",
            "потому",
            "хотя",
            "пока",
            "что",
            "чтобы",
            "который",
            "которая",
            "которое",
            "которые",
            "как",
            "где",
            "поскольку",
            "между",
        ],
    }
}

/// The long sentences of a reading but for those `seen` in another one, by the places where they begin. `words` are its
/// tokens as they are compared.
pub(crate) fn find(
    reading: &Reading,
    words: &[String],
    language: Option<Language>,
    seen: &mut HashSet<usize>,
    drafts: &mut Vec<Draft>,
) {
    for sentence in &reading.sentences {
        let count = reading.tokens[sentence.tokens.clone()].iter().filter(|token| token.is_word()).count();
        if count <= MOST_WORDS || !seen.insert(reading.place(sentence.at.start)) {
            continue;
        }
        let split = language.and_then(|language| split(reading, words, sentence, language));
        let (span, remedy) = match split {
            Some((span, replacement)) => (span, Remedy::Rewrite(replacement)),
            None => {
                let start = reading.place(sentence.at.start);
                let end = reading.own(sentence.at.clone()).map_or(start, |own| own.end);
                let why = "say it in two sentences; it cannot be split without rewording it";
                (Span::new(start, end), Remedy::Hint(why.to_owned()))
            }
        };
        let message = format!("a sentence of {count} words is hard to follow; up to {MOST_WORDS} are read with ease");
        drafts.push(Draft { rule: Rule::LongSentence, span, message, remedy });
    }
}

/// Where a sentence may become two, as near to its middle as can be: what is replaced, and by what.
fn split(reading: &Reading, words: &[String], sentence: &Sentence, language: Language) -> Option<(Span, String)> {
    let tokens = sentence.tokens.clone();
    let middle = tokens.start.midpoint(tokens.end);
    let is_word = |at: &usize| reading.tokens[*at].is_word();
    let (mut words_before, mut binds, mut lists, mut open) = (0, false, false, 0_isize);
    let mut best: Option<(usize, Span, String)> = None;
    let all = tokens.clone().filter(is_word).count();
    for at in tokens.clone() {
        // What stands before a semicolon is whole in itself.
        let is_whole = words[at] == ";" || !binds;
        let is_long = words_before >= LEAST_WORDS && all - words_before >= LEAST_WORDS;
        let is_apart = is_whole && is_long && !lists && open == 0;
        if let Some((span, replacement)) = joint(reading, words, at, tokens.end, language).filter(|_| is_apart)
            && best.as_ref().is_none_or(|(distance, ..)| at.abs_diff(middle) < *distance)
        {
            best = Some((at.abs_diff(middle), span, replacement));
        }
        match words[at].as_str() {
            "(" | "[" | "«" | "“" | "„" => open += 1,
            ")" | "]" | "»" | "”" => open -= 1,
            // A list has semicolons of its own, and a straight quote may open or close.
            "\"" | ":" => lists = true,
            ";" => binds = false,
            word => binds = binds || binding(language).contains(&word),
        }
        words_before += usize::from(is_word(&at));
    }
    best.map(|(_, span, replacement)| (span, replacement))
}

/// What joins two parts at a token, if it is all in one piece of the template's words: `;` or `, and we`.
fn joint(reading: &Reading, words: &[String], at: usize, end: usize, language: Language) -> Option<(Span, String)> {
    let (and, subjects) = and(language);
    let word = |at: usize| if at < end { words[at].as_str() } else { "" };
    let next = match word(at) {
        ";" => at + 1,
        "," if word(at + 1) == and && subjects.contains(&word(at + 2)) => at + 2,
        _ => return None,
    };
    let next = reading.tokens.get(next).filter(|next| next.is_word() && at + 1 < end)?;
    let first = next.of(&reading.text).chars().next()?;
    let span = reading.own(reading.tokens[at].at.start..next.at.start + first.len_utf8())?;
    Some((span, format!(". {}", upper_first(&first.to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Situation, apply, review};

    fn split(source: &str, language: Language) -> Option<String> {
        let template = romashka_liquid::Template::parse(source).unwrap();
        let situation = Situation { language: Some(language.tag()), ..Situation::default() };
        let review = review(&template, &situation);
        let finding = review.findings.iter().find(|finding| finding.rule == Rule::LongSentence).unwrap();
        finding.rewrite.as_ref()?;
        Some(apply(&template, &review, std::slice::from_ref(&finding.id)).unwrap())
    }

    #[test]
    fn a_long_sentence_is_split_where_both_parts_stand_alone() {
        let source = "We have received your order {{ order.number }} with all of its items and the notes for the \
                      gift card, and we will pack everything for you tomorrow morning in our house by the river in the north.";
        assert_eq!(split(source, Language::English).unwrap(), source.replace(", and we", ". We"));
        let source = "Wir haben Ihre Bestellung heute früh erhalten und alle Artikel sorgfältig geprüft; morgen \
                      packen wir sie für Sie ein und bringen sie noch am gleichen Tag mit einem \
                      eigenen Wagen zur Post in der Stadt.";
        assert_eq!(split(source, Language::German).unwrap(), source.replace("; morgen", ". Morgen"));
    }

    #[test]
    fn a_sentence_whose_parts_need_each_other_is_left_to_a_person() {
        let filler = "with all of its items and the notes for the gift card and one more thing for the whole family";
        for source in [
            format!(
                "If you have received your order {filler}, and we have not written to you by then, tell us soon please."
            ),
            format!(
                "We send your order {filler} and {{{{ extra }}}}, and {{{{ who }}}} will write to you soon after it."
            ),
            format!("We send your order ({filler}, and we mean it) to you at once by the fastest van of all of them."),
        ] {
            assert_eq!(split(&source, Language::English), None, "{source}");
        }
    }
}
