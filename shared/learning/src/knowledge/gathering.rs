//! From rows as they were uploaded to passages as they are found.
//!
//! People upload the same export twice, agents paste the same reply a thousand times with another order number in it,
//! and a reply may be the answer of an FAQ word for word. What says the same becomes one passage here, with a count,
//! its sources and every question it answered. The result depends on the set of rows and not on their order.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use romashka_types::reply::{Act, Slot};

use super::{
    Answer, MAX_ANSWERS, MAX_PASSAGES, MAX_PAST_QUESTIONS, MAX_SOURCES, Passage, Source, SourceKind, Text,
    sentences::Sentence, words::words,
};
use crate::content::{ContentHash, Group, normalise};

/// Digits from which a word is an order number, a date or an account and not part of what a reply says.
const SHORTEST_NUMBER: usize = 3;
/// Share of common word pairs from which two replies are one (Jaccard). High, for a "not" must keep them apart.
const NEARLY_THE_SAME: f64 = 0.9;
/// Word pairs from which a reply is long enough to be compared that way.
const FEWEST_PAIRS: usize = 8;
/// Groups of hashes of which one must agree before two replies are compared (Broder 1997, "On the Resemblance and
/// Containment of Documents"): at nine tenths in common, one pair in five thousand is missed.
const BANDS: usize = 8;
const HASHES_PER_BAND: usize = 4;

const PAIR_SEED: u64 = 0x7061_6972_0000_0001;

/// One passage, put together from rows that say the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gathered {
    pub kind: SourceKind,
    pub question: Option<Text>,
    /// The most given first.
    pub answers: Vec<GatheredAnswer>,
    pub intent: Option<String>,
    /// Distinct; the most asked first.
    pub past_questions: Vec<Asked>,
    /// Rows it stands for.
    pub times: u32,
}

/// One wording of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GatheredAnswer {
    pub text: Text,
    pub slots: Vec<Slot>,
    pub act: Act,
    /// Sentences of the text that are found by themselves.
    pub sentences: Vec<Sentence>,
    pub times: u32,
    /// The rows of this very text first.
    pub sources: Vec<Source>,
    pub conversations: Conversations,
}

impl Gathered {
    /// Question, answers and past questions.
    pub fn texts(&self) -> Vec<&str> {
        let question = self.question.iter().map(|question| question.text.as_str());
        let answers = self.answers.iter().map(|answer| answer.text.text.as_str());
        question.chain(answers).chain(self.past_questions.iter().map(|past| past.text.text.as_str())).collect()
    }

    /// Sentences of the first answer.
    pub fn sentences(&self) -> &[Sentence] {
        self.answers.first().map_or(&[], |answer| &answer.sentences)
    }
}

impl GatheredAnswer {
    /// The answer as the index keeps it.
    pub fn known(&self) -> Answer {
        Answer {
            text: self.text.text.clone(),
            slots: self.slots.clone(),
            act: self.act,
            times: self.times,
            sources: self.sources.clone(),
        }
    }
}

/// A customer's question that was answered with a passage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub text: Text,
    pub conversations: Conversations,
}

/// The conversations of a text, as far as it matters when one of them is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversations {
    One(Group),
    Several,
}

impl Conversations {
    fn of(groups: impl Iterator<Item = Group>) -> Self {
        let mut groups = groups.peekable();
        let Some(first) = groups.peek().copied() else { return Self::Several };
        if groups.all(|group| group == first) { Self::One(first) } else { Self::Several }
    }

    /// Returns true if nothing of the text is left without a conversation.
    pub fn are(self, group: Group) -> bool {
        self == Self::One(group)
    }
}

/// The conversation that is left out when a question is asked again: its only one or, of a question of several, none but
/// its own words.
pub(super) fn conversation_of_asked(asked: &Asked) -> Group {
    match asked.conversations {
        Conversations::One(group) => group,
        Conversations::Several => Group::of_text(&asked.text.text),
    }
}

/// The conversation of a row; a row of none stands for itself.
pub(super) fn conversation_of(row: &Passage) -> Group {
    let text = row.question.as_ref().or(row.queries.first()).unwrap_or(&row.answer);
    row.conversation.unwrap_or_else(|| Group::of_text(&text.text))
}

