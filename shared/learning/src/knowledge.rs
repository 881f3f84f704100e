//! What a tenant's FAQ, articles and agents' best replies say, found again.
//!
//! A customer's question seldom repeats the words of the passage that answers it, but often those of another customer
//! who was answered with it. So a passage is found by its question, its answers *and* the past questions that people
//! answered with it; of all signals the last is the strongest. Two judges look at each passage:
//!
//! - its words, by BM25 (`words`), which know names, codes and error numbers, and stand alone where no encoder is;
//! - its embeddings: the cosines of the three nearest of its texts, pooled so that several near ones count a little
//!   more than one, plus a share of the words' judgement.
//!
//! A hit carries a probability that it answers the question, calibrated while the index is built: the tenant's own past
//! questions are put to it again, each as if it had never been asked, once with the passage that answered it and once
//! without ([`confidence`]). [`KnowledgeIndex::answer`] says nothing rather than something improbable.
//!
//! # Promises
//! The same rows give the same bytes, however they are ordered or often delivered. Everything is bounded by the
//! constants below. An index holds the tenant's own texts, but of customers' questions only hashes of words,
//! embeddings and the [`ContentHash`] by which they can be traced and erased.

mod artefact;
pub mod confidence;
mod gathering;
mod words;

use serde::{Deserialize, Serialize};

use self::{
    artefact::Manifest,
    confidence::{Standing, Trial},
    gathering::{Gathered, gather},
    words::{LeftOut, Lexicon, counted},
};
use crate::{
    batch::MAX_LABEL_BYTES,
    content::ContentHash,
    embedding::{DIMENSIONS, Embedding},
    pool::Pool,
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
/// Hits of one search.
pub const MAX_HITS: usize = 50;
/// Past questions that are put to a new index to calibrate it.
pub const MAX_REHEARSED: usize = 200;
/// Texts that are compared in doing so, about half a second's work. A large index is asked fewer questions.
pub const MAX_REHEARSED_TEXTS: usize = 4_000_000;

/// Share of questions to which the index is assumed to hold no answer.
const UNANSWERABLE: f32 = 0.3;
/// Hits of a rehearsed question that count as trials.
const TRIED: usize = 3;
/// What the words' judgement weighs beside a cosine. Chosen on Banking77's training rows and a second set with intents as
/// passages.
const WORDS_WEIGHT: f32 = 0.1;
/// Cosine from which a text is said to match.
const MATCHING_COSINE: f32 = 0.5;
/// Coverage from which words are said to match.
const MATCHING_COVERAGE: f32 = 0.3;

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
    /// The question it answers, or the title above it. The question of a reply counts as a past question.
    pub question: Option<Text>,
    /// What it says; not blank.
    pub answer: Text,
    /// The intent it belongs to, if known.
    pub intent: Option<String>,
    /// Customers' questions that somebody answered with it, at most [`MAX_PAST_QUESTIONS`].
    pub queries: Vec<Text>,
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
    /// What it says.
    pub text: String,
    /// Rows that say it.
    pub times: u32,
    /// Some of them, at most [`MAX_SOURCES`].
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
}

impl KnownPassage {
    fn texts(&self) -> usize {
        usize::from(self.question.is_some()) + self.answers.len() + self.past_questions as usize
    }
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

/// A passage found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit<'index> {
    /// Its place in [`KnowledgeIndex::passages`].
    pub position: usize,
    /// The passage.
    pub passage: &'index KnownPassage,
    /// Of its answers the one to give: nearest to the query, or the most given where there is no embedding.
    pub answer: &'index Answer,
    /// Ranks the hits of one search; not comparable between searches with and without an embedding.
    pub score: f32,
    /// Calibrated probability that the passage answers the query, 0 to 1.
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

/// How an index did on the tenant's own past questions, each asked as if for the first time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rehearsal {
    /// Questions that were asked.
    pub questions: usize,
    /// Of these, answered by the first hit.
    pub first: usize,
    /// Answered by one of the first three.
    pub among_three: usize,
    /// What the confidence of searches with an embedding was fitted on.
    pub semantic: Vec<Trial>,
    /// What the confidence of searches by words was fitted on.
    pub lexical: Vec<Trial>,
}

