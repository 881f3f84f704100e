//! Phrases that are better said otherwise, by the table of phrases.

use std::sync::LazyLock;

use romashka_liquid::Span;

use crate::finding::{Draft, Remedy, Rule};
use crate::language::Language;
use crate::lexicon::Lexicon;
use crate::reading::Reading;
use crate::tables;

/// A phrase of the table.
#[derive(Debug)]
struct Phrase {
    rule: Rule,
    instead: Instead,
}

/// What is written instead of a phrase.
#[derive(Debug, Clone, Copy)]
enum Instead {
    Words(&'static str),
    /// Nothing: what follows says it all.
    Nothing,
    /// Something that depends on what is meant.
    Hint,
}

static PHRASES: LazyLock<[Lexicon<Phrase>; 4]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        let rows = tables::rows(include_str!("data/phrases.tsv"));
        Lexicon::of(rows.filter(|row: &[&str; 4]| row[0] == language.tag()).filter_map(|[_, rule, phrase, instead]| {
            let instead = match instead {
                "(delete)" => Instead::Nothing,
                "(hint)" => Instead::Hint,
                words => Instead::Words(words),
            };
            Some((phrase, Phrase { rule: Rule::of_phrase(rule)?, instead }))
        }))
    })
});

/// What a phrase in the passive must not be followed by: who does it.
const BY: [&str; 4] = ["by", "von", "durch", "por"];

/// The phrases of a reading that are better said otherwise. `words` are its tokens as they are compared.
pub(crate) fn find(reading: &Reading, words: &[String], language: Language, drafts: &mut Vec<Draft>) {
    for (at, length, phrase) in PHRASES[language as usize].all(words) {
        let tokens = &reading.tokens[at..at + length];
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { continue };
        let Some(span) = reading.own(first.at.start..last.at.end) else { continue };
        let said = &reading.text[first.at.start..last.at.end];
        if said.contains("\n\n") {
            continue;
        }
        let begins = begins_sentence(reading, at);
        if phrase.rule == Rule::Passive
            && (!begins || words.get(at + length).is_some_and(|next| BY.contains(&next.as_str())))
        {
            continue;
        }
        let shown = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let (span, remedy) = match phrase.instead {
            Instead::Words(instead) => (span, Remedy::Rewrite(cased(instead, said, begins))),
            Instead::Hint => (span, Remedy::Hint(hint(phrase.rule).to_owned())),
            Instead::Nothing => match without(reading, at + length, first.at.start, begins) {
                Some((span, rest)) => (span, Remedy::Rewrite(rest)),
                None => continue,
            },
        };
        drafts.push(Draft { rule: phrase.rule, span, message: message(phrase, &shown), remedy });
    }
}

/// Whether a token is the first word of its sentence, behind signs and the number of a list at most.
pub(crate) fn begins_sentence(reading: &Reading, at: usize) -> bool {
    let after = reading.sentences.partition_point(|sentence| sentence.tokens.end <= at);
    let Some(sentence) = reading.sentences.get(after) else { return false };
    let is_sign = |token: &crate::words::Token| {
        !token.of(&reading.text).chars().any(char::is_alphabetic) && !reading.is_value(token.at.start)
    };
    reading.tokens[sentence.tokens.start..at].iter().all(is_sign)
}

/// The replacement in the case of what it replaces.
fn cased(instead: &str, said: &str, begins: bool) -> String {
    let (Some(said), Some(first)) = (said.chars().next(), instead.chars().next()) else { return instead.to_owned() };
    let lower = |char: char| char.to_lowercase().next();
    if lower(said) == lower(first) {
        return format!("{said}{}", &instead[first.len_utf8()..]);
    }
    if begins && said.is_uppercase() { upper_first(instead) } else { instead.to_owned() }
}

/// With a capital letter.
pub(crate) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What is rewritten if a phrase is left out: it, the comma and the white space behind it, and the letter that begins
/// the sentence then.
fn without(reading: &Reading, next: usize, start: usize, begins: bool) -> Option<(Span, String)> {
    let is_comma = |at: usize| reading.tokens.get(at).is_some_and(|token| token.of(&reading.text) == ",");
    let next = reading.tokens.get(next + usize::from(is_comma(next)))?;
    let whole = reading.own(start..next.at.start)?;
    let first = next.of(&reading.text).chars().next()?;
    let is_said = reading.text[start..].starts_with(char::is_uppercase);
    let rises = begins && is_said && first.is_lowercase();
    match reading.own(start..next.at.start + first.len_utf8()).filter(|_| rises) {
        Some(span) => Some((span, first.to_uppercase().collect())),
        None => Some((whole, String::new())),
    }
}

