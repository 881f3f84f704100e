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
    sync::atomic::{AtomicU32, Ordering},
};

use romashka_encoder::Encoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    OUT_OF_SCOPE_LABEL,
    batch::{self, Batch, FeaturisedRow},
    calibration::{Calibration, Judgement, Tier, Unseen, Verdict},
    content::{ContentHash, Group, normalise},
    doctor::{self, DoctorError, Findings, Side, Specimen},
    embedding::Meaning,
    evaluation::{Confusion, Evaluation, Outcome},
    features::{FeatureCounts, extract_normalised},
    head::{Entry, Head, Lesson, Lessons, Recipe, Weighting},
    hold_out,
    memory::{Memory, Rotation},
    model::{Body, Model},
    names,
    parameters::{ParameterError, Parameters},
    regions::regions,
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
/// Intents beyond which names do not teach: encoding them would take as long as learning.
pub const MAX_NAMES: usize = 500;
/// In-scope rows that calibrate by themselves.
pub const CALIBRATION_ROWS: usize = 200;

const FOLDS: u64 = 5;
/// Held-out rows that are judged.
const MAX_JUDGED: usize = 10_000;
/// Held-out rows times classes that are judged.
const MAX_JUDGED_CLASSES: usize = 8_000_000;

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

impl TrainingError {
    /// Whether there is just too little to tell intents apart by, as in an FAQ whose questions nobody labelled.
    #[must_use]
    pub fn is_too_little(&self) -> bool {
        matches!(self, Self::TooFewIntents { .. } | Self::TooFewRows { .. } | Self::NothingInCommon)
    }
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
    encoder: EncoderSeen,
    hold_out_share: f32,
    row_of: HashMap<ContentHash, usize>,
    /// Labels, each numbered by its arrival.
    labels: BTreeMap<String, u32>,
    names: Vec<Name>,
    counts: RowCounts,
}

/// What an intent's name says.
#[derive(Debug, Clone)]
struct Name {
    label: u32,
    entries: Range<usize>,
    meaning: Option<Meaning>,
}

#[derive(Debug, Clone)]
struct Row {
    content: ContentHash,
    text: ContentHash,
    group: Group,
    label: u32,
    entries: Range<usize>,
    meaning: Option<Meaning>,
    characters: u32,
    /// Its n-grams as they came, where the row may be held out: other versions know other n-grams.
    features: Option<FeatureCounts>,
    /// Batch and position within it, of the least among equal rows.
    origin: (u32, u32),
}

/// Which encoder read the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EncoderSeen {
    NoRowsYet,
    Same(String),
    /// No encoder, or not the same for all rows.
    None,
}

impl EncoderSeen {
    fn and(self, other: Option<&str>) -> Self {
        match (self, other) {
            (Self::NoRowsYet, Some(encoder)) => Self::Same(encoder.to_owned()),
            (Self::Same(encoder), Some(other)) if encoder == other => Self::Same(encoder),
            _ => Self::None,
        }
    }
}

