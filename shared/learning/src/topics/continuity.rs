//! Topics that go on from one version to the next.

use std::collections::BTreeSet;

use crate::{content::ContentHash, embedding::Embedding};

use super::{
    induction::{Topic, Topics},
    naming::name_all,
};

/// Questions that are kept of a topic, at most: those with the least content hashes, which are a fair sample.
pub const MAX_KNOWN_QUESTIONS: usize = 1_000;
/// Questions of a previous topic that must be there again for their places to tell.
const ENOUGH_QUESTIONS: usize = 5;
/// Share of the questions known to either of two topics that must be in both.
const OVERLAP: f64 = 1.0 / 3.0;

/// A topic of the previous version.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownTopic {
    /// Its identity.
    pub id: String,
    /// Its name, which people may have changed.
    pub name: String,
    /// Its questions, at most [`MAX_KNOWN_QUESTIONS`], by the hash of their text without a label.
    pub questions: Vec<ContentHash>,
    /// The middle of the embeddings of its questions; `None` where no encoder knew them.
    pub centre: Option<Embedding>,
}

impl Topic {
    /// The topic as the next version has to know it.
    #[must_use]
    pub fn known_as(&self, id: &str) -> KnownTopic {
        KnownTopic {
            id: id.to_owned(),
            name: self.name.clone(),
            questions: self.questions.iter().take(MAX_KNOWN_QUESTIONS).copied().collect(),
            centre: self.centre.clone(),
        }
    }
}

/// How much a topic is a previous one. Questions that are in both tell more than meaning.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Likeness {
    /// Cosine of the middles.
    Meaning(f32),
    /// Share of the questions known to either that are in both.
    Questions(f64),
}

