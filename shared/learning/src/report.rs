//! What a training has learnt, how well, and what to mend: everything somebody needs before trusting a version.
//!
//! The report is put together by whoever has the parts; it is read as JSON or as one printable page
//! ([`Report::to_html`]). The learning itself keeps no texts, so examples are given by the caller, who has redacted
//! them. [`Report::bounded`] holds whatever was given to the bounds named here, and the page always keeps them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Evaluation, Parameters,
    comparison::Comparison,
    doctor::{self, Findings, Row, RowPair},
    evaluation::{CALIBRATION_BINS, MAX_CONFUSIONS, Proportion},
    knowledge::{self, Agreement, Case},
    language::Languages,
    scope::{BUDGETS, ScopeCurve},
};

mod agreement;
mod charts;
mod page;

/// Uploads that are listed.
pub const MAX_SOURCES: usize = 100;
/// Intents that are listed.
pub const MAX_INTENTS: usize = 2_000;
/// Examples of one confusion.
pub const MAX_EXAMPLES: usize = 3;
/// Past questions that are shown beside both answers.
pub const MAX_CASES: usize = 30;
/// Characters of a text or a name; of a longer one the beginning is shown.
pub const MAX_CHARACTERS: usize = 200;
/// Stages whose time is told.
pub const MAX_STAGES: usize = 20;

/// An upload that was learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Identifies the upload.
    pub upload_id: String,
    /// Rows read from it.
    pub rows: u64,
    /// Labelled rows that were known already, from it or from another upload.
    pub duplicates: u64,
    /// Rows without a label, which are not learnt from.
    pub unlabelled: u64,
}

/// Whether the sentence encoder was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoder {
    /// Rows were learnt by their meaning and by their n-grams.
    Present,
    /// Rows were learnt by their n-grams alone: the model knows words, not paraphrases.
    Absent,
}

/// A mistake that was made often, with texts on which it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfusionExamples {
    /// The rows' intent.
    pub actual: String,
    /// What they were taken for; `None` for out of scope.
    pub predicted: Option<String>,
    /// Rows.
    pub count: u64,
    /// Texts of some of the rows, at most [`MAX_EXAMPLES`].
    pub examples: Vec<String>,
}

/// Rows of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReliabilityBin {
    /// Mean confidence of its rows, 0 to 1.
    pub confidence: f64,
    /// Rows whose best intent is right. Calibrated, this share is the confidence.
    pub right: Proportion,
}

/// Confidence against the share of right answers, before and after calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reliability {
    /// Of the confidence as the head gives it.
    pub before: Vec<ReliabilityBin>,
    /// Of the confidence as it is served.
    pub after: Vec<ReliabilityBin>,
}

impl ReliabilityBin {
    /// The bins of a reliability diagram, ascending (DeGroot & Fienberg 1983): confidences of in-scope rows and whether
    /// their best intent is right, in [`CALIBRATION_BINS`] bins of equal width, of which empty ones are left out.
    /// Confidences are summed in millionths, so the order of rows does not show.
    #[must_use]
    pub fn of(rows: &[(f32, Rightness)]) -> Vec<Self> {
        const MILLIONTHS: f64 = 1e6;
        let mut bins = [(0_u64, 0_u64, 0_u64); CALIBRATION_BINS];
        for (confidence, rightness) in rows {
            let confidence = f64::from(*confidence).clamp(0.0, 1.0);
            let bin = &mut bins[((confidence * CALIBRATION_BINS as f64) as usize).min(CALIBRATION_BINS - 1)];
            bin.0 += (confidence * MILLIONTHS).round() as u64;
            bin.1 += u64::from(*rightness == Rightness::Right);
            bin.2 += 1;
        }
        bins.into_iter()
            .filter_map(|(confidence, right, rows)| {
                let right = Proportion::new(right, rows)?;
                Some(Self { confidence: confidence as f64 / MILLIONTHS / rows as f64, right })
            })
            .collect()
    }
}

/// Whether a row's best intent is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rightness {
    /// It is.
    Right,
    /// It is not.
    Wrong,
}

/// What the training took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Gigabyte-seconds of function time.
    pub gb_seconds: f64,
    /// Time by stage, in the order of the stages.
    pub stages: Vec<StageTime>,
}

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: String,
    /// Seconds from its beginning to its end.
    pub seconds: f64,
}

/// What the version was made of, so that it can be made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// SHA-256 of the artefact, hexadecimal.
    pub model_hash: String,
    /// SHA-256 over the distinct training rows, hexadecimal.
    pub data_hash: String,
    /// Version of the method; see [`CODE_VERSION`](crate::CODE_VERSION).
    pub code_version: u32,
}

/// The report on a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// When it was made, as it should be shown.
    pub created_at: String,
    /// What the version was made of.
    pub provenance: Provenance,
    /// How it was trained.
    pub parameters: Parameters,
    /// The uploads it learnt from, at most [`MAX_SOURCES`].
    pub sources: Vec<Source>,
    /// Languages of the messages.
    pub languages: Languages,
    /// Whether the sentence encoder was there.
    pub encoder: Encoder,
    /// Why no intents were learnt, for people; absent where some were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_intents: Option<String>,
    /// Texts that questions can be answered with.
    #[serde(default)]
    pub passages: u64,
    /// Agreement with people on their past questions; absent where too few were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Past questions beside the machine's and the person's answers: examples of each kind, at most [`MAX_CASES`].
    #[serde(default)]
    pub cases: Vec<Case>,
    /// What it scored on the hold-out; absent where there were too few rows to hold any out.
    pub evaluation: Option<Evaluation>,
    /// The commonest mistakes with examples, at most [`MAX_CONFUSIONS`].
    pub confusions: Vec<ConfusionExamples>,
    /// Confidence against the share of right answers.
    pub reliability: Option<Reliability>,
    /// What recognising messages without an intent costs.
    pub scope: Option<ScopeCurve>,
    /// How it compares with the deployed version; absent where none was deployed.
    pub comparison: Option<Comparison>,
    /// What is wrong with the data.
    pub findings: Option<Findings>,
    /// Texts of the rows that the findings quote (see [`quoted_rows`]), by content hash in hexadecimal.
    pub texts: BTreeMap<String, String>,
    /// What it took.
    pub cost: Cost,
}