/// An index and what is to be said about its making.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The index.
    pub index: KnowledgeIndex,
    /// How it did.
    pub rehearsal: Rehearsal,
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

    /// Merges the rows, indexes and calibrates them.
    #[must_use]
    pub fn build(self) -> Built {
        let (mut gathered, left_out) = gather(self.rows);
        spare(&mut gathered);
        let mut index = KnowledgeIndex::of(&gathered);
        let rehearsal = index.rehearse(&gathered);
        index.manifest.semantic = index.manifest.semantic.moved_by(&rehearsal.semantic);
        index.manifest.lexical = index.manifest.lexical.moved_by(&rehearsal.lexical);
        Built { index, rehearsal, left_out }
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
    /// Past questions of all passages, in their order.
    past_questions: Vec<ContentHash>,
    lexicon: Lexicon,
    /// Of every text of every passage: its question, its answers, its past questions. Empty where nothing was embedded.
    embeddings: Vec<Embedding>,
    /// Where the texts of each passage end among all.
    ends: Vec<usize>,
}

/// What a search makes of every passage.
struct Judged {
    scores: Vec<f32>,
    /// Share of the query's information that each passage's words carry.
    coverage: Vec<f32>,
    by: Judge,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judge {
    Words,
    WordsAndEmbeddings,
}

/// The embeddings of one passage's texts.
struct OfPassage<'index> {
    question: &'index [Embedding],
    answers: &'index [Embedding],
    past_questions: &'index [Embedding],
}

/// A past question being asked again.
struct Again<'words> {
    /// Its place among all texts.
    text: usize,
    words: LeftOut<'words>,
}

impl KnowledgeIndex {
    fn of(gathered: &[Gathered]) -> Self {
        let texts = |passage: &Gathered| {
            let question = passage.question.iter().cloned();
            let answers = passage.answers.iter().map(|answer| answer.text.clone());
            question.chain(answers).chain(passage.past_questions.iter().cloned()).collect::<Vec<_>>()
        };
        let mut embedded = false;
        let mut embeddings = Vec::new();
        for text in gathered.iter().flat_map(texts) {
            embedded |= text.embedding.is_some();
            embeddings.push(text.embedding.unwrap_or_else(|| Embedding::from_values([0; DIMENSIONS])));
        }
        if !embedded {
            embeddings.clear();
        }
        let lexicon = Lexicon::of(gathered.iter().map(|passage| {
            let question = passage.question.iter().map(|question| question.text.as_str());
            let answers = passage.answers.iter().map(|answer| answer.text.text.as_str());
            question.chain(answers).chain(passage.past_questions.iter().map(|past| past.text.as_str())).collect()
        }));
        let past_questions = gathered.iter().flat_map(|passage| &passage.past_questions);
        let past_questions = past_questions.map(|question| ContentHash::of(&question.text, None)).collect();
        let passages = gathered
            .iter()
            .map(|passage| KnownPassage {
                kind: passage.kind,
                question: passage.question.as_ref().map(|question| question.text.clone()),
                answers: passage
                    .answers
                    .iter()
                    .map(|answer| Answer {
                        text: answer.text.text.clone(),
                        times: answer.times,
                        sources: answer.sources.clone(),
                    })
                    .collect(),
                intent: passage.intent.clone(),
                past_questions: passage.past_questions.len() as u32,
            })
            .collect();
        Self::assemble(Manifest::of(embedded), passages, past_questions, lexicon, embeddings)
    }

    fn assemble(
        manifest: Manifest,
        passages: Vec<KnownPassage>,
        past_questions: Vec<ContentHash>,
        lexicon: Lexicon,
        embeddings: Vec<Embedding>,
    ) -> Self {
        let ends = passages
            .iter()
            .scan(0, |end, passage| {
                *end += passage.texts();
                Some(*end)
            })
            .collect();
        Self { manifest, passages, past_questions, lexicon, embeddings, ends }
    }

    /// The passages: FAQs, then articles, then replies, the most used of each first.
    #[must_use]
    pub fn passages(&self) -> &[KnownPassage] {
        &self.passages
    }

