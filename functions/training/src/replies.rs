//! Which reply the training data holds for each intent: the simplest draft an answer can have.
//!
//! One reply is kept for each intent, the better of any two that meet. "Better" is a total order on replies alone, so
//! it does not matter in which order rows come, how they are split, or how often one comes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use romashka_ingest::Record;
use romashka_learning::OUT_OF_SCOPE_LABEL;
use serde::{Deserialize, Serialize};

/// The longest reply that is drafted from, in bytes; the most intents a model may have times this stays below what an
/// artefact may carry.
const MAX_REPLY_BYTES: usize = 1_500;

/// A reply of about this many characters says enough and not too much.
const GOOD_LENGTH: usize = 160;

/// The best reply of each intent among some rows.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replies(BTreeMap<String, Candidate>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    /// Written to be an answer (of an FAQ or an article), not said in a conversation.
    curated: bool,
    text: String,
}

impl Candidate {
    fn rank(&self) -> (bool, Reverse<usize>, Reverse<&str>) {
        (self.curated, Reverse(self.text.chars().count().abs_diff(GOOD_LENGTH)), Reverse(&self.text))
    }
}

impl Replies {
    /// Looks at a row that has an intent and a reply.
    pub fn observe(&mut self, record: &Record) {
        let (Some(intent), Some(reply)) = (&record.intent, &record.reply) else { return };
        if intent == OUT_OF_SCOPE_LABEL || reply.len() > MAX_REPLY_BYTES {
            return;
        }
        self.keep(intent.clone(), Candidate { curated: record.conversation.is_none(), text: reply.clone() });
    }

    /// Adds what was found elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (intent, candidate) in other.0 {
            self.keep(intent, candidate);
        }
    }

    /// The best reply of each of these intents that has one.
    pub fn best(self, intents: &[String]) -> BTreeMap<String, String> {
        let known = self.0.into_iter().filter(|(intent, _)| intents.contains(intent));
        known.map(|(intent, candidate)| (intent, candidate.text)).collect()
    }

    fn keep(&mut self, intent: String, candidate: Candidate) {
        let kept = self.0.entry(intent).or_insert_with(|| candidate.clone());
        if candidate.rank() > kept.rank() {
            *kept = candidate;
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
            before: Vec::new(),
        }
    }

    fn found(records: &[Record]) -> Replies {
        let mut replies = Replies::default();
        records.iter().for_each(|record| replies.observe(record));
        replies
    }

    #[test]
    fn a_curated_answer_goes_before_what_agents_said() {
        let said = record("refund", &"soon ".repeat(32), Some("c1"));
        let written = record("refund", "within five days", None);
        let best = found(&[said, written]).best(&["refund".to_owned()]);
        assert_eq!(best["refund"], "within five days");
    }

    #[test]
    fn neither_order_nor_splitting_nor_repetition_changes_the_choice() {
        let records: Vec<_> =
            (0..80).map(|n| record("refund", &"word ".repeat(n), (n % 3 == 0).then_some("c"))).collect();
        let whole = found(&records);
        let mut parts = found(&records[50..]);
        parts.merge(found(&records[..60]));
        parts.merge(found(&records[..1]));
        assert_eq!(parts, whole);
    }

    #[test]
    fn what_belongs_to_no_intent_has_no_reply() {
        assert_eq!(found(&[record(OUT_OF_SCOPE_LABEL, "sorry", None)]), Replies::default());
    }
}
