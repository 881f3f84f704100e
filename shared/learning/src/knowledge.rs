//! What a tenant's FAQ, articles and agents' best replies say, found again.
//!
//! A customer's question seldom repeats the words of the passage that answers it, but often those of another customer
//! who was answered with it. So a passage is found by its question, its answers *and* the past questions that people
//! answered with it; of all signals the last is the strongest. Two judges look at each passage:
//!
//! - its words, by BM25 (`words`), which know names, codes and error numbers, and stand alone where no encoder is, or
//!   where it does not know the language; of a few past replies the mean likeness to a whole group counts as well;
//! - its embeddings: the cosine of each of its texts, plus a share of the words' judgement.
//!
//! People answer the same question in many wordings. Passages that say the same form an **answer group**: evidence adds
//! up within a group, as the logarithm of summed exponentials, and the lead of a group is taken over the next *other*
//! group. What is no answer (a promise, a hand-over, a courtesy) forms groups of its own: where customers like this one
//! were told to wait, the index knows that nobody answered.
//!
//! A hit carries a probability that it answers the question, calibrated while the index is built: the tenant's own past
//! questions are put to it again, each with its whole conversation left out, once with the group that answered it and
//! once without ([`confidence`]). What that shows of agreement with people is told in [`Agreement`].
//!
//! # Promises
//! The same rows give the same bytes, however they are ordered or often delivered. Everything is bounded by the
//! constants below. An index holds the tenant's own texts, but of customers' questions only hashes of words,
//! embeddings and the [`ContentHash`] by which they can be traced and erased.

mod agreement;
mod artefact;
pub mod confidence;
mod gathering;
mod grouping;
mod rehearsal;
mod searching;
pub mod sentences;
mod words;

use std::ops::Range;

use romashka_types::reply::{Act, Slot};
use serde::{Deserialize, Serialize};

pub use self::{
    agreement::{
        Agreement, AgreementPoint, Case, DEFAULT_TARGET, DEFAULT_THRESHOLD, LEAST_QUESTIONS, MAX_POINTS, Outcome,
        Verdict, compare_outcomes,
    },
    rehearsal::{First, MAX_REHEARSED, MAX_REHEARSED_TEXTS, Rehearsal, Rehearsed},
    sentences::Sentence,
};
use self::{
    artefact::Manifest,
    gathering::{Gathered, gather},
    words::Lexicon,
};
use crate::{
    batch::MAX_LABEL_BYTES,
    content::{ContentHash, Group},
    embedding::{DIMENSIONS, Embedding},
};

/// Passages in an index.
pub const MAX_PASSAGES: usize = 20_000;
/// Rows that may be added before they are merged into passages.
pub const MAX_ROWS: usize = 100_000;
/// UTF-8 bytes of one text.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// UTF-8 bytes of all texts of all rows.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// UTF-8 bytes of an upload's identifier.
pub const MAX_UPLOAD_BYTES: usize = 64;
/// Past questions of one row, and of one passage after merging.
pub const MAX_PAST_QUESTIONS: usize = 32;
/// Past questions of all passages. Where there would be more, each passage keeps its most frequent ones.
pub const MAX_ALL_PAST_QUESTIONS: usize = 100_000;
/// Wordings of the answer to one question.
pub const MAX_ANSWERS: usize = 16;
/// Rows that are named as the sources of one answer.
pub const MAX_SOURCES: usize = 8;
/// Bytes of an artefact.
pub const MAX_ARTEFACT_BYTES: usize = 256 * 1024 * 1024;
/// UTF-8 bytes of all texts up to which words without an encoder are found by runs of their letters, too: these take six
/// times the room of words.
const MAX_GRAM_BYTES: usize = 4 * 1024 * 1024;
/// Hits of one search.
pub const MAX_HITS: usize = 50;
/// Passages of an answer group that are given as its answer, the one most like all others first.
pub const MAX_GROUP_ANSWERS: usize = 8;

/// What kind of row a passage comes from, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A question with its answer, written for customers.
    Faq,
    /// A part of an article or document.
    Article,
    /// What an agent wrote to a customer.
    Reply,
}

