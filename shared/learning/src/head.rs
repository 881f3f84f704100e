//! The linear head: a softmax over weighted n-grams and embeddings, in two tiers.
//!
//! The *full* tier adds the sentence embedding to the n-grams, the *fast* tier the static one, which costs microseconds.
//! Both are fitted in the same visits and share the n-grams' weights, which are most of an artefact. Without an encoder
//! there is one tier, of n-grams alone.
//!
//! A text is the vector of its known n-grams, each weighing (1 + ln count) × inverse document frequency, and each
//! family scaled to length one (sub-linear tf–idf; Salton & Buckley 1988). The head is multinomial logistic
//! regression fitted by plain stochastic gradient descent, one row at a time, with a step that falls linearly to
//! zero and an L2 penalty (Bottou 2012, "Stochastic Gradient Descent Tricks"). Each visit sees a random part of the
//! row's n-grams (blankout noise; van der Maaten et al. 2013, "Learning with Marginalized Corrupted Features"), which
//! keeps the head from leaning on a single one and makes an epoch three times faster. Served weights are 8-bit.

use std::ops::ControlFlow;

use multiversion::multiversion;

use crate::{
    embedding::{Embedding, GLANCE_DIMENSIONS, Meaning},
    exponential::exp_of_negative,
    parameters::Parameters,
    vocabulary::Vocabulary,
};

/// Weights of a class row are padded to a multiple of this: two registers of AVX2, four of NEON.
const LANES: usize = 16;
/// Lanes whose sums stay in registers while many inputs are added.
const WIDE: usize = 4 * LANES;
/// Below this the decayed scale is folded into the weights, long before `f32` loses precision.
const SMALLEST_SCALE: f64 = 1e-4;

/// Chance of an n-gram to be seen in one visit of its row: two random bits. On splits of Banking77's training rows 0.2 to
/// 0.3 are alike, and about half a point better than seeing everything.
const SEEN: f32 = 0.25;
/// Chance of a dimension of an embedding to be seen in one visit, a random bit: as good as seeing all, and half the work.
const SEEN_DIMENSIONS: f32 = 0.5;
/// How much the fast tier has to say in the weights that both tiers share.
const FAST_SAY: f32 = 0.5;

/// A known n-gram and how often the row has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub position: u32,
    pub count: u16,
}

/// How much each n-gram says: its inverse document frequency, ln((1 + rows) / (1 + rows with it)) + 1, or 0 for
/// an n-gram that is left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weighting {
    pub inverse_document_frequency: Vec<f32>,
    pub first_character: u32,
}

impl Weighting {
    /// Counts the n-grams of the given rows only, so that a model measured on other rows knows nothing of them.
    pub(crate) fn of<'rows>(rows: impl Iterator<Item = &'rows [Entry]>, vocabulary: &Vocabulary, min_df: u32) -> Self {
        let mut rows_with = vec![0_u32; vocabulary.len()];
        let mut total = 0_u32;
        for row in rows {
            total += 1;
            for entry in row {
                rows_with[entry.position as usize] += 1;
            }
        }
        let weight = |with: u32| {
            if with < min_df {
                return 0.0;
            }
            (libm::log((1.0 + f64::from(total)) / (1.0 + f64::from(with))) + 1.0) as f32
        };
        Self {
            inverse_document_frequency: rows_with.into_iter().map(weight).collect(),
            first_character: vocabulary.first_character(),
        }
    }

    /// The vector of a row whose entries ascend by position, written over `vector`.
    pub(crate) fn weigh(&self, entries: &[Entry], vector: &mut Vec<(u32, f32)>) {
        let lengths = self.lengths(entries);
        vector.clear();
        self.weigh_some(entries, lengths, vector, || u64::MAX);
    }

    /// Lengths of the vectors of a row's words and characters before they are scaled to one.
    fn lengths(&self, entries: &[Entry]) -> [f32; 2] {
        let words = entries.partition_point(|entry| entry.position < self.first_character);
        let length = |family: &[Entry]| {
            let mut square = 0.0;
            for entry in family {
                let value = self.inverse_document_frequency[entry.position as usize] * sublinear(entry.count);
                square += value * value;
            }
            f32::sqrt(square)
        };
        [length(&entries[..words]), length(&entries[words..])]
    }

    /// Adds those n-grams of a row's vector that are seen: bit by bit for each 64 of them, so that no branch has to be
    /// guessed for each.
    #[inline(always)]
    fn weigh_some(
        &self,
        entries: &[Entry],
        [words, characters]: [f32; 2],
        vector: &mut Vec<(u32, f32)>,
        mut seen: impl FnMut() -> u64,
    ) {
        for entries in entries.chunks(64) {
            for_each_bit(seen(), entries.len(), |at| {
                let entry = entries[at];
                let weight = self.inverse_document_frequency[entry.position as usize];
                let length = if entry.position < self.first_character { words } else { characters };
                if weight > 0.0 {
                    vector.push((entry.position, weight * sublinear(entry.count) / length));
                }
            });
        }
    }
}