/// Where a row came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Identity of the row.
    pub content: ContentHash,
    /// Identity of its text.
    pub text: ContentHash,
    /// The batch.
    pub batch: u32,
    /// Its position in the batch.
    pub position: u32,
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
    pub fn new(vocabulary: Vocabulary, parameters: &Parameters) -> Self {
        Self {
            vocabulary,
            rows: Vec::new(),
            entries: Vec::new(),
            encoder: EncoderSeen::NoRowsYet,
            hold_out_share: parameters.hold_out_share,
            row_of: HashMap::new(),
            labels: BTreeMap::new(),
            names: Vec::new(),
            counts: RowCounts::default(),
        }
    }

    /// Lets the names of the intents teach as well where rows are few, once all batches are in. Where an encoder read the
    /// rows, it must be given again; without it, names say nothing.
    pub fn teach_names(&mut self, encoder: Option<&Encoder>) {
        if !Recipe::are_few(self.rows.len(), self.labels.len()) {
            return;
        }
        let known: Vec<(u32, String)> = self
            .labels
            .iter()
            .filter(|(label, _)| *label != OUT_OF_SCOPE_LABEL)
            .filter_map(|(label, number)| Some((*number, normalise(&names::words(label)?))))
            .collect();
        let texts: Vec<&str> = known.iter().map(|(_, text)| text.as_str()).collect();
        if texts.len() > MAX_NAMES {
            return;
        }
        let meanings: Vec<Option<Meaning>> = match (self.encoder(), encoder) {
            (None, _) => vec![None; texts.len()],
            (Some(id), Some(encoder)) if encoder.id() == id => {
                Meaning::of(encoder, &texts).into_iter().map(Some).collect()
            }
            (Some(_), _) => return,
        };
        self.names.clear();
        for ((label, text), meaning) in known.iter().zip(meanings) {
            let start = self.entries.len();
            let features = extract_normalised(text);
            self.vocabulary.locate(&features, |position, count| self.entries.push(Entry { position, count }));
            self.names.push(Name { label: *label, entries: start..self.entries.len(), meaning });
        }
    }

    /// Adds a batch under its number. Of rows with the same content one is kept, under the least of their groups.
    ///
    /// # Errors
    /// [`TrainingError::TooManyRows`], [`TrainingError::TooManyIntents`] or [`TrainingError::TooMuchText`] at
    /// the bounds of a set; it is of no use afterwards.
    pub fn push(&mut self, number: u32, batch: Batch) -> Result<(), TrainingError> {
        if batch.rows.is_empty() {
            return Ok(());
        }
        let seen = std::mem::replace(&mut self.encoder, EncoderSeen::None);
        self.encoder = seen.and(batch.encoder.as_deref());
        (0..).zip(batch.rows).try_for_each(|(position, row)| self.push_row((number, position), row))
    }

    fn push_row(&mut self, origin: (u32, u32), row: FeaturisedRow) -> Result<(), TrainingError> {
        let Some(label) = &row.label else {
            self.counts.unlabelled += 1;
            return Ok(());
        };
        if let Some(&known) = self.row_of.get(&row.content) {
            self.counts.duplicates += 1;
            let known = &mut self.rows[known];
            known.group = row.group.min(known.group);
            known.origin = origin.min(known.origin);
            if known.features.is_none() && hold_out::contains(known.group, self.hold_out_share) {
                known.features = Some(row.features);
            }
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
        self.rows.push(Row {
            content: row.content,
            text: row.text,
            group: row.group,
            label,
            entries: start..self.entries.len(),
            meaning: row.meaning,
            characters: row.characters,
            features: hold_out::contains(row.group, self.hold_out_share).then_some(row.features),
            origin,
        });
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
        data_hash(self.ascending().into_iter().map(|row| row.content))
    }

    /// Identity of the encoder that read every row; `None` where there was none for some.
    #[must_use]
    pub fn encoder(&self) -> Option<&str> {
        match &self.encoder {
            EncoderSeen::Same(encoder) => Some(encoder),
            EncoderSeen::NoRowsYet | EncoderSeen::None => None,
        }
    }

    /// What is wrong with the rows; `confusions` of an evaluation help to suggest merges.
    ///
    /// # Errors
    /// None in practice: a training set has no more rows than are examined at once.
    pub fn findings(&self, confusions: &[Confusion]) -> Result<Findings, DoctorError> {
        let label_of: HashMap<u32, &str> =
            self.labels.iter().map(|(label, number)| (*number, label.as_str())).collect();
        let rows = self.ascending();
        let groups: Vec<_> = rows.iter().map(|row| (row.group, row.label)).collect();
        let held_out = hold_out::split(&groups, self.hold_out_share);
        let specimens: Vec<Specimen<'_>> = rows
            .iter()
            .zip(held_out)
            .map(|(row, held_out)| Specimen {
                text: row.text,
                content: row.content,
                label: label_of.get(&row.label).copied().unwrap_or_default(),
                side: if held_out { Side::HeldOut } else { Side::Training },
                embedding: row.meaning.as_ref().map(|meaning| &meaning.sentence),
            })
            .collect();
        doctor::examine(&specimens, confusions)
    }

    /// The batch in which each text came, and its position there, in the order of content.
    pub fn origins(&self) -> impl Iterator<Item = Origin> {
        self.ascending().into_iter().map(|row| Origin {
            content: row.content,
            text: row.text,
            batch: row.origin.0,
            position: row.origin.1,
        })
    }

    /// A row as it came, if its n-grams were kept.
    fn row(&self, content: ContentHash) -> Option<FeaturisedRow> {
        let row = &self.rows[*self.row_of.get(&content)?];
        let label = self.labels.iter().find(|(_, number)| **number == row.label)?.0;
        Some(FeaturisedRow {
            content,
            text: row.text,
            group: row.group,
            label: Some(label.clone()),
            characters: row.characters,
            features: row.features.clone()?,
            meaning: row.meaning.clone().filter(|_| self.encoder().is_some()),
        })
    }

    fn ascending(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|row| row.content);
        rows
    }
}