    /// Whether passages have embeddings, so that it pays to embed a query.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.manifest.embedded
    }

    /// The best passages for a query, at most `limit` and [`MAX_HITS`], the best first; of equals the more trusted and
    /// then the more used. Without an embedding, only passages that share a word with the query.
    #[must_use]
    pub fn search(&self, query: &str, embedding: Option<&Embedding>, limit: usize) -> Vec<Hit<'_>> {
        let embedding = embedding.filter(|embedding| self.is_embedded() && !embedding.is_zero());
        let judged = self.judge(query, embedding, None);
        let limit = limit.min(MAX_HITS);
        let confidence = match judged.by {
            Judge::Words => self.manifest.lexical,
            Judge::WordsAndEmbeddings => self.manifest.semantic,
        };
        // Two at least, for the lead of the first over the second.
        let best = best(&judged.scores, limit.max(2), None);
        best.iter()
            .take(limit)
            .map(|position| {
                let standing = standing(&judged, &best, *position);
                Hit {
                    position: *position,
                    passage: &self.passages[*position],
                    answer: self.answer_to(embedding, *position),
                    score: standing.score,
                    probability: confidence.probability(standing),
                    signals: self.signals(embedding, *position, judged.coverage[*position]),
                }
            })
            .collect()
    }

    /// The best passage if it answers the query with at least this probability.
    #[must_use]
    pub fn answer(&self, query: &str, embedding: Option<&Embedding>, least_probability: f32) -> Finding<'_> {
        match self.search(query, embedding, 1).pop() {
            Some(hit) if hit.probability >= least_probability => Finding::Answer(hit),
            nearest => Finding::Nothing { nearest },
        }
    }

    fn judge(&self, query: &str, embedding: Option<&Embedding>, again: Option<&Again<'_>>) -> Judged {
        let looked = self.lexicon.look_up(query);
        let coverage = self.lexicon.coverage(&looked, again.map(|again| again.words));
        let Some(embedding) = embedding else {
            return Judged { scores: coverage.clone(), coverage, by: Judge::Words };
        };
        let mut start = 0;
        let scores = self
            .ends
            .iter()
            .zip(&coverage)
            .map(|(end, coverage)| {
                let mut pool = Pool::EMPTY;
                for (at, text) in self.embeddings[start..*end].iter().enumerate() {
                    if again.is_none_or(|again| again.text != start + at) {
                        pool.take(embedding.cosine(text));
                    }
                }
                start = *end;
                pool.worth() + WORDS_WEIGHT * coverage
            })
            .collect();
        Judged { scores, coverage, by: Judge::WordsAndEmbeddings }
    }

    /// Of a passage's answers the nearest, or without an embedding the most given.
    fn answer_to(&self, query: Option<&Embedding>, position: usize) -> &Answer {
        let answers = &self.passages[position].answers;
        let nearest = query.and_then(|query| nearest(query, self.embeddings_of(position).answers));
        &answers[nearest.map_or(0, |(at, _)| at)]
    }

    fn signals(&self, query: Option<&Embedding>, position: usize, coverage: f32) -> Vec<Signal> {
        let mut cosines = Vec::new();
        if let Some(query) = query {
            let of = self.embeddings_of(position);
            let before: usize = self.passages[..position].iter().map(|passage| passage.past_questions as usize).sum();
            cosines.extend(nearest(query, of.question).map(|(_, cosine)| (cosine, Signal::Question { cosine })));
            cosines.extend(nearest(query, of.past_questions).map(|(at, cosine)| {
                (cosine, Signal::PastQuestion { question: self.past_questions[before + at], cosine })
            }));
            cosines.extend(nearest(query, of.answers).map(|(_, cosine)| (cosine, Signal::Answer { cosine })));
        }
        cosines.retain(|(cosine, _)| *cosine >= MATCHING_COSINE);
        cosines.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut signals: Vec<Signal> = cosines.into_iter().map(|(_, signal)| signal).collect();
        if coverage >= MATCHING_COVERAGE {
            signals.push(Signal::Words { coverage });
        }
        signals
    }

    /// Of an index that has embeddings.
    fn embeddings_of(&self, position: usize) -> OfPassage<'_> {
        let passage = &self.passages[position];
        let (question, rest) = self.embeddings[self.start(position)..self.ends[position]]
            .split_at(usize::from(passage.question.is_some()));
        let (answers, past_questions) = rest.split_at(passage.answers.len());
        OfPassage { question, answers, past_questions }
    }

    fn start(&self, position: usize) -> usize {
        if position == 0 { 0 } else { self.ends[position - 1] }
    }

    /// Puts past questions to the index, the first in the order of their hashes, within [`MAX_REHEARSED`] and
    /// [`MAX_REHEARSED_TEXTS`]: each is left out of the passage it belongs to, which is then looked for, once among all
    /// passages and once with itself removed.
    fn rehearse(&self, gathered: &[Gathered]) -> Rehearsal {
        let mut questions: Vec<(ContentHash, usize, usize)> = Vec::new();
        let mut past_questions = self.past_questions.iter();
        for (position, passage) in gathered.iter().enumerate() {
            for (at, hash) in past_questions.by_ref().take(passage.past_questions.len()).enumerate() {
                questions.push((*hash, position, at));
            }
        }
        questions.sort_unstable();
        questions.truncate(MAX_REHEARSED.min(MAX_REHEARSED_TEXTS / self.embeddings.len().max(1)));

        let mut rehearsal = Rehearsal { questions: questions.len(), ..Rehearsal::default() };
        for (_, position, at) in questions {
            let question = &gathered[position].past_questions[at];
            let words = counted(&question.text);
            let again = Again {
                text: self.ends[position] - gathered[position].past_questions.len() + at,
                words: LeftOut { passage: position as u32, words: &words },
            };
            let embedding = question.embedding.as_ref().filter(|_| self.is_embedded());
            let mut judged = self.judge(&question.text, embedding, Some(&again));
            let mut ranking = Vec::new();
            if judged.by == Judge::WordsAndEmbeddings {
                ranking = rehearsed(&judged, position, &mut rehearsal.semantic);
                judged = Judged { scores: judged.coverage.clone(), by: Judge::Words, ..judged };
            }
            let by_words = rehearsed(&judged, position, &mut rehearsal.lexical);
            if embedding.is_none() {
                ranking = by_words;
            }
            rehearsal.first += usize::from(ranking.first() == Some(&position));
            rehearsal.among_three += usize::from(ranking.contains(&position));
        }
        rehearsal
    }
}

