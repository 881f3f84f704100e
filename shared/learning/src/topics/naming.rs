//! Names for topics, made of the words that tell each from the others.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    content::{Group, MAX_CHARACTERS},
    language::{self, Confidence, Detection, Languages},
    lexical::without_placeholders,
    parallel,
};

use super::{
    MIN_CONVERSATIONS,
    induction::{Exchange, Topic},
};

/// Words of a topic that are kept, the most telling first.
const MAX_WORDS: usize = 8;
/// Words of a name where two are not enough.
const WORDS_OF_A_NAME: usize = 3;
/// Share of the most telling word's weight from which a third word is said.
const WORTH_SAYING: f64 = 0.5;
/// Letters of a word, at least, where words are written in letters.
const MIN_LETTERS: usize = 3;
/// Letters of a word, at most: longer ones are no language.
const MAX_LETTERS: usize = 24;
/// Share of a topic's conversations in which a word is more than an accident.
const NO_ACCIDENT: f64 = 0.01;
/// Share of a topic's replies in which a word is a phrase of agents.
const SAID_IN_PASSING: f64 = 0.05;
/// Share of capitalised words within sentences from which a language is taken to write nouns so.
const CAPITALISED_NOUNS: f64 = 0.1;
/// Share of its occurrences within sentences in which a proper noun is capitalised.
const PROPER: f64 = 0.8;
/// Share of the questions from which a language is one of the customers'.
const LEAST_LANGUAGE_SHARE: f64 = 0.05;

/// A word that tells a topic from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct TellingWord {
    /// The word, in lower case.
    pub word: String,
    /// Its share of the divergence between the topic's words and those of all topics, above 0.
    pub weight: f64,
    /// Mean number of words before it in the topic's questions.
    pub place: f64,
}

/// Words of enough conversations, by topic.
pub(super) struct Vocabulary {
    usages: BTreeMap<String, Usage>,
}

/// How topics use a word.
struct Usage {
    /// Whether it is a word of the language: customers of most topics or agents of nearly all say it.
    is_common: bool,
    /// Share of each topic's conversations that have it.
    rates: Vec<f64>,
    /// Mean number of words before it in each topic's questions.
    places: Vec<f64>,
}

/// Where a word was seen.
#[derive(Default)]
struct Tally {
    seen: BTreeSet<(usize, Group)>,
    /// By topic, the sum of its places and how many there are.
    places: BTreeMap<usize, (u64, u64)>,
    /// Occurrences within sentences, and those of them with a capital letter.
    within: u64,
    capitalised: u64,
    /// Replies that have it, by topic.
    answers: BTreeMap<usize, u64>,
}

impl Tally {
    /// Returns true for a word that is a name, where only names have capital letters within sentences.
    fn is_proper(&self) -> bool {
        self.capitalised > 0 && self.capitalised as f64 >= PROPER * self.within as f64
    }
}

