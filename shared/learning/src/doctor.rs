//! What is wrong with training data, said before somebody trains on it.
//!
//! The reducer has no texts, so a finding names its rows by content hash and whoever shows it fetches the texts. Every
//! list is bounded and says how much there is in all. Without embeddings, findings are those that equal texts and counts
//! can tell. The order of specimens makes no difference.
//!
//! What rests on embeddings rests on the [`NEIGHBOURS`] nearest rows of each row, which above
//! [`EXHAUSTIVE`](crate::neighbours::EXHAUSTIVE) rows are sought in buckets: counts of near-duplicates are lower bounds.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    OUT_OF_SCOPE_LABEL,
    content::ContentHash,
    embedding::{DIMENSIONS, Embedding},
    evaluation::{Confusion, Proportion},
    neighbours::{Neighbour, Probes, nearest},
};

/// Rows that are examined at once.
pub const MAX_ROWS: usize = 250_000;
/// Findings of one kind that are listed.
pub const MAX_LISTED: usize = 50;
/// Examples that a finding shows.
pub const MAX_EXAMPLES: usize = 3;
/// Neighbours of a row that are looked at.
pub const NEIGHBOURS: usize = 10;
/// Cosine from which two texts say the same: paraphrases by a typing error, a filler or the order of words. Of neighbours
/// that near, 99 % have the same label on Banking77.
pub const NEAR_DUPLICATE: f32 = 0.95;
/// Rows an intent should have. On Banking77 five examples an intent instead of ten cost six points of accuracy.
pub const ENOUGH_ROWS: u64 = 10;
/// Neighbours, of [`NEIGHBOURS`], that must agree on another label for a row's own to be suspected.
pub const AGREEING: usize = 9;
/// Mixing from which two intents should be one; see [`SuggestedMerge::mixing`].
pub const MIXED: f64 = 0.5;
/// The same where the evaluation has confused the two at least [`CONFUSED`] times.
pub const MIXED_AND_CONFUSED: f64 = 0.3;
/// Confusions, in both directions together, that count as a sign.
pub const CONFUSED: u64 = 3;
/// Cosine between the centres of two intents, relative to the centre of all rows, below which they are no merge.
pub const CENTRES_ALIKE: f32 = 0.5;

/// Buckets a row is compared with.
const PROBES: Probes = Probes(3);

/// The side of the hold-out a row is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Learnt from.
    Training,
    /// Kept away to measure the model.
    HeldOut,
}

/// A labelled row under examination.
#[derive(Debug, Clone, Copy)]
pub struct Specimen<'set> {
    /// Identity of the text alone: [`ContentHash::of`] without a label.
    pub text: ContentHash,
    /// Identity of the row.
    pub content: ContentHash,
    /// The intent, or [`OUT_OF_SCOPE_LABEL`].
    pub label: &'set str,
    /// The side it is on.
    pub side: Side,
    /// Where its text lies; `None` where nobody embedded it.
    pub embedding: Option<&'set Embedding>,
}

/// Why there are no findings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoctorError {
    /// More rows than are examined at once.
    #[error("{rows} rows exceed the {MAX_ROWS} that are examined at once; examine a part of them")]
    TooManyRows {
        /// Rows that were offered.
        rows: usize,
    },
}

/// The first of many, and how many there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// How many there are.
    pub total: u64,
    /// The gravest of them, at most [`MAX_LISTED`].
    pub listed: Vec<T>,
}

impl<T> Listed<T> {
    fn of(mut all: Vec<T>) -> Self {
        let total = all.len() as u64;
        all.truncate(MAX_LISTED);
        Self { total, listed: all }
    }
}

/// A row that a finding speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// Content hash, in hexadecimal.
    pub content: String,
    /// Its label.
    pub label: String,
}

impl Row {
    fn of(specimen: &Specimen<'_>) -> Self {
        Self { content: specimen.content.to_string(), label: specimen.label.to_owned() }
    }
}