/// Where a row comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// The upload's identifier, at most [`MAX_UPLOAD_BYTES`].
    pub upload: String,
    /// The row in it.
    pub row: u64,
}

/// A text and what an encoder makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// At most [`MAX_TEXT_BYTES`]; free of personal data.
    pub text: String,
    /// `None` where there is no encoder.
    pub embedding: Option<Embedding>,
}

impl Text {
    /// By text, then by embedding.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let values = |text: &Self| text.embedding.as_ref().map(|embedding| *embedding.values());
        self.text.cmp(&other.text).then_with(|| values(self).cmp(&values(other)))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), embedding: None }
    }
}

/// A row to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Where it comes from.
    pub source: Source,
    /// The conversation that it was said in.
    pub conversation: Option<Group>,
    /// The question it answers, or the title above it. The question of a reply counts as a past question.
    pub question: Option<Text>,
    /// The answer; not blank.
    pub answer: Text,
    /// Act of the answer.
    pub act: Act,
    /// Variables of the answer.
    pub slots: Vec<Slot>,
    /// Sentences of the answer that are found, and given, by themselves; empty where it is given whole.
    pub sentences: Vec<Sentence>,
    /// The intent it belongs to, if known.
    pub intent: Option<String>,
    /// Customers' questions that somebody answered with it, at most [`MAX_PAST_QUESTIONS`].
    pub queries: Vec<Text>,
}

impl Passage {
    /// A curated row that answers whatever it is found for.
    #[must_use]
    pub const fn of(source: Source, answer: Text) -> Self {
        Self {
            source,
            conversation: None,
            question: None,
            answer,
            act: Act::Answer,
            slots: Vec::new(),
            sentences: Vec::new(),
            intent: None,
            queries: Vec::new(),
        }
    }
}

/// Why rows do not become an index, or bytes are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// A row holds more or less than it may.
    #[error("row {row} of upload `{upload}`: {fault}")]
    Row {
        /// The upload's identifier, cut at its bound.
        upload: String,
        /// The row.
        row: u64,
        /// What is wrong and how much would be right.
        fault: String,
    },
    /// More rows or bytes than one index is built from.
    #[error("an index is built from at most {MAX_ROWS} rows and {MAX_BYTES} bytes of text; leave older replies out")]
    TooMuch,
    /// More bytes than an artefact may have.
    #[error("a knowledge artefact of {bytes} bytes exceeds {MAX_ARTEFACT_BYTES}")]
    TooManyBytes {
        /// Bytes there are.
        bytes: usize,
    },
    /// A part of the artefact is missing or not what it should be.
    #[error("the knowledge artefact's {part} {fault}; fetch it again or train anew")]
    Artefact {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The content is not what it was when the artefact was written.
    #[error("the knowledge artefact's content does not match its digest; fetch it again or train anew")]
    Digest,
}

/// One wording of a passage's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The text, with `{{ name }}` for each slot.
    pub text: String,
    /// Its variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// Its act.
    #[serde(default)]
    pub act: Act,
    /// Rows that say it.
    pub times: u32,
    /// Some of them, at most [`MAX_SOURCES`]; those of this very wording first.
    pub sources: Vec<Source>,
}

/// A passage of an index: one question, or one thing that is said, and all that was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownPassage {
    /// The most trusted kind among its rows.
    pub kind: SourceKind,
    /// The question it answers, or its title.
    pub question: Option<String>,
    /// The most given first; at least one.
    pub answers: Vec<Answer>,
    /// The intent of most of its rows that have one.
    pub intent: Option<String>,
    /// How many past questions it is found by.
    pub past_questions: u32,
    /// Its answer group, by its place in [`KnowledgeIndex::groups`].
    pub group: u32,
    /// Sentences of its first answer, as byte ranges; empty where it is given whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentences: Vec<Range<usize>>,
}

impl KnownPassage {
    /// Texts that have embeddings: question, answers, past questions, sentences.
    fn texts(&self) -> usize {
        usize::from(self.question.is_some()) + self.answers.len() + self.past_questions as usize + self.sentences.len()
    }
}

