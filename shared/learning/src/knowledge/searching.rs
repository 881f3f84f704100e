//! A query put to the index.

use romashka_types::reply::Act;

use super::{
    Answer, Finding, Hit, KnowledgeIndex, MAX_HITS, Signal, SourceKind,
    confidence::{Confidence, Judge, Standing},
    gathering::Conversations,
    sentences::extract,
    words::{LeftOut, distinct},
};
use crate::{content::Group, embedding::Embedding};

/// Weight of the words' judgement beside a cosine, for passages that customers' questions are known of. Chosen on
/// Banking77's training rows and a second set with intents as passages.
const WORDS_WEIGHT: f32 = 0.1;
/// The same for articles, which are written in other words than questions are. Chosen on English questions and paragraphs.
const ARTICLE_WORDS_WEIGHT: f32 = 0.3;
/// What the best sentence's words add to those of the passage.
const SENTENCE_WEIGHT: f32 = 0.5;
/// Sharpness with which evidence adds up within a group: n equal texts are worth ln n / 30 more than one.
const SHARPNESS: f32 = 30.0;
/// Weight of the mean cosine to the passages of a group where words judge whole groups: with it the mean cosine is of the size
/// of the coverage by the best passage.
const MEAN_COSINE_WEIGHT: f32 = 7.0;
/// Pseudo-count that shrinks the mean cosine of a group with few passages.
const PSEUDO_PASSAGES: f32 = 3.0;
/// Groups among the best that may be joined.
const JOINED: usize = 8;
/// Passages of a group that are compared with each other for the answer to give.
const CANDIDATES: usize = 8;
/// Cosine to the query by which these may be behind the nearest.
const CLOSE: f32 = 0.1;
/// Passages of a group that may be given at all.
const MAX_CANDIDATES: usize = 64;
/// Score below which a text is no evidence.
const LEAST_EVIDENCE: f32 = 0.15;
/// Cosine from which a text is said to match.
const MATCHING_COSINE: f32 = 0.5;
/// Coverage from which words are said to match.
const MATCHING_COVERAGE: f32 = 0.3;

/// A search's judgement of every group.
#[derive(Clone)]
pub(super) struct Judged {
    /// Of each group.
    pub groups: Vec<GroupScore>,
    /// Of each passage: the share of the query's information that its words carry.
    pub coverage: Vec<f32>,
    pub by: Judge,
    /// Distinct words of the query.
    pub words: usize,
}

/// A search's judgement of one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupScore {
    /// Logarithm of the summed exponentials of its texts' scores, sharpened, and where words judge whole groups the mean of
    /// that and of the weighted mean cosine; 0 where nothing speaks for it.
    pub score: f32,
    coverage: f32,
    sentence: f32,
    cosine: f32,
    /// Its passage with the best text, and that text's score.
    pub best: (u32, f32),
    sum: f32,
    /// Where words judge whole groups: the sum of the cosines to its passages, and their number.
    cosines: (f32, u32),
}

impl GroupScore {
    const NOTHING: Self = Self {
        score: 0.0,
        coverage: 0.0,
        sentence: 0.0,
        cosine: 0.0,
        best: (0, f32::NEG_INFINITY),
        sum: 0.0,
        cosines: (0.0, 0),
    };

    /// This group with the evidence of a weaker one. Its own best passage stays what is given, even if a text of the other is
    /// nearer: a single text may be near by accident.
    fn joined(mut self, other: &Self) -> Self {
        self.sum += other.sum;
        self.cosines = (self.cosines.0 + other.cosines.0, self.cosines.1 + other.cosines.1);
        self.score = self.summed();
        self.coverage = self.coverage.max(other.coverage);
        self.sentence = self.sentence.max(other.sentence);
        self.cosine = self.cosine.max(other.cosine);
        self
    }

