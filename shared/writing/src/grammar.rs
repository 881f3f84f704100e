//! The grammar and spelling of English, by rules and the dictionary of the Harper checker.
//!
//! A wrong finding costs more trust than a right one earns. Of the checker's rules those are used that found nothing in
//! careful writing; the others take `process or` for "processor", and `log in to` for "log into". Its own search for
//! what a misspelled word may mean needs twice the memory, so candidates are made here. Left aside are words that begin
//! with a capital letter (they may be names), words of the variables, and whatever stands next to a value or a branch,
//! for what will be read there is not known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use harper_core::linting::{
    AnA, CapitalizePersonalPronouns, CommaFixes, CorrectNumberSuffix, CurrencyPlacement, DespiteOf, HopHope,
    LetsConfusion, Lint, LintGroup, Linter, ModalOf, NumberSuffixCapitalization, RepeatedWords, Suggestion, TheMy,
    ThenThan, WasAloud,
};
use harper_core::{Dictionary, Document, MutableDictionary};
use romashka_liquid::Template;
use serde::Serialize;
use utoipa::ToSchema;

use crate::finding::{Draft, Remedy, Rule};
use crate::reading::{Reading, Readings};
use crate::tables;
use crate::words::Sentence;

/// Bytes that are checked; what follows is not.
pub const MAX_CHECKED_BYTES: usize = 16 * 1024;
/// Bytes of a sentence; a longer one is no prose.
const MAX_SENTENCE_BYTES: usize = 1_000;
/// Sentences that are checked, each of them once.
const MAX_SENTENCES: usize = 500;
/// Words that are looked up for what was meant.
const MAX_LOOKUPS: usize = 30;
/// Letters of a word that is checked.
const WORD_LETTERS: Range<usize> = 3..32;

/// How much of the grammar and spelling was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GrammarCheck)]
pub enum Grammar {
    /// All of it.
    Checked,
    /// The beginning: the template is longer than what is checked.
    Partly,
    /// None of it: only English is checked.
    NotChecked,
}

/// The dictionary. Making it takes a moment, so there is one.
static DICTIONARY: OnceLock<Arc<MutableDictionary>> = OnceLock::new();
/// Words of the trade that the dictionary does not have.
static KNOWN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| tables::rows(include_str!("data/known.tsv")).map(|[_, word]: [&str; 2]| word).collect());
/// The rules, which remember what they checked.
static RULES: OnceLock<Mutex<LintGroup>> = OnceLock::new();

fn dictionary() -> &'static Arc<MutableDictionary> {
    DICTIONARY.get_or_init(MutableDictionary::curated)
}

fn rules() -> &'static Mutex<LintGroup> {
    RULES.get_or_init(|| {
        let mut rules = LintGroup::empty();
        rules.add("AnA", Box::new(AnA));
        rules.add("CapitalizePersonalPronouns", Box::new(CapitalizePersonalPronouns));
        rules.add("CommaFixes", Box::new(CommaFixes));
        rules.add("CorrectNumberSuffix", Box::new(CorrectNumberSuffix));
        rules.add("CurrencyPlacement", Box::new(CurrencyPlacement::default()));
        rules.add("HopHope", Box::new(HopHope::default()));
        rules.add("LetsConfusion", Box::new(LetsConfusion::default()));
        rules.add("NumberSuffixCapitalization", Box::new(NumberSuffixCapitalization));
        rules.add("RepeatedWords", Box::new(RepeatedWords::default()));
        rules.add("TheMy", Box::new(TheMy::default()));
        rules.add_pattern_linter("DespiteOf", Box::new(DespiteOf::default()));
        rules.add_pattern_linter("ModalOf", Box::new(ModalOf::default()));
        rules.add_pattern_linter("ThenThan", Box::new(ThenThan::default()));
        rules.add_pattern_linter("WasAloud", Box::new(WasAloud::default()));
        rules.set_all_rules_to(Some(true));
        Mutex::new(rules)
    })
}

/// Reads the dictionary and the rules, which the first review of an English template does otherwise.
pub fn warm_up() {
    dictionary();
    rules();
}

/// What is wrong with the grammar and spelling of an English template.
pub(crate) fn find(template: &Template, readings: &Readings, drafts: &mut Vec<Draft>) -> Grammar {
    let mut bytes = 0;
    let mut lints: HashMap<&str, Vec<Lint>> = HashMap::new();
    let mut places: HashSet<(&str, usize)> = HashSet::new();
    let mut spelling = Spelling::of(template);
    for reading in readings.all() {
        for sentence in &reading.sentences {
            let text = &reading.text[sentence.at.clone()];
            if text.len() > MAX_SENTENCE_BYTES || !places.insert((text, reading.place(sentence.at.start))) {
                continue;
            }
            if !lints.contains_key(text) {
                bytes += text.len();
                if bytes > MAX_CHECKED_BYTES || lints.len() == MAX_SENTENCES {
                    return Grammar::Partly;
                }
                lints.insert(text, check(text));
            }
            for lint in lints.get(text).into_iter().flatten() {
                drafts.extend(draft(reading, sentence, lint));
            }
            spelling.check(reading, sentence, drafts);
        }
    }
    Grammar::Checked
}

