//! Coverage and agreement: the share of questions the machine would have answered, and answered as people did.
//!
//! No labels are needed: past questions are asked again, each with its conversation left out, and the answer group that is
//! found is compared with the reply that a person gave. Probabilities come from a calibration on the other half of the
//! conversations, so that nothing is measured on what it was fitted to.

use std::collections::BTreeMap;

use romashka_types::reply::Act;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    KnowledgeIndex, SourceKind,
    gathering::Gathered,
    rehearsal::{Rehearsal, Rehearsed},
};
use crate::{
    comparison::{Comparison, PairedRow},
    content::{ContentHash, Group},
    evaluation::Proportion,
};

/// Probability from which an FAQ entry or an article is given, and a past reply where the tenant's past does not tell a
/// better limit. On public questions nineteen of twenty such answers are right.
pub const DEFAULT_THRESHOLD: f64 = 0.55;
/// Agreement that an answer must promise unless another target is set.
pub const DEFAULT_TARGET: f64 = 0.9;
/// Questions below which agreement is not measured.
pub const LEAST_QUESTIONS: usize = 20;
/// Points of a curve, at most.
pub const MAX_POINTS: usize = 20;
/// Examples that are shown, at most, of each kind.
pub const MAX_EXAMPLES: usize = 5;
/// Probability below which nothing is answered, however well the past went: questions of tomorrow may have no answer here, and
/// the past tells nothing of those.
const LEAST_THRESHOLD: f64 = 0.5;
/// Probability from which is answered where no threshold reaches the target.
const CAUTIOUS_THRESHOLD: f64 = 0.9;

/// Coverage and agreement on the tenant's own past questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// Questions that were asked again.
    pub questions: u64,
    /// Agreement that the threshold was chosen for, 0 to 1.
    pub target: f64,
    /// Probability from which a past reply is given.
    pub threshold: f64,
    /// Questions that would have been answered at the threshold, of all.
    pub answered: Proportion,
    /// Answers that say what people said, of those given at the threshold; `null` where none was given.
    pub agreed: Option<Proportion>,
    /// The curve, from few sure answers to many.
    pub points: Vec<AgreementPoint>,
}

/// A point of the coverage–agreement curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgreementPoint {
    /// Probability from which a past reply is given.
    pub threshold: f64,
    /// Questions answered, of all.
    pub answered: Proportion,
    /// Answers that agree, of those given.
    pub agreed: Proportion,
}

/// A past question put to a version: whether the version would have answered it as people did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The question.
    pub question: ContentHash,
    /// Its conversation.
    pub conversation: Group,
    /// True where the machine would have answered, and as people did.
    pub agrees: bool,
}

impl Outcome {
    const BYTES: usize = ContentHash::LENGTH + size_of::<u64>() + 1;

    /// Outcomes as they are stored, one after the other: the question's hash, its conversation's in little-endian order, and 1
    /// where it agrees.
    #[must_use]
    pub fn to_bytes(outcomes: &[Self]) -> Vec<u8> {
        let bytes = |it: &Self| {
            [it.question.as_bytes().as_slice(), &it.conversation.bits().to_le_bytes(), &[u8::from(it.agrees)]].concat()
        };
        outcomes.iter().flat_map(bytes).collect()
    }

    /// The outcomes that [`Outcome::to_bytes`] wrote; what is cut short at the end is left out.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Vec<Self> {
        let outcome = |bytes: &[u8]| {
            let (question, rest) = bytes.split_first_chunk()?;
            let (conversation, agrees) = rest.split_first_chunk()?;
            Some(Self {
                question: ContentHash::from_bytes(*question),
                conversation: Group::from_bits(u64::from_le_bytes(*conversation)),
                agrees: agrees == [1],
            })
        };
        bytes.chunks_exact(Self::BYTES).filter_map(outcome).collect()
    }
}

/// A candidate compared with the deployed version on the past questions that were put to both, by the share answered as
/// people did; `None` where there are none. Each version was asked without the question's conversation.
#[must_use]
pub fn compare_outcomes(deployed: &[Outcome], candidate: &[Outcome]) -> Option<Comparison> {
    let before: BTreeMap<ContentHash, Outcome> = deployed.iter().map(|outcome| (outcome.question, *outcome)).collect();
    let said = |agrees: bool| agrees.then_some(AS_PEOPLE_DID);
    let rows = candidate.iter().filter_map(|candidate| {
        let deployed = before.get(&candidate.question)?;
        Some(PairedRow {
            group: candidate.conversation,
            actual: Some(AS_PEOPLE_DID),
            deployed: said(deployed.agrees),
            candidate: said(candidate.agrees),
        })
    });
    Comparison::of(&rows.collect::<Vec<_>>())
}