fn message(phrase: &Phrase, said: &str) -> String {
    let what = match phrase.rule {
        Rule::Blaming => "puts the blame on the customer",
        Rule::Dismissive => "sends the customer away",
        Rule::Negative => "says what is not possible, and no more",
        Rule::Jargon => "is not the customer's language",
        Rule::Passive => "does not say who does it",
        Rule::Grammar => "is a slip",
        _ => match phrase.instead {
            Instead::Words(_) => "says no more than fewer words do",
            Instead::Nothing | Instead::Hint => "says nothing by itself",
        },
    };
    format!("“{said}” {what}")
}

fn hint(rule: Rule) -> &'static str {
    match rule {
        Rule::Blaming => "say what is needed now, whoever is to blame",
        Rule::Dismissive => "say what the customer can do, or what you will do",
        Rule::Negative => "say what is possible instead",
        Rule::Jargon => "write what the customer sees of it, or leave it out",
        Rule::Passive => "say who does it",
        _ => "begin with the news itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Situation, apply, review};

    fn situation(language: Language) -> Situation<'static> {
        Situation { language: Some(language.tag()), ..Situation::default() }
    }

    /// A text with all its phrases said otherwise.
    fn mended(source: &str, language: Language) -> String {
        let template = romashka_liquid::Template::parse(source).unwrap();
        let review = review(&template, &situation(language));
        let is_phrase = |rule: Rule| Rule::OF_PHRASES.contains(&rule);
        let chosen = review.findings.iter().filter(|one| is_phrase(one.rule) && one.rewrite.is_some());
        let ids: Vec<_> = chosen.map(|finding| finding.id.clone()).collect();
        apply(&template, &review, &ids).unwrap()
    }

    #[test]
    fn phrases_are_said_otherwise_in_their_place_and_case() {
        let english = |source: &str| mended(source, Language::English);
        assert_eq!(
            english("You failed to send {{ item }}. In order to go on, utilize the form prior to Monday."),
            "We still need you to send {{ item }}. To go on, use the form before Monday."
        );
        assert_eq!(
            english("Please be advised that, your order left. And please be advised that it rains."),
            "Your order left. And it rains."
        );
        assert_eq!(english("We would like to inform you that {{ order.number }} left."), "{{ order.number }} left.");
        assert_eq!(
            english("Unfortunately we cannot refund it. Sadly, as I Already Told you, no."),
            "We're sorry, but we can't refund it. Sadly, as I mentioned, no."
        );
        assert_eq!(
            mended("Leider können wir das nicht. Zum jetzigen\nZeitpunkt nicht.", Language::German),
            "Es tut uns leid, aber wir können das nicht. Jetzt nicht."
        );
        assert_eq!(
            mended("Con el fin de ayudar, como ya le dije.", Language::Spanish),
            "Para ayudar, como le comenté."
        );
        assert_eq!(
            mended("Сообщаем Вам, что заказ отправлен. Вам придётся ждать.", Language::Russian),
            "Заказ отправлен. Вам нужно ждать."
        );
    }

    #[test]
    fn the_passive_is_turned_only_where_nobody_is_named_and_a_sentence_begins() {
        let english = |source: &str| mended(source, Language::English);
        assert_eq!(english("1. Your request has been received."), "1. We have received your request.");
        for left in ["Your refund has been processed by the bank.", "We see that your request has been received."] {
            assert_eq!(english(left), left);
        }
    }

    #[test]
    fn phrases_are_not_sought_across_values_branches_and_addresses() {
        for source in [
            "in {{ order }} to see",
            "in {% if a %}order{% endif %} to see",
            "see https://a.example/in-order/asap",
            "prior.\n\nto",
        ] {
            assert_eq!(mended(source, Language::English), source);
        }
    }

    #[test]
    fn no_phrase_of_the_table_is_said_otherwise_by_another_phrase() {
        for [tag, rule, phrase, instead] in tables::rows(include_str!("data/phrases.tsv")) {
            let language = Language::of_tag(tag).unwrap();
            assert!(Rule::of_phrase(rule).is_some(), "there is no rule {rule}");
            let source = format!("{}, xx.", upper_first(phrase));
            let once = mended(&source, language);
            if instead == "(hint)" {
                assert_eq!(once, source, "{phrase} has a hint only");
            } else {
                assert_ne!(once, source, "{phrase} is not found");
            }
            assert_eq!(mended(&once, language), once, "{phrase} is said otherwise twice");
        }
    }
}