/// Content hashes of the rows whose texts a report on these findings shows, in hexadecimal.
#[must_use]
pub fn quoted_rows(findings: &Findings) -> BTreeSet<&str> {
    let conflicts = findings.label_conflicts.listed.iter().flat_map(|conflict| &conflict.rows);
    let pairs = findings.near_duplicates.listed.iter().flat_map(|near| &near.examples);
    let leaked = findings.leaks.iter().flat_map(|leaks| &leaks.examples);
    let suspects = findings.suspects.listed.iter().map(|suspect| &suspect.row);
    let paired = pairs.chain(leaked).flat_map(|pair: &RowPair| [&pair.first, &pair.second]);
    conflicts.chain(paired).chain(suspects).map(|row: &Row| row.content.as_str()).collect()
}

impl Report {
    /// The report within its bounds: what is beyond the end of a list is dropped, and of long texts the end is.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let Provenance { model_hash, data_hash, .. } = &mut self.provenance;
        [&mut self.created_at, model_hash, data_hash].into_iter().for_each(shorten);
        self.no_intents.iter_mut().for_each(shorten);
        self.sources.truncate(MAX_SOURCES);
        self.sources.iter_mut().for_each(|source| shorten(&mut source.upload_id));
        self.cost.stages.truncate(MAX_STAGES);
        self.cost.stages.iter_mut().for_each(|stage| shorten(&mut stage.stage));
        self.confusions.truncate(MAX_CONFUSIONS);
        for confusion in &mut self.confusions {
            shorten(&mut confusion.actual);
            confusion.predicted.iter_mut().for_each(shorten);
            confusion.examples.truncate(MAX_EXAMPLES);
            confusion.examples.iter_mut().for_each(shorten);
        }
        if let Some(evaluation) = &mut self.evaluation {
            evaluation.intents.truncate(MAX_INTENTS);
            evaluation.intents.iter_mut().for_each(|metrics| shorten(&mut metrics.intent));
            evaluation.confusions.truncate(MAX_CONFUSIONS);
            for confusion in &mut evaluation.confusions {
                shorten(&mut confusion.actual);
                confusion.predicted.iter_mut().for_each(shorten);
            }
        }
        if let Some(agreement) = &mut self.agreement {
            agreement.points.truncate(knowledge::MAX_POINTS);
        }
        self.cases.truncate(MAX_CASES);
        for case in &mut self.cases {
            [&mut case.question, &mut case.answer, &mut case.reply].into_iter().for_each(shorten);
        }
        if let Some(reliability) = &mut self.reliability {
            reliability.before.truncate(CALIBRATION_BINS);
            reliability.after.truncate(CALIBRATION_BINS);
        }
        if let Some(scope) = &mut self.scope {
            scope.points.truncate(BUDGETS.len());
        }
        self.findings.iter_mut().for_each(bound_findings);
        let quoted = self.findings.as_ref().map(quoted_rows).unwrap_or_default();
        self.texts.retain(|content, _| quoted.contains(content.as_str()));
        self.texts.values_mut().for_each(shorten);
        self
    }

    /// The report as one page that can be printed: no scripts, nothing loaded from elsewhere, every text escaped.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::page(&self.clone().bounded())
    }
}

fn bound_findings(findings: &mut Findings) {
    findings.label_conflicts.listed.truncate(doctor::MAX_LISTED);
    for conflict in &mut findings.label_conflicts.listed {
        conflict.labels.truncate(doctor::MAX_EXAMPLES);
        conflict.labels.iter_mut().for_each(shorten);
        conflict.rows.truncate(doctor::MAX_EXAMPLES);
        conflict.rows.iter_mut().for_each(bound_row);
    }
    findings.near_duplicates.listed.truncate(doctor::MAX_LISTED);
    for near in &mut findings.near_duplicates.listed {
        near.labels.iter_mut().for_each(shorten);
        bound_pairs(&mut near.examples);
    }
    findings.leaks.iter_mut().for_each(|leaks| bound_pairs(&mut leaks.examples));
    findings.small_intents.listed.truncate(doctor::MAX_LISTED);
    findings.small_intents.listed.iter_mut().for_each(|small| shorten(&mut small.intent));
    findings.merges.listed.truncate(doctor::MAX_LISTED);
    findings.merges.listed.iter_mut().flat_map(|merge| &mut merge.intents).for_each(shorten);
    findings.suspects.listed.truncate(doctor::MAX_LISTED);
    for suspect in &mut findings.suspects.listed {
        bound_row(&mut suspect.row);
        shorten(&mut suspect.suggested);
    }
}

fn bound_pairs(pairs: &mut Vec<RowPair>) {
    pairs.truncate(doctor::MAX_EXAMPLES);
    pairs.iter_mut().flat_map(|pair| [&mut pair.first, &mut pair.second]).for_each(bound_row);
}

fn bound_row(row: &mut Row) {
    shorten(&mut row.content);
    shorten(&mut row.label);
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARACTERS) {
        let kept = text[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        text.truncate(kept);
        text.push('…');
    }
}

#[cfg(test)]
mod tests;
