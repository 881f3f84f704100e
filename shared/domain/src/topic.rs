//! Topics: the matters that customers write about, found in a team's own conversations and decided on by its people.
//!
//! Training finds topics without labels and gives them the identity of those they continue. People rename them, accept them as
//! intents, ignore them, merge them, or ask for one to be split by the next training. What people decided outlasts every
//! training; what nobody touched goes when it is not found again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Builder;

use crate::{ModelId, Timestamp, TopicId, UserId};

/// Topics of a tenant, those that were merged and ignored included.
pub const MAX_TOPICS: usize = 300;
/// Characters of a topic's name.
pub const MAX_NAME_CHARS: usize = 80;

/// The decision of people about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopicState {
    /// Found by training; nobody has decided yet. It serves answers and is marked as induced.
    Induced,
    /// An intent like others.
    Accepted,
    /// Not a topic worth having: no answer names it.
    Ignored,
    /// Part of another topic.
    Merged,
}

/// A matter that customers write about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    /// Identifies it across versions.
    pub id: TopicId,
    /// Its name, unique among the tenant's topics: its telling words until somebody renames it.
    pub name: String,
    /// The decision.
    pub state: TopicState,
    /// The topic that it is part of; only of a merged one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<TopicId>,
    /// True where the next training is to split it in two.
    #[serde(default)]
    pub split: bool,
    /// Questions of customers that it holds in the version that it was last found in.
    pub questions: u64,
    /// Their share of all questions with a reply, 0 to 1.
    pub share: f64,
    /// The version that it was last found in.
    pub model_id: ModelId,
    /// The person who decided last; absent where nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    /// The time of that decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

/// A topic as a training found it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTopic {
    /// Its identity: that of the topic it continues, or a new one.
    pub id: TopicId,
    /// The name it has where it is new.
    pub name: String,
    /// Questions that it holds.
    pub questions: u64,
    /// Their share of all.
    pub share: f64,
}

/// All topics of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Counts the changes; also the list's `ETag`.
    pub revision: u64,
    /// The version that topics were last looked for in.
    pub model_id: Option<ModelId>,
    /// The topics, those of the most questions first.
    pub topics: Vec<Topic>,
}

/// A decision about one topic. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicChange {
    /// A new name, 1 to 80 characters, that no other topic has.
    #[schema(min_length = 1, max_length = 80)]
    pub name: Option<String>,
    /// `induced`, `accepted` or `ignored`; a merged topic becomes one by itself again.
    pub state: Option<TopicState>,
    /// The topic to merge this one into, which is not merged itself.
    pub merge_into: Option<TopicId>,
    /// True where the next training is to split it in two.
    pub split: Option<bool>,
}

/// Reasons for which a decision is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicRefusal {
    /// There is no such topic.
    #[error("there is no such topic")]
    Unknown,
    /// The name is blank or too long.
    #[error("a name has 1 to {MAX_NAME_CHARS} characters")]
    Name,
    /// Another topic has the name.
    #[error("another topic has this name; merge the two, or choose another name")]
    NameTaken,
    /// `merged` is no state that is chosen.
    #[error("a topic is merged by naming the other in `merge_into`")]
    State,
    /// A state and a topic to merge into exclude each other.
    #[error("a topic is merged or given a state, not both")]
    Both,
    /// The other topic is this one, is not there, or is merged itself.
    #[error("the topic to merge into is this one, is unknown, or is merged itself")]
    Target,
    /// A merged topic is not split.
    #[error("a merged topic cannot be split; take it apart first by giving it a state")]
    SplitMerged,
}