fn data_hash(ascending: impl Iterator<Item = ContentHash>) -> String {
    let mut digest = Sha256::new();
    ascending.for_each(|content| digest.update(content.as_bytes()));
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

/// What the twin said of a row that was held out.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Batch and position within it.
    pub origin: (u32, u32),
    /// The row's intent; `None` when it is labelled as out of scope.
    pub actual: Option<String>,
    /// The most likely intent.
    pub best: String,
    /// Whether it was judged out of scope.
    pub out_of_scope: bool,
    /// Calibrated probability of `best`.
    pub confidence: f32,
    /// Probability of `best` before calibration.
    pub raw_confidence: f32,
    /// The full tier's familiarity, which out-of-scope thresholds are compared with.
    pub familiarity: f32,
}

impl Measured {
    fn outcome(&self, tier: Tier) -> Outcome<'_> {
        Outcome {
            actual: self.actual.as_deref(),
            best: &self.best,
            out_of_scope: self.out_of_scope,
            confidence: self.confidence,
            raw_confidence: self.raw_confidence,
            tier,
        }
    }
}

/// What training gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The model to ship.
    pub model: Model,
    /// The evaluation twin: the same recipe, taught by the training side only. What later versions are compared with.
    pub twin: Model,
    /// The rows that neither taught nor will teach a twin, in the order of their content.
    pub held_out_rows: Vec<FeaturisedRow>,
    /// What the twin said of rows of the hold-out, in the order of their content.
    pub measured: Vec<Measured>,
    /// The twin's figures on the hold-out; `None` when no in-scope row could be held out.
    pub evaluation: Option<Evaluation>,
    /// Distinct rows that were held out, out-of-scope ones included.
    pub held_out: u64,
    /// What became of the rows that were offered.
    pub rows: RowCounts,
}

/// Evaluates the recipe, calibrates it and fits the model to ship.
///
/// The evaluated head and the shipped one are fitted side by side on two threads; each by itself is a matter of one.
/// `progress` is called after every epoch of either and stops the work by breaking.
///
/// # Errors
/// When a parameter is out of range, the rows are too few or have too little in common, or `progress` breaks.
pub fn fit(
    set: &TrainingSet,
    parameters: &Parameters,
    progress: &(dyn Fn(Progress) -> ControlFlow<()> + Sync),
) -> Result<Fitted, TrainingError> {
    parameters.validate()?;
    let curriculum = Curriculum::of(set)?;
    let everything: Vec<usize> = (0..curriculum.rows.len()).collect();
    let groups: Vec<_> = curriculum.rows.iter().map(|row| (row.group, row.lesson.class)).collect();
    let is_held_out = hold_out::split(&groups, parameters.hold_out_share);
    let (held_out, training): (Vec<usize>, Vec<usize>) = everything.iter().copied().partition(|&row| is_held_out[row]);
    let in_scope = held_out.iter().filter(|&&row| curriculum.is_in_scope(row)).count();
    let enough = in_scope >= CALIBRATION_ROWS;

    let recipe = Recipe::of(curriculum.rows.len(), curriculum.classes(), parameters);
    let fits = 2 + if enough { 0 } else { FOLDS as u32 };
    let work = Work {
        curriculum: &curriculum,
        parameters,
        progress,
        done: AtomicU32::new(0),
        total: recipe.epochs() * fits,
        recipe,
    };
    let measure_twin = || -> Result<_, TrainingError> {
        let twin = work.fit(Stage::Evaluating, &training)?;
        let judged = twin.judge(&curriculum, held_out.iter().copied().take(curriculum.most_judged()));
        let validated = if enough { None } else { Some(work.cross_validate(&training)?) };
        Ok((twin, judged, validated))
    };
    let (twin, shipped) = side_by_side(measure_twin, || work.fit(Stage::Fitting, &everything));
    let ((twin, judged, validated), shipped) = (twin?, shipped?);

    let calibrating = validated.as_ref().unwrap_or(&judged);
    let halves_of =
        || [0, 1].map(|half| curriculum.calibrate(calibrating, parameters, |group| hold_out::half(group) == half));
    let (calibration, halves) =
        side_by_side(|| curriculum.calibrate(calibrating, parameters, |_| true), || enough.then(halves_of));
    let (evaluation, measured) = if let Some(halves) = halves {
        curriculum.measure(&judged, parameters, |group| &halves[1 - hold_out::half(group)])
    } else {
        curriculum.measure(&judged, parameters, |_| &calibration)
    };
    let model_of = |body: Body, rows: &[usize]| {
        let hashes = rows.iter().map(|row| curriculum.rows[*row].content);
        let manifest = Model::manifest_of(
            data_hash(hashes),
            rows.len() as u64,
            parameters.clone(),
            curriculum.encoder.clone(),
            curriculum.intents.clone(),
            body.head.regions(),
            calibration.clone(),
        );
        Model::new(manifest, set.vocabulary.clone(), body)
    };
    Ok(Fitted {
        model: model_of(shipped, &everything),
        twin: model_of(twin, &training),
        held_out_rows: held_out
            .iter()
            .take(batch::MAX_ROWS)
            .filter_map(|row| set.row(curriculum.rows[*row].content))
            .collect(),
        measured,
        evaluation,
        held_out: held_out.len() as u64,
        rows: set.counts,
    })
}

