//! Passages that say the same, grouped.
//!
//! An FAQ and an article are groups of their own: somebody wrote each to answer one thing. Agents' replies are grouped by
//! what they do and by what they say; all promises are one group, and so are hand-overs and courtesies.

use std::collections::BTreeMap;

use romashka_types::reply::Act;

use super::{AnswerGroup, MAX_GROUP_ANSWERS, SourceKind, gathering::Gathered};
use crate::{
    embedding::{DIMENSIONS, Embedding},
    lexical::Lexicon,
    topics::{
        answers::{AnswerGroups, Reply, group_replies},
        linkage::{Answered, Linked, MAX_LINKED, link_replies},
    },
};

/// Exchanges that are compared to learn when two replies say the same.
const MOST_PAIRS: usize = 1_500;
/// Pairs below which that is not learnt.
const LEAST_PAIRS: usize = 30;
/// Cosine from which two replies say the same where too few exchanges teach it: of the values learnt on larger sets a
/// cautious one.
const SAME_UNLEARNT: f32 = 0.8;
/// Cosine from which two questions are nearly the same.
const SAME_QUESTION: f32 = 0.8;

/// Groups and the group of each passage.
pub(super) struct Grouped {
    pub groups: Vec<AnswerGroup>,
    pub group_of: Vec<u32>,
    /// Cosine from which an encoder's embeddings of two replies say the same.
    pub same: f32,
    /// Replies by their words, where an encoder knows too few of them.
    spoken: Option<Spoken>,
    alike: Alike,
    /// Numbers of the groups, by their act and the number that their replies have in `alike`.
    numbers: BTreeMap<(Act, u32), u32>,
}

/// Many replies in a language that no encoder knows.
struct Spoken {
    /// Of each passage that is an answer, the embedding of its words.
    replies: Vec<Option<Embedding>>,
    /// Cosine from which two of them say the same.
    same: f32,
}

impl Spoken {
    /// Learns from the exchanges of past replies; `None` where an encoder knows most of them.
    fn of(gathered: &[Gathered]) -> Option<Self> {
        let at: Vec<usize> = (0..gathered.len()).filter(|at| is_answer(&gathered[*at])).collect();
        let known = at.iter().filter(|at| gathered[**at].answers[0].text.embedding.is_some()).count();
        if 2 * known > at.len() {
            return None;
        }
        let said: Vec<&str> = at.iter().map(|at| gathered[*at].answers[0].text.text.as_str()).collect();
        let asked: Vec<&str> = at
            .iter()
            .map(|at| gathered[*at].past_questions.first().map_or("", |asked| asked.text.text.as_str()))
            .collect();
        let [said, asked] = [said, asked].map(|texts| Lexicon::of(&texts).embed_all(&texts));
        let same = learnt(&asked.iter().zip(&said).collect::<Vec<_>>());
        let mut replies = vec![None; gathered.len()];
        at.into_iter().zip(said).for_each(|(at, embedding)| replies[at] = Some(embedding));
        Some(Self { replies, same })
    }
}

/// Replies that were compared, to tell which of the groups say what one of them says.
enum Alike {
    /// A few, with the passage of each.
    Linked(Linked, Vec<usize>),
    /// Many; `None` of more than are compared.
    Grouped(Option<Box<AnswerGroups>>),
}

impl Grouped {
    /// Returns true if there are past replies, and so few that each was compared with each.
    pub fn are_few(&self) -> bool {
        matches!(&self.alike, Alike::Linked(_, passages) if !passages.is_empty())
    }

    /// Returns true if the words of two passages' first answers say the same, where words alone tell it.
    pub fn say_the_same(&self, a: usize, b: usize) -> bool {
        self.spoken.as_ref().is_some_and(|Spoken { replies, same }| match (&replies[a], &replies[b]) {
            (Some(one), Some(other)) => one.cosine(other) >= *same,
            _ => false,
        })
    }

