//! Short sentences that a team opens or closes its replies with, whatever they are about.
//!
//! "Thank you for your message." and "See you soon!" are known by their company: the same few words stand at the edge of many
//! replies, and what they stand beside is something else each time. So no list of phrases is needed, and none of languages.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use super::filling::sentences;

/// Words of such a sentence: one alone may be the answer ("Yes.").
const WORDS: std::ops::RangeInclusive<usize> = 2..=7;
/// Distinct sentences that it stands beside, at least.
const LEAST_COMPANY: usize = 5;
/// Of so many replies one has it, at least.
const ONE_OF: u64 = 10;

/// Sentences at the edges of a team's replies. The order of replies changes nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Boilerplate {
    openings: BTreeMap<u64, Edge>,
    closings: BTreeMap<u64, Edge>,
    replies: u64,
}

/// Occurrences of a sentence at an edge, and the sentences that it stands beside: the least hashes.
#[derive(Debug, Clone, Default)]
struct Edge {
    times: u64,
    company: BTreeSet<u64>,
}

impl Boilerplate {
    /// Takes the body of a reply in.
    pub(super) fn observe(&mut self, body: &str) {
        self.replies += 1;
        let sentences = trimmed(body);
        let [first, second, ..] = sentences.as_slice() else { return };
        note(&mut self.openings, first, second);
        if let [.., before, last] = sentences.as_slice() {
            note(&mut self.closings, last, before);
        }
    }

    /// The body without such sentences; one that is nothing else stays.
    pub(super) fn strip<'body>(&self, body: &'body str) -> &'body str {
        let mut sentences = trimmed(body);
        while sentences.len() > 1 && self.is_at(&self.openings, sentences[0]) {
            sentences.remove(0);
        }
        while sentences.len() > 1 && self.is_at(&self.closings, sentences[sentences.len() - 1]) {
            sentences.pop();
        }
        let (Some(first), Some(last)) = (sentences.first(), sentences.last()) else { return body };
        let place = |part: &str| part.as_ptr() as usize - body.as_ptr() as usize;
        &body[place(first)..place(last) + last.len()]
    }

    fn is_at(&self, edges: &BTreeMap<u64, Edge>, sentence: &str) -> bool {
        let edge = short_key(sentence).and_then(|key| edges.get(&key));
        edge.is_some_and(|edge| edge.company.len() >= LEAST_COMPANY && edge.times * ONE_OF >= self.replies)
    }
}

fn note(edges: &mut BTreeMap<u64, Edge>, sentence: &str, beside: &str) {
    let Some(key) = short_key(sentence) else { return };
    let edge = edges.entry(key).or_default();
    edge.times += 1;
    edge.company.insert(key_of(words(beside)));
    if edge.company.len() > LEAST_COMPANY {
        edge.company.pop_last();
    }
}

/// The key of a sentence of few words and no number.
fn short_key(sentence: &str) -> Option<u64> {
    let is_plain = !sentence.contains(|char: char| char.is_numeric() || matches!(char, '{' | '@' | '/'));
    let count = words(sentence).count();
    (is_plain && WORDS.contains(&count)).then(|| key_of(words(sentence)))
}

fn key_of<'text>(words: impl Iterator<Item = &'text str>) -> u64 {
    let written: Vec<String> = words.map(str::to_lowercase).collect();
    xxh3_64(written.join(" ").as_bytes())
}

/// Words without digits: numbers differ from one customer to the next.
fn words(sentence: &str) -> impl Iterator<Item = &str> {
    let words = sentence.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !word.contains(char::is_numeric))
}

/// Sentences without the space around them.
fn trimmed(body: &str) -> Vec<&str> {
    sentences(body).into_iter().map(|range| body[range].trim()).filter(|sentence| !sentence.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIDDLES: [&str; 5] = [
        "Refunds take five days.",
        "The shop opens at nine.",
        "Parcels leave us each evening.",
        "Your invoice is in the account.",
        "We ship to Austria.",
    ];

    fn boilerplate() -> Boilerplate {
        let mut boilerplate = Boilerplate::default();
        for middle in MIDDLES {
            boilerplate.observe(&format!("Thanks for your message! {middle} See you soon"));
            boilerplate.observe(&format!("{middle} It is all in the order mail."));
        }
        boilerplate
    }

    #[test]
    fn what_stands_beside_everything_is_taken_off() {
        let boilerplate = boilerplate();
        assert_eq!(
            boilerplate.strip("Thanks for your message! Refunds take five days.\nSee you soon"),
            "Refunds take five days."
        );
        assert_eq!(boilerplate.strip("thanks for your message. See you soon"), "See you soon");
    }

    #[test]
    fn what_answers_stays() {
        let boilerplate = boilerplate();
        for body in ["Refunds take five days. You get them back on your card.", "We ship to Austria.", "", "  "] {
            assert_eq!(boilerplate.strip(body), body, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_stripped_to_a_part_of_itself(body in "(Thanks for your message[.!]|\\PC{0,20}|[.!?\n ]){0,6}") {
            let stripped = boilerplate().strip(&body).to_owned();
            prop_assert!(body.contains(&stripped));
            prop_assert_eq!(stripped.trim().is_empty(), body.trim().is_empty());
        }
    }
}