/// Passages that say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerGroup {
    /// The act of its replies.
    pub act: Act,
    /// Its passages that may be given as the answer, the one most like all others first; at most
    /// [`MAX_GROUP_ANSWERS`].
    pub answers: Vec<u32>,
    /// Rows that say it.
    pub times: u32,
}

/// What made a passage a hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// Its question, or title, resembles the query.
    Question {
        /// How much, at most 1.
        cosine: f32,
    },
    /// A question that was answered with it before resembles the query.
    PastQuestion {
        /// The nearest such question, as [`ContentHash::of`] its text without a label.
        question: ContentHash,
        /// How much, at most 1.
        cosine: f32,
    },
    /// What it answers resembles the query.
    Answer {
        /// How much, at most 1.
        cosine: f32,
    },
    /// It holds the query's words.
    Words {
        /// Share of the query's information that they carry; above 1 where they are repeated.
        coverage: f32,
    },
}

/// An answer group found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit<'index> {
    /// The place in [`KnowledgeIndex::passages`] of its best passage.
    pub position: usize,
    /// That passage.
    pub passage: &'index KnownPassage,
    /// Of its answers the one nearest to the query, or the most given where there is no embedding.
    pub answer: &'index Answer,
    /// Of an article the sentences that answer.
    pub extract: Option<&'index str>,
    /// The group.
    pub group: &'index AnswerGroup,
    /// Ranks the hits of one search; not comparable between searches with and without an embedding.
    pub score: f32,
    /// Calibrated probability that people would have answered the query with this group, 0 to 1.
    pub probability: f32,
    /// What spoke for it, the strongest resemblance first and words last.
    pub signals: Vec<Signal>,
}

/// Whether there is an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding<'index> {
    /// Probable enough to be given.
    Answer(Hit<'index>),
    /// Nothing is; here is what came closest.
    Nothing {
        /// The best hit, if any passage had anything in common with the query.
        nearest: Option<Hit<'index>>,
    },
}

/// An index and what is to be said about its making.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The index.
    pub index: KnowledgeIndex,
    /// Past questions put to it, as if each were asked for the first time.
    pub rehearsal: Rehearsal,
    /// Agreement with people in that rehearsal; `None` where too few questions could be asked.
    pub agreement: Option<Agreement>,
    /// Examples of agreement and of each kind of disagreement.
    pub cases: Vec<Case>,
    /// The outcome of each question of the rehearsal, by which versions are compared; none where there is no agreement.
    pub outcomes: Vec<Outcome>,
    /// Passages, the least used replies, for which there was no room.
    pub left_out: usize,
}

/// Rows on their way into an index.
#[derive(Debug, Clone, Default)]
pub struct KnowledgeBuilder {
    rows: Vec<Passage>,
    bytes: usize,
}

impl KnowledgeBuilder {
    /// Takes a row in.
    ///
    /// # Errors
    /// When the row or all of them together exceed a bound, or the answer is blank; the row is then left out and the
    /// builder goes on.
    pub fn add(&mut self, row: Passage) -> Result<(), KnowledgeError> {
        let bytes = checked(&row).map_err(|fault| KnowledgeError::Row {
            upload: row.source.upload.chars().take(MAX_UPLOAD_BYTES).collect(),
            row: row.source.row,
            fault,
        })?;
        if self.rows.len() == MAX_ROWS || self.bytes + bytes > MAX_BYTES {
            return Err(KnowledgeError::TooMuch);
        }
        self.bytes += bytes;
        self.rows.push(row);
        Ok(())
    }

    /// Merges the rows, groups, indexes and calibrates them.
    #[must_use]
    pub fn build(self) -> Built {
        let (mut gathered, left_out) = gather(self.rows);
        spare(&mut gathered);
        let grouped = grouping::group(&gathered);
        let mut index = KnowledgeIndex::of(&gathered, &grouped);
        let rehearsal = index.rehearse(&gathered, &grouped);
        index.manifest.semantic = index.manifest.semantic.moved_by(&rehearsal.semantic);
        index.manifest.lexical = index.manifest.lexical.moved_by(&rehearsal.lexical);
        let agreement = Agreement::of(&rehearsal);
        let threshold = agreement.as_ref().map_or(1.0, |agreement| agreement.threshold);
        let cases = index.cases(&gathered, &rehearsal, threshold);
        let outcomes = agreement.as_ref().map(|agreement| agreement::outcomes(&rehearsal, agreement.threshold));
        Built { index, rehearsal, agreement, cases, outcomes: outcomes.unwrap_or_default(), left_out }
    }
}