impl TopicId {
    /// The identity of a topic that is found for the first time: made of the version and the topic's place in it, so that the
    /// same training finds the same identities however often it is run. It is a UUIDv8.
    pub fn found(model: ModelId, place: usize) -> Self {
        let digest = Sha256::new().chain_update(model.uuid()).chain_update(place.to_le_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self::new(Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl Catalogue {
    /// The topic with this identity.
    pub fn get(&self, id: TopicId) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.id == id)
    }

    /// The topic that stands for another: itself, or the one it was merged into; `None` where it is ignored or gone.
    pub fn standing_for(&self, id: TopicId) -> Option<&Topic> {
        let topic = self.get(id)?;
        let topic = match topic.merged_into {
            Some(into) => self.get(into)?,
            None => topic,
        };
        matches!(topic.state, TopicState::Induced | TopicState::Accepted).then_some(topic)
    }

    /// The catalogue after a decision about one topic.
    ///
    /// # Errors
    /// A [`TopicRefusal`] where the decision makes no sense; nothing is changed then.
    pub fn decided(&self, id: TopicId, change: &TopicChange, by: &UserId, at: Timestamp) -> Result<Self, TopicRefusal> {
        let mut next = self.clone();
        next.revision += 1;
        let place = self.topics.iter().position(|topic| topic.id == id).ok_or(TopicRefusal::Unknown)?;
        let topic = &mut next.topics[place];
        if let Some(name) = &change.name {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control) {
                return Err(TopicRefusal::Name);
            }
            if self.topics.iter().any(|other| other.id != id && other.name.to_lowercase() == name.to_lowercase()) {
                return Err(TopicRefusal::NameTaken);
            }
            name.clone_into(&mut topic.name);
        }
        match (change.state, change.merge_into) {
            (Some(_), Some(_)) => return Err(TopicRefusal::Both),
            (Some(TopicState::Merged), None) => return Err(TopicRefusal::State),
            (Some(state), None) => {
                topic.state = state;
                topic.merged_into = None;
            }
            (None, Some(into)) => {
                let target = self.get(into).filter(|target| into != id && target.state != TopicState::Merged);
                target.ok_or(TopicRefusal::Target)?;
                topic.state = TopicState::Merged;
                topic.merged_into = Some(into);
                topic.split = false;
            }
            (None, None) => {}
        }
        if let Some(split) = change.split {
            if split && topic.state == TopicState::Merged {
                return Err(TopicRefusal::SplitMerged);
            }
            topic.split = split;
        }
        topic.decided_by = Some(by.clone());
        topic.decided_at = Some(at);
        // Whatever was part of a topic goes on to what that is part of now.
        if let Some(into) = change.merge_into {
            let parts = next.topics.iter_mut().filter(|topic| topic.merged_into == Some(id));
            parts.for_each(|part| part.merged_into = Some(into));
        }
        Ok(next)
    }

    /// The catalogue after a training. Topics that people decided about, those that others were merged into and those that are
    /// `served` by the deployed version stay whether or not they were found again; others stay only if they were, and the
    /// smallest of them go where there are too many.
    #[must_use]
    pub fn renewed(&self, model_id: ModelId, found: Vec<FoundTopic>, served: &BTreeSet<TopicId>) -> Self {
        let mut topics: Vec<Topic> = Vec::with_capacity(found.len());
        let again: BTreeSet<TopicId> = found.iter().map(|found| found.id).collect();
        let targets: BTreeSet<TopicId> = self.topics.iter().filter_map(|topic| topic.merged_into).collect();
        let is_kept = |topic: &Topic| topic.is_decided() || targets.contains(&topic.id) || served.contains(&topic.id);
        let staying = |topic: &&Topic| is_kept(topic) || again.contains(&topic.id);
        let mut names: BTreeSet<String> =
            self.topics.iter().filter(staying).map(|topic| topic.name.to_lowercase()).collect();
        for found in found {
            let known = self.get(found.id).cloned();
            let fresh = |name| Topic {
                id: found.id,
                name,
                state: TopicState::Induced,
                merged_into: None,
                split: false,
                questions: 0,
                share: 0.0,
                model_id,
                decided_by: None,
                decided_at: None,
            };
            let topic = known.unwrap_or_else(|| fresh(unique(&found.name, &mut names)));
            topics.push(Topic { questions: found.questions, share: found.share, model_id, split: false, ..topic });
        }
        let kept = self.topics.iter().filter(|topic| is_kept(topic) && !again.contains(&topic.id));
        topics.extend(kept.map(|topic| Topic { questions: 0, share: 0.0, ..topic.clone() }));
        topics.sort_by(|a, b| (is_kept(b), b.questions).cmp(&(is_kept(a), a.questions)).then(a.id.cmp(&b.id)));
        topics.truncate(MAX_TOPICS);
        topics.sort_by(|a, b| b.questions.cmp(&a.questions).then(a.id.cmp(&b.id)));
        Self { revision: self.revision + 1, model_id: Some(model_id), topics }
    }
}

impl Topic {
    /// Returns true for a topic that somebody has decided about.
    pub fn is_decided(&self) -> bool {
        self.decided_by.is_some()
    }
}

/// The name within its bound, with a number behind it where it is taken; then it is taken.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    // Room for the number.
    let name: String = name.chars().take(MAX_NAME_CHARS - 4).collect();
    let numbered = (2..=MAX_TOPICS + 1).map(|number| format!("{name} {number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| taken.insert(name.to_lowercase()));
    free.unwrap_or(name)
}

/// The topics of one model version, and where they lie in its knowledge index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicMap {
    /// The topics of the version.
    pub topics: Vec<MappedTopic>,
    /// Of each passage of the index the place of its topic among them.
    pub passages: Vec<Option<u32>>,
}

/// A topic of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappedTopic {
    /// Its identity.
    pub id: TopicId,
    /// Its most telling words, the most telling first.
    pub words: Vec<String>,
    /// Typical questions, redacted.
    pub examples: Vec<String>,
    /// A typical reply, with its slots.
    pub reply: Option<String>,
}