/// Calls `found` with the positions of set bits below `limit`.
#[inline(always)]
fn for_each_bit(bits: u64, limit: usize, mut found: impl FnMut(usize)) {
    let mut left = if limit < 64 { bits & ((1 << limit) - 1) } else { bits };
    while left != 0 {
        found(left.trailing_zeros() as usize);
        left &= left - 1;
    }
}

fn sublinear(count: u16) -> f32 {
    if count == 1 {
        return 1.0;
    }
    1.0 + libm::logf(f32::from(count))
}

/// A row to learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lesson<'rows> {
    pub entries: &'rows [Entry],
    /// What the encoder makes of it; every lesson has one, or none has.
    pub meaning: Option<&'rows Meaning>,
    pub class: u32,
}

/// Rows to learn from, and how many classes there are.
pub(crate) struct Lessons<'rows> {
    pub rows: Vec<Lesson<'rows>>,
    pub classes: usize,
}

/// How a head is fitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    seed: u64,
    epochs: u16,
    /// Step of the first update, falling linearly to zero.
    learning_rate: f64,
    l2: f64,
    /// Length of an embedding beside n-gram families of length one.
    embedding_weight: f32,
    /// Whether the names of intents teach.
    pub names_teach: bool,
}

impl Recipe {
    /// Whether so many rows are few for so many classes.
    pub(crate) const fn are_few(rows: usize, classes: usize) -> bool {
        rows < 40 * classes
    }

    /// The recipe for so many rows. With few of a class, n-grams are known by too few to be trusted as much as embeddings,
    /// and rows are visited more often in smaller steps; chosen on ten rows an intent, splits of the same training rows.
    pub(crate) fn of(rows: usize, classes: usize, parameters: &Parameters) -> Self {
        let many = Self {
            seed: parameters.seed,
            epochs: parameters.epochs,
            learning_rate: f64::from(parameters.learning_rate),
            l2: f64::from(parameters.l2),
            embedding_weight: 2.0,
            names_teach: false,
        };
        if !Self::are_few(rows, classes) {
            return many;
        }
        Self {
            epochs: 4 * many.epochs,
            learning_rate: many.learning_rate / 2.0,
            embedding_weight: 3.5,
            names_teach: true,
            ..many
        }
    }

    /// Passes over the rows.
    pub(crate) fn epochs(&self) -> u32 {
        u32::from(self.epochs)
    }
}

/// One tier being fitted: what it adds to the n-grams' say.
#[derive(Debug, Clone)]
struct Tier {
    /// Subtracted from an embedding before it is weighed.
    centre: Vec<f32>,
    /// Length of an embedding.
    weight: f32,
    /// One row of `stride` per dimension of the embedding; none for a head of n-grams alone.
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// The dimensions of the row at hand that are seen, weighed.
    input: Vec<(u32, f32)>,
    /// Logits, and then their gradient, of the row at hand.
    gradient: Vec<f32>,
}

impl Tier {
    fn of<const N: usize>(
        embeddings: impl Iterator<Item = impl AsRef<Embedding<N>>>,
        stride: usize,
        weight: f32,
    ) -> Self {
        let centre = centre(embeddings);
        Self {
            weight,
            weights: vec![0.0; centre.len() * stride],
            bias: vec![0.0; stride],
            input: Vec::with_capacity(N),
            gradient: vec![0.0; stride],
            centre,
        }
    }

