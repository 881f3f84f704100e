//! Passages that say the same, grouped.
//!
//! An FAQ and an article are groups of their own: somebody wrote each to answer one thing. Agents' replies are grouped by
//! what they do and by what they say; all promises are one group, and so are hand-overs and courtesies.

use std::collections::BTreeMap;

use romashka_types::reply::Act;

use super::{AnswerGroup, MAX_GROUP_ANSWERS, SourceKind, gathering::Gathered};
use crate::{
    embedding::{DIMENSIONS, Embedding},
    topics::answers::{AnswerGroups, Reply, group_replies},
};

/// Groups and the group of each passage.
pub(super) struct Grouped {
    pub groups: Vec<AnswerGroup>,
    pub group_of: Vec<u32>,
    /// Of each passage, the numbers of the groups that say what its first answer says, its own apart; ascending.
    siblings: Vec<Vec<u32>>,
}

impl Grouped {
    /// Returns true if a group says what a passage says.
    pub fn agrees(&self, passage: usize, group: u32) -> bool {
        self.group_of[passage] == group || self.siblings[passage].binary_search(&group).is_ok()
    }
}

/// What makes two passages one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Alone(usize),
    Alike(u32),
    Act(Act),
}

/// Groups passages; groups are numbered by their first passages.
pub(super) fn group(gathered: &[Gathered]) -> Grouped {
    let (alike, alike_to) = alike(gathered);
    let keys = gathered.iter().zip(&alike).enumerate().map(|(at, (passage, alike))| match act(passage) {
        act @ (Act::HandOver | Act::Promise | Act::Courtesy) => Key::Act(act),
        Act::Answer | Act::Question => alike.map_or(Key::Alone(at), Key::Alike),
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
    let siblings = alike_to.iter().map(|alike| {
        let mut siblings: Vec<u32> =
            alike.iter().filter_map(|alike| numbers.get(&Key::Alike(*alike)).copied()).collect();
        siblings.sort_unstable();
        siblings
    });
    Grouped { siblings: siblings.collect(), groups, group_of }
}

fn act(passage: &Gathered) -> Act {
    passage.answers.first().map_or(Act::Answer, |answer| answer.act)
}

/// Of each passage the number of the group of replies that say the same, and of all groups that say nearly the same.
fn alike(gathered: &[Gathered]) -> (Vec<Option<u32>>, Vec<Vec<u32>>) {
    let is_reply = |at: &usize| {
        gathered[*at].kind == SourceKind::Reply && matches!(act(&gathered[*at]), Act::Answer | Act::Question)
    };
    let at: Vec<usize> = (0..gathered.len()).filter(is_reply).collect();
    let replies: Vec<Reply<'_>> = at
        .iter()
        .map(|at| &gathered[*at].answers[0].text)
        .map(|text| Reply { text: &text.text, embedding: text.embedding.as_ref() })
        .collect();
    let mut number_of = vec![None; gathered.len()];
    let mut alike_to = vec![Vec::new(); gathered.len()];
    // An index holds fewer passages than are grouped at once.
    let Ok(groups) = group_replies(&replies) else { return (number_of, alike_to) };
    for (at, (reply, number)) in at.iter().zip(replies.iter().zip(groups.group_of())) {
        number_of[*at] = number.map(|number| number as u32);
        alike_to[*at] = says_the_same(&groups, *reply);
    }
    (number_of, alike_to)
}

fn says_the_same(groups: &AnswerGroups, reply: Reply<'_>) -> Vec<u32> {
    let similarities = groups.similarities(reply);
    (0..)
        .zip(similarities)
        .filter(|(_, similarity)| *similarity >= groups.threshold())
        .map(|(number, _)| number)
        .collect()
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