/// Bytes of a row's texts, or what is wrong with it.
fn checked(row: &Passage) -> Result<usize, String> {
    if row.source.upload.len() > MAX_UPLOAD_BYTES {
        return Err(format!("the upload's identifier exceeds {MAX_UPLOAD_BYTES} bytes"));
    }
    if row.answer.text.trim().is_empty() {
        return Err("the answer is blank".to_owned());
    }
    if row.queries.len() > MAX_PAST_QUESTIONS {
        return Err(format!("more than {MAX_PAST_QUESTIONS} past questions; give the rest in rows of their own"));
    }
    if row.intent.as_ref().is_some_and(|intent| intent.len() > MAX_LABEL_BYTES) {
        return Err(format!("the intent exceeds {MAX_LABEL_BYTES} bytes"));
    }
    let texts = row.question.iter().chain([&row.answer]).chain(&row.queries);
    let mut bytes = 0;
    for text in texts {
        if text.text.len() > MAX_TEXT_BYTES {
            return Err(format!("a text exceeds {MAX_TEXT_BYTES} bytes; split it into several rows"));
        }
        bytes += text.text.len();
    }
    Ok(bytes)
}

/// Leaves each passage as many past questions as let all of them keep within [`MAX_ALL_PAST_QUESTIONS`].
fn spare(passages: &mut [Gathered]) {
    let kept = |each: usize| passages.iter().map(|passage| passage.past_questions.len().min(each)).sum::<usize>();
    let each = (0..=MAX_PAST_QUESTIONS).rev().find(|each| kept(*each) <= MAX_ALL_PAST_QUESTIONS).unwrap_or(0);
    passages.iter_mut().for_each(|passage| passage.past_questions.truncate(each));
}

/// Passages, ready to be searched. Immutable; safe to share between requests.
#[derive(Debug, Clone, PartialEq)]
pub struct KnowledgeIndex {
    manifest: Manifest,
    passages: Vec<KnownPassage>,
    groups: Vec<AnswerGroup>,
    /// Past questions of all passages, in their order.
    past_questions: Vec<ContentHash>,
    lexicon: Lexicon,
    /// Lengths of the passages as vectors of their terms, where replies are few.
    norms: Vec<f32>,
    /// Of the sentences of all passages, in their order.
    sentences: Lexicon,
    /// Of every text of every passage, see [`KnownPassage::texts`]. Empty where most texts have none.
    embeddings: Vec<Embedding>,
    /// Where the texts of each passage end among all.
    ends: Vec<usize>,
    /// The passage of each sentence.
    passage_of: Vec<u32>,
}