/// Passages, the curated and the most used first, and how many more there were than an index holds.
pub(super) fn gather(mut rows: Vec<Passage>) -> (Vec<Gathered>, usize) {
    for row in &mut rows {
        row.queries.sort_by(Text::order);
        row.queries.dedup();
        if row.source.kind == SourceKind::Reply {
            row.queries.extend(row.question.take());
        }
    }
    rows.sort_by(order);
    rows.dedup();

    let mut curated: BTreeMap<(SourceKind, ContentHash), Vec<Passage>> = BTreeMap::new();
    let mut replies: BTreeMap<ContentHash, Vec<Passage>> = BTreeMap::new();
    for row in rows {
        match row.source.kind {
            SourceKind::Reply => replies.entry(gist(&row.answer.text)).or_default().push(row),
            kind => curated.entry((kind, identity(&row))).or_default().push(row),
        }
    }
    let mut curated_answers: HashMap<ContentHash, (SourceKind, ContentHash)> = HashMap::new();
    for (key, rows) in &curated {
        for row in rows {
            curated_answers.entry(gist(&row.answer.text)).or_insert(*key);
        }
    }
    let mut uncurated = Vec::new();
    for (gist, rows) in replies {
        match curated_answers.get(&gist).and_then(|key| curated.get_mut(key)) {
            Some(passage) => passage.extend(rows),
            None => uncurated.push((gist, rows)),
        }
    }

    let curated = curated.into_iter().map(|((kind, key), rows)| (key, assemble(kind, &rows)));
    let replies = merged(uncurated).into_iter().map(|(gist, rows)| (gist, assemble(SourceKind::Reply, &rows)));
    let mut gathered: Vec<_> = curated.chain(replies).collect();
    gathered.sort_by(|(a_key, a), (b_key, b)| {
        a.kind.cmp(&b.kind).then(b.times.cmp(&a.times)).then_with(|| a_key.cmp(b_key))
    });
    let left_out = gathered.len().saturating_sub(MAX_PASSAGES);
    gathered.truncate(MAX_PASSAGES);
    (gathered.into_iter().map(|(_, passage)| passage).collect(), left_out)
}