/// Does two things at once, each on a thread. A panic of either goes on in this one.
fn side_by_side<A, B: Send>(here: impl FnOnce() -> A, there: impl FnOnce() -> B + Send) -> (A, B) {
    std::thread::scope(|scope| {
        let there = scope.spawn(there);
        (here(), there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A training set in the order of learning, with labels as classes: intents ascending, the background last.
struct Curriculum<'set> {
    vocabulary: &'set Vocabulary,
    rows: Vec<Taught<'set>>,
    /// Taught where rows are few.
    names: Vec<Lesson<'set>>,
    intents: Vec<String>,
    background: bool,
    /// The encoder that read every row.
    encoder: Option<String>,
}

struct Taught<'set> {
    content: ContentHash,
    origin: (u32, u32),
    group: Group,
    lesson: Lesson<'set>,
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
        let encoder = set.encoder().map(str::to_owned);
        let taught = |row: &'set Row| Taught {
            content: row.content,
            origin: row.origin,
            group: row.group,
            lesson: Lesson {
                entries: &set.entries[row.entries.clone()],
                meaning: row.meaning.as_ref().filter(|_| encoder.is_some()),
                class: class_of[row.label as usize],
            },
        };
        let named = |name: &'set Name| Lesson {
            entries: &set.entries[name.entries.clone()],
            meaning: name.meaning.as_ref(),
            class: class_of[name.label as usize],
        };
        Ok(Self {
            vocabulary: &set.vocabulary,
            names: set.names.iter().map(named).collect(),
            rows: set.ascending().into_iter().map(taught).collect(),
            background: background.is_some(),
            intents,
            encoder,
        })
    }

    fn classes(&self) -> usize {
        self.intents.len() + usize::from(self.background)
    }

    /// Gives each region of the background a class of its own. The classes there are then.
    fn divide_background(&self, lessons: &mut [Lesson<'_>]) -> usize {
        let intents = self.intents.len();
        let mut background: Vec<_> = lessons.iter_mut().filter(|lesson| lesson.class as usize == intents).collect();
        let meanings: Option<Vec<_>> =
            background.iter().map(|lesson| lesson.meaning.map(|meaning| &meaning.sentence)).collect();
        let Some(meanings) = meanings.filter(|_| self.background) else { return self.classes() };
        let (region_of, regions) = regions(&meanings);
        background.iter_mut().zip(region_of).for_each(|(lesson, region)| lesson.class += region);
        intents + regions
    }

    /// Held-out rows that are judged: so many that what is said of each class by each still fits the memory.
    fn most_judged(&self) -> usize {
        (MAX_JUDGED_CLASSES / self.classes()).min(MAX_JUDGED)
    }

    fn is_in_scope(&self, row: usize) -> bool {
        (self.rows[row].lesson.class as usize) < self.intents.len()
    }

    /// The calibration that what was said of rows of some groups calls for.
    fn calibrate(&self, judged: &[Judged], parameters: &Parameters, includes: impl Fn(Group) -> bool) -> Calibration {
        let unseen: Vec<Unseen<'_>> = judged
            .iter()
            .filter(|judged| includes(self.rows[judged.row].group))
            .map(|judged| Unseen {
                verdict: &judged.verdict,
                fast: judged.fast.as_deref(),
                class: self.rows[judged.row].lesson.class,
            })
            .collect();
        Calibration::fit(&unseen, self.background, parameters.budget(self.background))
    }

    /// What was said of rows, judged by the calibration for each one's group.
    fn measure<'calibration>(
        &self,
        judged: &[Judged],
        parameters: &Parameters,
        calibration_for: impl Fn(Group) -> &'calibration Calibration,
    ) -> (Option<Evaluation>, Vec<Measured>) {
        let uncalibrated = Calibration::none(self.background);
        let budget = parameters.budget(self.background);
        let mut measured = Vec::with_capacity(judged.len());
        let mut tiers = Vec::with_capacity(judged.len());
        for said in judged {
            let taught = &self.rows[said.row];
            let calibration = calibration_for(taught.group);
            let judgement = said.judgement(calibration, budget);
            tiers.push(judgement.tier);
            measured.push(Measured {
                origin: taught.origin,
                actual: self.intents.get(taught.lesson.class as usize).cloned(),
                best: self.intents[judgement.best].clone(),
                out_of_scope: judgement.out_of_scope.is_some(),
                confidence: judgement.confidence,
                raw_confidence: uncalibrated.judge(&said.verdict, 0.0).confidence,
                familiarity: calibration.judge(&said.verdict, budget).score,
            });
        }
        let outcomes: Vec<Outcome<'_>> = measured.iter().zip(tiers).map(|(row, tier)| row.outcome(tier)).collect();
        (Evaluation::of(&outcomes), measured)
    }
}