    /// A tier without an embedding.
    fn of_ngrams(stride: usize) -> Self {
        Self {
            centre: Vec::new(),
            weight: 1.0,
            weights: Vec::new(),
            bias: vec![0.0; stride],
            input: Vec::new(),
            gradient: vec![0.0; stride],
        }
    }

    /// Takes up the embedding of the row at hand, a random part of its dimensions.
    #[inline(always)]
    fn look<const N: usize>(&mut self, embedding: &Embedding<N>, random: &mut SplitMix64) {
        self.input.clear();
        let weight = self.weight / SEEN_DIMENSIONS;
        for (start, values) in (0_usize..).step_by(64).zip(embedding.values().chunks(64)) {
            for_each_bit(random.next(), values.len(), |at| {
                let value = f32::from(values[at]) * embedding.scale() - self.centre[start + at];
                self.input.push(((start + at) as u32, weight * value));
            });
        }
    }

    /// One step: logits from the n-grams' say and the embedding, their gradient, and the step down it. Gives the loss.
    #[inline(always)]
    fn step(&mut self, ngrams: &[f32], class: u32, classes: usize, rate: f64, scale: f64) -> f64 {
        self.gradient.copy_from_slice(ngrams);
        gather(&mut self.gradient, &self.input, &self.weights);
        for (logit, bias) in self.gradient.iter_mut().zip(&self.bias) {
            *logit = *logit * scale as f32 + bias;
        }
        let loss = softmax_gradient(&mut self.gradient[..classes], class);
        self.gradient[classes..].fill(0.0);
        scatter(&mut self.weights, &self.input, (-rate / scale) as f32, &self.gradient);
        add_scaled(&mut self.bias, -rate as f32, &self.gradient);
        loss
    }
}

/// The mean embedding, summed in whole numbers of 2⁻²⁰ so that the order of rows cannot show.
fn centre<const N: usize>(embeddings: impl Iterator<Item = impl AsRef<Embedding<N>>>) -> Vec<f32> {
    const STEPS: f32 = (1 << 20) as f32;
    let mut sums = vec![0_i64; N];
    let mut count = 0_i64;
    for embedding in embeddings {
        let embedding = embedding.as_ref();
        count += 1;
        for (sum, value) in sums.iter_mut().zip(embedding.values()) {
            *sum += (f32::from(*value) * embedding.scale() * STEPS) as i64;
        }
    }
    sums.into_iter().map(|sum| (sum as f64 / (count.max(1) as f64 * f64::from(STEPS))) as f32).collect()
}

/// A whole embedding as it is served: its length is in the weights.
fn weigh_embedding<const N: usize>(embedding: &Embedding<N>, centre: &[f32], weighed: &mut [f32]) {
    for ((weighed, value), centre) in weighed.iter_mut().zip(embedding.values()).zip(centre) {
        *weighed = f32::from(*value) * embedding.scale() - centre;
    }
}

/// A head being fitted: n-grams, which both tiers share, and the tiers.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    classes: usize,
    /// `classes` rounded up to [`LANES`]: the stride of all weights.
    stride: usize,
    /// One row of `stride` per n-gram.
    ngrams: Vec<f32>,
    /// N-grams and the sentence embedding; of n-grams alone where there is no encoder.
    full: Tier,
    /// N-grams and the static embedding, where there is an encoder.
    fast: Option<Tier>,
}

impl Head {
    /// Fits a head. After each epoch `after_epoch` sees its mean loss in nats and may stop the work, which
    /// gives `None`.
    pub(crate) fn fit(
        lessons: &Lessons<'_>,
        weighting: &Weighting,
        recipe: &Recipe,
        mut after_epoch: impl FnMut(f32) -> ControlFlow<()>,
    ) -> Option<Self> {
        let mut head = Self::untaught(lessons, weighting, recipe.embedding_weight);
        let lengths: Vec<_> = lessons.rows.iter().map(|lesson| weighting.lengths(lesson.entries)).collect();
        let mut random = SplitMix64(recipe.seed);
        let mut order: Vec<usize> = (0..lessons.rows.len()).collect();
        let mut pace = Pace {
            rate: recipe.learning_rate,
            l2: recipe.l2,
            steps: f64::from(recipe.epochs) * order.len() as f64,
            step: 0.0,
            scale: 1.0,
        };
        for _ in 0..recipe.epochs {
            random.shuffle(&mut order);
            let loss = epoch(&mut head, lessons, weighting, &lengths, &order, &mut random, &mut pace);
            if after_epoch((loss / order.len().max(1) as f64) as f32).is_break() {
                return None;
            }
        }
        head.rescale(pace.scale);
        Some(head)
    }