/// A total order on everything a row says, so that equal rows are neighbours and the rest has one order.
fn order(a: &Passage, b: &Passage) -> std::cmp::Ordering {
    a.source
        .cmp(&b.source)
        .then_with(|| Text::order(&a.answer, &b.answer))
        .then_with(|| match (&a.question, &b.question) {
            (Some(a), Some(b)) => Text::order(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
        .then_with(|| a.intent.cmp(&b.intent))
        .then_with(|| a.queries.len().cmp(&b.queries.len()))
        .then_with(|| {
            let unequal = a.queries.iter().zip(&b.queries).map(|(a, b)| Text::order(a, b));
            unequal.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        })
}

/// What makes two curated rows one passage: the question of an FAQ; of an article, title and text, for all parts of
/// one share the title.
fn identity(row: &Passage) -> ContentHash {
    let question = row.question.as_ref().map(|question| question.text.as_str());
    match (row.source.kind, question) {
        (SourceKind::Faq, Some(question)) => ContentHash::of(question, None),
        (_, title) => ContentHash::of(&row.answer.text, Some(&normalise(title.unwrap_or_default()))),
    }
}

/// What a reply says apart from numbers, letter case and punctuation.
fn gist(text: &str) -> ContentHash {
    let normalised = normalise(text);
    let gist: Vec<&str> = gist_words(&normalised).collect();
    if gist.is_empty() {
        return ContentHash::of(text, None);
    }
    ContentHash::of(&gist.join(" "), Some("gist"))
}

/// The words of a normalised text, with all long numbers alike.
fn gist_words(normalised: &str) -> impl Iterator<Item = &str> {
    words(normalised).map(|word| if is_number(word) { "0" } else { word })
}

fn is_number(word: &str) -> bool {
    word.chars().filter(|character| character.is_numeric()).count() >= SHORTEST_NUMBER
}

/// Replies of which each has nothing nearly the same among the others. The most given comes first and takes in what
/// resembles it, so that no chain of small changes joins what is far apart.
fn merged(mut replies: Vec<(ContentHash, Vec<Passage>)>) -> Vec<(ContentHash, Vec<Passage>)> {
    replies.sort_by(|(a_gist, a), (b_gist, b)| b.len().cmp(&a.len()).then_with(|| a_gist.cmp(b_gist)));
    let mut leaders: Vec<(ContentHash, Vec<Passage>)> = Vec::new();
    let mut pairs_of_leaders: Vec<Vec<u64>> = Vec::new();
    let mut buckets: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (gist, rows) in replies {
        let pairs = word_pairs(&rows[0].answer.text);
        let bands = if pairs.len() < FEWEST_PAIRS { Vec::new() } else { bands(&pairs) };
        let near = bands
            .iter()
            .filter_map(|band| buckets.get(band))
            .flatten()
            .copied()
            .filter(|leader| resemblance(&pairs, &pairs_of_leaders[*leader]) >= NEARLY_THE_SAME)
            .min();
        if let Some(leader) = near {
            leaders[leader].1.extend(rows);
            continue;
        }
        for band in bands {
            buckets.entry(band).or_default().push(leaders.len());
        }
        pairs_of_leaders.push(pairs);
        leaders.push((gist, rows));
    }
    leaders
}

/// Hashes of pairs of neighbouring words, ascending and distinct.
fn word_pairs(text: &str) -> Vec<u64> {
    let normalised = normalise(text);
    let hashes: Vec<u64> = gist_words(&normalised).map(|word| xxh3_64_with_seed(word.as_bytes(), PAIR_SEED)).collect();
    let mut pairs: Vec<u64> = hashes.windows(2).map(|pair| mixed(pair[0].rotate_left(1) ^ mixed(pair[1]))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The smallest of the pairs' hashes under each of several hash functions, band by band.
fn bands(pairs: &[u64]) -> Vec<(usize, u64)> {
    (0..BANDS)
        .map(|band| {
            let hashes = (0..HASHES_PER_BAND).map(|at| {
                let function = mixed((band * HASHES_PER_BAND + at) as u64 + 1);
                pairs.iter().map(|pair| mixed(pair ^ function)).min().unwrap_or_default()
            });
            (band, hashes.fold(0, |joined, hash| mixed(joined ^ hash)))
        })
        .collect()
}

/// The finaliser of MurmurHash3 (Appleby), a bijection without visible structure.
fn mixed(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

/// Common elements over all elements of two ascending sets.
fn resemblance(a: &[u64], b: &[u64]) -> f64 {
    let common = a.iter().filter(|element| b.binary_search(element).is_ok()).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

/// One passage from its rows, in any order. For a passage of replies all rows are one answer.
fn assemble(kind: SourceKind, rows: &[Passage]) -> Gathered {
    let mut by_answer: BTreeMap<ContentHash, Vec<&Passage>> = BTreeMap::new();
    for row in rows {
        let answer = if kind == SourceKind::Reply { ContentHash::from_bytes([0; 16]) } else { gist(&row.answer.text) };
        by_answer.entry(answer).or_default().push(row);
    }
    let mut answers: Vec<GatheredAnswer> = by_answer
        .into_values()
        .filter_map(|rows| {
            let best = rows.iter().map(|row| row.source.kind).min()?;
            let wordings = rows.iter().filter(|row| row.source.kind == best).map(|row| &row.answer);
            let text = ranked(wordings, Text::order).into_iter().next()?.0.clone();
            let says = |row: &&&Passage| row.source.kind == best && row.answer == text;
            let wording = rows.iter().filter(says).min_by_key(|row| &row.source)?;
            let mut sources: Vec<&Passage> = rows.clone();
            sources.sort_by_key(|row| (!says(&row), row.source.clone()));
            let sources = sources.into_iter().map(|row| row.source.clone()).take(MAX_SOURCES).collect();
            Some(GatheredAnswer {
                slots: wording.slots.clone(),
                act: wording.act,
                sentences: wording.sentences.clone(),
                text,
                times: rows.len() as u32,
                sources,
                conversations: Conversations::of(rows.iter().map(|row| conversation_of(row))),
            })
        })
        .collect();
    // Stable: answers given equally often stay in the order of their gist.
    answers.sort_by_key(|answer| std::cmp::Reverse(answer.times));
    answers.truncate(MAX_ANSWERS);

    let question = ranked(rows.iter().filter_map(|row| row.question.as_ref()), Text::order)
        .into_iter()
        .next()
        .map(|(text, _)| text);
    let known = question.map(|question| ContentHash::of(&question.text, None));
    let mut asked: BTreeMap<ContentHash, Vec<(&Text, Group)>> = BTreeMap::new();
    for row in rows {
        for query in &row.queries {
            let conversation = row.conversation.unwrap_or_else(|| Group::of_text(&query.text));
            asked.entry(ContentHash::of(&query.text, None)).or_default().push((query, conversation));
        }
    }
    let mut asked: Vec<_> =
        asked.into_iter().filter(|(hash, _)| Some(*hash) != known).map(|(_, texts)| texts).collect();
    asked.sort_by_key(|texts| std::cmp::Reverse(texts.len()));
    let past_questions = asked
        .into_iter()
        .take(MAX_PAST_QUESTIONS)
        .filter_map(|texts| {
            let conversations = Conversations::of(texts.iter().map(|(_, conversation)| *conversation));
            let (text, _) = ranked(texts.into_iter().map(|(text, _)| text), Text::order).into_iter().next()?;
            Some(Asked { text: text.clone(), conversations })
        })
        .collect();
    let intent = ranked(rows.iter().filter_map(|row| row.intent.as_ref()), |a, b| a.cmp(b)).into_iter().next();
    Gathered {
        kind,
        question: question.cloned(),
        answers,
        intent: intent.map(|(intent, _)| intent.clone()),
        past_questions,
        times: rows.len() as u32,
    }
}

/// Distinct items and how often they occur: the most frequent first, then in order.
fn ranked<'items, T: PartialEq>(
    items: impl Iterator<Item = &'items T>,
    order: fn(&T, &T) -> std::cmp::Ordering,
) -> Vec<(&'items T, usize)> {
    let mut items: Vec<&T> = items.collect();
    items.sort_by(|a, b| order(a, b));
    let mut ranked: Vec<_> = items.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len())).collect();
    ranked.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    ranked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(kind: SourceKind, number: u64, question: Option<&str>, answer: &str, queries: &[&str]) -> Passage {
        Passage {
            question: question.map(Text::from),
            queries: queries.iter().copied().map(Text::from).collect(),
            ..Passage::of(Source { kind, upload: "upload".to_owned(), row: number }, Text::from(answer))
        }
    }

    fn reply(number: u64, answer: &str, query: &str) -> Passage {
        row(SourceKind::Reply, number, None, answer, &[query])
    }

    #[test]
    fn a_reply_pasted_with_another_order_number_is_one_passage() {
        let (passages, _) = gather(vec![
            reply(1, "Your order 48213 is on its way.", "where is it"),
            reply(2, "your order #99120 is on its way", "has it left"),
            reply(3, "Your order is cancelled.", "stop it"),
        ]);
        assert_eq!(passages.iter().map(|passage| passage.times).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(passages[0].past_questions.len(), 2);
        assert_eq!(passages[0].answers[0].sources.len(), 2);
    }

    #[test]
    fn a_long_reply_with_one_other_word_is_the_same_and_with_a_not_among_few_is_another() {
        let long = "thank you for writing to us today we have sent the replacement to the address you gave and it \
            should be with you on monday at the latest so please look out for it";
        let (passages, _) =
            gather(vec![reply(1, long, "a"), reply(2, &format!("{long} friend"), "b"), reply(3, long, "c")]);
        assert_eq!(passages.len(), 1);
        assert_eq!(passages[0].answers[0].text.text, long);
        let (passages, _) = gather(vec![
            reply(1, "You can send the parcel back within two weeks of the day it came", "a"),
            reply(2, "You cannot send the parcel back within two weeks of the day it came", "b"),
        ]);
        assert_eq!(passages.len(), 2);
    }

    #[test]
    fn a_reply_that_is_an_answer_of_the_faq_adds_its_question_to_the_faq() {
        let (passages, _) = gather(vec![
            reply(7, "we open at nine", "are you there at ten"),
            row(SourceKind::Faq, 1, Some("When do you open?"), "We open at nine.", &[]),
        ]);
        assert_eq!(passages.len(), 1);
        assert_eq!(passages[0].kind, SourceKind::Faq);
        assert_eq!(passages[0].answers[0].text.text, "We open at nine.");
        assert_eq!(passages[0].past_questions[0].text, Text::from("are you there at ten"));
    }

    #[test]
    fn a_question_answered_in_two_ways_is_one_passage_and_the_parts_of_an_article_are_several() {
        let (passages, _) = gather(vec![
            row(SourceKind::Faq, 1, Some("May I return it?"), "Yes, within two weeks.", &[]),
            row(SourceKind::Faq, 2, Some("may I return it?"), "Bring it to the shop.", &[]),
            row(SourceKind::Article, 3, Some("Shipping"), "Parcels go out at noon.", &[]),
            row(SourceKind::Article, 4, Some("Shipping"), "Letters go out at night.", &[]),
        ]);
        assert_eq!(passages.iter().map(|passage| passage.answers.len()).collect::<Vec<_>>(), [2, 1, 1]);
    }

    #[test]
    fn a_row_delivered_twice_counts_once() {
        let twice = reply(1, "Done.", "please");
        let (passages, _) = gather(vec![twice.clone(), twice]);
        assert_eq!(passages[0].times, 1);
    }

    fn any_row() -> impl Strategy<Value = Passage> {
        let kind = prop_oneof![Just(SourceKind::Faq), Just(SourceKind::Article), Just(SourceKind::Reply)];
        let text = "[a-c1 ]{1,8}";
        (kind, 0_u64..4, prop::option::of(text), text, prop::collection::vec(text, 0..3)).prop_map(
            |(kind, number, question, answer, queries)| {
                let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
                row(kind, number, question.as_deref(), &answer, &queries)
            },
        )
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_nothing(
            (rows, shuffled) in prop::collection::vec(any_row(), 0..24)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            prop_assert_eq!(gather(rows), gather(shuffled));
        }
    }
}
