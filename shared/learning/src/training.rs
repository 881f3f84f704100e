//! From rows to a model that knows how good it is.
//!
//! # What is measured and what is shipped
//! The recipe is run twice. The *evaluation twin* learns from the training side of the hold-out only; n-grams,
//! their weights, temperature and out-of-scope rule included, nothing of it has seen a held-out row. Every figure
//! in [`Evaluation`] is the twin's, with the 8-bit weights that would be served. The *shipped model* is then
//! fitted in the same way on all rows, and takes the temperature and the out-of-scope rule over, because no unseen
//! rows are left to fit them on.
//!
//! # What calibrates
//! With at least [`CALIBRATION_ROWS`] in-scope rows held out, these calibrate; to keep the figures honest each half
//! of the hold-out is then judged by a calibration fitted on the other half, while the shipped one is fitted on both.
//! A smaller hold-out says too little, so the training side is cross-validated in five parts, whose unseen rows
//! calibrate.

use std::{
    collections::{BTreeMap, HashMap},
    ops::{ControlFlow, Range},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    OUT_OF_SCOPE_LABEL,
    batch::FeaturisedRow,
    calibration::{Calibration, Unseen, Verdict},
    content::{ContentHash, Group},
    evaluation::{Evaluation, Outcome},
    head::{Entry, Head, Lessons, QuantisedHead, Weighting},
    hold_out,
    model::Model,
    parameters::{ParameterError, Parameters},
    vocabulary::Vocabulary,
};

/// Intents of a model.
pub const MAX_INTENTS: usize = 2_000;
/// Distinct labelled rows of a training set.
pub const MAX_ROWS: usize = 250_000;
/// Known n-grams of all rows together: what bounds the memory, at 8 bytes each.
pub const MAX_ENTRIES: usize = 80_000_000;
/// Intents without which there is nothing to tell apart.
pub const MIN_INTENTS: usize = 2;
/// Distinct labelled rows below which nothing is worth learning.
pub const MIN_ROWS: usize = 10;
/// In-scope rows that calibrate by themselves.
pub const CALIBRATION_ROWS: usize = 200;

const FOLDS: u64 = 5;

/// Why there is no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// Nothing to tell apart.
    #[error(
        "the training data has {found} intents but at least {MIN_INTENTS} are needed; label rows with another intent"
    )]
    TooFewIntents {
        /// Intents found, out of scope not counted.
        found: usize,
    },
    /// Too little to learn from.
    #[error("the training data has {found} distinct labelled rows but at least {MIN_ROWS} are needed; label more rows")]
    TooFewRows {
        /// Distinct labelled rows found.
        found: usize,
    },
    /// More intents than a head may have.
    #[error("the training data has more than {MAX_INTENTS} intents; merge intents, or check that labels are not texts")]
    TooManyIntents,
    /// More rows than fit.
    #[error("the training data has more than {MAX_ROWS} distinct labelled rows; train on a part of them")]
    TooManyRows,
    /// More text than fits.
    #[error("the texts hold more than {MAX_ENTRIES} n-grams; train on fewer or shorter rows")]
    TooMuchText,
    /// No n-gram is common enough.
    #[error("no n-gram occurs in `min_df` rows or more; lower `min_df` or add rows")]
    NothingInCommon,
    /// A parameter outside its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The caller asked to stop.
    #[error("the training was cancelled")]
    Cancelled,
}

/// Second pass: the rows to learn from, by known n-grams.
///
/// Neither the order in which rows arrive, nor their batches, nor deliveries of the same row again make a
/// difference.
#[derive(Debug)]
pub struct TrainingSet {
    vocabulary: Vocabulary,
    rows: Vec<Row>,
    entries: Vec<Entry>,
    row_of: HashMap<ContentHash, usize>,
    /// Labels, each numbered by its arrival.
    labels: BTreeMap<String, u32>,
    counts: RowCounts,
}

#[derive(Debug, Clone)]
struct Row {
    content: ContentHash,
    group: Group,
    label: u32,
    entries: Range<usize>,
}

/// What became of the rows that were offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct RowCounts {
    /// Distinct labelled rows.
    pub distinct: u64,
    /// Labelled rows that were seen before.
    pub duplicates: u64,
    /// Rows without a label, which are not learnt from.
    pub unlabelled: u64,
}

