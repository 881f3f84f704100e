//! Which reply the training data holds for each intent: the simplest draft an answer can have.
//!
//! A curated answer (of an FAQ or an article) goes before what an agent once wrote in a conversation, then what was
//! written most often; ties go to the text that sorts first, so that the choice depends on the rows alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use romashka_ingest::Record;
use romashka_learning::OUT_OF_SCOPE_LABEL;
use romashka_learning::model::MAX_REPLY_BYTES;
use serde::{Deserialize, Serialize};

/// The different replies of one intent that are counted; later ones are left out.
const MAX_CANDIDATES: usize = 50;

/// The replies found in some rows, by intent.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies(BTreeMap<String, BTreeMap<String, Tally>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    curated: bool,
    count: u64,
}

impl Replies {
    /// Counts the reply of a row, where it has an intent and one.
    pub fn observe(&mut self, record: &Record) {
        let (Some(intent), Some(reply)) = (&record.intent, &record.reply) else { return };
        if intent == OUT_OF_SCOPE_LABEL || reply.len() > MAX_REPLY_BYTES {
            return;
        }
        self.add(intent, reply, Tally { curated: record.conversation.is_none(), count: 1 });
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (intent, candidates) in other.0 {
            for (reply, tally) in candidates {
                self.add(&intent, &reply, tally);
            }
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The best reply of each of these intents.
    pub fn best(self, intents: &[String]) -> BTreeMap<String, String> {
        let known = self.0.into_iter().filter(|(intent, _)| intents.contains(intent));
        known
            .filter_map(|(intent, candidates)| {
                let (reply, _) = candidates
                    .into_iter()
                    .max_by_key(|(reply, tally)| (tally.curated, tally.count, Reverse(reply.clone())))?;
                Some((intent, reply))
            })
            .collect()
    }

    fn add(&mut self, intent: &str, reply: &str, more: Tally) {
        let candidates = self.0.entry(intent.to_owned()).or_default();
        if let Some(tally) = candidates.get_mut(reply) {
            tally.count += more.count;
            tally.curated |= more.curated;
        } else if candidates.len() < MAX_CANDIDATES {
            candidates.insert(reply.to_owned(), more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(intent: &str, reply: &str, conversation: Option<&str>) -> Record {
        Record {
            row: 1,
            text: "t".into(),
            intent: Some(intent.into()),
            reply: Some(reply.into()),
            conversation: conversation.map(str::to_owned),
            role: None,
        }
    }

    fn best_of(records: &[Record]) -> Option<String> {
        let mut replies = Replies::default();
        records.iter().for_each(|record| replies.observe(record));
        replies.best(&["refund".to_owned()]).remove("refund")
    }

    #[test]
    fn a_curated_answer_goes_before_what_agents_wrote() {
        let said = record("refund", "soon", Some("c1"));
        let written = record("refund", "within five days", None);
        assert_eq!(best_of(&[said.clone(), said, written]).as_deref(), Some("within five days"));
    }

    #[test]
    fn the_choice_does_not_depend_on_the_order_of_rows() {
        let (a, b) = (record("refund", "a", Some("c1")), record("refund", "b", Some("c2")));
        assert_eq!(best_of(&[a.clone(), b.clone()]), best_of(&[b, a]));
    }

    #[test]
    fn what_belongs_to_no_intent_has_no_reply() {
        let mut replies = Replies::default();
        replies.observe(&record(OUT_OF_SCOPE_LABEL, "sorry", None));
        assert!(replies.is_empty());
    }
}