    /// Returns the score of the evidence collected so far.
    fn summed(&self) -> f32 {
        if self.sum == 0.0 {
            return 0.0;
        }
        let evidence = 1.0 + libm::logf(self.sum) / SHARPNESS;
        let (cosines, passages) = self.cosines;
        if passages == 0 {
            return evidence;
        }
        f32::midpoint(evidence, MEAN_COSINE_WEIGHT * cosines / (passages as f32 + PSEUDO_PASSAGES))
    }

    fn take(&mut self, passage: usize, score: f32) {
        if score < LEAST_EVIDENCE {
            return;
        }
        if score > self.best.1 {
            self.best = (passage as u32, score);
        }
        self.sum += libm::expf(SHARPNESS * (score - 1.0));
    }
}

/// A past question being asked again as if its conversation had never been.
pub(super) struct Again<'again> {
    pub conversation: Group,
    /// Words of the conversation's questions, by ascending passage.
    pub words: &'again [LeftOut],
    /// Of each text of the index.
    pub conversations: &'again [Conversations],
}

impl Again<'_> {
    fn hides(&self, text: usize) -> bool {
        self.conversations[text].are(self.conversation)
    }
}

impl KnowledgeIndex {
    /// The best answer groups for a query, at most `limit` and [`MAX_HITS`], the best first; of equals the more trusted and
    /// then the more used. Without an embedding, only groups that share a word with the query.
    #[must_use]
    pub fn search(&self, query: &str, embedding: Option<&Embedding>, limit: usize) -> Vec<Hit<'_>> {
        let embedding = embedding.filter(|embedding| self.is_embedded() && !embedding.is_zero());
        let judged = self.joined(self.judge(query, embedding, None));
        let limit = limit.min(MAX_HITS);
        // Two at least, for the lead of the first over the second.
        let best = judged.best(limit.max(2));
        best.iter()
            .take(limit)
            .map(|group| {
                let position = judged.groups[*group].best.0 as usize;
                let passage = &self.passages[position];
                let standing = judged.standing(&best, *group);
                let confidence = self.confidence(judged.by, passage.kind);
                Hit {
                    position,
                    passage,
                    answer: self.answer_to(embedding, position),
                    extract: self.extract(query, embedding, position),
                    group: &self.groups[*group],
                    score: standing.score,
                    probability: confidence.probability(standing),
                    signals: self.signals(embedding, position, judged.coverage[position]),
                }
            })
            .collect()
    }

    /// What people answered tells how far past replies are to be believed, and nothing of what was written to be an answer:
    /// agents say that in words of their own.
    pub(super) fn confidence(&self, by: Judge, kind: SourceKind) -> Confidence {
        match (by, kind) {
            (Judge::Words | Judge::WordsAndGroups, SourceKind::Reply) => self.manifest.lexical,
            (Judge::WordsAndEmbeddings, SourceKind::Reply) => self.manifest.semantic,
            (by, kind) => Confidence::shipped(by, kind),
        }
    }

    /// Standings of the best groups, each with the place of its best passage: what a confidence is fitted on.
    #[must_use]
    pub fn standings(&self, query: &str, embedding: Option<&Embedding>, limit: usize) -> Vec<(usize, Standing)> {
        let embedding = embedding.filter(|embedding| self.is_embedded() && !embedding.is_zero());
        let judged = self.joined(self.judge(query, embedding, None));
        let best = judged.best(limit.max(2));
        let standing = |group: &usize| (judged.groups[*group].best.0 as usize, judged.standing(&best, *group));
        best.iter().take(limit).map(standing).collect()
    }

    /// The best group if it answers the query with at least this probability.
    #[must_use]
    pub fn answer(&self, query: &str, embedding: Option<&Embedding>, least_probability: f32) -> Finding<'_> {
        match self.search(query, embedding, 1).pop() {
            Some(hit) if hit.probability >= least_probability => Finding::Answer(hit),
            nearest => Finding::Nothing { nearest },
        }
    }

    pub(super) fn judge(&self, query: &str, embedding: Option<&Embedding>, again: Option<&Again<'_>>) -> Judged {
        let looked = self.lexicon.look_up(query);
        let left_out = again.map_or(&[][..], |again| again.words);
        let coverage = self.lexicon.coverage(&looked, left_out);
        let by = match embedding {
            Some(_) => Judge::WordsAndEmbeddings,
            None if self.manifest.few => Judge::WordsAndGroups,
            None => Judge::Words,
        };
        let cosines = (by == Judge::WordsAndGroups).then(|| self.lexicon.cosines(query, &self.norms, left_out));
        let of_sentences = self.sentences.coverage(&self.sentences.look_up(query), &[]);
        let mut sentence: Vec<f32> = coverage.clone();
        for (passage, of_sentence) in self.best_sentences(&of_sentences) {
            sentence[passage] = of_sentence;
        }
        let mut groups = vec![GroupScore::NOTHING; self.groups.len()];
        let mut start = 0;
        for (position, passage) in self.passages.iter().enumerate() {
            let end = self.ends[position];
            let (from, known) = (start, usize::from(passage.question.is_some()));
            start = end;
            let group = &mut groups[passage.group as usize];
            // A reply that was given in that conversation alone is not known without it.
            if again.is_some_and(|again| passage.kind == SourceKind::Reply && again.hides(from + known)) {
                continue;
            }
            let words = coverage[position] + SENTENCE_WEIGHT * sentence[position];
            group.coverage = group.coverage.max(coverage[position]);
            group.sentence = group.sentence.max(sentence[position]);
            let Some(embedding) = embedding else {
                group.take(position, words / (1.0 + SENTENCE_WEIGHT));
                // Promises and hand-overs about all matters are one group each: a mean over them tells nothing.
                let of_matter = passage.kind == SourceKind::Reply
                    && matches!(self.groups[passage.group as usize].act, Act::Answer | Act::Question);
                if let Some(cosines) = cosines.as_ref().filter(|_| of_matter) {
                    group.cosines = (group.cosines.0 + cosines[position], group.cosines.1 + 1);
                }
                continue;
            };
            let weight = if passage.sentences.is_empty() { WORDS_WEIGHT } else { ARTICLE_WORDS_WEIGHT };
            for text in from..end {
                if again.is_some_and(|again| again.hides(text)) {
                    continue;
                }
                let cosine = embedding.cosine(&self.embeddings[text]);
                group.cosine = group.cosine.max(cosine);
                group.take(position, cosine + weight * words);
            }
        }
        groups.iter_mut().for_each(|group| group.score = group.summed());
        Judged { groups, coverage, by, words: distinct(query) }
    }

    /// Joins groups among the best that say the same about this query: the weaker adds its evidence to the stronger.
    pub(super) fn joined(&self, mut judged: Judged) -> Judged {
        let best = judged.best(JOINED);
        for (rank, first) in best.iter().enumerate() {
            if judged.groups[*first].sum == 0.0 {
                continue;
            }
            for other in &best[rank + 1..] {
                let (a, b) = (judged.groups[*first], judged.groups[*other]);
                let is_reply = |group: &GroupScore| self.passages[group.best.0 as usize].kind == SourceKind::Reply;
                if b.sum > 0.0
                    && is_reply(&a)
                    && is_reply(&b)
                    && self.say_the_same(a.best.0 as usize, b.best.0 as usize)
                {
                    judged.groups[*first] = a.joined(&b);
                    judged.groups[*other] = GroupScore::NOTHING;
                }
            }
        }
        judged
    }

    /// Returns true if the first answers of two passages say the same.
    pub(super) fn say_the_same(&self, a: usize, b: usize) -> bool {
        let are_answers = [a, b].iter().all(|at| self.groups[self.passages[*at].group as usize].act == Act::Answer);
        if !are_answers || !self.is_embedded() {
            return false;
        }
        let answer = |at: usize| &self.embeddings_of(at).answers[0];
        answer(a).cosine(answer(b)) >= self.manifest.same
    }

    /// Passages with sentences, each with the coverage of its best one.
    fn best_sentences<'search>(
        &'search self,
        coverage: &'search [f32],
    ) -> impl Iterator<Item = (usize, f32)> + 'search {
        let by_passage = self.passage_of.chunk_by(|a, b| a == b);
        by_passage.scan(0, |start, of_passage| {
            let range = *start..*start + of_passage.len();
            *start = range.end;
            let best = coverage[range].iter().copied().fold(0.0, f32::max);
            Some((of_passage[0] as usize, best))
        })
    }

    /// Of a passage's answers the nearest, or without an embedding the most given.
    fn answer_to(&self, query: Option<&Embedding>, position: usize) -> &Answer {
        let answers = &self.passages[position].answers;
        let nearest = query.and_then(|query| nearest(query, self.embeddings_of(position).answers));
        &answers[nearest.map_or(0, |(at, _)| at)]
    }

    /// Of an article's passage the sentences that answer.
    fn extract(&self, query: &str, embedding: Option<&Embedding>, position: usize) -> Option<&str> {
        let passage = &self.passages[position];
        if passage.sentences.is_empty() {
            return None;
        }
        let coverage = self.sentences.coverage(&self.sentences.look_up(query), &[]);
        let first = self.passage_of.partition_point(|passage| (*passage as usize) < position);
        let mut scores: Vec<f32> = coverage[first..first + passage.sentences.len()].to_vec();
        if let Some(embedding) = embedding {
            let sentences = self.embeddings_of(position).sentences;
            scores
                .iter_mut()
                .zip(sentences)
                .for_each(|(score, sentence)| *score += embedding.cosine(sentence).max(0.0));
        }
        Some(extract(&passage.answers[0].text, &passage.sentences, &scores))
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
        let (answers, rest) = rest.split_at(passage.answers.len());
        let (past_questions, sentences) = rest.split_at(passage.past_questions as usize);
        OfPassage { question, answers, past_questions, sentences }
    }

    /// Answers to whatever belongs to an intent, where nothing answers the very message: curated ones first, then those
    /// that were given most.
    pub fn standing_answers<'index>(
        &'index self,
        intent: &'index str,
    ) -> impl Iterator<Item = &'index Answer> + 'index {
        let of_intent = self.passages.iter().filter(move |passage| passage.intent.as_deref() == Some(intent));
        of_intent.filter_map(|passage| passage.answers.first()).filter(|answer| answer.act == Act::Answer)
    }

    /// Answers of a hit's group for this query: of the passages that are nearest to it the one most like the others first.
    #[must_use]
    pub fn answers_to(&self, hit: &Hit<'_>, embedding: Option<&Embedding>) -> Vec<&Answer> {
        let embedding = embedding.filter(|embedding| self.is_embedded() && !embedding.is_zero());
        let Some(query) = embedding.filter(|_| hit.passage.kind == SourceKind::Reply) else {
            let others = hit.group.answers.iter().map(|at| *at as usize).filter(|at| *at != hit.position);
            return [hit.position].into_iter().chain(others).map(|at| &self.passages[at].answers[0]).collect();
        };
        let of_group = self.passages.iter().enumerate().filter(|(_, passage)| passage.group == hit.passage.group);
        let mut near: Vec<(f32, usize)> = of_group
            .map(|(at, _)| {
                let texts = &self.embeddings[self.start(at)..self.ends[at]];
                (texts.iter().map(|text| query.cosine(text)).fold(f32::NEG_INFINITY, f32::max), at)
            })
            .collect();
        near.sort_by(|(a, a_at), (b, b_at)| b.total_cmp(a).then(a_at.cmp(b_at)));
        near.truncate(MAX_CANDIDATES);
        let answer = |at: usize| &self.embeddings_of(at).answers[0];
        let best = near.first().map_or(0.0, |(cosine, _)| *cosine);
        // What is farther is still an answer where none of these can be filled.
        let close = near.iter().take(CANDIDATES).take_while(|(cosine, _)| *cosine >= best - CLOSE).count();
        let farther = near.split_off(close);
        let likeness = |at: usize| {
            let weighed = |(cosine, other): &(f32, usize)| {
                libm::expf(SHARPNESS * (cosine - best)) * answer(at).cosine(answer(*other))
            };
            near.iter().map(weighed).sum::<f32>()
        };
        let mut ranked: Vec<(f32, usize)> = near.iter().map(|(_, at)| (likeness(*at), *at)).collect();
        ranked.sort_by(|(a, a_at), (b, b_at)| b.total_cmp(a).then(a_at.cmp(b_at)));
        ranked.into_iter().chain(farther).map(|(_, at)| &self.passages[at].answers[0]).collect()
    }
}