impl TrainingSet {
    /// An empty set that keeps the n-grams of a vocabulary.
    #[must_use]
    pub fn new(vocabulary: Vocabulary) -> Self {
        Self {
            vocabulary,
            rows: Vec::new(),
            entries: Vec::new(),
            row_of: HashMap::new(),
            labels: BTreeMap::new(),
            counts: RowCounts::default(),
        }
    }

    /// Adds rows. Of rows with the same content one is kept, under the least of their groups.
    ///
    /// # Errors
    /// [`TrainingError::TooManyRows`], [`TrainingError::TooManyIntents`] or [`TrainingError::TooMuchText`] at
    /// the bounds of a set; it is of no use afterwards.
    pub fn push(&mut self, rows: &[FeaturisedRow]) -> Result<(), TrainingError> {
        rows.iter().try_for_each(|row| self.push_row(row))
    }

    fn push_row(&mut self, row: &FeaturisedRow) -> Result<(), TrainingError> {
        let Some(label) = &row.label else {
            self.counts.unlabelled += 1;
            return Ok(());
        };
        if let Some(&known) = self.row_of.get(&row.content) {
            self.counts.duplicates += 1;
            let group = &mut self.rows[known].group;
            *group = row.group.min(*group);
            return Ok(());
        }
        if self.rows.len() == MAX_ROWS {
            return Err(TrainingError::TooManyRows);
        }
        let label = self.number(label)?;
        let start = self.entries.len();
        self.vocabulary.locate(&row.features, |position, count| self.entries.push(Entry { position, count }));
        if self.entries.len() > MAX_ENTRIES {
            return Err(TrainingError::TooMuchText);
        }
        self.counts.distinct += 1;
        self.row_of.insert(row.content, self.rows.len());
        self.rows.push(Row { content: row.content, group: row.group, label, entries: start..self.entries.len() });
        Ok(())
    }

    fn number(&mut self, label: &str) -> Result<u32, TrainingError> {
        if let Some(&number) = self.labels.get(label) {
            return Ok(number);
        }
        let intents = self.labels.keys().filter(|known| *known != OUT_OF_SCOPE_LABEL).count();
        if label != OUT_OF_SCOPE_LABEL && intents == MAX_INTENTS {
            return Err(TrainingError::TooManyIntents);
        }
        let number = u32::try_from(self.labels.len()).map_err(|_| TrainingError::TooManyIntents)?;
        self.labels.insert(label.to_owned(), number);
        Ok(number)
    }

    /// What became of the rows that were offered.
    #[must_use]
    pub fn counts(&self) -> RowCounts {
        self.counts
    }

    /// SHA-256, in hexadecimal, over the ascending content hashes of the rows.
    #[must_use]
    pub fn data_hash(&self) -> String {
        data_hash(&self.ascending())
    }

    fn ascending(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|row| row.content);
        rows
    }
}

fn data_hash(ascending: &[&Row]) -> String {
    let mut digest = Sha256::new();
    ascending.iter().for_each(|row| digest.update(row.content.as_bytes()));
    hex::encode(digest.finalize())
}

/// Which of the heads is being fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The evaluation twin.
    Evaluating,
    /// The parts of the cross-validation, where the hold-out is too small to calibrate.
    Calibrating,
    /// The model that is shipped.
    Fitting,
}

/// How far the work is, told after every epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being fitted.
    pub stage: Stage,
    /// Epochs done, over all stages.
    pub done: u32,
    /// Epochs in all.
    pub total: u32,
    /// Mean loss of the epoch just done, in nats.
    pub loss: f32,
}

/// What training gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The model to ship.
    pub model: Model,
    /// The twin's figures on the hold-out; `None` when no in-scope row could be held out.
    pub evaluation: Option<Evaluation>,
    /// Distinct rows that were held out, out-of-scope ones included.
    pub held_out: u64,
    /// What became of the rows that were offered.
    pub rows: RowCounts,
}