/// Two rows that say about the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowPair {
    /// One row.
    pub first: Row,
    /// The other.
    pub second: Row,
    /// Cosine between them; 1 for equal texts.
    pub cosine: f32,
}

/// One text under more than one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelConflict {
    /// Labels of the text, ascending.
    pub labels: Vec<String>,
    /// Its rows, one for each of the first labels.
    pub rows: Vec<Row>,
}

/// Different texts that say the same under two labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NearDuplicates {
    /// The two labels, ascending.
    pub labels: [String; 2],
    /// Pairs of rows, at least.
    pub pairs: u64,
    /// The most alike.
    pub examples: Vec<RowPair>,
}

/// Held-out rows that the training side has as well, so that figures look better than they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leaks {
    /// Held-out rows with an equal or nearly equal text on the training side.
    pub leaked: Proportion,
    /// Those of them whose text is equal.
    pub equal_texts: u64,
    /// The most alike.
    pub examples: Vec<RowPair>,
}

/// An intent with too few rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SmallIntent {
    /// The intent.
    pub intent: String,
    /// Rows it has.
    pub rows: u64,
    /// Rows it lacks to [`ENOUGH_ROWS`].
    pub missing: u64,
}

/// Two intents that may be one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedMerge {
    /// The intents, ascending.
    pub intents: [String; 2],
    /// How freely rows of the two are each other's neighbours: 0 is never, 1 as often as if labels were drawn by lot.
    pub mixing: f64,
    /// Cosine between their centres, relative to the centre of all rows.
    pub similarity: f32,
    /// How often the evaluation took one for the other.
    pub confusions: u64,
}

/// A row whose neighbours nearly all carry one other label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuspectedLabel {
    /// The row.
    pub row: Row,
    /// What its neighbours are labelled.
    pub suggested: String,
    /// Neighbours of that label.
    pub agreeing: u32,
    /// Neighbours in all.
    pub neighbours: u32,
}

/// What is wrong with training data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Findings {
    /// Distinct rows that were examined.
    pub rows: u64,
    /// Those of them that have an embedding.
    pub embedded: u64,
    /// Equal texts under different labels; those with most labels first.
    pub label_conflicts: Listed<LabelConflict>,
    /// Nearly equal texts under different labels, by pairs of labels; those with most pairs first.
    pub near_duplicates: Listed<NearDuplicates>,
    /// What the training side tells of the held-out one; `None` when nothing is held out.
    pub leaks: Option<Leaks>,
    /// Intents with too few rows, smallest first.
    pub small_intents: Listed<SmallIntent>,
    /// Intents that may be one, most mixed first.
    pub merges: Listed<SuggestedMerge>,
    /// Rows that may be labelled wrongly, the surest first.
    pub suspects: Listed<SuspectedLabel>,
}