/// The embeddings of one passage's texts.
struct OfPassage<'index> {
    question: &'index [Embedding],
    answers: &'index [Embedding],
    past_questions: &'index [Embedding],
    sentences: &'index [Embedding],
}

impl Judged {
    /// Groups of the greatest scores above zero, the greatest first and of equals the first.
    pub(super) fn best(&self, count: usize) -> Vec<usize> {
        let scores: Vec<f32> = self.groups.iter().map(|group| group.score).collect();
        best(&scores, count)
    }

    /// The judgement as if a group were not there.
    pub(super) fn without(mut self, group: usize) -> Self {
        self.groups[group] = GroupScore::NOTHING;
        self
    }

    /// The standing of a group among the best.
    pub(super) fn standing(&self, best: &[usize], group: usize) -> Standing {
        let GroupScore { score, coverage, sentence, cosine, .. } = self.groups[group];
        let other = best.iter().find(|other| **other != group);
        // Where nothing else was found, the next may be just below what is found at all.
        let lead = score - other.map_or(LEAST_EVIDENCE.min(score), |other| self.groups[*other].score);
        let cosine = (self.by == Judge::WordsAndEmbeddings).then_some(cosine);
        Standing { score, lead, coverage, sentence, cosine, words: self.words }
    }
}

/// Positions of the greatest scores above zero, the greatest first and of equals the first.
fn best(scores: &[f32], count: usize) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::with_capacity(count + 1);
    for (position, score) in scores.iter().enumerate() {
        let full = best.len() == count;
        if *score <= 0.0 || (full && best.last().is_none_or(|last| *score <= scores[*last])) {
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

    use super::*;

    fn group(best: (u32, f32), sum: f32, cosines: (f32, u32)) -> GroupScore {
        GroupScore { best, sum, cosines, ..GroupScore::NOTHING }
    }

    #[test]
    fn a_group_that_is_like_the_query_throughout_outweighs_one_near_text() {
        let evidence = |score: f32| libm::expf(SHARPNESS * (score - 1.0));
        let throughout = group((0, 0.4), evidence(0.4), (0.8, 8));
        let once = group((1, 0.45), evidence(0.45), (0.12, 1));
        assert!(throughout.summed() > once.summed());
        let by_texts_alone = |it: GroupScore| GroupScore { cosines: (0.0, 0), ..it }.summed();
        assert!(by_texts_alone(throughout) < by_texts_alone(once));
        assert_eq!(GroupScore::NOTHING.summed(), 0.0);
    }

    #[test]
    fn a_group_keeps_its_own_best_passage_when_it_takes_in_another() {
        let (stronger, nearer) = (group((3, 0.7), 2.0, (0.0, 0)), group((9, 0.8), 1.0, (0.0, 0)));
        let joined = stronger.joined(&nearer);
        assert_eq!(joined.best, stronger.best);
        assert!(joined.score > stronger.summed());
    }

    proptest! {
        #[test]
        fn the_best_are_those_a_full_sort_would_give(
            scores in prop::collection::vec(-1.0_f32..1.0, 0..40),
            count in 1_usize..6,
        ) {
            let mut sorted: Vec<usize> = (0..scores.len()).filter(|at| scores[*at] > 0.0).collect();
            sorted.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            sorted.truncate(count);
            prop_assert_eq!(best(&scores, count), sorted);
        }
    }
}