impl Topics {
    /// Gives topics the identity and the name of the previous topics that they continue, one to one, the most alike first.
    ///
    /// A topic continues a previous one if at least a third of the questions that both could have are in both. Where too
    /// few of its questions came again, as when old conversations are deleted, it continues the one whose middle is nearer
    /// than that of any other topic of its own version. Other topics keep or change their names so that all are unique.
    pub fn match_previous(&mut self, previous: &[KnownTopic]) {
        let mut candidates = Vec::new();
        let known: BTreeSet<ContentHash> = previous.iter().flat_map(|topic| topic.questions.iter().copied()).collect();
        let now: BTreeSet<ContentHash> = self.topics.iter().flat_map(|topic| topic.questions.iter().copied()).collect();
        for (at, topic) in self.topics.iter().enumerate() {
            let own: BTreeSet<ContentHash> = topic.questions.iter().filter(|it| known.contains(it)).copied().collect();
            for (before, previous) in previous.iter().enumerate() {
                let again = previous.questions.iter().filter(|it| now.contains(it)).count();
                let likeness = if again >= ENOUGH_QUESTIONS {
                    let both = previous.questions.iter().filter(|it| own.contains(it)).count();
                    let overlap = both as f64 / (again + own.len() - both) as f64;
                    (overlap >= OVERLAP).then_some(Likeness::Questions(overlap))
                } else {
                    self.nearer_than_others(at, previous).map(Likeness::Meaning)
                };
                candidates.extend(likeness.map(|likeness| (likeness, at, before)));
            }
        }
        candidates.sort_by(|a, b| {
            let by_likeness = b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal);
            by_likeness.then_with(|| (a.1, &previous[a.2].id).cmp(&(b.1, &previous[b.2].id)))
        });
        let mut continued = BTreeSet::new();
        for (_, at, before) in candidates {
            if self.topics[at].id.is_none() && continued.insert(before) {
                self.topics[at].id = Some(previous[before].id.clone());
                self.topics[at].name.clone_from(&previous[before].name);
            }
        }
        let kept: BTreeSet<String> =
            self.topics.iter().filter(|it| it.id.is_some()).map(|it| it.name.clone()).collect();
        for topic in self.topics.iter_mut().filter(|topic| topic.id.is_none() && kept.contains(&topic.name)) {
            topic.name.clear();
        }
        name_all(&mut self.topics);
    }

    /// Cosine of the middles, where it is greater than that to any other topic of this version.
    fn nearer_than_others(&self, at: usize, previous: &KnownTopic) -> Option<f32> {
        let (own, theirs) = (self.topics[at].centre.as_ref()?, previous.centre.as_ref()?);
        let others = self.topics.iter().enumerate().filter(|(other, _)| *other != at);
        let nearest = others.filter_map(|(_, other)| other.centre.as_ref()).map(|other| own.cosine(other));
        let cosine = own.cosine(theirs);
        (cosine > nearest.fold(0.0, f32::max)).then_some(cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::{
        induce,
        induction::tests::{Spoken, exchanges, spoken},
    };

    fn topics(spoken: &[Spoken]) -> Topics {
        induce(&exchanges(spoken)).unwrap()
    }

    fn known(topics: &Topics) -> Vec<KnownTopic> {
        topics.topics.iter().enumerate().map(|(at, topic)| topic.known_as(&format!("t-{at}"))).collect()
    }

    fn matter_of(topics: &Topics, spoken: &[Spoken], id: &str) -> usize {
        let topic = topics.topics.iter().find(|topic| topic.id.as_deref() == Some(id)).unwrap();
        spoken[topic.members[0]].matter
    }

    #[test]
    fn a_topic_keeps_its_identity_and_name_when_conversations_come_and_go() {
        let (mut before, mut after) = (spoken(), spoken());
        let mut at = 0;
        before.retain(|_| (at += 1, at % 5 != 0).1);
        let mut at = 0;
        after.retain(|_| (at += 1, at % 7 != 0).1);
        let previous = topics(&before);
        let mut renamed = known(&previous);
        renamed[0].name = "Called so by the team".to_owned();
        let mut current = topics(&after);
        current.match_previous(&renamed);
        for known in &renamed {
            let topic = current.topics.iter().find(|topic| topic.id.as_ref() == Some(&known.id)).unwrap();
            assert_eq!(topic.name, known.name);
        }
        let old = before[previous.topics[0].members[0]].matter;
        assert_eq!(matter_of(&current, &after, "t-0"), old);
    }

    #[test]
    fn a_new_matter_is_a_new_topic() {
        let all = spoken();
        let fewer: Vec<Spoken> = spoken().into_iter().filter(|spoken| spoken.matter != 1).collect();
        let mut current = topics(&all);
        current.match_previous(&known(&topics(&fewer)));
        let new: Vec<_> = current.topics.iter().filter(|topic| topic.id.is_none()).collect();
        assert_eq!(new.len(), 1);
        assert_eq!(all[new[0].members[0]].matter, 1);
    }

    #[test]
    fn an_identity_is_given_once_and_a_name_that_is_taken_is_not_given_again() {
        let spoken = spoken();
        let mut current = topics(&spoken);
        let taken = current.topics[1].name.clone();
        let mut first = current.topics[0].known_as("t-0");
        first.name.clone_from(&taken);
        current.match_previous(&[first.clone(), KnownTopic { id: "t-9".to_owned(), ..first }]);
        assert_eq!(current.topics.iter().filter(|topic| topic.id.is_some()).count(), 1);
        let names: BTreeSet<_> = current.topics.iter().map(|topic| &topic.name).collect();
        assert_eq!(names.len(), current.topics.len());
        assert_ne!(current.topics[1].name, taken);
    }

    #[test]
    fn without_common_questions_the_nearest_meaning_continues() {
        let spoken = spoken();
        let mut current = topics(&spoken);
        let point = |topic| crate::neighbours::tests::near_topic(topic, 1, 3.0);
        for (at, topic) in current.topics.iter_mut().enumerate() {
            topic.centre = Some(point(at as u64));
        }
        let before = |id: &str, centre| KnownTopic {
            id: id.to_owned(),
            name: id.to_owned(),
            questions: Vec::new(),
            centre: Some(centre),
        };
        let same = crate::neighbours::tests::near_topic(2, 2, 3.0);
        current.match_previous(&[before("same", same), before("other", point(99))]);
        assert_eq!(current.topics[2].id.as_deref(), Some("same"));
        assert_eq!(current.topics.iter().filter(|topic| topic.id.as_deref() == Some("same")).count(), 1);
    }
}