    /// Numbers of the groups that say what a passage's first answer says, ascending.
    pub fn siblings(&self, gathered: &[Gathered], passage: usize) -> Vec<u32> {
        if gathered[passage].kind != SourceKind::Reply || !answers_or_asks(&gathered[passage]) {
            return Vec::new();
        }
        let mut siblings: Vec<u32> = match &self.alike {
            Alike::Linked(linked, passages) => {
                let Ok(reply) = passages.binary_search(&passage) else { return Vec::new() };
                let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
                for (at, other) in passages.iter().enumerate() {
                    if act(&gathered[*other]) == act(&gathered[passage]) {
                        members.entry(self.group_of[*other]).or_default().push(at);
                    }
                }
                members.retain(|_, members| linked.says_the_same(reply, members));
                members.into_keys().collect()
            }
            Alike::Grouped(None) => Vec::new(),
            Alike::Grouped(Some(groups)) => {
                let act = act(&gathered[passage]);
                let text = &gathered[passage].answers[0].text;
                let similarities = groups.similarities(Reply { text: &text.text, embedding: text.embedding.as_ref() });
                let alike = (0..).zip(similarities).filter(|(_, similarity)| *similarity >= groups.threshold());
                alike.filter_map(|(number, _): (u32, f32)| self.numbers.get(&(act, number)).copied()).collect()
            }
        };
        siblings.sort_unstable();
        siblings
    }
}

/// Criterion by which two passages are one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Alone(usize),
    /// Replies of one act in one group of `alike`.
    Alike(Act, u32),
    Act(Act),
}

/// Groups passages; groups are numbered by their first passages.
pub(super) fn group(gathered: &[Gathered]) -> Grouped {
    let (number_of, alike) = alike(gathered);
    let keys = gathered.iter().zip(number_of).enumerate().map(|(at, (passage, number))| match act(passage) {
        act @ (Act::HandOver | Act::Promise | Act::Courtesy) => Key::Act(act),
        act @ (Act::Answer | Act::Question) => number.map_or(Key::Alone(at), |number| Key::Alike(act, number)),
    });
    let mut numbers: BTreeMap<Key, u32> = BTreeMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut group_of = Vec::with_capacity(gathered.len());
    for (at, key) in keys.enumerate() {
        let number = *numbers.entry(key).or_insert(members.len() as u32);
        if number as usize == members.len() {
            members.push(Vec::new());
        }
        members[number as usize].push(at);
        group_of.push(number);
    }
    let groups = members.iter().map(|members| described(gathered, members)).collect();
    let numbers = numbers.into_iter().filter_map(|(key, number)| match key {
        Key::Alike(act, alike) => Some(((act, alike), number)),
        Key::Alone(_) | Key::Act(_) => None,
    });
    let spoken = matches!(alike, Alike::Grouped(_)).then(|| Spoken::of(gathered)).flatten();
    Grouped { same: same(gathered), spoken, numbers: numbers.collect(), groups, group_of, alike }
}

fn act(passage: &Gathered) -> Act {
    passage.answers.first().map_or(Act::Answer, |answer| answer.act)
}

fn is_answer(passage: &Gathered) -> bool {
    passage.kind == SourceKind::Reply && act(passage) == Act::Answer && !passage.answers.is_empty()
}

fn answers_or_asks(passage: &Gathered) -> bool {
    matches!(act(passage), Act::Answer | Act::Question)
}

/// Of each passage the number of the replies that say the same, and the comparison that told it.
fn alike(gathered: &[Gathered]) -> (Vec<Option<u32>>, Alike) {
    let is_reply = |at: &usize| gathered[*at].kind == SourceKind::Reply && answers_or_asks(&gathered[*at]);
    let at: Vec<usize> = (0..gathered.len()).filter(is_reply).collect();
    let mut number_of = vec![None; gathered.len()];
    if at.len() <= MAX_LINKED {
        let answered = |at: &usize| Answered {
            reply: &gathered[*at].answers[0].text.text,
            embedding: gathered[*at].answers[0].text.embedding.as_ref(),
            questions: gathered[*at].past_questions.iter().map(|asked| asked.text.text.as_str()).collect(),
        };
        let linked = link_replies(&at.iter().map(answered).collect::<Vec<_>>());
        at.iter().zip(linked.group_of()).for_each(|(at, group)| number_of[*at] = Some(*group as u32));
        return (number_of, Alike::Linked(linked, at));
    }
    let replies: Vec<Reply<'_>> = at
        .iter()
        .map(|at| &gathered[*at].answers[0].text)
        .map(|text| Reply { text: &text.text, embedding: text.embedding.as_ref() })
        .collect();
    // An index holds fewer passages than are grouped at once.
    let groups = group_replies(&replies).ok().map(Box::new);
    for (at, number) in at.iter().zip(groups.iter().flat_map(|groups| groups.group_of())) {
        number_of[*at] = number.map(|number| number as u32);
    }
    (number_of, Alike::Grouped(groups))
}