impl Vocabulary {
    pub(super) fn of(exchanges: &[Exchange<'_>], topic_of: &[Option<usize>], topics: usize) -> Self {
        let mut conversations: Vec<BTreeSet<Group>> = vec![BTreeSet::new(); topics];
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for (exchange, topic) in exchanges.iter().zip(topic_of) {
            let Some(topic) = *topic else { continue };
            conversations[topic].insert(exchange.conversation);
            for (place, (word, capitalised)) in words(exchange.question.text).into_iter().enumerate() {
                let tally = tallies.entry(word).or_default();
                tally.seen.insert((topic, exchange.conversation));
                let (sum, count) = tally.places.entry(topic).or_default();
                *sum += place as u64;
                *count += 1;
                if let Some(capitalised) = capitalised {
                    tally.within += 1;
                    tally.capitalised += u64::from(capitalised);
                }
            }
        }
        let (within, capitalised) =
            tallies.values().fold((0, 0), |sum, tally| (sum.0 + tally.within, sum.1 + tally.capitalised));
        let nouns_are_capitalised = capitalised as f64 >= CAPITALISED_NOUNS * within as f64;
        let function_words = function_words(exchanges);
        tallies.retain(|word, tally| {
            if function_words.contains(word.as_str()) {
                return false;
            }
            let distinct: BTreeSet<Group> = tally.seen.iter().map(|(_, conversation)| *conversation).collect();
            distinct.len() >= MIN_CONVERSATIONS && (nouns_are_capitalised || !tally.is_proper())
        });
        let mut answers = vec![0_u64; topics];
        for (exchange, topic) in exchanges.iter().zip(topic_of) {
            let (Some(topic), Some(reply)) = (*topic, exchange.reply) else { continue };
            answers[topic] += 1;
            let distinct: BTreeSet<String> = words(reply.text).into_iter().map(|(word, _)| word).collect();
            for word in distinct {
                if let Some(tally) = tallies.get_mut(&word) {
                    *tally.answers.entry(topic).or_default() += 1;
                }
            }
        }
        let rates = |tally: &Tally| {
            let mut rates = vec![0.0; topics];
            tally.seen.iter().for_each(|(topic, _)| rates[*topic] += 1.0);
            rates.iter_mut().zip(&conversations).for_each(|(rate, all)| *rate /= all.len().max(1) as f64);
            rates
        };
        let places = |tally: &Tally| {
            let mut places = vec![0.0; topics];
            tally.places.iter().for_each(|(topic, (sum, count))| places[*topic] = *sum as f64 / *count as f64);
            places
        };
        let is_common = |tally: &Tally, rates: &[f64]| {
            let asked = rates.iter().filter(|rate| **rate >= NO_ACCIDENT).count();
            let said = |(topic, count): (&usize, &u64)| *count as f64 >= SAID_IN_PASSING * answers[*topic] as f64;
            let said = tally.answers.iter().filter(|it| said(*it)).count();
            topics > 2 && (2 * asked > topics || 10 * said > 9 * topics)
        };
        let described = |(word, tally): (String, Tally)| {
            let rates = rates(&tally);
            (word, Usage { is_common: is_common(&tally, &rates), rates, places: places(&tally) })
        };
        Self { usages: tallies.into_iter().map(described).collect() }
    }

    /// The most telling words of a topic, the most telling first: those that its conversations have and others have less,
    /// by their share of the divergence between the topic and the mean topic (Kullback & Leibler 1951). Words of the
    /// language come last, and another form of a word that is listed is left out.
    pub(super) fn telling(&self, topic: usize) -> Vec<TellingWord> {
        let weigh = |(word, Usage { is_common, rates, places }): (&String, &Usage)| {
            let (own, mean) = (rates[topic], rates.iter().sum::<f64>() / rates.len() as f64);
            (own > mean).then(|| {
                let weight = own * libm::log(own / mean);
                (*is_common, TellingWord { word: word.clone(), weight, place: places[topic] })
            })
        };
        let mut weighed: Vec<(bool, TellingWord)> = self.usages.iter().filter_map(weigh).collect();
        weighed.sort_by(|a, b| {
            a.0.cmp(&b.0).then(b.1.weight.total_cmp(&a.1.weight)).then_with(|| a.1.word.cmp(&b.1.word))
        });
        let mut telling: Vec<TellingWord> = Vec::with_capacity(MAX_WORDS);
        for (_, word) in weighed {
            if telling.len() < MAX_WORDS && !telling.iter().any(|said| are_forms(&said.word, &word.word)) {
                telling.push(word);
            }
        }
        telling
    }
}

/// Function words of the languages that customers write in.
fn function_words(exchanges: &[Exchange<'_>]) -> BTreeSet<&'static str> {
    let mut languages = Languages::default();
    let detected = parallel::map(exchanges, |exchange| language::detect(exchange.question.text));
    let is_sure = |detection: &Detection| detection.confidence == Confidence::High;
    detected.into_iter().for_each(|detection| languages.count(detection.filter(is_sure)));
    let told: u64 = languages.messages.values().sum();
    let is_spoken = |count: u64| count as f64 >= LEAST_LANGUAGE_SHARE * told as f64;
    let spoken = languages.messages.into_iter().filter(|(_, count)| is_spoken(*count));
    spoken.filter_map(|(language, _)| stop_words::lookup(language.code())).flatten().copied().collect()
}

/// The words of a text in their order, in lower case, without placeholders and without what has a digit or a sign in it.
/// With each, where it is within a sentence, whether it begins with its only capital letter.
fn words(text: &str) -> Vec<(String, Option<bool>)> {
    let text: String = without_placeholders(text).chars().take(MAX_CHARACTERS).nfkc().collect();
    let is_word = |word: &str| {
        let letters = word.chars().count();
        word.chars().all(char::is_alphabetic)
            && letters <= MAX_LETTERS
            && (letters >= MIN_LETTERS || word.chars().any(is_ideograph))
    };
    let read = |(at, word): (usize, &str)| {
        let before = text[..at].trim_end().chars().next_back();
        let within = before.is_some_and(|before| before.is_alphanumeric() || before == ',');
        let mut letters = word.chars();
        let capitalised = letters.next().is_some_and(char::is_uppercase) && !letters.any(char::is_uppercase);
        (word.to_lowercase(), within.then_some(capitalised))
    };
    text.unicode_word_indices().filter(|(_, word)| is_word(word)).map(read).collect()
}

/// Returns true for a character that can be a word.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Returns true for two forms of one word: they begin with the same letters, at least two thirds of the shorter.
fn are_forms(one: &str, other: &str) -> bool {
    let shared = one.chars().zip(other.chars()).take_while(|(left, right)| left == right).count();
    let shorter = one.chars().count().min(other.chars().count());
    shared > MIN_LETTERS && 3 * shared >= 2 * shorter
}

/// Names the topics that have no name yet, in their order; names are unique.
pub(super) fn name_all(topics: &mut [Topic]) {
    let mut taken: BTreeSet<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    for topic in topics.iter_mut().filter(|topic| topic.name.is_empty()) {
        let free = names(&topic.words).find(|name| !taken.contains(name));
        topic.name = free.unwrap_or_else(|| unnamed(&taken));
        taken.insert(topic.name.clone());
    }
}

/// Names that telling words make, the best first.
fn names(words: &[TellingWord]) -> impl Iterator<Item = String> {
    let worth_saying = |word: &&TellingWord| word.weight >= WORTH_SAYING * words[0].weight;
    let said = words.iter().take(WORDS_OF_A_NAME).take_while(worth_saying).count().max(2).min(words.len());
    let best = (said > 0).then(|| words[..said].iter().collect::<Vec<_>>());
    // Of two topics with the same best words, the smaller says another word as well.
    let longer = (2..words.len()).map(|third| vec![&words[0], &words[1], &words[third]]);
    let other = (2..words.len()).map(|second| vec![&words[0], &words[second]]);
    best.into_iter().chain(longer).chain(other).map(|mut words| {
        words.sort_by(|a, b| a.place.total_cmp(&b.place).then_with(|| a.word.cmp(&b.word)));
        words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join("_")
    })
}

/// `topic_a`, `topic_b` and so on, of which one is always free.
fn unnamed(taken: &BTreeSet<String>) -> String {
    let letters = |mut number: usize| {
        let mut letters = Vec::new();
        loop {
            letters.push(char::from(b'a' + (number % 26) as u8));
            number /= 26;
            if number == 0 {
                return letters.into_iter().rev().collect::<String>();
            }
        }
    };
    let names = (0..=taken.len()).map(|number| format!("topic_{}", letters(number)));
    names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn telling(words: &[(&str, f64, f64)]) -> Vec<TellingWord> {
        let word = |(word, weight, place): &(&str, f64, f64)| TellingWord {
            word: (*word).to_owned(),
            weight: *weight,
            place: *place,
        };
        words.iter().map(word).collect()
    }

    #[test]
    fn words_stand_in_the_order_in_which_customers_say_them() {
        let words = telling(&[("order", 1.0, 3.0), ("cancel", 0.9, 1.0), ("rest", 0.1, 0.0)]);
        assert_eq!(names(&words).next().as_deref(), Some("cancel_order"));
        let words = telling(&[("order", 1.0, 3.0), ("cancel", 0.9, 1.0), ("please", 0.8, 0.0)]);
        assert_eq!(names(&words).next().as_deref(), Some("please_cancel_order"));
    }

    #[test]
    fn of_equal_names_the_second_says_another_word() {
        let words = telling(&[("order", 1.0, 3.0), ("cancel", 0.9, 1.0), ("late", 0.1, 5.0)]);
        let all: Vec<String> = names(&words).collect();
        assert_eq!(all, ["cancel_order", "cancel_order_late", "order_late"]);
        assert_eq!(names(&[]).next(), None);
        assert_eq!(unnamed(&["topic_a".to_owned()].into()), "topic_b");
    }

    #[test]
    fn forms_of_one_word_are_known_and_other_words_are_not() {
        assert!(
            are_forms("order", "orders") && are_forms("cancelled", "canceling") && are_forms("bestellung", "bestellen")
        );
        assert!(!are_forms("contact", "content") && !are_forms("pin", "pins") && !are_forms("refund", "reset"));
    }

    #[test]
    fn capital_letters_count_within_sentences_only() {
        let found = words("Where is PayPal? Ask Anna, my ATM");
        let of = |word: &str| found.iter().find(|(found, _)| found == word).map(|(_, capitalised)| *capitalised);
        assert_eq!(of("where"), Some(None));
        assert_eq!(of("ask"), Some(None));
        assert_eq!(of("anna"), Some(Some(true)));
        assert_eq!(of("atm"), Some(Some(false)));
        assert_eq!(of("is"), None);
    }

    #[test]
    fn words_that_tell_nothing_by_themselves_are_in_no_name() {
        let questions = [
            "wo ist mein Paket, das sollte doch gestern bei mir sein",
            "mein Paket kommt nicht, wo ist das Paket denn jetzt",
            "ich warte noch immer auf mein Paket von letzter Woche",
            "ich habe mein Passwort vergessen, was kann ich tun",
            "das Passwort geht bei mir nicht mehr, bitte helfen",
            "wie kann ich denn ein neues Passwort bekommen",
        ];
        let exchange = |(at, text)| Exchange {
            conversation: Group::from_bits(at),
            question: super::super::induction::Utterance { text, embedding: None },
            reply: None,
        };
        let exchanges: Vec<Exchange<'_>> = (0..).zip(questions).map(exchange).collect();
        let topic_of: Vec<Option<usize>> = (0..6).map(|at| Some(at / 3)).collect();
        let vocabulary = Vocabulary::of(&exchanges, &topic_of, 2);
        for (topic, named) in ["paket", "passwort"].into_iter().enumerate() {
            let words: Vec<String> = vocabulary.telling(topic).into_iter().map(|word| word.word).collect();
            assert_eq!(words, [named]);
        }
    }

    proptest! {
        #[test]
        fn words_have_letters_only(text in "\\PC{0,200}") {
            for (word, _) in words(&text) {
                prop_assert!(word.chars().next().is_some_and(char::is_alphabetic), "{word}");
            }
        }
    }
}