/// Evaluates the recipe, calibrates it and fits the model to ship.
///
/// `progress` is called after every epoch and stops the work by breaking.
///
/// # Errors
/// When a parameter is out of range, the rows are too few or have too little in common, or `progress` breaks.
pub fn fit(
    set: &TrainingSet,
    parameters: &Parameters,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Fitted, TrainingError> {
    parameters.validate()?;
    let curriculum = Curriculum::of(set)?;
    let everything: Vec<usize> = (0..curriculum.rows.len()).collect();
    let groups: Vec<_> = curriculum.rows.iter().map(|row| (row.group, row.class)).collect();
    let is_held_out = hold_out::split(&groups, parameters.hold_out_share);
    let (held_out, training): (Vec<usize>, Vec<usize>) = everything.iter().copied().partition(|&row| is_held_out[row]);
    let in_scope = held_out.iter().filter(|&&row| curriculum.is_in_scope(row)).count();
    let enough = in_scope >= CALIBRATION_ROWS;

    let twin_fits = u32::from(in_scope > 0);
    let fold_fits = if enough { 0 } else { FOLDS as u32 };
    let mut work = Work {
        curriculum: &curriculum,
        parameters,
        progress,
        done: 0,
        total: u32::from(parameters.epochs) * (twin_fits + fold_fits + 1),
    };

    let judged = match in_scope {
        0 => Vec::new(),
        _ => work.fit(Stage::Evaluating, &training)?.judge(&curriculum, held_out.iter().copied()),
    };
    let validated = if enough { None } else { Some(work.cross_validate(&training)?) };
    let calibrating = validated.as_ref().unwrap_or(&judged);
    let calibration = curriculum.calibrate(calibrating, parameters, |_| true);
    let evaluation = if enough {
        let halves =
            [0, 1].map(|half| curriculum.calibrate(calibrating, parameters, |group| hold_out::half(group) == half));
        curriculum.evaluate(&judged, |group| &halves[1 - hold_out::half(group)])
    } else {
        curriculum.evaluate(&judged, |_| &calibration)
    };
    let served = work.fit(Stage::Fitting, &everything)?;
    let manifest = Model::manifest_of(
        data_hash(&set.ascending()),
        set.counts.distinct,
        parameters.clone(),
        curriculum.intents.clone(),
        calibration,
    );
    Ok(Fitted {
        model: Model::new(manifest, set.vocabulary.clone(), served.weighting, served.head),
        evaluation,
        held_out: held_out.len() as u64,
        rows: set.counts,
    })
}

/// A training set in the order of learning, with labels as classes: intents ascending, the background last.
struct Curriculum<'set> {
    vocabulary: &'set Vocabulary,
    rows: Vec<Lesson<'set>>,
    intents: Vec<String>,
    background: bool,
}

struct Lesson<'set> {
    entries: &'set [Entry],
    group: Group,
    class: u32,
}