    fn untaught(lessons: &Lessons<'_>, weighting: &Weighting, weight: f32) -> Self {
        let stride = lessons.classes.next_multiple_of(LANES);
        let meanings: Option<Vec<&Meaning>> = lessons.rows.iter().map(|lesson| lesson.meaning).collect();
        let (full, fast) = match &meanings {
            None => (Tier::of_ngrams(stride), None),
            Some(meanings) => (
                Tier::of(meanings.iter().map(|meaning| &meaning.sentence), stride, weight),
                Some(Tier::of(meanings.iter().map(|meaning| &meaning.glance), stride, weight)),
            ),
        };
        Self {
            classes: lessons.classes,
            stride,
            ngrams: vec![0.0; weighting.inverse_document_frequency.len() * stride],
            full,
            fast,
        }
    }

    fn rescale(&mut self, scale: f64) {
        let tiers = std::iter::once(&mut self.full).chain(&mut self.fast).flat_map(|tier| &mut tier.weights);
        self.ngrams.iter_mut().chain(tiers).for_each(|weight| *weight *= scale as f32);
    }

    /// The head as it is served: the weights of each input as 8-bit multiples of their greatest / 127.
    ///
    /// `intents` of its classes are intents; the rest are regions of the background.
    pub(crate) fn quantise(self, intents: usize) -> QuantisedHead {
        let (classes, stride) = (self.classes, self.stride);
        let tier = |mut tier: Tier| QuantisedTier {
            weights: {
                tier.weights.iter_mut().for_each(|weight| *weight *= tier.weight);
                QuantisedWeights::of(&tier.weights, classes, stride)
            },
            centre: tier.centre,
            bias: tier.bias[..classes].to_vec(),
        };
        QuantisedHead {
            intents,
            ngrams: QuantisedWeights::of(&self.ngrams, classes, stride),
            full: tier(self.full),
            fast: self.fast.map(tier),
        }
    }
}

/// How large the next step is.
struct Pace {
    rate: f64,
    l2: f64,
    steps: f64,
    step: f64,
    /// The weights in use are `scale` times those kept: the penalty then costs one multiplication a step.
    scale: f64,
}

/// Visits every row once and gives the sum of losses. Wider registers change the speed but no bit: lanes never mix, and
/// products are not fused into sums.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "x86_64+avx"))]
fn epoch(
    head: &mut Head,
    lessons: &Lessons<'_>,
    weighting: &Weighting,
    lengths: &[[f32; 2]],
    order: &[usize],
    random: &mut SplitMix64,
    pace: &mut Pace,
) -> f64 {
    let mut vector = Vec::new();
    let mut say = vec![0.0; head.stride];
    let mut gradient = vec![0.0; head.stride];
    let mut loss = 0.0;
    for &row in order {
        let lesson = lessons.rows[row];
        let rate = pace.rate * (1.0 - pace.step / pace.steps);
        pace.step += 1.0;
        vector.clear();
        weighting.weigh_some(lesson.entries, lengths[row], &mut vector, || random.next() & random.next());
        vector.iter_mut().for_each(|(_, value)| *value /= SEEN);
        say.fill(0.0);
        gather(&mut say, &vector, &head.ngrams);
        if let Some(meaning) = lesson.meaning {
            head.full.look(&meaning.sentence, random);
        }
        loss += head.full.step(&say, lesson.class, head.classes, rate, pace.scale);
        gradient.copy_from_slice(&head.full.gradient);
        if let (Some(fast), Some(meaning)) = (&mut head.fast, lesson.meaning) {
            fast.look(&meaning.glance, random);
            fast.step(&say, lesson.class, head.classes, rate, pace.scale);
            add_scaled(&mut gradient, FAST_SAY, &fast.gradient);
        }
        scatter(&mut head.ngrams, &vector, (-rate / pace.scale) as f32, &gradient);
        pace.scale *= 1.0 - rate * pace.l2;
        if pace.scale < SMALLEST_SCALE {
            head.rescale(pace.scale);
            pace.scale = 1.0;
        }
    }
    loss
}