/// What the checker says of a sentence; nothing where it fails.
fn check(sentence: &str) -> Vec<Lint> {
    let lints = catch_unwind(AssertUnwindSafe(|| {
        let document = Document::new_plain_english(sentence, dictionary());
        rules().lock().unwrap_or_else(PoisonError::into_inner).lint(&document)
    }));
    lints.unwrap_or_default()
}

fn draft(reading: &Reading, sentence: &Sentence, lint: &Lint) -> Option<Draft> {
    let text = &reading.text[sentence.at.clone()];
    let byte = |char: usize| text.char_indices().nth(char).map_or(text.len(), |(at, _)| sentence.at.start + at);
    let (start, end) = (byte(lint.span.start), byte(lint.span.end).min(sentence.at.end));
    let at = start..end;
    reading.own(around(reading, sentence, &at))?;
    let span = reading.own(at.clone())?;
    let said = &reading.text[at];
    let instead = lint.suggestions.first().map(|suggestion| match suggestion {
        Suggestion::ReplaceWith(chars) => chars.iter().collect(),
        Suggestion::InsertAfter(chars) => format!("{said}{}", chars.iter().collect::<String>()),
        Suggestion::Remove => String::new(),
    });
    let remedy = match instead {
        Some(instead) if instead == said => return None,
        Some(instead) => Remedy::Rewrite(instead),
        None => Remedy::Hint("see whether it is meant so".to_owned()),
    };
    let message = lint.message.trim_end_matches('.').replace('`', "”").to_owned();
    Some(Draft { rule: Rule::Grammar, span, message, remedy })
}

/// A stretch with the word before and the word behind, as far as the sentence has them.
fn around(reading: &Reading, sentence: &Sentence, at: &Range<usize>) -> Range<usize> {
    let tokens = &reading.tokens[sentence.tokens.clone()];
    let before = tokens.partition_point(|token| token.at.end <= at.start).checked_sub(1);
    let after = tokens.partition_point(|token| token.at.start < at.end);
    let start = before.map_or(at.start, |before| tokens[before].at.start);
    start..tokens.get(after).map_or(at.end, |after| after.at.end)
}

/// The words that are not known, and what was meant.
struct Spelling {
    /// Words of the variables, with what they may hold.
    own: HashSet<String>,
    /// What was meant by a word that was looked up.
    meant: BTreeMap<String, Option<String>>,
}

impl Spelling {
    fn of(template: &Template) -> Self {
        let mut own = HashSet::new();
        for variable in template.variables() {
            let texts = std::iter::once(variable.name).chain(variable.options).chain(variable.default);
            for text in texts {
                own.extend(text.split(|char: char| !char.is_alphanumeric()).map(str::to_lowercase));
            }
        }
        Self { own, meant: BTreeMap::new() }
    }

    fn check(&mut self, reading: &Reading, sentence: &Sentence, drafts: &mut Vec<Draft>) {
        for token in reading.tokens[sentence.tokens.clone()].iter().filter(|token| token.is_word()) {
            let Some(span) = reading.own(token.at.clone()) else { continue };
            let said = token.of(&reading.text);
            let word = said.replace('’', "'");
            if self.knows(&word) {
                continue;
            }
            let message = format!("“{said}” is not a word that is known");
            let remedy = match self.meant(&word) {
                Some(meant) => Remedy::Rewrite(meant),
                None => Remedy::Hint("check how it is written".to_owned()),
            };
            drafts.push(Draft { rule: Rule::Spelling, span, message, remedy });
        }
    }

    /// Whether a word is known, or is none that could be.
    fn knows(&self, word: &str) -> bool {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'\'' | b'-'));
        if !is_plain || !WORD_LETTERS.contains(&word.len()) || self.own.contains(word) {
            return true;
        }
        let is_known = |word: &str| dictionary().contains_word_str(word) || KNOWN.contains(word);
        is_known(word)
            || word.strip_suffix("'s").is_some_and(|word| is_known(word) || self.own.contains(word))
            || word.contains('-') && word.split('-').all(|part| part.len() <= WORD_LETTERS.start || is_known(part))
    }

    fn meant(&mut self, word: &str) -> Option<String> {
        if let Some(meant) = self.meant.get(word) {
            return meant.clone();
        }
        if self.meant.len() >= MAX_LOOKUPS {
            return None;
        }
        let meant = candidates(word).into_iter().filter(|(_, candidate)| is_polite(candidate));
        let meant = meant.min().map(|(_, candidate)| candidate);
        self.meant.insert(word.to_owned(), meant.clone());
        meant
    }
}