impl KnowledgeIndex {
    fn of(gathered: &[Gathered], grouped: &grouping::Grouped) -> Self {
        let mut embeddings = Vec::new();
        let mut encoded = 0;
        let mut embed = |embedding: &Option<Embedding>| {
            encoded += usize::from(embedding.is_some());
            embeddings.push(embedding.clone().unwrap_or_else(|| Embedding::from_values([0; DIMENSIONS])));
        };
        for passage in gathered {
            passage.question.iter().for_each(|question| embed(&question.embedding));
            passage.answers.iter().for_each(|answer| embed(&answer.text.embedding));
            passage.past_questions.iter().for_each(|past| embed(&past.text.embedding));
            passage.sentences().iter().for_each(|sentence| embed(&sentence.embedding));
        }
        // Texts in a language that the encoder does not know have none; where they are the most, words judge alone.
        let embedded = 2 * encoded > embeddings.len();
        if !embedded {
            embeddings.clear();
        }
        let texts: Vec<Vec<&str>> = gathered.iter().map(Gathered::texts).collect();
        let grams = !embedded && texts.iter().flatten().map(|text| text.len()).sum::<usize>() <= MAX_GRAM_BYTES;
        let lexicon = Lexicon::of(texts.into_iter(), grams);
        let sentences = gathered.iter().flat_map(|passage| {
            let text = passage.answers.first().map_or("", |answer| answer.text.text.as_str());
            passage.sentences().iter().map(move |sentence| vec![&text[sentence.range.clone()]])
        });
        let sentences = Lexicon::of(sentences, grams);
        let past_questions = gathered.iter().flat_map(|passage| &passage.past_questions);
        let past_questions = past_questions.map(|question| ContentHash::of(&question.text.text, None)).collect();
        let known = |(passage, group): (&Gathered, &u32)| KnownPassage {
            kind: passage.kind,
            question: passage.question.as_ref().map(|question| question.text.clone()),
            answers: passage.answers.iter().map(gathering::GatheredAnswer::known).collect(),
            intent: passage.intent.clone(),
            past_questions: passage.past_questions.len() as u32,
            group: *group,
            sentences: passage.sentences().iter().map(|sentence| sentence.range.clone()).collect(),
        };
        let passages = gathered.iter().zip(&grouped.group_of).map(known).collect();
        let groups = grouped.groups.clone();
        Self::assemble(
            Manifest::of(embedded, grams, grouped.are_few(), grouped.same),
            passages,
            groups,
            past_questions,
            [lexicon, sentences],
            embeddings,
        )
    }

    fn assemble(
        manifest: Manifest,
        passages: Vec<KnownPassage>,
        groups: Vec<AnswerGroup>,
        past_questions: Vec<ContentHash>,
        [lexicon, sentences]: [Lexicon; 2],
        embeddings: Vec<Embedding>,
    ) -> Self {
        let ends = passages
            .iter()
            .scan(0, |end, passage| {
                *end += passage.texts();
                Some(*end)
            })
            .collect();
        let passage_of =
            (0..).zip(&passages).flat_map(|(at, passage)| passage.sentences.iter().map(move |_| at)).collect();
        let norms = if manifest.few { lexicon.norms() } else { Vec::new() };
        Self { manifest, passages, groups, past_questions, lexicon, norms, sentences, embeddings, ends, passage_of }
    }

    /// The passages: FAQs, then articles, then replies, the most used of each first.
    #[must_use]
    pub fn passages(&self) -> &[KnownPassage] {
        &self.passages
    }

    /// Of each passage the past questions that people answered with it, each as [`ContentHash::of`] its text without a label.
    pub fn past_questions(&self) -> impl Iterator<Item = &[ContentHash]> {
        self.passages.iter().scan(self.past_questions.as_slice(), |rest, passage| {
            let (own, others) = rest.split_at(passage.past_questions as usize);
            *rest = others;
            Some(own)
        })
    }

    /// The answer groups, in the order of their first passages.
    #[must_use]
    pub fn groups(&self) -> &[AnswerGroup] {
        &self.groups
    }