/// Adds the weights of inputs, each times its value, to `sums`; rows of `weights` are as long as `sums`, a multiple of
/// [`LANES`]. By blocks, whose sums stay in registers.
#[inline(always)]
fn gather(sums: &mut [f32], inputs: &[(u32, f32)], weights: &[f32]) {
    let stride = sums.len();
    let mut start = 0;
    while start + WIDE <= stride {
        gather_block::<WIDE>(sums, start, inputs, weights);
        start += WIDE;
    }
    while start < stride {
        gather_block::<LANES>(sums, start, inputs, weights);
        start += LANES;
    }
}

#[inline(always)]
fn gather_block<const BLOCK: usize>(sums: &mut [f32], start: usize, inputs: &[(u32, f32)], weights: &[f32]) {
    let stride = sums.len();
    let mut kept = [0.0; BLOCK];
    for &(input, value) in inputs {
        let row = &weights[input as usize * stride + start..][..BLOCK];
        for lane in 0..BLOCK {
            kept[lane] += value * row[lane];
        }
    }
    add_scaled(&mut sums[start..start + BLOCK], 1.0, &kept);
}

/// Adds `step` times the gradient to the weights of inputs, each times its value.
#[inline(always)]
fn scatter(weights: &mut [f32], inputs: &[(u32, f32)], step: f32, gradient: &[f32]) {
    for &(input, value) in inputs {
        add_scaled(&mut weights[input as usize * gradient.len()..][..gradient.len()], step * value, gradient);
    }
}

/// `target += factor × source`, the inner loop of training. By index, because a zip would be a call for each n-gram:
/// where other crates are optimised for size, its code is shared with them instead of inlined here.
#[inline(always)]
fn add_scaled(target: &mut [f32], factor: f32, source: &[f32]) {
    let source = &source[..target.len()];
    for lane in 0..target.len() {
        target[lane] += factor * source[lane];
    }
}

/// Turns logits into the gradient of the loss with respect to them, and gives the loss in nats.
#[inline(always)]
fn softmax_gradient(logits: &mut [f32], class: u32) -> f64 {
    softmax(logits, 1.0);
    let target = &mut logits[class as usize];
    let loss = -libm::log(f64::from(*target).max(f64::MIN_POSITIVE));
    *target -= 1.0;
    loss
}

/// Turns logits divided by `temperature` into probabilities.
#[inline(always)]
pub(crate) fn softmax(logits: &mut [f32], temperature: f32) {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = exp_of_negative((*logit - greatest) / temperature);
    }
    for probability in logits.iter() {
        sum += probability;
    }
    logits.iter_mut().for_each(|logit| *logit /= sum);
}

/// Weights as they are stored and served.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct QuantisedWeights {
    /// What one step of a weight is worth, one per input.
    pub scales: Vec<f32>,
    /// One row of classes per input.
    pub weights: Vec<i8>,
}

impl QuantisedWeights {
    fn of(exact: &[f32], classes: usize, stride: usize) -> Self {
        let inputs = exact.len() / stride;
        let mut quantised = Self { scales: Vec::with_capacity(inputs), weights: Vec::with_capacity(inputs * classes) };
        for row in exact.chunks_exact(stride) {
            let row = &row[..classes];
            let greatest = row.iter().fold(0.0_f32, |greatest, weight| greatest.max(weight.abs()));
            let scale = greatest / f32::from(i8::MAX);
            quantised.scales.push(scale);
            let step = |weight: &f32| if scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
            quantised.weights.extend(row.iter().map(step));
        }
        quantised
    }

    #[inline]
    fn add(&self, logits: &mut [f32], input: usize, value: f32) {
        let factor = value * self.scales[input];
        let row = &self.weights[input * logits.len()..][..logits.len()];
        for (logit, weight) in logits.iter_mut().zip(row) {
            *logit += factor * f32::from(*weight);
        }
    }
}