fn is_polite(word: &str) -> bool {
    let dictionary = dictionary();
    dictionary.contains_exact_word_str(word)
        && dictionary.get_word_metadata_str(word).is_none_or(|known| known.swear != Some(true))
}

/// Words that are one slip away, with how unlikely the slip is: letters that changed places, a letter too much, one too
/// few, one for another; after Norvig, "How to write a spelling corrector" (2007), with guesses for his error model.
fn candidates(word: &str) -> Vec<(u8, String)> {
    let letters: Vec<char> = word.chars().collect();
    let mut candidates = Vec::new();
    let mut add = |cost: u8, at: usize, before: &[char], between: &[char], after: &[char]| {
        // The first letter is hardly ever wrong, and common words are meant more often.
        let candidate: String = before.iter().chain(between).chain(after).collect();
        let is_common = dictionary().get_word_metadata_str(&candidate).is_some_and(|known| known.common);
        candidates.push((cost + if at == 0 { 4 } else { 0 } + u8::from(!is_common), candidate));
    };
    let is_vowel = |char: char| "aeiouy".contains(char);
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        if let [first, second, rest @ ..] = after {
            add(0, at, before, &[*second, *first], rest);
        }
        if let [first, rest @ ..] = after {
            let is_double = before.last() == Some(first);
            add(if is_double { 0 } else { 3 }, at, before, &[], rest);
        }
        for letter in ('a'..='z').chain(['\'']) {
            let is_double = before.last() == Some(&letter) || after.first() == Some(&letter);
            add(if is_double || letter == '\'' { 0 } else { 2 }, at, before, &[letter], after);
            if let [first, rest @ ..] = after {
                let is_near = is_vowel(*first) && is_vowel(letter);
                add(if is_near { 1 } else { 3 }, at, before, &[letter], rest);
            }
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Situation, apply, review};

    fn mended(source: &str) -> String {
        let template = Template::parse(source).unwrap();
        let situation = Situation { language: Some("en"), ..Situation::default() };
        let review = review(&template, &situation);
        let ours = review.findings.iter().filter(|one| matches!(one.rule, Rule::Grammar | Rule::Spelling));
        let ids: Vec<_> = ours.filter(|one| one.rewrite.is_some()).map(|one| one.id.clone()).collect();
        apply(&template, &review, &ids).unwrap()
    }

    #[test]
    fn slips_are_mended_in_their_place() {
        assert_eq!(
            mended(
                "Hi {{ name }}, we recieve the the parcel in a hour. i could of waited ,but it is better then before."
            ),
            "Hi {{ name }}, we receive the parcel in an hour. I could have waited, but it is better than before."
        );
        assert_eq!(
            mended("Your welcome, we was glad about alot of informations."),
            "You're welcome, we were glad about a lot of information."
        );
    }

    #[test]
    fn what_was_meant_is_found_for_common_misspellings() {
        let meant = [
            ("adress", "address"),
            ("recieved", "received"),
            ("seperate", "separate"),
            ("definately", "definitely"),
            ("occured", "occurred"),
            ("untill", "until"),
            ("wich", "which"),
            ("teh", "the"),
            ("dont", "don't"),
            ("refered", "referred"),
            ("sucessful", "successful"),
            ("accomodate", "accommodate"),
            ("reciept", "receipt"),
            ("inconvience", ""),
            ("tommorow", ""),
            ("apologise", "apologise"),
            ("colour", "colour"),
            ("wi-fi", "wi-fi"),
            ("tracking-number", "tracking-number"),
            ("custommer", "customer"),
            ("delievery", "delivery"),
        ];
        for (word, meant) in meant {
            let said = mended(&format!("We see the {word} here."));
            let expected = if meant.is_empty() { word } else { meant };
            assert_eq!(said, format!("We see the {expected} here."));
        }
    }

    #[test]
    fn names_variables_and_what_stands_beside_a_value_are_left_alone() {
        for source in [
            "Romashka and the Zqwx are here.",
            "Your zqwxid is {{ order.zqwxid }}.",
            "{{ count }}th of {{ a }}zqwx, an {{ apple }}, the {% if b %}the{% endif %}.",
            "See zqwx.example.com or qqq@zqwx.io for the iZqwx v2beta.",
            "An {% if a %}banana{% else %}apple{% endif %} a day.",
        ] {
            assert_eq!(mended(source), source);
        }
    }
}
