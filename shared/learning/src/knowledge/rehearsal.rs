//! The tenant's own past questions, put to a new index as if each were asked for the first time.
//!
//! A question is left out together with its whole conversation. It is asked once among all groups and once with the group
//! that answered it removed, for some questions of tomorrow have no answer here.

use std::collections::BTreeMap;

use romashka_types::reply::Act;

use super::{
    KnowledgeIndex, SourceKind,
    confidence::{Judge, Standing, Trial},
    gathering::{Asked, Conversations, Gathered, conversation_of_asked},
    grouping::Grouped,
    searching::{Again, Judged},
    words::LeftOut,
};
use crate::{
    content::{ContentHash, Group},
    hold_out,
};

/// Past questions that are put to a new index.
pub const MAX_REHEARSED: usize = 2_000;
/// Texts that are compared in doing so: some seconds of work. A large index is asked fewer questions.
pub const MAX_REHEARSED_TEXTS: usize = 60_000_000;

/// Answered questions of a conversation that others are looked for in.
const MAX_ANSWERED: usize = 32;
/// Share of questions to which the index is assumed to hold no answer.
const UNANSWERABLE: f32 = 0.3;
/// Hits of a rehearsed question that count as trials.
const TRIED: usize = 3;

/// How an index did on the tenant's own past questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rehearsal {
    /// Questions that were asked, in the order of their hashes.
    pub questions: Vec<Rehearsed>,
    /// Trials of searches with an embedding.
    pub semantic: Vec<Trial>,
    /// Trials of searches by words.
    pub lexical: Vec<Trial>,
}

/// One past question and the groups that were found for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// The question.
    pub question: ContentHash,
    /// Its conversation.
    pub conversation: Group,
    /// Place of the passage that people answered it with.
    pub answered_with: usize,
    /// Index of the question among that passage's past questions.
    pub place: usize,
    /// The first hit; `None` where nothing was found.
    pub first: Option<First>,
    /// Rank of the group that people answered with, from 0, among the first hits.
    pub rank: Option<usize>,
}

/// The first hit of a rehearsed question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct First {
    /// The group.
    pub group: u32,
    /// The act of its replies.
    pub act: Act,
    /// The kind of its best passage.
    pub kind: SourceKind,
    /// Its standing.
    pub standing: Standing,
    /// Probability by a calibration that saw other conversations only.
    pub probability: f32,
    /// True if the group says what people said.
    pub agrees: bool,
}

impl Rehearsal {
    /// Questions whose first hit is the group that people answered with.
    #[must_use]
    pub fn first(&self) -> usize {
        self.questions.iter().filter(|question| question.rank == Some(0)).count()
    }

    /// Questions of which one of the first three hits is.
    #[must_use]
    pub fn among_three(&self) -> usize {
        self.questions.iter().filter(|question| question.rank.is_some()).count()
    }
}

impl KnowledgeIndex {
    /// Puts past questions to the index, the first in the order of their hashes.
    pub(super) fn rehearse(&self, gathered: &[Gathered], grouped: &Grouped) -> Rehearsal {
        let mut asked: Vec<(ContentHash, usize, usize)> = Vec::new();
        let mut hashes = self.past_questions.iter();
        for (position, passage) in gathered.iter().enumerate() {
            for (at, hash) in hashes.by_ref().take(passage.past_questions.len()).enumerate() {
                asked.push((*hash, position, at));
            }
        }
        asked.sort_unstable();
        let answered = answered(gathered);
        let is_whole = |(_, position, at): &(ContentHash, usize, usize)| {
            let passage: &Gathered = &gathered[*position];
            !is_begun(passage, &passage.past_questions[*at], &answered)
        };
        let most = MAX_REHEARSED.min(MAX_REHEARSED_TEXTS / self.texts().max(1));
        let asked = asked.into_iter().filter(is_whole).take(most);

        let conversations = conversations(gathered);
        let said = said(gathered, self.lexicon.grams);
        let mut rehearsal = Rehearsal::default();
        let mut trials: [Vec<(usize, Trial)>; 2] = [Vec::new(), Vec::new()];
        let mut by_embedding = Vec::new();
        for (hash, position, at) in asked {
            let question = &gathered[position].past_questions[at];
            let conversation = conversation_of_asked(question);
            let again = Again {
                conversation,
                words: said.get(&conversation).map_or(&[], Vec::as_slice),
                conversations: &conversations,
            };
            let siblings = grouped.siblings(gathered, position);
            let half = hold_out::half(conversation);
            let own = self.passages[position].group as usize;
            let agrees = |judged: &Judged, group: usize| {
                let best = judged.groups[group].best.0 as usize;
                own == group
                    || siblings.binary_search(&(group as u32)).is_ok()
                    || self.say_the_same(position, best)
                    || grouped.say_the_same(position, best)
            };
            let embedding = question.text.embedding.as_ref().filter(|it| self.is_embedded() && !it.is_zero());
            let judged = self.judge(&question.text.text, None, Some(&again));
            let is_reply = |judged: &Judged, group: usize| {
                self.passages[judged.groups[group].best.0 as usize].kind == SourceKind::Reply
            };
            let (mut judged, mut ranking) = self.tried(judged, own, &agrees, |judged, group, trial| {
                if is_reply(judged, group) {
                    trials[1].push((half, trial));
                }
            });
            if let Some(embedding) = embedding {
                let judged_by_meaning = self.judge(&question.text.text, Some(embedding), Some(&again));
                (judged, ranking) = self.tried(judged_by_meaning, own, &agrees, |judged, group, trial| {
                    if is_reply(judged, group) {
                        trials[0].push((half, trial));
                    }
                });
            }
            by_embedding.push(judged.by == Judge::WordsAndEmbeddings);
            let first = ranking.first().map(|group| First {
                group: *group as u32,
                act: self.groups[*group].act,
                kind: self.passages[judged.groups[*group].best.0 as usize].kind,
                standing: judged.standing(&ranking, *group),
                probability: 0.0,
                agrees: agrees(&judged, *group),
            });
            rehearsal.questions.push(Rehearsed {
                question: hash,
                conversation,
                answered_with: position,
                place: at,
                first,
                rank: ranking.iter().position(|group| *group == own),
            });
        }
        let [semantic, lexical] = trials;
        let other_half = |trials: &[(usize, Trial)], by: Judge| {
            let shipped = self.confidence(by, SourceKind::Reply);
            [1, 0].map(|other| {
                let of_other = trials.iter().filter(|(half, _)| *half == other).map(|(_, trial)| *trial);
                shipped.moved_by(&of_other.collect::<Vec<_>>())
            })
        };
        let (by_meaning, by_words) =
            (other_half(&semantic, Judge::WordsAndEmbeddings), other_half(&lexical, Judge::Words));
        for (question, by_embedding) in rehearsal.questions.iter_mut().zip(by_embedding) {
            let half = hold_out::half(question.conversation);
            if let Some(first) = &mut question.first {
                let confidence = match (first.kind, by_embedding) {
                    (SourceKind::Reply, true) => by_meaning[half],
                    (SourceKind::Reply, false) => by_words[half],
                    (kind, true) => self.confidence(Judge::WordsAndEmbeddings, kind),
                    (kind, false) => self.confidence(Judge::Words, kind),
                };
                first.probability = confidence.probability(first.standing);
            }
        }
        rehearsal.semantic = semantic.into_iter().map(|(_, trial)| trial).collect();
        rehearsal.lexical = lexical.into_iter().map(|(_, trial)| trial).collect();
        rehearsal
    }