/// Examines rows. Rows of the same content on the same side count once; `confusions`, where an evaluation has some, help
/// to suggest merges.
///
/// # Errors
/// [`DoctorError::TooManyRows`] beyond [`MAX_ROWS`].
pub fn examine(specimens: &[Specimen<'_>], confusions: &[Confusion]) -> Result<Findings, DoctorError> {
    if specimens.len() > MAX_ROWS {
        return Err(DoctorError::TooManyRows { rows: specimens.len() });
    }
    let patient = Patient::of(specimens);
    let near = patient.near_pairs();
    Ok(Findings {
        rows: patient.rows.len() as u64,
        embedded: patient.rows.iter().filter(|row| row.embedding.is_some()).count() as u64,
        label_conflicts: patient.label_conflicts(),
        near_duplicates: patient.near_duplicates(&near),
        leaks: patient.leaks(&near),
        small_intents: patient.small_intents(),
        merges: patient.merges(confusions),
        suspects: patient.suspects(),
    })
}

/// Two rows by index, the lower first, and their cosine.
#[derive(Debug, Clone, Copy)]
struct Near {
    low: usize,
    high: usize,
    cosine: f32,
}

/// The rows in the order of their content, with what all findings need.
struct Patient<'set> {
    rows: Vec<Specimen<'set>>,
    /// Label of each row, as its position in `labels`.
    label_of: Vec<usize>,
    /// Labels with their rows, ascending by name.
    labels: Vec<(&'set str, u64)>,
    /// Nearest rows of each row.
    neighbours: Vec<Vec<Neighbour>>,
}

impl<'set> Patient<'set> {
    fn of(specimens: &[Specimen<'set>]) -> Self {
        let mut rows = specimens.to_vec();
        rows.sort_by_key(|row| (row.content, row.side, row.embedding.map(Embedding::values)));
        // Of equal rows the last has an embedding if any has.
        rows.reverse();
        rows.dedup_by_key(|row| (row.content, row.side));
        rows.reverse();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(row.label).or_default() += 1);
        let labels: Vec<(&str, u64)> = counts.into_iter().collect();
        let label_of = rows.iter().map(|row| labels.partition_point(|(label, _)| *label < row.label)).collect();
        let silent = Embedding::from_values([0; DIMENSIONS]);
        let points: Vec<&Embedding> = rows.iter().map(|row| row.embedding.unwrap_or(&silent)).collect();
        let neighbours = nearest(&points, NEIGHBOURS, PROBES);
        Self { rows, label_of, labels, neighbours }
    }

    fn is_intent(&self, label: usize) -> bool {
        self.labels[label].0 != OUT_OF_SCOPE_LABEL
    }

    fn pair(&self, near: &Near) -> RowPair {
        RowPair {
            first: Row::of(&self.rows[near.low]),
            second: Row::of(&self.rows[near.high]),
            cosine: near.cosine.clamp(0.0, 1.0),
        }
    }

    /// Rows of each text that has several, by index.
    fn equal_texts(&self) -> Vec<Vec<usize>> {
        let mut by_text: Vec<usize> = (0..self.rows.len()).collect();
        by_text.sort_by_key(|&row| self.rows[row].text);
        let equal = by_text.chunk_by(|&a, &b| self.rows[a].text == self.rows[b].text);
        equal.filter(|rows| rows.len() > 1).map(<[usize]>::to_vec).collect()
    }

    /// Pairs of different texts that say the same, the most alike first.
    fn near_pairs(&self) -> Vec<Near> {
        let mut pairs = Vec::new();
        for (at, neighbours) in self.neighbours.iter().enumerate() {
            for neighbour in neighbours.iter().take_while(|neighbour| neighbour.cosine >= NEAR_DUPLICATE) {
                let other = neighbour.at as usize;
                if self.rows[at].text != self.rows[other].text {
                    pairs.push(Near { low: at.min(other), high: at.max(other), cosine: neighbour.cosine });
                }
            }
        }
        pairs.sort_by(|a, b| (a.low, a.high).cmp(&(b.low, b.high)).then(b.cosine.total_cmp(&a.cosine)));
        pairs.dedup_by_key(|pair| (pair.low, pair.high));
        pairs.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        pairs
    }

    fn label_conflicts(&self) -> Listed<LabelConflict> {
        let mut conflicts = Vec::new();
        for rows in self.equal_texts() {
            let by_label: BTreeMap<&str, &Specimen<'_>> =
                rows.iter().rev().map(|&row| (self.rows[row].label, &self.rows[row])).collect();
            if by_label.len() > 1 {
                conflicts.push(LabelConflict {
                    labels: by_label.keys().take(MAX_LISTED).map(|label| (*label).to_owned()).collect(),
                    rows: by_label.values().take(MAX_EXAMPLES).map(|row| Row::of(row)).collect(),
                });
            }
        }
        conflicts.sort_by_key(|conflict| Reverse(conflict.labels.len()));
        Listed::of(conflicts)
    }

    fn near_duplicates(&self, near: &[Near]) -> Listed<NearDuplicates> {
        let mut by_labels: BTreeMap<(usize, usize), (u64, Vec<RowPair>)> = BTreeMap::new();
        for pair in near {
            let (one, other) = (self.label_of[pair.low], self.label_of[pair.high]);
            if one == other {
                continue;
            }
            let (pairs, examples) = by_labels.entry((one.min(other), one.max(other))).or_default();
            *pairs += 1;
            if examples.len() < MAX_EXAMPLES {
                examples.push(self.pair(pair));
            }
        }
        let mut found: Vec<NearDuplicates> = by_labels
            .into_iter()
            .map(|((one, other), (pairs, examples))| NearDuplicates {
                labels: [one, other].map(|label| self.labels[label].0.to_owned()),
                pairs,
                examples,
            })
            .collect();
        found.sort_by_key(|duplicates| Reverse(duplicates.pairs));
        Listed::of(found)
    }

    fn leaks(&self, near: &[Near]) -> Option<Leaks> {
        let held_out = self.rows.iter().filter(|row| row.side == Side::HeldOut).count() as u64;
        let mut leaked = vec![false; self.rows.len()];
        let mut examples = Vec::new();
        let mut equal_texts = 0;
        for rows in self.equal_texts() {
            let Some(&twin) = rows.iter().find(|&&row| self.rows[row].side == Side::Training) else { continue };
            for &row in rows.iter().filter(|&&row| self.rows[row].side == Side::HeldOut) {
                leaked[row] = true;
                equal_texts += 1;
                if examples.len() < MAX_EXAMPLES {
                    examples.push(self.pair(&Near { low: twin.min(row), high: twin.max(row), cosine: 1.0 }));
                }
            }
        }
        for pair in near.iter().filter(|pair| self.rows[pair.low].side != self.rows[pair.high].side) {
            let row = if self.rows[pair.low].side == Side::HeldOut { pair.low } else { pair.high };
            leaked[row] = true;
            if examples.len() < MAX_EXAMPLES {
                examples.push(self.pair(pair));
            }
        }
        let leaked = leaked.into_iter().filter(|leaked| *leaked).count() as u64;
        Some(Leaks { leaked: Proportion::new(leaked, held_out)?, equal_texts, examples })
    }

    fn small_intents(&self) -> Listed<SmallIntent> {
        let mut small: Vec<SmallIntent> = self
            .labels
            .iter()
            .filter(|(label, rows)| *label != OUT_OF_SCOPE_LABEL && *rows < ENOUGH_ROWS)
            .map(|(label, rows)| SmallIntent { intent: (*label).to_owned(), rows: *rows, missing: ENOUGH_ROWS - rows })
            .collect();
        small.sort_by_key(|intent| intent.rows);
        Listed::of(small)
    }

    fn suspects(&self) -> Listed<SuspectedLabel> {
        let mut suspects = Vec::new();
        for (row, neighbours) in self.neighbours.iter().enumerate() {
            let own = self.label_of[row];
            // A row of a small intent has neighbours elsewhere for want of others.
            if neighbours.len() < NEIGHBOURS || self.labels[own].1 < ENOUGH_ROWS {
                continue;
            }
            let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
            neighbours
                .iter()
                .for_each(|neighbour| *votes.entry(self.label_of[neighbour.at as usize]).or_default() += 1);
            votes.remove(&own);
            let Some((suggested, agreeing)) = votes.into_iter().find(|(_, votes)| *votes >= AGREEING) else { continue };
            let nearness: f32 = neighbours.iter().map(|neighbour| neighbour.cosine).sum();
            suspects.push(((Reverse(agreeing), -nearness), row, suggested));
        }
        suspects.sort_by(|a, b| a.0.0.cmp(&b.0.0).then(a.0.1.total_cmp(&b.0.1)).then(a.1.cmp(&b.1)));
        let describe = |((agreeing, _), row, suggested): ((Reverse<usize>, f32), usize, usize)| SuspectedLabel {
            row: Row::of(&self.rows[row]),
            suggested: self.labels[suggested].0.to_owned(),
            agreeing: agreeing.0 as u32,
            neighbours: NEIGHBOURS as u32,
        };
        Listed::of(suspects.into_iter().map(describe).collect())
    }

    fn merges(&self, confusions: &[Confusion]) -> Listed<SuggestedMerge> {
        let slots = self.neighbour_slots();
        let slots_of = |from: usize, to: usize| slots[from].get(&to).copied().unwrap_or(0);
        let foremost_stranger = |label: usize| {
            let strangers = slots[label].iter().filter(|(other, _)| **other != label && self.is_intent(**other));
            strangers.min_by_key(|(other, count)| (Reverse(**count), **other)).map(|(other, _)| *other)
        };
        let mixing = |from: usize, to: usize| {
            let (own, stranger) = (slots_of(from, from) as f64, slots_of(from, to) as f64);
            let (rows, strangers) = (self.labels[from].1 as f64, self.labels[to].1 as f64);
            let by_lot = strangers / (rows + strangers - 1.0);
            (stranger / (own + stranger).max(1.0) / by_lot).min(1.0)
        };
        let centres = self.centres();
        let mut merges = Vec::new();
        for one in (0..self.labels.len()).filter(|&label| self.is_intent(label)) {
            let Some(other) = foremost_stranger(one) else { continue };
            if other < one || foremost_stranger(other) != Some(one) {
                continue;
            }
            let intents = [one, other].map(|label| self.labels[label].0);
            let confusions: u64 = confusions
                .iter()
                .filter(|confusion| is_between(confusion, intents))
                .map(|confusion| confusion.count)
                .sum();
            let mixing = mixing(one, other).min(mixing(other, one));
            let similarity = centres[one].cosine(&centres[other]);
            let least = if confusions >= CONFUSED { MIXED_AND_CONFUSED } else { MIXED };
            if mixing >= least && similarity >= CENTRES_ALIKE {
                merges.push(SuggestedMerge { intents: intents.map(str::to_owned), mixing, similarity, confusions });
            }
        }
        merges.sort_by(|a, b| b.mixing.total_cmp(&a.mixing).then(a.intents.cmp(&b.intents)));
        Listed::of(merges)
    }

    /// How often rows of each label have neighbours of each.
    fn neighbour_slots(&self) -> Vec<BTreeMap<usize, u64>> {
        let mut slots = vec![BTreeMap::new(); self.labels.len()];
        for (neighbours, &label) in self.neighbours.iter().zip(&self.label_of) {
            for neighbour in neighbours {
                *slots[label].entry(self.label_of[neighbour.at as usize]).or_default() += 1;
            }
        }
        slots
    }

    /// The mean of each label's rows, relative to the mean of all rows.
    fn centres(&self) -> Vec<Embedding> {
        let mut sums = vec![([0.0_f32; DIMENSIONS], 0.0_f32); self.labels.len()];
        for (row, &label) in self.rows.iter().zip(&self.label_of) {
            let Some(embedding) = row.embedding else { continue };
            let (sum, count) = &mut sums[label];
            sum.iter_mut().zip(embedding.to_vector()).for_each(|(sum, value)| *sum += value);
            *count += 1.0;
        }
        let mut mean = [0.0_f32; DIMENSIONS];
        let all: f32 = sums.iter().map(|(_, count)| count).sum();
        for (sum, _) in &sums {
            mean.iter_mut().zip(sum).for_each(|(mean, value)| *mean += value / all.max(1.0));
        }
        sums.iter()
            .map(|(sum, count)| {
                Embedding::of(&std::array::from_fn(|dimension| sum[dimension] - count * mean[dimension]))
            })
            .collect()
    }
}

fn is_between(confusion: &Confusion, [one, other]: [&str; 2]) -> bool {
    let pair = (confusion.actual.as_str(), confusion.predicted.as_deref());
    pair == (one, Some(other)) || pair == (other, Some(one))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::neighbours::tests::near_topic;

    /// A row as a test writes it, owning its embedding.
    #[derive(Debug, Clone)]
    struct Example {
        text: String,
        label: &'static str,
        side: Side,
        embedding: Option<Embedding>,
    }

    fn plain(text: &str, label: &'static str) -> Example {
        Example { text: text.to_owned(), label, side: Side::Training, embedding: None }
    }

    fn about(topic: u64, member: u64, label: &'static str) -> Example {
        Example { embedding: Some(near_topic(topic, member, 1.5)), ..plain(&format!("{topic} {member}"), label) }
    }

    fn diagnose(examples: &[Example], confusions: &[Confusion]) -> Findings {
        let specimens: Vec<Specimen<'_>> = examples
            .iter()
            .map(|example| Specimen {
                text: ContentHash::of(&example.text, None),
                content: ContentHash::of(&example.text, Some(example.label)),
                label: example.label,
                side: example.side,
                embedding: example.embedding.as_ref(),
            })
            .collect();
        examine(&specimens, confusions).unwrap()
    }

    fn three_healthy_intents() -> Vec<Example> {
        (0..60).map(|member| about(member % 3, member, ["card", "refund", "login"][member as usize % 3])).collect()
    }

    #[test]
    fn healthy_data_has_no_findings() {
        let findings = diagnose(&three_healthy_intents(), &[]);
        assert_eq!((findings.rows, findings.embedded), (60, 60));
        assert_eq!(findings.label_conflicts.total, 0);
        assert_eq!(findings.near_duplicates.total, 0);
        assert_eq!(findings.leaks, None);
        assert_eq!(findings.small_intents.total, 0);
        assert_eq!(findings.merges.total, 0);
        assert_eq!(findings.suspects.total, 0);
    }

    #[test]
    fn one_text_under_two_labels_is_a_conflict_even_without_embeddings() {
        let findings =
            diagnose(&[plain("Where is it?", "card"), plain("where is  it?", "refund"), plain("hi", "card")], &[]);
        assert_eq!(findings.label_conflicts.total, 1);
        assert_eq!(findings.label_conflicts.listed[0].labels, ["card", "refund"]);
        assert_eq!(findings.embedded, 0);
    }

    #[test]
    fn nearly_equal_texts_under_two_labels_are_shown_by_pairs_of_labels() {
        let mut examples = three_healthy_intents();
        let twin = Example { embedding: examples[0].embedding.clone(), ..plain("0 0!", "refund") };
        examples.push(twin);
        let findings = diagnose(&examples, &[]);
        assert_eq!(findings.near_duplicates.total, 1);
        let found = &findings.near_duplicates.listed[0];
        assert_eq!((found.labels.clone(), found.pairs), (["card".to_owned(), "refund".to_owned()], 1));
        assert!(found.examples[0].cosine > 0.999);
    }

    #[test]
    fn what_is_on_both_sides_of_the_hold_out_is_a_leak() {
        let mut examples = three_healthy_intents();
        examples.push(Example {
            side: Side::HeldOut,
            embedding: examples[0].embedding.clone(),
            ..plain("0 0 ?", "card")
        });
        examples.push(Example { side: Side::HeldOut, ..examples[1].clone() });
        examples.push(Example { side: Side::HeldOut, ..about(2, 700, "login") });
        let leaks = diagnose(&examples, &[]).leaks.unwrap();
        assert_eq!((leaks.leaked.count, leaks.leaked.of, leaks.equal_texts), (2, 3, 1));
        assert_eq!(leaks.examples.len(), 2);
    }

    #[test]
    fn a_small_intent_is_told_how_much_it_lacks_and_out_of_scope_is_no_intent() {
        let mut examples = three_healthy_intents();
        examples.extend([plain("lost it", "loss"), plain("bla", OUT_OF_SCOPE_LABEL)]);
        let findings = diagnose(&examples, &[]);
        assert_eq!(findings.small_intents.listed, [SmallIntent { intent: "loss".into(), rows: 1, missing: 9 }]);
    }

    #[test]
    fn one_topic_under_two_names_is_a_suggested_merge() {
        let mut examples = three_healthy_intents();
        examples.extend((100..120).map(|member| about(0, member, "bank_card")));
        let findings = diagnose(&examples, &[]);
        assert_eq!(findings.merges.total, 1);
        let merge = &findings.merges.listed[0];
        assert_eq!(merge.intents, ["bank_card", "card"]);
        assert!(merge.mixing > 0.7 && merge.similarity > 0.9, "{merge:?}");
    }

    #[test]
    fn confusions_count_in_both_directions() {
        let confusion = |actual: &str, predicted: &str| Confusion {
            actual: actual.into(),
            predicted: Some(predicted.into()),
            count: 2,
        };
        let mut examples = three_healthy_intents();
        examples.extend((100..120).map(|member| about(0, member, "bank_card")));
        let confusions = [confusion("card", "bank_card"), confusion("bank_card", "card"), confusion("card", "login")];
        assert_eq!(diagnose(&examples, &confusions).merges.listed[0].confusions, 4);
    }

    #[test]
    fn a_row_among_rows_of_another_label_is_suspected() {
        let mut examples = three_healthy_intents();
        examples.push(about(1, 900, "card"));
        let findings = diagnose(&examples, &[]);
        assert_eq!(findings.suspects.total, 1);
        let suspect = &findings.suspects.listed[0];
        assert_eq!(suspect.row.content, ContentHash::of("1 900", Some("card")).to_string());
        assert_eq!((suspect.row.label.as_str(), suspect.suggested.as_str()), ("card", "refund"));
    }

    #[test]
    fn lists_are_bounded_and_totals_are_not() {
        let examples: Vec<Example> =
            (0..200).flat_map(|at| [plain(&at.to_string(), "card"), plain(&at.to_string(), "refund")]).collect();
        let conflicts = diagnose(&examples, &[]).label_conflicts;
        assert_eq!((conflicts.total, conflicts.listed.len()), (200, MAX_LISTED));
    }

    #[test]
    fn nothing_has_nothing_wrong_and_too_much_is_refused() {
        assert_eq!(examine(&[], &[]).unwrap().rows, 0);
        let content = ContentHash::of("", None);
        let one = Specimen { text: content, content, label: "card", side: Side::Training, embedding: None };
        assert_eq!(examine(&vec![one; MAX_ROWS + 1], &[]), Err(DoctorError::TooManyRows { rows: MAX_ROWS + 1 }));
    }

    fn ailing() -> Vec<Example> {
        let mut examples = three_healthy_intents();
        examples.push(Example { embedding: examples[0].embedding.clone(), ..plain("0 0!", "refund") });
        examples.push(about(1, 900, "card"));
        examples.push(Example { side: Side::HeldOut, ..examples[1].clone() });
        examples.push(Example { label: "login", ..examples[1].clone() });
        examples.extend((100..120).map(|member| about(0, member, "bank_card")));
        examples.push(plain("lost it", "loss"));
        examples
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn the_order_of_rows_makes_no_difference(shuffled in Just(ailing()).prop_shuffle()) {
            prop_assert_eq!(diagnose(&shuffled, &[]), diagnose(&ailing(), &[]));
        }
    }

    #[test]
    fn findings_survive_their_journey_as_json() {
        let findings = diagnose(&ailing(), &[]);
        let written = serde_json::to_string(&findings).unwrap();
        assert_eq!(serde_json::from_str::<Findings>(&written).unwrap(), findings);
    }
}