    /// Returns true if passages have embeddings, so that it pays to embed a query.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.manifest.embedded
    }

    /// Place of a passage's first text among all.
    fn start(&self, position: usize) -> usize {
        if position == 0 { 0 } else { self.ends[position - 1] }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        artefact::tests::{invented, invented_rows},
        *,
    };

    /// An embedding that leans towards one of a few directions.
    fn towards(direction: usize, lean: f32) -> Embedding {
        let mut vector = [0.0; DIMENSIONS];
        vector[direction] = lean;
        vector[DIMENSIONS - 1 - direction] = 1.0 - lean;
        Embedding::of(&vector)
    }

    fn embedded(text: &str, embedding: Embedding) -> Text {
        Text { text: text.to_owned(), embedding: Some(embedding) }
    }

    fn faq(row: u64, question: Text, answer: Text, queries: Vec<Text>) -> Passage {
        let source = Source { kind: SourceKind::Faq, upload: "faq".to_owned(), row };
        Passage { question: Some(question), queries, ..Passage::of(source, answer) }
    }

    fn built(rows: Vec<Passage>) -> Built {
        let mut builder = KnowledgeBuilder::default();
        rows.into_iter().for_each(|row| builder.add(row).unwrap());
        builder.build()
    }

    #[test]
    fn a_passage_is_found_by_its_words_without_an_encoder() {
        let index = invented();
        let hits = index.search("how do I get my money back", None, 3);
        assert_eq!(hits[0].answer.text, "Refunds reach your account within five days.");
        assert!(matches!(hits[0].signals.as_slice(), [Signal::Words { .. }]));
        assert!(!index.is_embedded());
    }

    #[test]
    fn a_past_question_finds_what_neither_question_nor_answer_resembles() {
        let rows = vec![
            faq(
                1,
                embedded("Refunds", towards(0, 0.9)),
                embedded("Within five days.", towards(1, 0.9)),
                vec![embedded("gimme my dough", towards(2, 0.9))],
            ),
            faq(2, embedded("Hours", towards(3, 0.9)), embedded("From nine.", towards(4, 0.9)), Vec::new()),
        ];
        let index = built(rows).index;
        let hits = index.search("cash please", Some(&towards(2, 0.95)), 2);
        assert_eq!(hits[0].passage.question.as_deref(), Some("Refunds"));
        let expected = ContentHash::of("Gimme my dough", None);
        assert!(matches!(hits[0].signals[0], Signal::PastQuestion { question, .. } if question == expected));
        assert!(hits.iter().skip(1).all(|other| other.probability < hits[0].probability));
    }

    #[test]
    fn of_several_answers_the_nearest_is_given_and_without_an_embedding_the_most_used() {
        let question = || embedded("May I return it?", towards(0, 0.9));
        let mut rows = vec![
            faq(1, question(), embedded("Bring it to the shop.", towards(1, 0.9)), Vec::new()),
            faq(2, question(), embedded("Send it by post.", towards(2, 0.9)), Vec::new()),
        ];
        rows.push(faq(3, question(), embedded("Send it by post.", towards(2, 0.9)), Vec::new()));
        let index = built(rows).index;
        assert_eq!(index.search("return", None, 1)[0].answer.text, "Send it by post.");
        assert_eq!(index.search("return", Some(&towards(1, 0.8)), 1)[0].answer.text, "Bring it to the shop.");
    }

    #[test]
    fn nothing_is_said_where_nothing_is_probable() {
        let index = invented();
        let Finding::Nothing { nearest } = index.answer("who won the football match", None, 0.5) else {
            panic!("a stranger's question was answered");
        };
        assert!(nearest.is_none_or(|nearest| nearest.probability < 0.5));
        assert_eq!(index.answer("", None, 0.0), Finding::Nothing { nearest: None });
        assert!(matches!(index.answer("when do you open", None, 0.0), Finding::Answer(_)));
    }

    #[test]
    fn an_index_of_nothing_finds_nothing() {
        let built = built(Vec::new());
        assert_eq!(built.index.search("anything", Some(&towards(0, 0.5)), 3), []);
        assert_eq!(KnowledgeIndex::from_bytes(&built.index.to_bytes().unwrap()).unwrap(), built.index);
    }

    #[test]
    fn rows_beyond_the_bounds_are_refused_and_the_rest_goes_on() {
        let mut builder = KnowledgeBuilder::default();
        let refused = builder.add(faq(7, Text::from("Empty?"), Text::from(" \n"), Vec::new())).unwrap_err();
        assert_eq!(refused.to_string(), "row 7 of upload `faq`: the answer is blank");
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        assert!(builder.add(faq(8, Text::from("Long?"), Text::from(long.as_str()), Vec::new())).is_err());
        let many = vec![Text::from("again"); MAX_PAST_QUESTIONS + 1];
        assert!(builder.add(faq(9, Text::from("Many?"), Text::from("Yes."), many)).is_err());
        builder.add(faq(10, Text::from("Good?"), Text::from("Yes."), Vec::new())).unwrap();
        assert_eq!(builder.build().index.passages().len(), 1);
    }

    #[test]
    fn the_rehearsal_never_sees_the_question_it_asks() {
        let rows = vec![
            faq(1, Text::from("Refunds"), Text::from("Within five days."), vec![Text::from("zebra crossing")]),
            faq(2, Text::from("Hours"), Text::from("From nine."), Vec::new()),
        ];
        let rehearsal = built(rows).rehearsal;
        assert_eq!((rehearsal.questions.len(), rehearsal.first()), (1, 0));
    }

    fn reply(row: u64, conversation: u64, asked: &str, act: Act, said: &str) -> Passage {
        let source = Source { kind: SourceKind::Reply, upload: "replies".to_owned(), row };
        let conversation = Some(Group::from_bits(conversation));
        Passage { act, conversation, queries: vec![Text::from(asked)], ..Passage::of(source, Text::from(said)) }
    }

    #[test]
    fn a_question_is_all_that_was_written_up_to_the_answer() {
        let (begun, whole) = ("where is my parcel", "where is my parcel\nit is order 4711");
        let rows = vec![
            reply(1, 1, begun, Act::Question, "What is the number of your order?"),
            reply(2, 1, whole, Act::Answer, "It left our warehouse today and arrives within three days."),
            reply(3, 2, "where is the shop", Act::Question, "Which of our shops do you mean?"),
        ];
        let rehearsal = built(rows).rehearsal;
        let mut asked: Vec<ContentHash> = rehearsal.questions.iter().map(|it| it.question).collect();
        asked.sort_unstable();
        let mut expected = [whole, "where is the shop"].map(|text| ContentHash::of(text, None));
        expected.sort_unstable();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_question_back_is_in_no_group_of_answers() {
        let asked = "which frame fits somebody of one metre eighty";
        let rows = vec![
            reply(1, 1, asked, Act::Answer, "Measure your legs and take the frame of two thirds of that."),
            reply(2, 2, asked, Act::Question, "Did you measure your legs, and which frame do you ride?"),
            reply(3, 3, asked, Act::Answer, "Measure your legs, and take a frame of two thirds of that."),
            reply(4, 4, "when do you open", Act::Answer, "The shop opens at nine from Monday to Saturday."),
            reply(5, 5, "where is my parcel", Act::Answer, "The courier brings it within three days."),
            reply(6, 6, "I want a refund", Act::Answer, "Send it back, then the money is yours in a week."),
        ];
        let index = built(rows).index;
        let group = |row: u64| {
            let of_row = |passage: &&KnownPassage| passage.answers[0].sources[0].row == row;
            index.passages().iter().find(of_row).map(|passage| passage.group)
        };
        assert_eq!(group(1), group(3));
        assert_ne!(group(1), group(2));
    }

    #[test]
    fn past_questions_are_spared_evenly_when_there_are_too_many() {
        let asked = |at: usize| gathering::Asked {
            text: Text::from(format!("question {at}").as_str()),
            conversations: gathering::Conversations::Several,
        };
        let past = |count: usize| (0..count).map(asked).collect();
        let passage = |count| Gathered {
            kind: SourceKind::Reply,
            question: None,
            answers: Vec::new(),
            intent: None,
            past_questions: past(count),
            times: 1,
        };
        let mut passages = vec![passage(32); 4_000];
        passages.push(passage(3));
        spare(&mut passages);
        assert_eq!(passages[0].past_questions.len(), 24);
        assert_eq!(passages[4_000].past_questions.len(), 3);
    }

    fn shuffled() -> impl Strategy<Value = Vec<Passage>> {
        Just(invented_rows()).prop_shuffle()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_and_repetition_of_rows_leave_every_byte_as_it_is(rows in shuffled(), twice in 0_usize..8) {
            let again: Vec<_> = rows.iter().take(twice).cloned().collect();
            let bytes = built([rows, again].concat()).index.to_bytes().unwrap();
            prop_assert_eq!(bytes, invented().to_bytes().unwrap());
        }

        #[test]
        fn every_query_gets_ranked_hits_with_sound_probabilities(query in ".{0,120}", limit in 0_usize..6) {
            let index = invented();
            let hits = index.search(&query, None, limit);
            prop_assert!(hits.len() <= limit);
            prop_assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
            prop_assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.probability)));
        }
    }
}