    /// Trials of one question with and without the group that answered it; gives the judgement and the ranking with it.
    fn tried(
        &self,
        judged: Judged,
        own: usize,
        agrees: &impl Fn(&Judged, usize) -> bool,
        mut keep: impl FnMut(&Judged, usize, Trial),
    ) -> (Judged, Vec<usize>) {
        let without = self.joined(judged.clone().without(own));
        let with = self.joined(judged);
        let (ranking, ranking_without) = (with.best(TRIED), without.best(TRIED));
        for (judged, ranking, weight) in
            [(&with, &ranking, 1.0 - UNANSWERABLE), (&without, &ranking_without, UNANSWERABLE)]
        {
            for group in ranking {
                let standing = judged.standing(ranking, *group);
                keep(judged, *group, Trial { standing, right: agrees(judged, *group), weight });
            }
        }
        (with, ranking)
    }

    fn texts(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }
}

/// Questions that got an answer, by conversation: those that were asked in one only, and a bounded number of each.
fn answered(gathered: &[Gathered]) -> BTreeMap<Group, Vec<&str>> {
    let mut answered: BTreeMap<Group, Vec<&str>> = BTreeMap::new();
    for passage in gathered.iter().filter(|passage| passage.answers[0].act == Act::Answer) {
        for asked in &passage.past_questions {
            let Conversations::One(conversation) = asked.conversations else { continue };
            let of_conversation = answered.entry(conversation).or_default();
            if of_conversation.len() < MAX_ANSWERED {
                of_conversation.push(&asked.text.text);
            }
        }
    }
    answered
}

/// Returns true for the beginning of a question: what a customer wrote before an agent asked back, promised to find out or
/// thanked, and answered later in the conversation. The question is all that was written up to the answer. Of texts that several
/// conversations share, and of those that were cut, the answer is not known.
fn is_begun(passage: &Gathered, asked: &Asked, answered: &BTreeMap<Group, Vec<&str>>) -> bool {
    let is_put_off = matches!(passage.answers[0].act, Act::Question | Act::Promise | Act::Courtesy);
    let Conversations::One(conversation) = asked.conversations else { return false };
    let later = answered.get(&conversation).map_or(&[][..], Vec::as_slice);
    let goes_on = |whole: &&str| whole.len() > asked.text.text.len() && whole.contains(&asked.text.text);
    is_put_off && later.iter().any(goes_on)
}

/// The conversations of each text, in the order of the index.
fn conversations(gathered: &[Gathered]) -> Vec<Conversations> {
    let mut conversations = Vec::new();
    for passage in gathered {
        conversations.extend(passage.question.iter().map(|_| Conversations::Several));
        conversations.extend(passage.answers.iter().map(|answer| answer.conversations));
        conversations.extend(passage.past_questions.iter().map(|asked| asked.conversations));
        conversations.extend(passage.sentences().iter().map(|_| Conversations::Several));
    }
    conversations
}

/// Words of the questions of each conversation, by ascending passage.
fn said(gathered: &[Gathered], with_grams: bool) -> BTreeMap<Group, Vec<LeftOut>> {
    let mut said: BTreeMap<Group, Vec<LeftOut>> = BTreeMap::new();
    for (passage, gathered) in (0..).zip(gathered) {
        let mut texts: BTreeMap<Group, Vec<&str>> = BTreeMap::new();
        for asked in &gathered.past_questions {
            texts.entry(conversation_of_asked(asked)).or_default().push(&asked.text.text);
        }
        for (conversation, texts) in texts {
            said.entry(conversation).or_default().push(LeftOut::of(passage, texts, with_grams));
        }
    }
    said
}