impl<'set> Curriculum<'set> {
    fn of(set: &'set TrainingSet) -> Result<Self, TrainingError> {
        let intents: Vec<String> = set.labels.keys().filter(|label| *label != OUT_OF_SCOPE_LABEL).cloned().collect();
        if intents.len() < MIN_INTENTS {
            return Err(TrainingError::TooFewIntents { found: intents.len() });
        }
        if set.rows.len() < MIN_ROWS {
            return Err(TrainingError::TooFewRows { found: set.rows.len() });
        }
        if set.vocabulary.is_empty() {
            return Err(TrainingError::NothingInCommon);
        }
        let mut class_of = vec![0; set.labels.len()];
        for (class, intent) in (0..).zip(&intents) {
            class_of[set.labels[intent] as usize] = class;
        }
        let background = set.labels.get(OUT_OF_SCOPE_LABEL);
        if let Some(&number) = background {
            class_of[number as usize] = intents.len() as u32;
        }
        let lesson = |row: &'set Row| Lesson {
            entries: &set.entries[row.entries.clone()],
            group: row.group,
            class: class_of[row.label as usize],
        };
        Ok(Self {
            vocabulary: &set.vocabulary,
            rows: set.ascending().into_iter().map(lesson).collect(),
            background: background.is_some(),
            intents,
        })
    }

    fn classes(&self) -> usize {
        self.intents.len() + usize::from(self.background)
    }

    fn is_in_scope(&self, row: usize) -> bool {
        (self.rows[row].class as usize) < self.intents.len()
    }

    /// The calibration that the verdicts on rows of some groups call for.
    fn calibrate(
        &self,
        judged: &[(usize, Verdict)],
        parameters: &Parameters,
        includes: impl Fn(Group) -> bool,
    ) -> Calibration {
        let unseen: Vec<Unseen<'_>> = judged
            .iter()
            .filter(|(row, _)| includes(self.rows[*row].group))
            .map(|(row, verdict)| Unseen { verdict, class: self.rows[*row].class })
            .collect();
        Calibration::fit(&unseen, self.background, parameters.out_of_scope_budget)
    }

    fn evaluate<'calibration>(
        &self,
        judged: &[(usize, Verdict)],
        calibration_for: impl Fn(Group) -> &'calibration Calibration,
    ) -> Option<Evaluation> {
        let uncalibrated = Calibration::none(self.background);
        let outcomes: Vec<Outcome<'_>> = judged
            .iter()
            .map(|(row, verdict)| {
                let lesson = &self.rows[*row];
                let judgement = calibration_for(lesson.group).judge(verdict);
                Outcome {
                    actual: self.intents.get(lesson.class as usize).map(String::as_str),
                    best: &self.intents[judgement.best],
                    out_of_scope: judgement.out_of_scope.is_some(),
                    confidence: judgement.confidence,
                    raw_confidence: uncalibrated.judge(verdict).confidence,
                }
            })
            .collect();
        Evaluation::of(&outcomes)
    }
}

/// A head with the weighting it was fitted with, as it would be served.
struct Served {
    weighting: Weighting,
    head: QuantisedHead,
}

impl Served {
    /// Rows with what the head says of them.
    fn judge(&self, curriculum: &Curriculum<'_>, rows: impl Iterator<Item = usize>) -> Vec<(usize, Verdict)> {
        let mut vector = Vec::new();
        rows.map(|row| {
            self.weighting.weigh(curriculum.rows[row].entries, &mut vector);
            (row, self.head.verdict(&vector))
        })
        .collect()
    }
}

/// The fits of one training, told to the caller epoch by epoch.
struct Work<'work> {
    curriculum: &'work Curriculum<'work>,
    parameters: &'work Parameters,
    progress: &'work mut dyn FnMut(Progress) -> ControlFlow<()>,
    done: u32,
    total: u32,
}

impl Work<'_> {
    fn fit(&mut self, stage: Stage, rows: &[usize]) -> Result<Served, TrainingError> {
        let lessons: Vec<_> =
            rows.iter().map(|&row| (self.curriculum.rows[row].entries, self.curriculum.rows[row].class)).collect();
        let weighting = Weighting::of(
            lessons.iter().map(|(entries, _)| *entries),
            self.curriculum.vocabulary,
            self.parameters.min_df,
        );
        let lessons = Lessons { rows: lessons, classes: self.curriculum.classes() };
        let head = Head::fit(&lessons, &weighting, self.parameters, |loss| {
            self.done += 1;
            (self.progress)(Progress { stage, done: self.done, total: self.total, loss })
        });
        let head = head.ok_or(TrainingError::Cancelled)?.quantise();
        Ok(Served { weighting, head })
    }

    /// Verdicts on rows by heads that have not seen them. Rows of a class that such a head knows nothing of are
    /// left out: they would teach mistrust of classes that the shipped model does know.
    fn cross_validate(&mut self, rows: &[usize]) -> Result<Vec<(usize, Verdict)>, TrainingError> {
        let curriculum = self.curriculum;
        let mut judged = Vec::with_capacity(rows.len());
        for part in 0..FOLDS {
            let (unseen, seen): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|&&row| hold_out::fold(curriculum.rows[row].group, FOLDS) == part);
            let mut taught = vec![false; curriculum.classes()];
            for &row in &seen {
                taught[curriculum.rows[row].class as usize] = true;
            }
            let unseen = unseen.into_iter().filter(|&row| taught[curriculum.rows[row].class as usize]);
            judged.extend(self.fit(Stage::Calibrating, &seen)?.judge(curriculum, unseen));
        }
        Ok(judged)
    }
}

#[cfg(test)]
mod tests;