/// The one label of such a comparison.
const AS_PEOPLE_DID: &str = "as_people_did";

/// A past question beside both answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Case {
    /// The comparison.
    pub verdict: Verdict,
    /// The customer's question, redacted.
    pub question: String,
    /// The machine's answer, with its slots.
    pub answer: String,
    /// The person's reply, with its slots.
    pub reply: String,
    /// Probability of the machine's answer.
    pub probability: f64,
}

/// The machine's answer beside the person's reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both say the same.
    Agrees,
    /// The person answered something else.
    OtherAnswer,
    /// The person asked back.
    AskedBack,
    /// The person passed it on.
    HandedOver,
    /// The person promised to find out.
    Promised,
    /// The person only thanked, greeted or apologised.
    Courtesy,
}

impl Agreement {
    /// The lowest threshold on the curve at which answers agree at least this often; `None` where none does.
    #[must_use]
    pub fn threshold_for(&self, target: f64) -> Option<f64> {
        let is_enough = |point: &AgreementPoint| point.threshold >= LEAST_THRESHOLD && point.agreed.value >= target;
        let reaching = self.points.iter().rposition(is_enough)?;
        let all = reaching + 1 == self.points.len();
        Some(if all { LEAST_THRESHOLD } else { self.points[reaching].threshold })
    }

    /// Agreement at the default target; `None` of fewer than [`LEAST_QUESTIONS`].
    pub(super) fn of(rehearsal: &Rehearsal) -> Option<Self> {
        let questions = rehearsal.questions.len();
        if questions < LEAST_QUESTIONS {
            return None;
        }
        let given = rehearsal.questions.iter().filter_map(answer);
        let (curated, mut answers): (Vec<_>, Vec<_>) = given.partition(|answer| answer.kind != SourceKind::Reply);
        let curated: Vec<&Answer> = curated.iter().filter(|answer| answer.probability >= DEFAULT_THRESHOLD).collect();
        let curated_agreed = curated.iter().filter(|answer| answer.agrees).count() as u64;
        let curated = curated.len() as u64;
        answers.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.agrees.cmp(&b.agrees)));
        let mut agreed = 0;
        // Past replies alone decide the threshold; what was written to be an answer has one of its own.
        let mut curve: Vec<(f64, u64, u64)> = Vec::new();
        for (at, answer) in answers.iter().enumerate() {
            agreed += u64::from(answer.agrees);
            // Of equal probabilities the last stands for all.
            if answers.get(at + 1).is_none_or(|next| next.probability < answer.probability) {
                curve.push((answer.probability, at as u64 + 1, agreed));
            }
        }
        let reached = curve.iter().rposition(|(probability, answered, agreed)| {
            *probability >= LEAST_THRESHOLD && *agreed as f64 >= DEFAULT_TARGET * *answered as f64
        });
        // Midway to the next answer that is not given; where all are, as low as is ever answered.
        let threshold = reached.map_or(CAUTIOUS_THRESHOLD, |at| {
            let next = curve.get(at + 1).map_or(0.0, |(next, ..)| *next);
            f64::midpoint(curve[at].0, next).max(LEAST_THRESHOLD).min(curve[at].0)
        });
        let threshold = if reached.is_some_and(|at| at + 1 == curve.len()) { LEAST_THRESHOLD } else { threshold };
        let at = curve.iter().rev().find(|(probability, ..)| *probability >= threshold);
        let (_, answered, agreed) = at.copied().unwrap_or((threshold, 0, 0));
        let all = questions as u64;
        let point = |(threshold, answered, agreed): &(f64, u64, u64)| {
            Some(AgreementPoint {
                threshold: *threshold,
                answered: Proportion::new(*answered + curated, all)?,
                agreed: Proportion::new(*agreed + curated_agreed, *answered + curated)?,
            })
        };
        let shown = curve.len().min(MAX_POINTS);
        let points = (1..=shown).filter_map(|number| point(&curve[number * curve.len() / shown - 1])).collect();
        Some(Self {
            questions: all,
            target: DEFAULT_TARGET,
            threshold,
            answered: Proportion::new(answered + curated, all)?,
            agreed: Proportion::new(agreed + curated_agreed, answered + curated),
            points,
        })
    }
}