/// Trials of one question with and without the passage that answered it; gives the ranking with it.
fn rehearsed(judged: &Judged, answering: usize, trials: &mut Vec<Trial>) -> Vec<usize> {
    let with = best(&judged.scores, TRIED, None);
    let without = best(&judged.scores, TRIED, Some(answering));
    for (ranking, weight) in [(&with, 1.0 - UNANSWERABLE), (&without, UNANSWERABLE)] {
        trials.extend(ranking.iter().map(|position| Trial {
            standing: standing(judged, ranking, *position),
            right: *position == answering,
            weight,
        }));
    }
    with
}

/// Where a hit stands among the best.
fn standing(judged: &Judged, best: &[usize], position: usize) -> Standing {
    let score = judged.scores[position];
    let other = best.iter().find(|other| **other != position);
    Standing {
        score,
        lead: other.map_or(0.0, |other| score - judged.scores[*other]),
        coverage: (judged.by == Judge::WordsAndEmbeddings).then(|| judged.coverage[position]),
    }
}

/// Positions of the greatest scores above zero, the greatest first and of equals the first.
fn best(scores: &[f32], count: usize, except: Option<usize>) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::with_capacity(count + 1);
    for (position, score) in scores.iter().enumerate() {
        let full = best.len() == count;
        if *score <= 0.0 || Some(position) == except || (full && best.last().is_none_or(|last| *score <= scores[*last]))
        {
            continue;
        }
        let at = best.partition_point(|better| scores[*better] >= *score);
        best.insert(at, position);
        best.truncate(count);
    }
    best
}

/// The text nearest to a query and its cosine; the first of equals.
fn nearest(query: &Embedding, texts: &[Embedding]) -> Option<(usize, f32)> {
    let mut nearest = None;
    for (at, text) in texts.iter().enumerate() {
        let cosine = query.cosine(text);
        if nearest.is_none_or(|(_, best)| cosine > best) {
            nearest = Some((at, cosine));
        }
    }
    nearest
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
        Passage { source, question: Some(question), answer, intent: None, queries }
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
        assert!(hits[0].probability > hits[1].probability);
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
        assert_eq!((rehearsal.questions, rehearsal.first), (1, 0));
    }

    #[test]
    fn past_questions_are_spared_evenly_when_there_are_too_many() {
        let past = |count: usize| (0..count).map(|at| Text::from(format!("question {at}").as_str())).collect();
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

        #[test]
        fn the_best_are_those_a_full_sort_would_give(
            scores in prop::collection::vec(-1.0_f32..1.0, 0..40),
            count in 1_usize..6,
        ) {
            let mut sorted: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] > 0.0).collect();
            sorted.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            sorted.truncate(count);
            prop_assert_eq!(best(&scores, count, None), sorted);
        }
    }
}
