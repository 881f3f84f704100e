//! What is said too loud: words in capital letters, and marks one after another.

use crate::finding::{Draft, Remedy, Rule};
use crate::language::Language;
use crate::phrases::{begins_sentence, upper_first};
use crate::reading::Reading;

/// Words in capital letters that shout whether anybody knows them or not.
const MANY: usize = 4;
/// Letters of a word that is no abbreviation.
const LONG: usize = 5;

/// Shouts of a reading. `words` are its tokens as they are compared.
pub(crate) fn find(reading: &Reading, words: &[String], language: Option<Language>, drafts: &mut Vec<Draft>) {
    marks(reading, words, drafts);
    let is_capital = |at: usize| {
        let token = &reading.tokens[at];
        let text = token.of(&reading.text);
        token.is_word() && text.chars().all(|char| char.is_uppercase() || matches!(char, '\'' | '’' | '-'))
    };
    let mut at = 0;
    while at < reading.tokens.len() {
        let start = at;
        while at < reading.tokens.len() && is_capital(at) && (at == start || is_beside(reading, at)) {
            at += 1;
        }
        if at > start {
            capitals(reading, words, start, at, language, drafts);
        } else {
            at += 1;
        }
    }
}

/// Whether nothing but white space stands before a token on its line.
fn is_beside(reading: &Reading, at: usize) -> bool {
    let gap = &reading.text[reading.tokens[at - 1].at.end..reading.tokens[at].at.start];
    !gap.is_empty() && !gap.contains('\n')
}

/// Words in capital letters one after another, from one token up to another.
fn capitals(
    reading: &Reading,
    words: &[String],
    from: usize,
    to: usize,
    language: Option<Language>,
    drafts: &mut Vec<Draft>,
) {
    let letters = |at: usize| words[at].chars().count();
    let is_common = |at: usize| letters(at) > 2 && language.is_some_and(|language| language.has_common(&words[at]));
    let shouts = (from..to).any(is_common) || (to - from >= MANY && (from..to).any(|at| letters(at) >= LONG));
    if !shouts {
        return;
    }
    let span = reading.tokens[from].at.start..reading.tokens[to - 1].at.end;
    let Some(own) = reading.own(span.clone()) else { return };
    let mut quiet = String::new();
    for (at, token) in reading.tokens.iter().enumerate().take(to).skip(from) {
        let said = token.of(&reading.text);
        let gap = if at > from { &reading.text[reading.tokens[at - 1].at.end..token.at.start] } else { "" };
        quiet.push_str(gap);
        let is_known = language.is_some_and(|language| language.has_common(&words[at]));
        let is_lowered = (is_known || letters(at) >= LONG) && said != "I";
        let lower = if is_lowered { said.to_lowercase() } else { said.to_owned() };
        quiet.push_str(&if at == from && begins_sentence(reading, at) { upper_first(&lower) } else { lower });
    }
    if quiet == reading.text[span.clone()] {
        return;
    }
    let message = format!("“{}” in capital letters shouts", &reading.text[span]);
    drafts.push(Draft { rule: Rule::Shouting, span: own, message, remedy: Remedy::Rewrite(quiet) });
}

/// `!!` and `??`, of which one says it.
fn marks(reading: &Reading, words: &[String], drafts: &mut Vec<Draft>) {
    let is_mark = |at: usize| matches!(words[at].as_str(), "!" | "?");
    let mut at = 0;
    while at < words.len() {
        let start = at;
        let mut end = reading.tokens[at].at.start;
        while at < words.len() && is_mark(at) && reading.tokens[at].at.start == end {
            end = reading.tokens[at].at.end;
            at += 1;
        }
        if at - start >= 2
            && let Some(own) = reading.own(reading.tokens[start].at.start..end)
        {
            let quiet = if words[start..at].iter().any(|mark| mark == "?") { "?" } else { "!" };
            let message = format!("“{}” shouts", &reading.text[reading.tokens[start].at.start..end]);
            drafts.push(Draft { rule: Rule::Shouting, span: own, message, remedy: Remedy::Rewrite(quiet.to_owned()) });
        }
        at = at.max(start + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Situation, apply, review};

    fn quiet(source: &str) -> String {
        let template = romashka_liquid::Template::parse(source).unwrap();
        let situation = Situation { language: Some("en"), ..Situation::default() };
        let review = review(&template, &situation);
        let shouts = review.findings.iter().filter(|finding| finding.rule == Rule::Shouting);
        let ids: Vec<_> = shouts.map(|finding| finding.id.clone()).collect();
        apply(&template, &review, &ids).unwrap()
    }

    #[test]
    fn shouts_are_said_quietly() {
        assert_eq!(quiet("PLEASE READ this NOW!!! Really?!?"), "Please read this now! Really?");
        assert_eq!(
            quiet("WE SHIPPED YOUR ORDER WITH UPS, do NOT worry!"),
            "We shipped your order with UPS, do not worry!"
        );
        assert_eq!(quiet("No!\n! Ok"), "No!\n! Ok");
    }

    #[test]
    fn abbreviations_and_names_are_no_shouts() {
        for source in
            ["The PDF for UPS, USPS and VAT by ROMASHKA GMBH.", "IT OK", "I AM", "{{ a }} NATO!{{ b }}!", "A B C D."]
        {
            assert_eq!(quiet(source), source);
        }
    }
}