/// The machine's answer to a rehearsed question.
struct Answer {
    probability: f64,
    kind: SourceKind,
    agrees: bool,
}

/// The answer; `None` where the machine would not answer at any threshold.
fn answer(question: &Rehearsed) -> Option<Answer> {
    let first = question.first.filter(|first| first.act == Act::Answer)?;
    Some(Answer { probability: f64::from(first.probability), kind: first.kind, agrees: first.agrees })
}

/// The outcome of each rehearsed question at a threshold of past replies.
pub(super) fn outcomes(rehearsal: &Rehearsal, threshold: f64) -> Vec<Outcome> {
    let outcome = |question: &Rehearsed| {
        let given = answer(question).filter(|answer| {
            answer.probability >= if answer.kind == SourceKind::Reply { threshold } else { DEFAULT_THRESHOLD }
        });
        Outcome {
            question: question.question,
            conversation: question.conversation,
            agrees: given.is_some_and(|answer| answer.agrees),
        }
    };
    rehearsal.questions.iter().map(outcome).collect()
}

impl KnowledgeIndex {
    /// Examples of each verdict among the answers that would have been given, the surest first.
    pub(super) fn cases(&self, gathered: &[Gathered], rehearsal: &Rehearsal, threshold: f64) -> Vec<Case> {
        let mut given: Vec<(Verdict, &Rehearsed, f64)> = rehearsal
            .questions
            .iter()
            .filter_map(|question| {
                let answer = answer(question)?;
                let threshold = if answer.kind == SourceKind::Reply { threshold } else { DEFAULT_THRESHOLD };
                (answer.probability >= threshold)
                    .then(|| (self.verdict(question, answer.agrees), question, answer.probability))
            })
            .collect();
        given.sort_by(|(a, a_question, a_probability), (b, b_question, b_probability)| {
            a.cmp(b).then(b_probability.total_cmp(a_probability)).then(a_question.question.cmp(&b_question.question))
        });
        let mut cases = Vec::new();
        for of_verdict in given.chunk_by(|(a, ..), (b, ..)| a == b) {
            for (verdict, question, probability) in of_verdict.iter().take(MAX_EXAMPLES) {
                let (position, at) = (question.answered_with, question.place);
                let Some(first) = question.first else { continue };
                let given = self.groups[first.group as usize].answers.first();
                let answer = given.and_then(|at| self.passages[*at as usize].answers.first());
                cases.push(Case {
                    verdict: *verdict,
                    question: gathered[position].past_questions[at].text.text.clone(),
                    answer: answer.map(|answer| answer.text.clone()).unwrap_or_default(),
                    reply: self.passages[position].answers[0].text.clone(),
                    probability: *probability,
                });
            }
        }
        cases
    }

    fn verdict(&self, question: &Rehearsed, agrees: bool) -> Verdict {
        match self.passages[question.answered_with].answers[0].act {
            _ if agrees => Verdict::Agrees,
            Act::Answer => Verdict::OtherAnswer,
            Act::Question => Verdict::AskedBack,
            Act::HandOver => Verdict::HandedOver,
            Act::Promise => Verdict::Promised,
            Act::Courtesy => Verdict::Courtesy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Verdict as Judgement;

    fn outcomes(range: std::ops::Range<u64>, agrees: impl Fn(u64) -> bool) -> Vec<Outcome> {
        let outcome = |number: u64| Outcome {
            question: ContentHash::of(&number.to_string(), None),
            conversation: Group::from_bits(number),
            agrees: agrees(number),
        };
        range.map(outcome).collect()
    }

    #[test]
    fn outcomes_are_read_as_they_were_stored() {
        let stored = outcomes(0..3, |number| number == 1);
        let bytes = Outcome::to_bytes(&stored);
        assert_eq!(Outcome::from_bytes(&bytes), stored);
        assert_eq!(Outcome::from_bytes(&bytes[..bytes.len() - 1]), stored[..2]);
    }

    #[test]
    fn versions_are_compared_on_the_questions_that_were_put_to_both() {
        let before = outcomes(0..600, |number| number % 2 == 0);
        let better = compare_outcomes(&before, &outcomes(100..900, |number| number % 4 != 3)).unwrap();
        assert_eq!((better.rows, better.gained, better.lost, better.verdict), (500, 125, 0, Judgement::Better));
        let same = compare_outcomes(&before, &before).unwrap();
        assert_eq!(same.verdict, Judgement::NoDetectableChange);
        assert_eq!(compare_outcomes(&before, &outcomes(700..900, |_| true)), None);
    }
}