/// What a tier adds to the n-grams' say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantisedTier {
    /// One per dimension of the embedding; none for a head of n-grams alone.
    pub centre: Vec<f32>,
    pub weights: QuantisedWeights,
    /// One per class.
    pub bias: Vec<f32>,
}

impl QuantisedTier {
    fn logits<const N: usize>(&self, ngrams: &[f32], embedding: Option<&Embedding<N>>) -> Vec<f32> {
        let mut logits: Vec<f32> = ngrams.iter().zip(&self.bias).map(|(say, bias)| say + bias).collect();
        if let Some(embedding) = embedding.filter(|_| self.centre.len() == N) {
            let mut input = [0.0; N];
            weigh_embedding(embedding, &self.centre, &mut input);
            for (dimension, value) in input.into_iter().enumerate() {
                self.weights.add(&mut logits, dimension, value);
            }
        }
        logits
    }
}

/// A head as it is stored and served.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantisedHead {
    /// Classes that are intents; those after them are regions of the background.
    pub intents: usize,
    pub ngrams: QuantisedWeights,
    pub full: QuantisedTier,
    pub fast: Option<QuantisedTier>,
}

impl QuantisedHead {
    /// Intents and regions of the background.
    pub(crate) fn classes(&self) -> usize {
        self.full.bias.len()
    }

    /// Regions of the background; 0 without one.
    pub(crate) fn regions(&self) -> usize {
        self.classes() - self.intents
    }

    /// What the n-grams of a message say, class by class: both tiers build on it.
    pub(crate) fn say(&self, vector: &[(u32, f32)]) -> Vec<f32> {
        let mut say = vec![0.0; self.classes()];
        for &(position, value) in vector {
            self.ngrams.add(&mut say, position as usize, value);
        }
        say
    }

    /// Logits of the intents and, after them, of the background as a whole.
    fn with_one_background(&self, mut logits: Vec<f32>) -> Vec<f32> {
        if self.regions() > 1 {
            let whole = log_sum_exp(&logits[self.intents..]);
            logits.truncate(self.intents);
            logits.push(whole);
        }
        logits
    }

    /// Logits of the fast tier; `None` for a head without one.
    pub(crate) fn fast(&self, say: &[f32], glance: &Embedding<GLANCE_DIMENSIONS>) -> Option<Vec<f32>> {
        self.fast.as_ref().map(|fast| self.with_one_background(fast.logits(say, Some(glance))))
    }

    /// Logits of the full tier.
    pub(crate) fn full(&self, say: &[f32], sentence: Option<&Embedding>) -> Vec<f32> {
        self.with_one_background(self.full.logits(say, sentence))
    }
}

fn log_sum_exp(logits: &[f32]) -> f32 {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    greatest + libm::logf(logits.iter().map(|logit| exp_of_negative(logit - greatest)).sum())
}