/// The cosine from which an encoder's embeddings of two replies say the same.
fn same(gathered: &[Gathered]) -> f32 {
    let exchanges: Vec<(&Embedding, &Embedding)> = gathered
        .iter()
        .filter(|passage| is_answer(passage))
        .filter_map(|passage| {
            let question = passage.past_questions.first()?.text.embedding.as_ref()?;
            Some((question, passage.answers.first()?.text.embedding.as_ref()?))
        })
        .collect();
    learnt(&exchanges)
}

/// The cosine that best tells replies to nearly the same question from any two replies: where the share of the former
/// above it exceeds that of the latter most (Youden 1950, "Index for Rating Diagnostic Tests"). Exchanges are the embeddings
/// of a question and of its reply.
fn learnt(exchanges: &[(&Embedding, &Embedding)]) -> f32 {
    let sampled = exchanges.len().min(MOST_PAIRS);
    if sampled < LEAST_PAIRS {
        return SAME_UNLEARNT;
    }
    let (mut alike, mut any) = (Vec::new(), Vec::new());
    for at in (0..sampled).map(|at| at * exchanges.len() / sampled) {
        let (question, reply) = exchanges[at];
        let others = exchanges.iter().enumerate().filter(|(other, _)| *other != at);
        let near = others.map(|(other, (theirs, _))| (question.cosine(theirs), other));
        let Some((cosine, other)) = near.max_by(|(a, _), (b, _)| a.total_cmp(b)) else { continue };
        if cosine >= SAME_QUESTION {
            alike.push(reply.cosine(exchanges[other].1));
        }
        // A step that has no divisor in common with most lengths meets every other exchange in turn.
        any.push(reply.cosine(exchanges[(at * 7_919 + 104_729) % exchanges.len()].1));
    }
    if alike.len() < LEAST_PAIRS {
        return SAME_UNLEARNT;
    }
    alike.sort_by(f32::total_cmp);
    any.sort_by(f32::total_cmp);
    let above = |sorted: &[f32], limit: f32| {
        (sorted.len() - sorted.partition_point(|cosine| *cosine < limit)) as f32 / sorted.len() as f32
    };
    let mut best = (f32::NEG_INFINITY, f32::INFINITY);
    for step in 0..=90 {
        let limit = 0.05 + step as f32 / 100.0;
        let gain = above(&alike, limit) - above(&any, limit);
        if gain > best.0 {
            best = (gain, limit);
        }
    }
    best.1
}

fn described(gathered: &[Gathered], members: &[usize]) -> AnswerGroup {
    let act = members.first().map_or(Act::Answer, |at| act(&gathered[*at]));
    let embedding = |at: usize| gathered[at].answers.first().and_then(|answer| answer.text.embedding.as_ref());
    let mut middle = [0.0; DIMENSIONS];
    for embedding in members.iter().filter_map(|at| embedding(*at)) {
        middle.iter_mut().zip(embedding.to_vector()).for_each(|(sum, value)| *sum += value);
    }
    let middle = Embedding::of(&middle);
    let central = |at: usize| embedding(at).map_or(0.0, |embedding| embedding.cosine(&middle));
    let mut ordered: Vec<(f32, usize)> = members.iter().map(|at| (central(*at), *at)).collect();
    ordered.sort_by(|(a, a_at), (b, b_at)| b.total_cmp(a).then(a_at.cmp(b_at)));
    AnswerGroup {
        act,
        answers: ordered.into_iter().map(|(_, at)| at as u32).take(MAX_GROUP_ANSWERS).collect(),
        times: members.iter().map(|at| gathered[*at].times).sum(),
    }
}