/// What a body says of a row it has not seen.
struct Judged {
    row: usize,
    verdict: Verdict,
    fast: Option<Vec<f32>>,
}

impl Judged {
    fn judgement(&self, calibration: &Calibration, budget: f32) -> Judgement {
        let fast = self.fast.as_ref().and_then(|logits| calibration.judge_fast(logits));
        fast.unwrap_or_else(|| calibration.judge(&self.verdict, budget))
    }
}

impl Body {
    fn judge(&self, curriculum: &Curriculum<'_>, rows: impl Iterator<Item = usize>) -> Vec<Judged> {
        let judge = |row: usize| {
            let Lesson { entries, meaning, .. } = curriculum.rows[row].lesson;
            let say = self.say(entries);
            Judged {
                row,
                fast: meaning.and_then(|meaning| self.head.fast(&say.logits, &meaning.glance)),
                verdict: self.verdict(&say, meaning),
            }
        };
        let rows: Vec<usize> = rows.collect();
        let (first, second) = rows.split_at(rows.len() / 2);
        let judge_all = |rows: &[usize]| rows.iter().copied().map(judge).collect::<Vec<_>>();
        let (mut judged, rest) = side_by_side(|| judge_all(first), || judge_all(second));
        judged.extend(rest);
        judged
    }
}

/// The fits of one training, told to the caller epoch by epoch.
struct Work<'work> {
    curriculum: &'work Curriculum<'work>,
    parameters: &'work Parameters,
    /// The same for all fits: a twin is the shipped model's.
    recipe: Recipe,
    progress: &'work (dyn Fn(Progress) -> ControlFlow<()> + Sync),
    done: AtomicU32,
    total: u32,
}

impl Work<'_> {
    fn fit(&self, stage: Stage, rows: &[usize]) -> Result<Body, TrainingError> {
        let mut lessons: Vec<_> = rows.iter().map(|&row| self.curriculum.rows[row].lesson).collect();
        let weighting = Weighting::of(
            lessons.iter().map(|lesson| lesson.entries),
            self.curriculum.vocabulary,
            self.parameters.min_df,
        );
        let remembered: Option<Vec<_>> = lessons.iter().map(|lesson| Some((lesson.meaning?, lesson.class))).collect();
        let memory = remembered.map(|rows| Memory::of(&rows, self.curriculum.classes()));
        let classes = self.curriculum.divide_background(&mut lessons);
        let mut lessons = Lessons { rows: lessons, classes };
        if self.recipe.names_teach {
            lessons.rows.extend_from_slice(&self.curriculum.names);
        }
        let head = Head::fit(&lessons, &weighting, &self.recipe, |loss| {
            let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
            (self.progress)(Progress { stage, done, total: self.total, loss })
        });
        Ok(Body {
            weighting,
            head: head.ok_or(TrainingError::Cancelled)?.quantise(self.curriculum.intents.len()),
            memory,
            rotation: Rotation::new(),
        })
    }

    /// What heads say of rows that they have not seen. Rows of a class that such a head knows nothing of are left
    /// out: they would teach mistrust of classes that the shipped model does know.
    fn cross_validate(&self, rows: &[usize]) -> Result<Vec<Judged>, TrainingError> {
        let curriculum = self.curriculum;
        let mut judged = Vec::with_capacity(rows.len());
        for part in 0..FOLDS {
            let (unseen, seen): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|&&row| hold_out::fold(curriculum.rows[row].group, FOLDS) == part);
            let mut taught = vec![false; curriculum.classes()];
            for &row in &seen {
                taught[curriculum.rows[row].lesson.class as usize] = true;
            }
            let unseen = unseen.into_iter().filter(|&row| taught[curriculum.rows[row].lesson.class as usize]);
            judged.extend(self.fit(Stage::Calibrating, &seen)?.judge(curriculum, unseen));
        }
        Ok(judged)
    }
}

#[cfg(test)]
mod tests;