/// Sebastiano Vigna's SplitMix64 (Steele, Lea & Flood 2014): small, seeded, the same everywhere.
pub(crate) struct SplitMix64(pub u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, by multiplication (Lemire 2019); its bias of at most `limit` / 2⁶⁴ is of no matter.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        let limit = (f64::from(probability) * (1_u64 << 53) as f64) as u64;
        self.next() >> 11 < limit
    }

    /// Fisher–Yates.
    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(position: u32, count: u16) -> Entry {
        Entry { position, count }
    }

    fn weighting(features: usize, first_character: u32) -> Weighting {
        Weighting { inverse_document_frequency: vec![1.0; features], first_character }
    }

    #[test]
    fn each_family_has_length_one() {
        let mut vector = Vec::new();
        weighting(4, 2).weigh(&[entry(0, 1), entry(1, 5), entry(3, 2)], &mut vector);
        let length = |family: &[(u32, f32)]| family.iter().map(|(_, value)| value * value).sum::<f32>();
        assert!((length(&vector[..2]) - 1.0).abs() < 1e-6);
        assert_eq!(vector[2], (3, 1.0));
    }

    #[test]
    fn an_ngram_left_out_weighs_nothing() {
        let mut weighting = weighting(2, 2);
        weighting.inverse_document_frequency[0] = 0.0;
        let mut vector = Vec::new();
        weighting.weigh(&[entry(0, 1), entry(1, 1)], &mut vector);
        assert_eq!(vector, [(1, 1.0)]);
    }

    #[test]
    fn a_head_learns_what_tells_two_classes_apart_and_forgets_little_in_eight_bits() {
        let (first, second) = ([entry(0, 1), entry(2, 1)], [entry(1, 1), entry(2, 1)]);
        let lesson = |entries, class| Lesson { entries, meaning: None, class };
        let lessons = Lessons { rows: vec![lesson(&first[..], 0), lesson(&second[..], 1)], classes: 2 };
        let parameters = Parameters { epochs: 100, learning_rate: 1.0, ..Parameters::default() };
        let mut losses = Vec::new();
        let head = Head::fit(&lessons, &weighting(3, 3), &Recipe::of(2, 2, &parameters), |loss| {
            losses.push(loss);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(losses.last() < losses.first());
        let vector = [(0, 1.0)];
        let exact = head.ngrams[0] + head.full.bias[0];
        let served = head.quantise(2);
        let logits = served.full(&served.say(&vector), None);
        assert!(logits[0] > logits[1] + 1.0);
        assert!((logits[0] - exact).abs() < 0.02 * exact.abs());
    }

    #[test]
    fn where_words_say_nothing_the_embedding_tells_classes_apart_in_both_tiers() {
        let meaning = |sign: i8| Meaning {
            glance: Embedding::from_values(std::array::from_fn(|at| if at < 8 { sign * 50 } else { 1 })),
            sentence: Embedding::from_values(std::array::from_fn(|at| if at % 2 == 0 { sign * 50 } else { 20 })),
            middle: Embedding::from_values([1; 384]),
        };
        let (first, second, same) = (meaning(1), meaning(-1), [entry(0, 1)]);
        let lesson = |meaning, class| Lesson { entries: &same[..], meaning: Some(meaning), class };
        let lessons = Lessons { rows: vec![lesson(&first, 0), lesson(&second, 1)], classes: 2 };
        let parameters = Parameters { epochs: 50, ..Parameters::default() };
        let recipe = Recipe::of(2, 2, &parameters);
        let head = Head::fit(&lessons, &weighting(1, 1), &recipe, |_| ControlFlow::Continue(())).unwrap().quantise(2);
        for (meaning, right) in [(&first, 0), (&second, 1)] {
            let say = head.say(&[(0, 1.0)]);
            for logits in [head.full(&say, Some(&meaning.sentence)), head.fast(&say, &meaning.glance).unwrap()] {
                assert!(logits[right] > logits[1 - right] + 1.0, "{logits:?}");
            }
        }
    }

    #[test]
    fn work_stops_when_it_is_told_to() {
        let row = [entry(0, 1)];
        let lessons = Lessons { rows: vec![Lesson { entries: &row[..], meaning: None, class: 0 }], classes: 2 };
        let recipe = Recipe::of(1, 2, &Parameters::default());
        let stopped = Head::fit(&lessons, &weighting(1, 1), &recipe, |_| ControlFlow::Break(()));
        assert!(stopped.is_none());
    }

    proptest! {
        #[test]
        fn probabilities_add_up_whatever_the_logits(
            mut logits in prop::collection::vec(-1e4_f32..1e4, 1..50),
            temperature in 0.05_f32..20.0,
        ) {
            softmax(&mut logits, temperature);
            prop_assert!((logits.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            prop_assert!(logits.iter().all(|probability| (0.0..=1.0).contains(probability)));
        }

        #[test]
        fn bits_are_found_in_order_and_below_the_limit(bits in any::<u64>(), limit in 0_usize..=64) {
            let mut found = Vec::new();
            for_each_bit(bits, limit, |at| found.push(at));
            let expected: Vec<usize> = (0..limit).filter(|at| bits >> at & 1 == 1).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_shuffle_keeps_every_row(length in 0_usize..200, seed in any::<u64>()) {
            let mut order: Vec<usize> = (0..length).collect();
            SplitMix64(seed).shuffle(&mut order);
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..length));
        }
    }
}