impl TopicMap {
    /// The topic of a passage.
    pub fn of_passage(&self, position: usize) -> Option<TopicId> {
        let place = self.passages.get(position).copied().flatten()?;
        self.topics.get(place as usize).map(|topic| topic.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: usize) -> TopicId {
        TopicId::found(model(0), number)
    }

    fn model(number: u128) -> ModelId {
        ModelId::new(Uuid::from_u128(number))
    }

    fn found(number: usize, questions: u64) -> FoundTopic {
        FoundTopic { id: id(number), name: format!("topic {number}"), questions, share: 0.1 }
    }

    fn catalogue() -> Catalogue {
        renewed(&Catalogue::default(), 0, (0..4).map(|number| found(number, 10 - number as u64)).collect())
    }

    fn renewed(before: &Catalogue, version: u128, found: Vec<FoundTopic>) -> Catalogue {
        before.renewed(model(version), found, &BTreeSet::new())
    }

    fn decided(catalogue: &Catalogue, number: usize, change: TopicChange) -> Result<Catalogue, TopicRefusal> {
        catalogue.decided(id(number), &change, &"anna".parse().unwrap(), Timestamp::UNIX_EPOCH)
    }

    fn named(name: &str) -> TopicChange {
        TopicChange { name: Some(name.to_owned()), ..TopicChange::default() }
    }

    fn merged(into: usize) -> TopicChange {
        TopicChange { merge_into: Some(id(into)), ..TopicChange::default() }
    }

    #[test]
    fn a_name_outlasts_a_training_and_what_nobody_touched_goes() {
        let before = decided(&catalogue(), 1, named(" Refunds ")).unwrap();
        let after = renewed(&before, 1, vec![found(0, 7), found(9, 3)]);
        assert_eq!(after.get(id(1)).unwrap().name, "Refunds");
        assert_eq!(after.get(id(1)).unwrap().questions, 0);
        assert_eq!(after.get(id(2)), None);
        assert_eq!(after.get(id(9)).unwrap().state, TopicState::Induced);
        assert_eq!(after.revision, before.revision + 1);
    }

    #[test]
    fn what_was_merged_twice_stands_for_the_last() {
        let merged_once = decided(&catalogue(), 0, merged(1)).unwrap();
        let merged_twice = decided(&merged_once, 1, merged(2)).unwrap();
        assert_eq!(merged_twice.standing_for(id(0)).unwrap().id, id(2));
        let ignored = TopicChange { state: Some(TopicState::Ignored), ..TopicChange::default() };
        assert_eq!(decided(&merged_twice, 2, ignored).unwrap().standing_for(id(0)), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let catalogue = catalogue();
        let merged_once = decided(&catalogue, 0, merged(1)).unwrap();
        let state = |state| TopicChange { state: Some(state), ..TopicChange::default() };
        for (refused, why) in [
            (decided(&catalogue, 8, named("x")), TopicRefusal::Unknown),
            (decided(&catalogue, 0, named(" ")), TopicRefusal::Name),
            (decided(&catalogue, 0, named("TOPIC 1")), TopicRefusal::NameTaken),
            (decided(&catalogue, 0, merged(0)), TopicRefusal::Target),
            (decided(&merged_once, 2, merged(0)), TopicRefusal::Target),
            (decided(&catalogue, 0, state(TopicState::Merged)), TopicRefusal::State),
            (
                decided(&catalogue, 0, TopicChange { state: Some(TopicState::Accepted), ..merged(1) }),
                TopicRefusal::Both,
            ),
            (
                decided(&merged_once, 0, TopicChange { split: Some(true), ..TopicChange::default() }),
                TopicRefusal::SplitMerged,
            ),
        ] {
            assert_eq!(refused, Err(why));
        }
    }

    #[test]
    fn a_name_that_somebody_gave_is_not_taken_by_a_new_topic() {
        let before = decided(&catalogue(), 0, named("money")).unwrap();
        let new = FoundTopic { name: "Money".to_owned(), ..found(9, 5) };
        assert_eq!(renewed(&before, 1, vec![new]).get(id(9)).unwrap().name, "Money 2");
        let long = FoundTopic { name: "x".repeat(9_000), ..found(9, 5) };
        assert!(renewed(&before, 1, vec![long]).get(id(9)).unwrap().name.len() <= MAX_NAME_CHARS);
    }

    #[test]
    fn what_others_were_merged_into_and_what_is_served_stays() {
        let before = decided(&catalogue(), 0, merged(1)).unwrap();
        let after = before.renewed(model(1), vec![found(0, 9)], &BTreeSet::from([id(2)]));
        assert_eq!(after.standing_for(id(0)).unwrap().id, id(1));
        assert!(after.get(id(2)).is_some() && after.get(id(3)).is_none());
    }

    proptest! {
        #[test]
        fn any_decisions_leave_every_topic_standing_for_one_that_is_not_merged(
            decisions in prop::collection::vec((0usize..6, 0usize..6, 0u8..6), 0..20),
        ) {
            let mut catalogue = renewed(&Catalogue::default(), 0, (0..6).map(|it| found(it, 5)).collect());
            for (number, other, kind) in decisions {
                if kind == 5 {
                    catalogue = renewed(&catalogue, 1, vec![found(number, 3), found(other + 6, 2)]);
                }
                let change = match kind {
                    0 => merged(other),
                    1 => TopicChange { state: Some(TopicState::Accepted), ..TopicChange::default() },
                    2 => TopicChange { state: Some(TopicState::Ignored), ..TopicChange::default() },
                    3 => TopicChange { split: Some(true), ..TopicChange::default() },
                    _ => named(&format!("topic {other}")),
                };
                if let Ok(next) = decided(&catalogue, number, change) {
                    catalogue = next;
                }
                let names: BTreeSet<String> = catalogue.topics.iter().map(|topic| topic.name.to_lowercase()).collect();
                prop_assert_eq!(names.len(), catalogue.topics.len());
                for topic in &catalogue.topics {
                    prop_assert_eq!(topic.state == TopicState::Merged, topic.merged_into.is_some());
                    let target = topic.merged_into.and_then(|into| catalogue.get(into));
                    prop_assert!(topic.merged_into.is_none() || target.is_some());
                    prop_assert!(target.is_none_or(|target| target.state != TopicState::Merged));
                }
            }
        }
    }
}
